"""A database of Synapse's without Synapse, for real connections, many at once.

Transactions run as Synapse runs them: at its isolation level, and again where it would
try again. The module's background work runs on such a connection too, a round
whenever it is called.
"""

import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import yaml
from media_stats_module.storage.rollups.tables import STATE, Rollup, all_rollups
from synapse.config.database import DatabaseConnectionConfig
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.storage.prepare_database import prepare_database

from media_stats_module.__main__ import connect
from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import OwnersOrder, OwnersQuestion
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore
from media_stats_module.storage.rollups import read
from media_stats_module.storage.sources import is_postgres

_P = ParamSpec("_P")
_T = TypeVar("_T")

ROLLUPS = all_rollups(MediaStatsConfig())
LOCAL, REMOTE = ROLLUPS

# As in synapse.storage.database.
_ATTEMPTS = 5

_EVERYTHING = 1_000_000


def write_config(directory: Path, database: Mapping[str, Any]) -> Path:
    """Write a homeserver.yaml for a database; return its path."""
    path = directory / "homeserver.yaml"
    config = {"server_name": "test", "report_stats": False, "database": database}
    path.write_text(yaml.safe_dump(config))
    return path


def create_tables(config_path: Path) -> None:
    """Create Synapse's tables in an empty database."""
    connection = connect([str(config_path)])
    prepare_database(connection, connection.engine, None)
    connection.commit()
    connection.close()


