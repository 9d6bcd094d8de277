"""The part `growth`: ten times the media, of as many users, and what a page costs."""

from collections.abc import Callable
from contextlib import closing

import attr
from synapse.storage.database import LoggingDatabaseConnection

from benchmarks.context import Context
from benchmarks.questions import Question, all_questions
from benchmarks.site import Site, in_transaction
from benchmarks.timing import take_turns

_TIMES = 10


def measure_growth(context: Context) -> None:
    """Ask both data sets in turns, of the statements with rollups."""
    size = context.site.size
    small_size = attr.evolve(
        size,
        # Every user has some.
        media=max(size.media // _TIMES, size.users),
        remote=max(size.remote // _TIMES, 1),
    )
    small = Site(
        context.options.data, context.site.database, small_size, context.progress
    )
    questions = [
        question
        for question in all_questions(size)
        if question.endpoint == "users" and not question.has_window
    ]
    with small.open():
        for site in (small, context.site):
            context.say(f"rollups of {site.size.media:,} files")
            with site.running(rollups=True):
                pass
        with (
            closing(small.synapse_connection()) as small_connection,
            closing(context.site.synapse_connection()) as connection,
        ):
            for question in questions:
                timed = take_turns(
                    {
                        "small": _asking(small_connection, question),
                        "large": _asking(connection, question),
                    },
                    runs=max(20, context.options.runs),
                    time_limit_s=context.options.time_limit_s,
                )
                context.figure(
                    "growth",
                    f"{question.name}, beside {small_size.media:,} files",
                    timed["large"].median / timed["small"].median,
                    "times",
                )


def _asking(
    connection: LoggingDatabaseConnection, question: Question
) -> Callable[[], object]:
    return lambda: in_transaction(connection, question.ask, True)
