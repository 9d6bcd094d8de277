"""How questions reach the database without getting in the homeserver's way.

A question that may read a whole table waits for one of two turns on this process, a
question about one owner's rows for a third one. So the module never holds more than
three connections of Synapse's pool for long. Totals and pages of an index take
milliseconds, and wait for nothing.

A client that hangs up cancels its question: in the queue, or in the database. A
statement that takes longer than `query_timeout` is cancelled, too. Neither is an error
that Synapse logs, or tries again.
"""

import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi, make_deferred_yieldable
from twisted.internet.defer import Deferred, DeferredSemaphore

from media_stats_module.storage.errors import QueryTimeoutError, QueueFullError
from media_stats_module.storage.sources import is_postgres
from media_stats_module.synapse_internals import (
    PreserveLoggingContext,
    connect_to_sqlite_file,
    delay_cancellation,
    driver_connection,
    is_sqlite_file,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")

# A load of the dashboard asks some ten such questions.
_MOST_WAITING = 30
_MOST_WAITING_EXPORTS = 4

# A cancelled question is cancelled again so often, in case it was between statements.
_CANCEL_AGAIN_S = 0.05

# PostgreSQL's own limit, 24 days.
_LONGEST_TIMEOUT_MS = 2**31 - 1

# SQLite asks after so many of its instructions, some ms, whether to go on.
_SQLITE_INSTRUCTIONS = 20_000


class _CancelledInDatabaseError(Exception):
    """A statement was cancelled because the client has gone."""


class Lane:
    """A queue in front of the database, with so many turns at a time."""

    def __init__(self, turns: int, most_waiting: int) -> None:
        self._turns = DeferredSemaphore(turns)
        self._most_waiting = most_waiting

    async def run(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """Await a function when it is its turn.

        Raises:
            QueueFullError: too many are waiting already.
            CancelledError: the client has hung up meanwhile.
        """
        if not self._turns.tokens and len(self._turns.waiting) >= self._most_waiting:
            raise QueueFullError
        await make_deferred_yieldable(self._turns.acquire())
        try:
            return await function()
        finally:
            # The next question goes on in here, with a log context of its own.
            with PreserveLoggingContext():
                self._turns.release()


class Reader:
    """Runs functions that read the database, each in one snapshot.

    Attributes:
        whole_tables: the lane of questions that may read whole tables.
        one_owner: the lane of questions about one owner's rows.
        exports: the lane of exports, which then take a turn of `whole_tables`.
    """

    def __init__(self, api: ModuleApi, query_timeout: int) -> None:
        """
        Args:
            api: Synapse's module API.
            query_timeout: how long a statement may take, in milliseconds.
        """
        self._api = api
        self._query_timeout = query_timeout
        self.whole_tables = Lane(2, _MOST_WAITING)
        self.one_owner = Lane(1, _MOST_WAITING)
        self.exports = Lane(1, _MOST_WAITING_EXPORTS)

    async def run(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function with a transaction; return what it returns.

        A file of SQLite is read on a connection of its own. Synapse has a single one,
        for which everybody would wait. Since Synapse has SQLite write ahead
        (`journal_mode = WAL`), nobody waits for a reader on another connection.

        Args:
            description: what it is for, in the logs.
            function: writes nothing.

        Raises:
            QueryTimeoutError: a statement took too long.
            CancelledError: the client has hung up. The database has stopped.
        """
        running = _Running(self._query_timeout)

        def read_sqlite_file() -> _T:
            with (
                closing(connect_to_sqlite_file(self._api, description)) as connection,
                connection.cursor(txn_name=description) as txn,
                running.on_sqlite(connection.conn),
            ):
                # Else each statement would have a snapshot of its own.
                txn.execute("BEGIN")
                return function(txn, *args, **kwargs)

        def read(txn: LoggingTransaction) -> _T:
            if not is_postgres(txn):
                # A database in memory, which nobody else can connect to.
                return function(txn, *args, **kwargs)
            with running.on_postgres(txn):
                return function(txn, *args, **kwargs)

        work: Coroutine[Any, Any, _T] | Deferred[_T]
        if is_sqlite_file(self._api):
            work = self._api.defer_to_thread(read_sqlite_file)
        else:
            work = self._api.run_db_interaction(description, read)
        return await delay_cancellation(work, running.cancel)


class _Running:
    """A question that runs in a thread, and how to stop it from another one."""

    def __init__(self, query_timeout: int) -> None:
        self._query_timeout = query_timeout
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._postgres: Any = None

    def cancel(self) -> None:
        """Have the database stop."""
        self._is_cancelled = True
        # Cancelling connects to PostgreSQL, which the reactor must not wait for.
        threading.Thread(target=self._cancel_postgres, daemon=True).start()

    @contextmanager
    def on_postgres(self, txn: LoggingTransaction) -> Iterator[None]:
        """Run with a limit of time for each statement, and to be cancelled."""
        txn.execute(
            "SELECT set_config('statement_timeout', ?, true)",
            (str(min(self._query_timeout, _LONGEST_TIMEOUT_MS)),),
        )
        with self._lock:
            if self._is_cancelled:
                raise _CancelledInDatabaseError
            self._postgres = driver_connection(txn)
        try:
            yield
        except txn.database_engine.module.OperationalError as error:
            # query_canceled, for which Synapse would try four times more.
            if getattr(error, "pgcode", None) != "57014":
                raise
            raise self._error() from None
        finally:
            with self._lock:
                self._postgres = None

    @contextmanager
    def on_sqlite(self, connection: Any) -> Iterator[None]:
        """Run with a limit of time for all statements, and to be cancelled."""
        end = time.monotonic() + self._query_timeout / 1000
        connection.set_progress_handler(
            lambda: self._is_cancelled or time.monotonic() > end, _SQLITE_INSTRUCTIONS
        )
        try:
            yield
        except connection.OperationalError as error:
            if str(error) != "interrupted":
                raise
            raise self._error() from None

    def _error(self) -> Exception:
        return (
            _CancelledInDatabaseError() if self._is_cancelled else QueryTimeoutError()
        )

    def _cancel_postgres(self) -> None:
        while True:
            # The connection is not given back to Synapse's pool meanwhile.
            with self._lock:
                if self._postgres is None:
                    return
                self._postgres.cancel()
            time.sleep(_CANCEL_AGAIN_S)
