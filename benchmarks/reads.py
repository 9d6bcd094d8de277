"""The parts `live` and `rollups`: every question, in every way to answer it.

All possible ways take turns, over HTTP. PostgreSQL's log says how long the statements
took.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import attr

from benchmarks.agreement import (
    YES,
    compare_with_built_in,
    compare_with_by_hand,
    digest,
)
from benchmarks.context import Context, milliseconds
from benchmarks.questions import Question
from benchmarks.results import (
    BUILT_IN,
    BY_HAND,
    HTTP,
    LIVE,
    ROLLUPS,
    SQL,
    Answer,
)
from benchmarks.site import Asked, Running
from benchmarks.timing import Timed, take_turns


def measure_live(context: Context) -> None:
    """Measure without rollups, beside Synapse's own endpoint or SQL by hand."""
    context.say("without rollups")
    with (
        context.site.running(rollups=False) as running,
        closing(context.site.cursor_connection()) as by_hand,
    ):
        nobodies = _Nobodies(by_hand)
        for question in context.questions():
            ways = {LIVE: _asking(running, question.path)}
            if question.has_built_in:
                ways[BUILT_IN] = _asking(running, question.built_in_path)
            else:
                ways[BY_HAND] = _by_hand(by_hand, question.by_hand)
            timed = _take_turns(context, ways)
            _write_down(
                context,
                question,
                timed,
                _live_agrees(by_hand, nobodies, question, timed),
            )


def measure_rollups(context: Context) -> None:
    """Measure with rollups."""
    context.say("with rollups")
    with context.site.running(rollups=True) as running:
        for question in context.questions():
            timed = _take_turns(context, {ROLLUPS: _asking(running, question.path)})
            live = context.results.digest(context.site.size, question.name, LIVE)
            agrees = YES
            if live is not None and live != digest(_json(timed[ROLLUPS])):
                agrees = "not what was answered without rollups"
            _write_down(context, question, timed, agrees)


def _asking(running: Running, path: str) -> Callable[[], Asked]:
    return lambda: running.ask(path)


def _by_hand(connection: Any, statements: Sequence[str]) -> Callable[[], Asked]:
    return lambda: Asked([_rows(connection, statement) for statement in statements])


def _rows(connection: Any, statement: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = cursor.fetchall()
    connection.rollback()
    return rows


def _take_turns(
    context: Context, ways: Mapping[str, Callable[[], Asked]]
) -> dict[str, Timed[Asked]]:
    return take_turns(
        ways, runs=context.options.runs, time_limit_s=context.options.time_limit_s
    )


def _live_agrees(
    by_hand: Any,
    nobodies: "_Nobodies",
    question: Question,
    timed: Mapping[str, Timed[Asked]],
) -> str:
    answer = _json(timed[LIVE])
    if not question.has_built_in:
        return compare_with_by_hand(question, answer, timed[BY_HAND].result.answer)
    asked = question.parameters
    window = (
        f"created_ts >= {asked.get('from_ts', 0)} "
        f"AND created_ts <= {asked.get('until_ts', 2**62)}"
    )
    users = ", ".join(f"'{user['user_id']}'" for user in answer["users"])
    pending = _rows(
        by_hand,
        "SELECT user_id, COUNT(*) FROM local_media_repository "
        f"WHERE user_id IN ({users or 'NULL'}) AND media_length IS NULL AND {window} "
        "GROUP BY user_id",
    )
    return compare_with_built_in(
        question,
        answer,
        _json(timed[BUILT_IN]),
        pending=dict(pending),
        # A search finds no unknown users, and every user has some media.
        nobodies=0 if "search_term" in asked else nobodies.count(window),
    )


class _Nobodies:
    """The users without media that Synapse's own endpoint lists.

    Counting them takes as long as some answers, so it is done once for each window.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._counted: dict[str, int] = {}

    def count(self, window: str) -> int:
        """The number of them in a window, which is a condition of SQL."""
        if window not in self._counted:
            ((self._counted[window],),) = _rows(
                self._connection,
                "SELECT COUNT(*) FROM (SELECT user_id FROM local_media_repository "
                f"WHERE {window} GROUP BY user_id "
                "HAVING user_id IS NULL OR COUNT(media_length) = 0) AS nobodies",
            )
        return self._counted[window]


def _write_down(
    context: Context,
    question: Question,
    timed: Mapping[str, Timed[Asked]],
    agrees: str,
) -> None:
    answers = []
    for way, took in timed.items():
        levels = {SQL if way == BY_HAND else HTTP: took.seconds}
        database_s = [
            asked.database_s for asked in took.results if asked.database_s is not None
        ]
        if database_s:
            levels[SQL] = database_s
        for level, seconds in levels.items():
            is_shown = level == HTTP
            answers.append(
                Answer(
                    **attr.asdict(context.site.size),
                    question=question.name,
                    way=way,
                    level=level,
                    runs=len(seconds),
                    **milliseconds(seconds),
                    agrees=agrees if way in (LIVE, ROLLUPS) and is_shown else "",
                    digest=digest(_json(took)) if is_shown else "",
                )
            )
    context.results.add_answers(*answers)
    shown = ", ".join(
        f"{row.way} ({row.level}) {row.median_ms:.1f} ms" for row in answers
    )
    context.say(f"{question.name}: {shown}")
    if agrees != YES:
        context.say(f"{question.name}: ANSWERS DIFFER: {agrees}")


def _json(timed: Timed[Asked]) -> Any:
    return json.loads(timed.result.answer)
