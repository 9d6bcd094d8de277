"""The parts `live` and `rollups`: every question, in every way to answer it.

All ways that can be are taken in turns, over HTTP and then with the statements alone.
With rollups the statements of what is compared with are measured once more, unless they
take so long that it does not matter whether the machine has become a little slower.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import attr
from synapse.module_api import LoggingTransaction
from synapse.storage.database import LoggingDatabaseConnection

from benchmarks.agreement import (
    YES,
    compare_with_built_in,
    compare_with_by_hand,
    digest,
)
from benchmarks.built_in import PATH as BUILT_IN_PATH
from benchmarks.built_in import ask_built_in
from benchmarks.context import Context, milliseconds
from benchmarks.questions import LOCAL, Question
from benchmarks.results import (
    BESIDE,
    BUILT_IN,
    BY_HAND,
    HTTP,
    LIVE,
    ROLLUPS,
    SQL,
    Answer,
)
from benchmarks.site import Running, in_transaction
from benchmarks.timing import Timed, take_turns
from media_stats_module.storage.sources import is_postgres

_MODULE_PATH = "/_synapse/client/media_stats/v1"

_LONG_S = 2.0

# Who answers, and whether over HTTP.
_Way = tuple[str, str]


def measure_live(context: Context) -> None:
    """Without rollups, beside Synapse's own endpoint or SQL by hand."""
    context.say("without rollups")
    with (
        context.site.running(rollups=False) as running,
        closing(context.site.synapse_connection()) as connection,
        closing(context.site.cursor_connection()) as by_hand,
    ):
        nobodies = _Nobodies(by_hand)
        for question in context.questions():
            ways = _ways_of_module(running, connection, question, LIVE)
            if question.has_built_in:
                ways |= _ways_of_built_in(running, connection, question)
            else:
                statements = question.by_hand[context.site.database]
                ways[BY_HAND, SQL] = _by_hand(by_hand, statements)
            timed = _measure(context, ways)
            _write_down(
                context,
                question,
                timed,
                _live_agrees(by_hand, nobodies, question, timed),
            )


def measure_rollups(context: Context) -> None:
    """With rollups."""
    context.say("with rollups")
    with (
        context.site.running(rollups=True) as running,
        closing(context.site.synapse_connection()) as connection,
        closing(context.site.cursor_connection()) as by_hand,
    ):
        for question in context.questions():
            ways = _ways_of_module(running, connection, question, ROLLUPS)
            if not question.has_built_in:
                statements = question.by_hand[context.site.database]
                ways[BESIDE, SQL] = _by_hand(by_hand, statements)
            elif question.has_window:
                ways[BESIDE, SQL] = _built_in_without_index(connection, question)
            timed = _measure(context, ways)
            live = context.results.digest(
                context.site.database, context.site.size, question.name, LIVE
            )
            agrees = YES
            if live is not None and live != digest(_json(timed[ROLLUPS, HTTP])):
                agrees = "not what was answered without rollups"
            _write_down(context, question, timed, agrees)


def _ways_of_module(
    running: Running,
    connection: LoggingDatabaseConnection,
    question: Question,
    way: str,
) -> dict[_Way, Callable[[], object]]:
    path = f"{_MODULE_PATH}/{question.endpoint}{question.query_string}"
    has_rollups = way == ROLLUPS
    return {
        (way, HTTP): lambda: running.asker.get(path),
        (way, SQL): lambda: in_transaction(connection, question.ask, has_rollups),
    }


def _ways_of_built_in(
    running: Running, connection: LoggingDatabaseConnection, question: Question
) -> dict[_Way, Callable[[], object]]:
    path = BUILT_IN_PATH + question.query_string
    return {
        (BUILT_IN, HTTP): lambda: running.asker.get(path),
        (BUILT_IN, SQL): lambda: in_transaction(connection, ask_built_in, question),
    }


def _built_in_without_index(
    connection: LoggingDatabaseConnection, question: Question
) -> Callable[[], object]:
    """With rollups there is an index that speeds up windows of time for everybody."""

    def ask_txn(txn: LoggingTransaction) -> object:
        if is_postgres(txn):
            # Until the transaction is rolled back, and for this one only.
            txn.execute(
                "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = ?::regclass",
                (LOCAL.by_time,),
            )
        return ask_built_in(txn, question)

    return lambda: in_transaction(connection, ask_txn)


def _by_hand(connection: Any, statements: Sequence[str]) -> Callable[[], object]:
    def run() -> object:
        return [_rows(connection, statement) for statement in statements]

    return run


def _rows(connection: Any, statement: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement)
    rows = cursor.fetchall()
    connection.rollback()
    return rows


def _measure(
    context: Context, ways: Mapping[_Way, Callable[[], object]]
) -> dict[_Way, Timed[object]]:
    """Take turns over HTTP, then with the statements alone.

    Of a request of Synapse's own endpoint that takes long, the statements are nearly
    all, and are not measured once more.
    """

    def take_turns_at(level: str) -> dict[_Way, Timed[object]]:
        return take_turns(
            {way: ask for way, ask in ways.items() if way[1] == level},
            runs=context.options.runs,
            time_limit_s=context.options.time_limit_s,
        )

    timed = take_turns_at(HTTP)
    built_in = timed.get((BUILT_IN, HTTP))
    if built_in is not None and built_in.median > _LONG_S:
        ways = {way: ask for way, ask in ways.items() if way != (BUILT_IN, SQL)}
    return timed | take_turns_at(SQL)


def _live_agrees(
    by_hand: Any,
    nobodies: "_Nobodies",
    question: Question,
    timed: Mapping[_Way, Timed[Any]],
) -> str:
    answer = _json(timed[LIVE, HTTP])
    if not question.has_built_in:
        return compare_with_by_hand(question, answer, timed[BY_HAND, SQL].result)
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
        _json(timed[BUILT_IN, HTTP]),
        pending=dict(pending),
        # A search finds no user whom there is not, and every user has some media.
        nobodies=0 if "search_term" in asked else nobodies.count(window),
    )


class _Nobodies:
    """The users whom Synapse's own endpoint lists although they have no media.

    Counting them takes as long as some answers, so it is done once for each window.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._counted: dict[str, int] = {}

    def count(self, window: str) -> int:
        """How many there are in a window, which is a condition of SQL."""
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
    timed: Mapping[_Way, Timed[object]],
    agrees: str,
) -> None:
    context.results.add_answers(
        *(
            Answer(
                database=context.site.database,
                **attr.asdict(context.site.size),
                question=question.name,
                way=way,
                level=level,
                runs=len(took.seconds),
                **milliseconds(took),
                agrees=agrees if way in (LIVE, ROLLUPS) and level == HTTP else "",
                digest=digest(_json(took)) if level == HTTP else "",
            )
            for (way, level), took in timed.items()
        )
    )
    shown = ", ".join(
        f"{way} ({level}) {took.median * 1000:.1f} ms"
        for (way, level), took in timed.items()
    )
    context.say(f"{question.name}: {shown}")
    if agrees != YES:
        context.say(f"{question.name}: ANSWERS DIFFER: {agrees}")


def _json(timed: Timed[Any]) -> Any:
    return json.loads(timed.result)
