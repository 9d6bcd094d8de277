"""The database of a homeserver, for the command line. Synapse need not run."""

import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from synapse.module_api import LoggingTransaction

from media_stats_module.storage.connections import autocommitting, transaction
from media_stats_module.storage.database import Cost
from media_stats_module.storage.errors import (
    DatabaseFailedError,
    raising_database_failed,
)
from media_stats_module.synapse_internals import (
    LoggingDatabaseConnection,
    is_postgres_engine,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")

# The most attempts to lock a media table, 0.2 to 1.7 s each.
_ATTEMPTS = 50


class OfflineDatabase:
    """A `Database` on one connection, without queues and without a timeout.

    Its coroutines never wait, so `finish` can run them. They raise
    `DatabaseFailedError` for errors of the database.
    """

    def __init__(self, connection: LoggingDatabaseConnection, server_name: str) -> None:
        """
        Args:
            connection: a connection to the database that has the media tables.
            server_name: the homeserver's name.
        """
        self._connection = connection
        self._server_name = server_name
        if is_postgres_engine(connection.engine):
            # PostgreSQL before 14 does not know it, and some systems do not have it.
            with suppress(DatabaseFailedError):
                self._run("end_with_this_process", _end_with_this_process_txn)

    @property
    def server_name(self) -> str:
        """The homeserver's name."""
        return self._server_name

    def now_ts(self) -> int:
        """The time, in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    async def read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T | None],
        costs: Sequence[Cost],
    ) -> _T | None:
        """See `Database.read`."""
        return self._run(description, function, costs[-1])

    async def write(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """See `Database.write`. Retries while another transaction locks a table."""
        for _ in range(_ATTEMPTS):
            try:
                return self._run(description, function, *args, **kwargs)
            except DatabaseFailedError as error:
                if not error.is_lock:
                    raise
                time.sleep(0.1)
        return self._run(description, function, *args, **kwargs)

    async def write_autocommit(
        self, description: str, function: Callable[[LoggingTransaction], None]
    ) -> None:
        """See `Database.write_autocommit`."""
        with (
            autocommitting(self._connection, description) as txn,
            raising_database_failed(txn),
        ):
            function(txn)

    def _run(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        with (
            transaction(self._connection, description) as txn,
            raising_database_failed(txn),
        ):
            return function(txn, *args, **kwargs)


def _end_with_this_process_txn(txn: LoggingTransaction) -> None:
    """Let PostgreSQL stop a statement soon after this process has ended."""
    txn.execute(
        "SELECT set_config(name, '1s', false) FROM pg_settings "
        "WHERE name = 'client_connection_check_interval'"
    )


def finish(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never waits, such as those of `OfflineDatabase`."""
    try:
        work.send(None)
    except StopIteration as stop:
        return cast(_T, stop.value)
    raise AssertionError("it waits")
