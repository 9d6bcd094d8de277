"""The database of a running Synapse, read without slowing down the homeserver.

A client that hangs up cancels its question, in the queue or in the database. So does a
statement that takes longer than `query_timeout`. Synapse neither logs these as errors
nor retries the transactions.

A probe may take a tenth of a second. If it takes longer, because a table is locked or a
disk is slow, it is cancelled and waits in the queue of longer questions.
"""

import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi
from twisted.internet.defer import Deferred

from media_stats_module.storage.connections import autocommitting, transaction
from media_stats_module.storage.database import Cost
from media_stats_module.storage.errors import (
    QueryTimeoutError,
    QueueFullError,
    database_failed,
)
from media_stats_module.storage.lanes import Lanes
from media_stats_module.storage.time_limits import limit_time_txn
from media_stats_module.synapse_internals import (
    LoggingDatabaseConnection,
    connect_to_database,
    current_time_ms,
    delay_cancellation,
    driver_connection,
    has_postgres,
    is_sqlite_file,
    pool_size,
    run_autocommit,
)

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")

_PROBE_TIMEOUT_MS = 100

# Without write-ahead logging, as on network file systems, SQLite makes writers wait for
# readers, and Synapse gives up after five seconds.
_TIMEOUT_WITHOUT_WAL_MS = 1_000

# The interval at which a question is cancelled again: it may be between statements.
_CANCEL_AGAIN_S = 0.05

# The largest `statement_timeout` of PostgreSQL, 24 days.
_LONGEST_TIMEOUT_MS = 2**31 - 1

# SQLSTATEs: query_canceled; and lock_not_available, if the database has a lock_timeout.
_TIMEOUT_CODES = ("57014", "55P03")

# SQLSTATE classes: insufficient resources, such as a full disk; and system error.
_TROUBLE_CODES = ("53", "58")
# The same in SQLite, which also sorts in the directory `TMPDIR`.
_SQLITE_TROUBLE = (
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    "database is locked",
)

# SQLite asks whether to go on each time it has run this many instructions: some ms.
_SQLITE_INSTRUCTIONS = 20_000


class _CancelledInDatabaseError(Exception):
    """A statement was cancelled because the client has hung up."""


class SharedDatabase:
    """A `Database` that a running Synapse uses at the same time.

    A file of SQLite is read on a connection of our own, because Synapse has only one.
    Synapse turns on write-ahead logging (`journal_mode = WAL`), so nobody waits for a
    reader on another connection. With a small pool of PostgreSQL connections, questions
    use a connection of our own, too.
    """

    def __init__(self, api: ModuleApi, query_timeout: int) -> None:
        """
        Args:
            api: Synapse's module API.
            query_timeout: the longest time of a statement, in milliseconds.
        """
        self._api = api
        self._query_timeout = query_timeout
        # A SQLite database in memory has only the connection that created it.
        self._is_sqlite_file = is_sqlite_file(api)
        self._has_postgres = has_postgres(api)
        self._lanes = Lanes(pool_size(api) if self._has_postgres else None)

    @property
    def server_name(self) -> str:
        """The homeserver's name."""
        return self._api.server_name

    def now_ts(self) -> int:
        """The time by Synapse's clock, in milliseconds since the epoch."""
        return current_time_ms(self._api)

    async def read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T | None],
        costs: Sequence[Cost],
    ) -> _T | None:
        """See `Database.read`."""
        *cheap, last = costs
        for cost in cheap:
            try:
                answer = await self._read_in_lane(description, function, cost)
            except QueryTimeoutError:
                if cost is not Cost.PROBES:
                    raise
                continue
            if answer is not None:
                return answer
            break
        return await self._read_in_lane(description, function, last)

    async def write(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """See `Database.write`."""
        if not self._lanes.have_own_connection:
            return await self._api.run_db_interaction(
                description, function, *args, **kwargs
            )

        def write() -> _T:
            with (
                closing(connect_to_database(self._api, description)) as connection,
                transaction(connection, description) as txn,
            ):
                return function(txn, *args, **kwargs)

        return await self._api.defer_to_thread(write)

    async def write_autocommit(
        self, description: str, function: Callable[[LoggingTransaction], None]
    ) -> None:
        """See `Database.write_autocommit`."""
        if not self._lanes.have_own_connection:
            await run_autocommit(self._api, description, function)
            return

        def write() -> None:
            with (
                closing(connect_to_database(self._api, description)) as connection,
                autocommitting(connection, description) as txn,
            ):
                function(txn)

        await self._api.defer_to_thread(write)

    async def _read_in_lane(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T],
        cost: Cost,
    ) -> _T:
        return await self._lanes.run(
            cost, lambda: self._read(description, function, cost)
        )

    async def _read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T],
        cost: Cost,
    ) -> _T:
        """Read within the timeout, on Synapse's pool or on a connection of our own."""
        is_probe = cost is Cost.PROBES
        timeout = self._query_timeout
        if is_probe:
            timeout = min(timeout, _PROBE_TIMEOUT_MS)
        running = _Running(timeout)
        limiting = running.on_postgres if self._has_postgres else running.on_sqlite

        def read(txn: LoggingTransaction) -> _T:
            with limiting(txn):
                return function(txn, cost)

        def read_apart() -> _T:
            with (
                closing(self._connect(description)) as connection,
                transaction(connection, description) as txn,
            ):
                return read(txn)

        work: Coroutine[Any, Any, _T] | Deferred[_T]
        if self._is_sqlite_file or (self._lanes.have_own_connection and not is_probe):
            work = self._api.defer_to_thread(read_apart)
        else:
            work = self._api.run_db_interaction(description, read)
        return await delay_cancellation(work, running.cancel)

    def _connect(self, description: str) -> LoggingDatabaseConnection:
        try:
            return connect_to_database(self._api, description)
        except Exception as error:
            # The limit of connections or of open files is reached, for example.
            logger.info("Cannot connect to the database: %s", error)
            raise QueueFullError from error