class Connection:
    """One connection to the database."""

    def __init__(self, config_path: Path) -> None:
        self._connection = connect([str(config_path)])
        database = yaml.safe_load(config_path.read_text())["database"]
        self.config = DatabaseConnectionConfig("master", database)
        self.engine = self._connection.engine

    def run(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function with a transaction of its own; return what it returns.

        If that fails where Synapse tries again, it is tried again.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self.run_once(function, *args, **kwargs)
            except self._connection.engine.module.OperationalError:
                if attempt == _ATTEMPTS - 1 or not self.is_open:
                    raise
        raise AssertionError("not reached")

    def run_once(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """The same, and any failure is raised."""
        try:
            with self._connection.cursor(txn_name=function.__name__) as txn:
                result = function(txn, *args, **kwargs)
            self._connection.commit()
        except BaseException:
            if self.is_open:
                self._connection.rollback()
            raise
        return result

    def run_autocommit(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function outside of a transaction."""
        engine = self._connection.engine
        engine.attempt_to_set_autocommit(self._connection.conn, True)
        try:
            with self._connection.cursor(txn_name=function.__name__) as txn:
                return function(txn, *args, **kwargs)
        finally:
            engine.attempt_to_set_autocommit(self._connection.conn, False)

    def execute(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own; return its rows, if any."""
        return self.run_once(execute_txn, sql, *args)

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it. SQLite has none."""
        return not getattr(self._connection.conn, "closed", False)

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def execute_txn(
    txn: LoggingTransaction, sql: str, *args: object
) -> list[tuple[Any, ...]]:
    """Run a statement; return its rows, if any."""
    txn.execute(sql, args)
    return txn.fetchall() if txn.description else []


class Api:
    """What the background work needs of Synapse, on one connection."""

    server_name = "test"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clock = self
        self._store = self
        self.db_pool = self
        self.engine = connection.engine
        self._database_config = connection.config
        self.round: Callable[[], Coroutine[Any, Any, None]]

    def time_msec(self) -> int:
        return time.time_ns() // 1_000_000

    def looping_background_call(
        self, function: Callable[[], Coroutine[Any, Any, None]], *_: object, desc: str
    ) -> None:
        self.round = function

    async def run_db_interaction(
        self, desc: str, function: Callable[..., _T], *args: Any, **kwargs: Any
    ) -> _T:
        return self._connection.run(function, *args, **kwargs)

    async def defer_to_thread(self, function: Callable[[], _T]) -> _T:
        return function()

    async def runInteraction(  # noqa: N802 - Synapse's name
        self,
        desc: str,
        function: Callable[..., _T],
        *args: Any,
        db_autocommit: bool,
    ) -> _T:
        assert db_autocommit
        return self._connection.run_autocommit(function, *args)


class Keeper:
    """The module's background work, as if Synapse had loaded the module.

    Each new one is as after a restart.
    """

    def __init__(self, connection: Connection, *, rollups: bool = True) -> None:
        self._api = Api(connection)
        config = MediaStatsConfig(rollups=rollups)
        api = cast(ModuleApi, self._api)
        self._store = MediaStatsStore(api, config)
        RollupsKeeper(api, config, self._store).start()

    def round(self) -> None:
        """Do one round. What goes wrong in it is logged, and left to the next one."""
        finish(self._api.round())

    def check(self) -> None:
        """Do what the check on demand does."""
        for found in finish(self._store.check_rollups()).values():
            assert found is None or found.total == 0, found


def finish(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast(_T, stop.value)
    raise AssertionError("it waits")


Totals = dict[Any, tuple[int, int]]
"""Files and bytes by owner, or by day."""


def media_totals_txn(txn: LoggingTransaction, rollup: Rollup) -> tuple[Totals, Totals]:
    """What the totals have to be, by owner and by day: the media, counted in Python."""
    media = rollup.media
    txn.execute(f"SELECT {media.owner}, created_ts, media_length FROM {media.name}")
    owners: Totals = {}
    days: Totals = {}
    for owner, created_ts, length in txn.fetchall():
        if owner is not None and length is not None:
            for totals, key in ((owners, owner), (days, created_ts // 86_400_000)):
                count, size = totals.get(key, (0, 0))
                totals[key] = count + 1, size + length
    return owners, days


def assert_reads_are_exact_txn(txn: LoggingTransaction) -> int:
    """Compare all that the totals can answer with the media, in one snapshot.

    Returns:
        how many answers there were; none while the totals are being built.
    """
    answers = 0
    for rollup in ROLLUPS:
        owners, days = media_totals_txn(txn, rollup)
        for order_by, descending in (
            (OwnersOrder.OWNER, False),
            (OwnersOrder.MEDIA_LENGTH, True),
            (OwnersOrder.MEDIA_COUNT, True),
        ):
            query = OwnersQuestion(
                order_by=order_by, descending=descending, limit=_EVERYTHING
            )
            page = read.get_owners_page_txn(txn, rollup, query)
            if page is None:
                continue
            found = [(o.owner, (o.media_count, o.media_length)) for o in page.owners]
            wanted = _in_order(owners, order_by)
            assert (found, page.total) == (wanted, len(wanted)), (rollup.name, order_by)
            answers += 1
        found_days = read.get_days_txn(txn, rollup, 0, None)
        if found_days is not None:
            assert {
                day.day: (day.media_count, day.media_length) for day in found_days
            } == days
            answers += 1
    return answers


def _in_order(
    owners: Totals, order_by: OwnersOrder
) -> list[tuple[str, tuple[int, int]]]:
    in_order = sorted(owners.items())
    if order_by is OwnersOrder.MEDIA_COUNT:
        in_order.sort(key=lambda item: -item[1][0])
    elif order_by is OwnersOrder.MEDIA_LENGTH:
        in_order.sort(key=lambda item: -item[1][1])
    return in_order


def assert_folded_totals_are_exact_txn(txn: LoggingTransaction) -> None:
    """All is in the totals, and the totals are those of the media: no more, no less."""
    for rollup in ROLLUPS:
        owners, days = media_totals_txn(txn, rollup)
        for table, key, wanted in (
            (rollup.owners, "owner", owners),
            (rollup.days, "day", days),
        ):
            txn.execute(f"SELECT {key}, media_count, media_length FROM {table}")
            assert {row[0]: row[1:] for row in txn.fetchall()} == wanted, table
        if not is_postgres(txn):
            media = rollup.media
            txn.execute(
                f"SELECT created_ts, {media.owner}, COUNT(*), SUM(media_length) "
                f"FROM {media.name} AS m WHERE {media.is_counted} "
                "GROUP BY 1, 2 ORDER BY 1, 2"
            )
            by_time = txn.fetchall()
            txn.execute(f"SELECT * FROM {rollup.times} ORDER BY 1, 2")
            assert txn.fetchall() == by_time
        txn.execute(f"SELECT COUNT(*) FROM {rollup.changes}")
        assert txn.fetchall() == [(0,)]
        txn.execute(
            f"SELECT is_ready, owners FROM {STATE} WHERE source = ?", (rollup.name,)
        )
        ((is_ready, number),) = txn.fetchall()
        assert (bool(is_ready), number) == (True, len(owners))
