"""What the module needs of Synapse that the module API does not give.

Nothing else in this package reaches behind the module API, but for what the SQL relies
on (storage/_synapse.py) and the command that runs without Synapse (__main__.py). Each
function says why it is here. A new version of Synapse can break these, so the tests run
all of them on every version supported.
"""

import inspect
from collections.abc import Callable
from contextlib import closing
from typing import Any, Concatenate, ParamSpec, TypeVar

from synapse.config.database import DatabaseConnectionConfig

# The headers of Synapse's own answers, for one that is not JSON.
from synapse.http.server import set_cors_headers

# Synapse's own parsers of query parameters, so that errors are in its own words. They
# are where they were in the oldest Synapse supported here.
from synapse.http.servlet import parse_boolean, parse_integer, parse_string

# The other half of `make_deferred_yieldable`, which is in the module API.
from synapse.logging.context import PreserveLoggingContext
from synapse.module_api import (
    LoggingTransaction,
    ModuleApi,
    SynapseRequest,
    make_deferred_yieldable,
)

# To connect as Synapse does. The module API has Synapse's own connections only.
from synapse.storage.database import LoggingDatabaseConnection, make_conn
from synapse.storage.engines import BaseDatabaseEngine, PostgresEngine
from twisted.internet.defer import DeferredSemaphore

__all__ = [
    "SnapshotReader",
    "connect",
    "current_time_ms",
    "is_requester_admin",
    "media_retention",
    "parse_boolean",
    "parse_integer",
    "parse_string",
    "run_autocommit",
    "runs_background_tasks",
    "set_cors_headers",
    "synapse_config",
]

_A = TypeVar("_A")
_P = ParamSpec("_P")
_T = TypeVar("_T")


async def is_requester_admin(api: ModuleApi, request: SynapseRequest) -> bool:
    """Whether the requester is a server admin, by Synapse's own rule.

    No public call is right: `ModuleApi.is_user_admin` reads the admin flag in the
    database, which means nothing when Matrix Authentication Service issues the tokens.
    There the token's scope decides, and only the requester knows it.

    Raises:
        InvalidClientCredentialsError: 401, no token or one that is not valid.
    """
    requester = await api.get_user_by_req(request)
    return bool(await api._auth.is_server_admin(requester))


def current_time_ms(api: ModuleApi) -> int:
    """The time as Synapse tells it, in milliseconds since the epoch.

    In the module API only of late, as `get_current_time_msec`.
    """
    return int(api._clock.time_msec())


def runs_background_tasks(api: ModuleApi) -> bool:
    """Whether this is the process for work that must go on once.

    In the module API since Synapse 1.90. Before, only `looping_background_call` knows,
    and says on the other processes, in a warning, that it does nothing.
    """
    runs_here = getattr(api, "should_run_background_tasks", None)
    return runs_here is None or bool(runs_here())


def synapse_config(api: ModuleApi) -> Any:
    """All of Synapse's configuration. The module API gives the module's own alone."""
    return api._hs.config


def media_retention(api: ModuleApi) -> tuple[int | None, int | None]:
    """How long local and remote media is kept by `media_retention`, in milliseconds.

    None where that is not set; or where this process is told not to serve media
    (`enable_media_repo: false`), and does not read those settings.
    """
    config = synapse_config(api).media
    return (
        getattr(config, "media_retention_local_media_lifetime_ms", None),
        getattr(config, "media_retention_remote_media_lifetime_ms", None),
    )


async def run_autocommit(
    api: ModuleApi,
    description: str,
    function: Callable[[LoggingTransaction, _A], _T],
    argument: _A,
) -> _T:
    """Run a function in the database without a transaction around its statements.

    `ModuleApi.run_db_interaction` always has one. PostgreSQL creates and drops an index
    without blocking uploads only outside of a transaction; Synapse's own background
    updates do it so.
    """
    result: _T = await api._store.db_pool.runInteraction(
        description, function, argument, db_autocommit=True
    )
    return result


class SnapshotReader:
    """Runs what reads for long: each function in one snapshot, and nobody waits for it.

    PostgreSQL gives that to any transaction. Of an SQLite database Synapse has a single
    connection, for which everybody would wait. Since Synapse has SQLite write ahead
    (`journal_mode = WAL`), who reads on another connection is in nobody's way, and sees
    the database as it was in the beginning.
    """

    # Synapse stores uploads in threads of the same pool, of which there are ten or so.
    _THREADS = 2

    def __init__(self, api: ModuleApi) -> None:
        self._api = api
        self._turns = DeferredSemaphore(self._THREADS)

    async def run(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function with a transaction, and return what it returns.

        Args:
            description: what it is for, in the logs.
            function: writes nothing.
        """
        pool = self._api._store.db_pool
        database: DatabaseConnectionConfig = pool._database_config
        if (
            isinstance(pool.engine, PostgresEngine)
            # Which nobody else can connect to.
            or database.config["args"]["database"] in ("", ":memory:")
        ):
            return await self._api.run_db_interaction(
                description, function, *args, **kwargs
            )

        def read() -> _T:
            with (
                closing(
                    connect(database, pool.engine, description, self._api.server_name)
                ) as connection,
                connection.cursor(txn_name=description) as txn,
            ):
                # Else each statement would have a snapshot of its own.
                txn.execute("BEGIN")
                return function(txn, *args, **kwargs)

        await make_deferred_yieldable(self._turns.acquire())
        try:
            return await self._api.defer_to_thread(read)
        finally:
            # Whoever is next goes on in here, with a context of its own.
            with PreserveLoggingContext():
                self._turns.release()


def connect(
    database: DatabaseConnectionConfig,
    engine: "BaseDatabaseEngine[Any, Any]",
    description: str,
    server_name: str,
) -> LoggingDatabaseConnection:
    """Make a connection of our own to Synapse's database.

    Args:
        database: how Synapse is told to connect to it.
        engine: what Synapse has for that kind of database.
        description: what it is for, in the logs.
        server_name: whose it is, in the metrics of the versions that say.
    """
    arguments: dict[str, Any] = {
        "db_config": database,
        "engine": engine,
        "default_txn_name": description,
        "server_name": server_name,
    }
    # The last one came late.
    wanted = inspect.signature(make_conn).parameters
    return make_conn(**{name: arguments[name] for name in wanted})