class _Running:
    """A question that runs in a thread, and that another thread can cancel."""

    def __init__(self, timeout: int) -> None:
        """
        Args:
            timeout: the longest time of a statement, in milliseconds.
        """
        self._timeout = timeout
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._postgres: Any = None

    def cancel(self) -> None:
        """Cancel the running statement."""
        self._is_cancelled = True
        # Cancelling connects to PostgreSQL, which would block the reactor.
        threading.Thread(target=self._cancel_postgres, daemon=True).start()

    @contextmanager
    def on_postgres(self, txn: LoggingTransaction) -> Iterator[None]:
        """Run statements with a timeout, and let `cancel` stop them."""
        limit_time_txn(txn, min(self._timeout, _LONGEST_TIMEOUT_MS))
        with self._lock:
            if self._is_cancelled:
                raise _CancelledInDatabaseError
            self._postgres = driver_connection(txn)
        try:
            yield
        except txn.database_engine.module.OperationalError as error:
            # For errors of the driver, Synapse would retry four times.
            code = str(getattr(error, "pgcode", None))
            if code in _TIMEOUT_CODES:
                raise self._error() from None
            if code.startswith(_TROUBLE_CODES):
                raise database_failed(error) from error
            raise
        finally:
            with self._lock:
                self._postgres = None

    @contextmanager
    def on_sqlite(self, txn: LoggingTransaction) -> Iterator[None]:
        """Run SQLite statements with a timeout for all, and let `cancel` stop them."""
        connection = driver_connection(txn)
        txn.execute("PRAGMA journal_mode")
        timeout = self._timeout
        if txn.fetchall() == [("delete",)]:
            timeout = min(timeout, _TIMEOUT_WITHOUT_WAL_MS)
        end = time.monotonic() + timeout / 1000
        connection.set_progress_handler(
            lambda: self._is_cancelled or time.monotonic() > end, _SQLITE_INSTRUCTIONS
        )
        try:
            yield
        except connection.OperationalError as error:
            if str(error) == "interrupted":
                raise self._error() from None
            if str(error) in _SQLITE_TROUBLE:
                raise database_failed(error) from error
            raise
        finally:
            connection.set_progress_handler(None, 0)

    def _error(self) -> Exception:
        return (
            _CancelledInDatabaseError() if self._is_cancelled else QueryTimeoutError()
        )

    def _cancel_postgres(self) -> None:
        while True:
            # The lock keeps the connection from returning to Synapse's pool.
            with self._lock:
                if self._postgres is None:
                    return
                # It connects to PostgreSQL once more, which can fail.
                with suppress(self._postgres.Error):
                    self._postgres.cancel()
            time.sleep(_CANCEL_AGAIN_S)
