"""The queue in front of the database: turns, log contexts, and cancellation.

test_guest.py tests that the database gets no more questions than there are turns.
"""

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from synapse.logging.context import (  # type: ignore[attr-defined]
    LoggingContext,
    PreserveLoggingContext,
    current_context,
)
from synapse.module_api import make_deferred_yieldable, run_in_background
from twisted.internet.defer import CancelledError, Deferred

from media_stats_module.storage.errors import QueueFullError
from media_stats_module.storage.lanes import Lane
from media_stats_module.storage.shared_database import _Running


class Question:
    """A question in a lane, with the log context of its request.

    Attributes:
        contexts: the names of the log contexts that it has run in.
        has_begun: whether its turn has come.
        outcome: the answer or the error at its end; None until then.
    """

    def __init__(self, lane: Lane, name: str) -> None:
        self.contexts: list[str] = []
        self.has_begun = False
        self.outcome: object = None
        self._answer: Deferred[str] = Deferred()
        with PreserveLoggingContext(_log_context(name)):
            self._asked = run_in_background(self._ask, lane)

    def answer(self, outcome: str | Exception = "answer") -> None:
        """Let the database answer, or fail."""
        with PreserveLoggingContext():
            if isinstance(outcome, Exception):
                self._answer.errback(outcome)
            else:
                self._answer.callback(outcome)

    def hang_up(self) -> None:
        """Let the client hang up."""
        with PreserveLoggingContext():
            self._asked.cancel()

    async def _ask(self, lane: Lane) -> None:
        try:
            self.outcome = await lane.run(self._read)
        except (Exception, CancelledError) as error:
            self.outcome = error
        self.contexts.append(str(current_context()))

    async def _read(self) -> str:
        self.has_begun = True
        self.contexts.append(str(current_context()))
        return await make_deferred_yieldable(self._answer)


def _log_context(name: str) -> LoggingContext:
    try:
        return LoggingContext(name=name, server_name="test")
    except TypeError:
        # Older versions of Synapse do not ask for the server.
        return LoggingContext(name)  # type: ignore[call-arg]


def begun(questions: Sequence[Question]) -> list[bool]:
    return [question.has_begun for question in questions]


@pytest.mark.parametrize("outcome", ["answer", ZeroDivisionError()])
def test_the_next_one_begins(outcome: str | Exception) -> None:
    """Whether the database answers or fails."""
    lane = Lane(2, most_waiting=30)
    questions = [Question(lane, str(number)) for number in range(4)]
    assert begun(questions) == [True, True, False, False]
    questions[1].answer(outcome)
    assert questions[1].outcome is outcome
    assert begun(questions) == [True, True, True, False]
    questions[0].answer(outcome)
    assert begun(questions) == [True] * 4


def test_one_that_hangs_up_while_it_runs() -> None:
    lane = Lane(1, most_waiting=30)
    first, second = Question(lane, "first"), Question(lane, "second")
    first.hang_up()
    assert isinstance(first.outcome, CancelledError)
    assert second.has_begun


def test_one_that_hangs_up_while_it_waits() -> None:
    """It leaves the queue at once, and makes room."""
    lane = Lane(1, most_waiting=2)
    first, second, third = (Question(lane, name) for name in ("1st", "2nd", "3rd"))
    second.hang_up()
    assert isinstance(second.outcome, CancelledError)
    fourth = Question(lane, "4th")
    assert fourth.outcome is None
    first.answer()
    assert begun([second, third, fourth]) == [False, True, False]
    third.answer()
    assert fourth.has_begun


def test_too_many() -> None:
    lane = Lane(1, most_waiting=2)
    questions = [Question(lane, str(number)) for number in range(4)]
    assert isinstance(questions[3].outcome, QueueFullError)
    assert [question.outcome for question in questions[:3]] == [None] * 3
    questions[0].answer()
    assert Question(lane, "later").outcome is None


def test_log_contexts() -> None:
    """Each question is logged under its own request, not under the one before it."""
    lane = Lane(1, most_waiting=30)
    nobody = current_context()
    questions = [Question(lane, str(number)) for number in range(5)]
    assert current_context() is nobody
    questions[1].hang_up()
    questions[3].hang_up()
    for question in (questions[0], questions[2], questions[4]):
        question.answer()
        assert current_context() is nobody
    assert [question.contexts for question in questions] == [
        ["0", "0"],
        ["1"],
        ["2", "2"],
        ["3"],
        ["4", "4"],
    ]


@pytest.mark.filterwarnings("error")
def test_a_cancellation_that_fails_is_tried_again() -> None:
    """It connects to PostgreSQL once more, which can refuse that."""
    running = _Running(timeout=1_000)
    tried: list[bool] = []
    is_cancelled = threading.Event()

    def cancel() -> None:
        tried.append(True)
        if len(tried) < 3:
            raise psycopg2.OperationalError("PQcancel() -- connect() failed")
        is_cancelled.set()

    connection = SimpleNamespace(cancel=cancel, Error=psycopg2.Error)
    txn: Any = SimpleNamespace(
        execute=lambda *args: None,
        txn=SimpleNamespace(connection=connection),
        database_engine=SimpleNamespace(module=psycopg2),
    )
    with running.on_postgres(txn):
        running.cancel()
        assert is_cancelled.wait(60)
