"""A database with Synapse's tables, without Synapse, for many real connections.

Transactions run as Synapse runs them: at its isolation level, and with its retries. The
module's background work runs on such a connection, too, one round per call.
"""

import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import attr
import psycopg2
import yaml
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from realservers.postgres import PostgresServer
from synapse.config.database import DatabaseConnectionConfig
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.storage.engines import create_engine
from synapse.storage.prepare_database import prepare_database
from twisted.internet.defer import Deferred

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    OwnersOrder,
    OwnersQuestion,
    Source,
    TimelineQuestion,
)
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore, SharedDatabase
from media_stats_module.storage.answers import Kinds
from media_stats_module.storage.kinds import get_kinds_txn
from media_stats_module.storage.owners import get_owners_page_from_totals_txn
from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.kinds import get_totals_of_kinds_txn
from media_stats_module.storage.rollups.maintenance import Maintenance
from media_stats_module.storage.rollups.status import (
    Status,
    get_totals_txn,
    set_up_totals_txn,
)
from media_stats_module.storage.sources import MediaTable, MediaTables, local_media
from media_stats_module.storage.timeline import get_days_from_totals_txn
from media_stats_module.synapse_internals import connect

_P = ParamSpec("_P")
_T = TypeVar("_T")

MEDIA = MediaTables(local_media(count_url_previews=True))
LOCAL, REMOTE = MEDIA.both

# As in synapse.storage.database.
_ATTEMPTS = 5

_EVERYTHING = 1_000_000

# PostgreSQL before 17 does not have both.
_LIMITS = "FROM pg_settings WHERE name IN ('statement_timeout', 'transaction_timeout')"


def write_config(directory: Path, database: Mapping[str, Any]) -> Path:
    """Write a homeserver.yaml for a database; return its path."""
    path = directory / "homeserver.yaml"
    config = {"server_name": "test", "report_stats": False, "database": database}
    path.write_text(yaml.safe_dump(config))
    return path


def execute_on_server(server: PostgresServer, statement: str) -> None:
    """Run a statement that cannot be in a transaction."""
    with closing(psycopg2.connect(**server.dsn("postgres"))) as connection:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute(statement)


