"""The work on rollups: install, build, apply, check and remove.

Each step is one or a few transactions, and may be cut off anywhere: the next round
continues from the state of the database. A step that fails raises
`DatabaseFailedError`.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import attr
from synapse.module_api import (
    LoggingTransaction,
    make_deferred_yieldable,
)
from twisted.internet.defer import Deferred

from media_stats_module.storage.database import Cost, Database
from media_stats_module.storage.dialect import is_postgres
from media_stats_module.storage.errors import (
    DatabaseFailedError,
    raising_database_failed,
)
from media_stats_module.storage.rollups import build, install
from media_stats_module.storage.rollups.check import Differences, check_txn
from media_stats_module.storage.rollups.status import (
    RollupState,
    get_state_txn,
)
from media_stats_module.storage.sources import MediaTable, MediaTables
from media_stats_module.storage.time_limits import (
    limit_time_txn,
    no_time_limits,
)
from media_stats_module.synapse_internals import (
    PreserveLoggingContext,
    driver_connection,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")

logger = logging.getLogger(__name__)

# Changes to apply in one transaction, which takes 20 to 100 ms.
APPLY_AT_MOST = 5_000
# A longer change log than this is not applied; the totals are rebuilt.
REBUILD_BEYOND = 1_000_000

# The most attempts of a transaction that conflicts with others, as in Synapse.
_ATTEMPTS = 5


@attr.frozen
class StepFailure:
    """Why a step of the background work fails.

    Attributes:
        reason: the error message, from the database if it has one.
        name: the kind of error. There are few kinds.
    """

    reason: str
    name: str


class Maintenance:
    """Works on the rollups of one database.

    Attributes:
        media: the media tables.
        failures: the steps of the background work that fail, with the reasons. Only the
            process that runs background tasks knows; None on others.
        is_stopped: whether the process shuts down.
    """

    def __init__(
        self,
        database: Database,
        media: MediaTables,
        on_differences: Callable[[str, int], None],
    ) -> None:
        """
        Args:
            database: the database.
            media: the media tables.
            on_differences: called with a source and the number of wrong totals that a
                check found.
        """
        self._database = database
        self.media = media
        self.failures: dict[str, StepFailure] | None = None
        self._on_differences = on_differences
        # Callers that wait for the running check of a source, to be told whether it
        # ended, and the differences.
        self._waiting: dict[
            MediaTable, list[Deferred[tuple[bool, Differences | None]]]
        ] = {}
        # The running statements, for `stop`.
        self._lock = threading.Lock()
        self._connections: set[Any] = set()
        self.is_stopped = False

    def stop(self) -> None:
        """Cancel the running statements, because the process shuts down."""
        with self._lock:
            self.is_stopped = True
            connections = list(self._connections)
        # Each cancellation connects to PostgreSQL.
        threading.Thread(
            target=lambda: [connection.cancel() for connection in connections],
            daemon=True,
        ).start()

    async def get_state(self, table: MediaTable) -> RollupState:
        """The state of the totals of one source."""
        return await self._run(get_state_txn, table)

    async def is_present(self) -> bool:
        """Whether the database has any object of rollups."""

        def is_present_txn(txn: LoggingTransaction) -> bool:
            return is_postgres(txn) and install.is_present_txn(txn)

        return await self._run(is_present_txn)

    async def install(self) -> None:
        """Install missing objects, and replace those of other versions."""
        if not await self._run(install.are_objects_current_txn, self.media):
            logger.info("Rollups: installing the tables")
            await self._remove_objects()
            await self._run_ddl(install.install_objects_txn, self.media)
        for table in await self._run(install.tables_without_triggers_txn, self.media):
            await self._run_ddl(install.install_triggers_txn, table)
            logger.info("Rollups: changes of %s are logged from now on", table)

    async def create_missing_indexes(self) -> None:
        """Create the missing indexes by time. May take hours."""
        for table in await self._run(install.lacks_time_index_txn, self.media):
            logger.info("Rollups: creating the index by time on %s", table)
            started_ts = self._database.now_ts()
            await self._run_autocommit(install.create_time_index_txn, table)
            logger.info(
                "Rollups: created the index by time on %s in %.1f s",
                table,
                (self._database.now_ts() - started_ts) / 1000,
            )

    async def build(self, table: MediaTable) -> None:
        """Build the totals of a source from the media."""
        started_ts = self._database.now_ts()
        logger.info("Rollups: building the totals of %s media", table.source.value)
        missed = await self._run(build.start_build_txn, table, started_ts)
        await self._run(build.wait_for_writers_txn, table)
        await self._run(build.build_txn, table, missed, self._database.now_ts)
        state = await self.get_state(table)
        logger.info(
            "Rollups: built the totals of %s media: %d files of %d owners in %.1f s",
            table.source.value,
            state.media_count,
            state.owners,
            (self._database.now_ts() - started_ts) / 1000,
        )

    async def apply(self, table: MediaTable) -> None:
        """Apply the change log of a source to its totals."""
        applied = APPLY_AT_MOST
        while applied == APPLY_AT_MOST:
            applied = await self._run(build.apply_txn, table, most=APPLY_AT_MOST)

    async def check(self, table: MediaTable) -> Differences | None:
        """Compare the totals of a source with its media; rebuild them if they differ.

        Only one check of a source runs at a time. A second caller gets the result of
        the running one; if that is cancelled, the next caller checks.

        Returns:
            the differences; None if the totals are not EXACT, and so not used.
        """
        while table in self._waiting:
            waiter: Deferred[tuple[bool, Differences | None]] = Deferred()
            self._waiting[table].append(waiter)
            is_done, differences = await make_deferred_yieldable(waiter)
            if is_done:
                return differences
        self._waiting[table] = []
        is_done, differences = False, None
        try:
            differences = await self._check(table)
            is_done = True
        finally:
            waiting = self._waiting.pop(table)
            with PreserveLoggingContext():
                for waiter in waiting:
                    # A caller whose client has hung up is done, and ignores this.
                    waiter.callback((is_done, differences))
        return differences

    async def remove(self) -> None:
        """Take every object of rollups out of the database."""
        logger.info("Rollups: taking them out of the database")
        await self._remove_objects()
        for table in self.media.both:
            await self._run_autocommit(install.drop_time_index_txn, table.name)
        logger.info("Rollups: taken out of the database")

    async def _remove_objects(self) -> None:
        # Triggers first, a table at a time: then no upload waits for our tables.
        while await self._run_ddl(install.remove_triggers_txn):
            pass
        await self._run_ddl(install.disarm_functions_txn)
        await self._run_ddl(install.remove_objects_txn)

    async def _check(self, table: MediaTable) -> Differences | None:
        """Check a source once, store the result, and begin a rebuild if it differs."""
        source = table.source.value
        started_ts = self._database.now_ts()

        def check(txn: LoggingTransaction, cost: Cost) -> Differences | None:
            with self._stoppable(txn):
                return check_txn(txn, table)

        differences = await self._database.read(
            "media_stats_check", check, [Cost.WHOLE_TABLE]
        )
        if differences is None:
            return None
        now_ts = self._database.now_ts()
        if differences.total:
            logger.error(
                "Rollups: the totals of %s media are wrong: %d owners, %d days and %d "
                "kinds, by %d files and %d bytes. They will be rebuilt.",
                source,
                differences.owners,
                differences.days,
                differences.kinds,
                differences.media_count,
                differences.media_length,
            )
            self._on_differences(source, differences.total)
            await self._run(build.start_build_txn, table, now_ts)
        else:
            logger.info(
                "Rollups: the totals of %s media are right; checked in %.1f s",
                source,
                (now_ts - started_ts) / 1000,
            )
        await self._run(build.write_check_txn, table, differences.total, now_ts)
        return differences

    async def _run(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Run a transaction; retry it after a conflict with another one.

        Synapse would also retry four times when the disk is full.
        """

        def once(txn: LoggingTransaction) -> _T:
            with self._stoppable(txn), raising_database_failed(txn):
                if is_postgres(txn):
                    limit_time_txn(txn, 0)
                return function(txn, *args, **kwargs)

        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._database.write(
                    f"media_stats_{function.__name__}", once
                )
            except DatabaseFailedError as error:
                if not error.is_conflict or attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    async def _run_ddl(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Run a transaction that changes objects."""

        def run(txn: LoggingTransaction) -> _T:
            install.set_up_ddl_txn(txn)
            return function(txn, *args, **kwargs)

        run.__name__ = function.__name__
        return await self._run(run)

    async def _run_autocommit(
        self, function: Callable[[LoggingTransaction, str], None], table: str
    ) -> None:
        def once(txn: LoggingTransaction) -> None:
            with (
                self._stoppable(txn),
                raising_database_failed(txn),
                no_time_limits(txn),
            ):
                function(txn, table)

        await self._database.write_autocommit(f"media_stats_{function.__name__}", once)

    @contextmanager
    def _stoppable(self, txn: LoggingTransaction) -> Iterator[None]:
        """Let `stop` cancel the running statement."""
        connection = driver_connection(txn)
        with self._lock:
            if self.is_stopped:
                raise DatabaseFailedError("the process shuts down", is_lock=False)
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)