class Connection:
    """One connection to the database.

    Attributes:
        config: Synapse's configuration of it.
        engine: Synapse's adapter for that kind of database.
    """

    def __init__(self, config_path: Path) -> None:
        database = yaml.safe_load(config_path.read_text())["database"]
        self.config = DatabaseConnectionConfig("master", database)
        self.engine = create_engine(self.config.config)
        self._connection = connect(self.config, self.engine, "tests", "test")

    @property
    def notices(self) -> list[str]:
        """The last warnings of the server."""
        return self._connection.conn.notices  # type: ignore[attr-defined, no-any-return]

    def create_tables(self) -> None:
        """Create Synapse's tables, in an empty database."""
        prepare_database(self._connection, self.engine, None)
        self._connection.commit()

    def run(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function with a transaction of its own; return its result.

        Retries where Synapse retries.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self.run_once(function, *args, **kwargs)
            except self.engine.module.OperationalError:
                if attempt == _ATTEMPTS - 1 or not self.is_open:
                    raise
        raise AssertionError("not reached")

    def run_once(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """The same, without retries."""
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
        self.engine.attempt_to_set_autocommit(self._connection.conn, True)
        try:
            with self._connection.cursor(txn_name=function.__name__) as txn:
                return function(txn, *args, **kwargs)
        finally:
            with suppress(self.engine.module.Error):
                self.engine.attempt_to_set_autocommit(self._connection.conn, False)

    def execute(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own; return its rows, if any."""
        return self.run_once(execute_txn, sql, *args)

    @property
    def is_open(self) -> bool:
        """Whether the server has not closed it. SQLite has no server."""
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


def limit_time_txn(txn: LoggingTransaction) -> None:
    """Set limits for the session, longer than any test takes."""
    txn.execute(f"SELECT set_config(name, '10min', FALSE) {_LIMITS}")


def limits_of_time_txn(txn: LoggingTransaction) -> list[str]:
    """The limits that there are now."""
    txn.execute(f"SELECT name {_LIMITS} AND setting <> '0' ORDER BY name")
    return [name for (name,) in txn.fetchall()]


class Api:
    """The part of Synapse that the background work needs, on one connection.

    Attributes:
        now_ts: the time, in milliseconds since the epoch; None for that of the machine.
        seconds: the time by a clock that nobody sets.
        ran: the number of runs of each transaction, by its description.
        rounds: the work that goes on in rounds, by its description.
        at_shutdown: the functions to call at shutdown.
    """

    server_name = "test"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._clock = self
        self._store = self
        self.db_pool = self
        self.engine = connection.engine
        self._database_config = connection.config
        self._hs = self
        self.at_shutdown: list[Callable[[], None]] = []
        self.now_ts: int | None = None
        self.seconds = 0.0
        self.ran: Counter[str] = Counter()
        self.rounds: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}

    def time_msec(self) -> int:
        return time.time_ns() // 1_000_000 if self.now_ts is None else self.now_ts

    def get_reactor(self) -> "Api":
        return self

    def addSystemEventTrigger(  # noqa: N802 - Twisted's name
        self, phase: str, event: str, function: Callable[[], None]
    ) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.at_shutdown.append(function)

    def should_run_background_tasks(self) -> bool:
        return True

    def looping_background_call(
        self, function: Callable[[], Coroutine[Any, Any, None]], *_: object, desc: str
    ) -> None:
        self.rounds[desc] = function

    async def run_db_interaction(
        self, desc: str, function: Callable[..., _T], *args: Any, **kwargs: Any
    ) -> _T:
        self.ran[desc] += 1
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
        self.ran[desc] += 1
        return self._connection.run_autocommit(function, *args)


class Keeper:
    """The module's background work, as if Synapse had loaded the module.

    A new one is like a restart.

    Attributes:
        api: Synapse, for it.
        store: answers questions.
        maintenance: the steps of the work.
    """

    def __init__(
        self, connection: Connection, *, rollups: bool = True, **options: Any
    ) -> None:
        self.api = Api(connection)
        config = MediaStatsConfig(rollups=rollups, **options)
        api = cast(ModuleApi, self.api)
        database = SharedDatabase(api, config.query_timeout)
        self.store = MediaStatsStore(database, config)
        RollupsKeeper(
            api, config, self.store.maintenance, lambda: self.api.seconds
        ).start()

    @property
    def maintenance(self) -> Maintenance:
        return self.store.maintenance

    @property
    def failures(self) -> Mapping[str, str]:
        """The failures, by step."""
        assert self.maintenance.failures is not None
        return {
            step: failure.reason for step, failure in self.maintenance.failures.items()
        }

    def round(self) -> None:
        """Do one round of all work. Failed steps are left to later rounds."""
        for work in self.api.rounds.values():
            finish(work())

    def wait(self, seconds: float) -> None:
        """Let time pass, and do a round."""
        self.api.now_ts = self.api.time_msec() + int(seconds * 1000)
        self.api.seconds += seconds
        self.round()

    def statuses(self) -> list[Status]:
        """The statuses of local and of remote media."""
        return [
            state.status for state in finish(self.store.get_rollup_states()).values()
        ]

    def check(self) -> None:
        """Check on demand; there must be no differences."""
        for table in self.maintenance.media.both:
            found = finish(self.maintenance.check(table))
            assert found is None or found.total == 0, found


def finish(work: "Coroutine[Any, Any, _T] | Deferred[_T]") -> _T:
    """Run a coroutine that never waits."""
    assert not isinstance(work, Deferred)
    try:
        work.send(None)
    except StopIteration as stop:
        return cast(_T, stop.value)
    raise AssertionError("it waits")


Totals = dict[Any, tuple[int, int]]
"""Files and bytes by owner, by day or by kind."""


@attr.frozen
class MediaTotals:
    """The right totals of a source.

    Attributes:
        owners: the totals by owner.
        days: the totals by day, in days since the epoch.
        kinds: the totals by kind, of thumbnails and of pending uploads.
    """

    owners: Totals
    days: Totals
    kinds: Totals


def media_totals_txn(txn: LoggingTransaction, media: MediaTable) -> MediaTotals:
    """Compute the right totals: count the media in Python."""
    is_local = media.source is Source.LOCAL
    txn.execute(
        f"SELECT {media.owner}, created_ts, media_length, media_type, quarantined_by, "
        f"{'url_cache, safe_from_quarantine' if is_local else 'NULL, FALSE'} "
        f"FROM {media.name}"
    )
    totals = MediaTotals({}, {}, {})
    for owner, created_ts, length, media_type, by, url_cache, is_safe in txn.fetchall():
        is_left_out = url_cache is not None and not media.counts_url_previews
        if owner is not None and length is not None and not is_left_out:
            _add(totals.owners, owner, length)
            _add(totals.days, (created_ts or 0) // 86_400_000, length)
        group = "pending" if length is None else _group(media_type)
        kind = (group, owner is not None, url_cache is not None, by is not None)
        _add(totals.kinds, (*kind, is_safe), length or 0)
    txn.execute(f"SELECT thumbnail_length FROM {media.thumbnails}")
    for (length,) in txn.fetchall():
        _add(totals.kinds, ("thumbnail", False, False, False, False), length or 0)
    return totals


def _add(totals: Totals, key: object, length: int) -> None:
    count, size = totals.get(key, (0, 0))
    totals[key] = count + 1, size + length


def _group(media_type: str | None) -> str:
    kind = (media_type or "").split(";")[0].strip(" ").lower() or "application/octet"
    group, slash, _ = kind.partition("/")
    known = ("application", "audio", "image", "text", "video")
    return group if slash and group in known else "other"


def assert_reads_are_exact_txn(
    txn: LoggingTransaction, tables: MediaTables = MEDIA
) -> int:
    """Compare all answers from the totals with the media, in one snapshot.

    Returns:
        how many answers there were; none while the totals are being built.
    """
    answers = 0
    for media in tables.both:
        wanted = media_totals_txn(txn, media)
        for order_by, descending in (
            (OwnersOrder.OWNER, False),
            (OwnersOrder.MEDIA_LENGTH, True),
            (OwnersOrder.MEDIA_COUNT, True),
        ):
            question = OwnersQuestion(
                order_by=order_by, descending=descending, limit=_EVERYTHING
            )
            page = get_owners_page_from_totals_txn(txn, media, question)
            if page is None:
                continue
            found = [(o.owner, (o.media_count, o.media_length)) for o in page.values]
            owners = _in_order(wanted.owners, order_by)
            assert (found, page.end) == (owners, len(owners)), (media.name, order_by)
            answers += 1
        days = get_days_from_totals_txn(txn, media, TimelineQuestion())
        if days is not None:
            found_days = {day.day: (day.media_count, day.media_length) for day in days}
            assert found_days == wanted.days, media.name
            answers += 1
        if get_totals_txn(txn, media).status is Status.EXACT:
            kinds = get_totals_of_kinds_txn(txn, media.source)
            live = get_kinds_txn(txn, media)
            assert _by_kind(kinds) == _by_kind(live), media.name
            answers += 1
    return answers


def _by_kind(kinds: Kinds) -> tuple[object, ...]:
    files = {k for k in kinds.files if k.usage.media_count}
    return files, kinds.thumbnails, kinds.pending


def _in_order(
    owners: Totals, order_by: OwnersOrder
) -> list[tuple[str, tuple[int, int]]]:
    in_order = sorted(owners.items())
    if order_by is OwnersOrder.MEDIA_COUNT:
        in_order.sort(key=lambda item: -item[1][0])
    elif order_by is OwnersOrder.MEDIA_LENGTH:
        in_order.sort(key=lambda item: -item[1][1])
    return in_order


def assert_applied_totals_are_exact_txn(
    txn: LoggingTransaction, tables: MediaTables = MEDIA
) -> None:
    """Check that all changes are applied, and the totals are those of the media."""
    for media in tables.both:
        wanted = media_totals_txn(txn, media)
        assert get_totals_txn(txn, media).status is Status.EXACT
        set_up_totals_txn(txn)
        source = media.source.value
        for table, columns, totals in (
            (names.OWNERS, "owner", wanted.owners),
            (names.DAYS, "day", wanted.days),
            (
                names.KINDS,
                "media_group, is_owned, is_url_preview, is_quarantined, is_protected",
                wanted.kinds,
            ),
        ):
            txn.execute(
                f"SELECT {columns}, media_count, media_length FROM {table} "
                "WHERE source = ?",
                (source,),
            )
            found = {
                row[0] if len(row) == 3 else row[:-2]: row[-2:]
                for row in txn.fetchall()
            }
            assert found == totals, (table, source)
        txn.execute(f"SELECT COUNT(*) FROM {names.CHANGES} WHERE source = ?", (source,))
        assert txn.fetchall() == [(0,)]
        txn.execute(f"SELECT owners FROM {names.STATE} WHERE source = ?", (source,))
        assert txn.fetchall() == [(len(wanted.owners),)]
