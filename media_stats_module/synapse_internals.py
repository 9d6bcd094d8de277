"""All uses of Synapse that are not in `synapse.module_api`.

Two other places rely on more of Synapse than that: storage/ on its tables (see
storage/sources.py) and its transactions, disk/paths.py on the layout of its media
store. Each function says why it is here. A new version of Synapse can break these, so
the tests run all of them on every supported version.
"""

import inspect
import io
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import yaml

# To read homeserver.yaml as Synapse's own commands do.
from synapse.config._base import Config, RootConfig, find_config_files
from synapse.config.database import DatabaseConfig, DatabaseConnectionConfig

# The headers of Synapse's own answers, for one that is not JSON.
from synapse.http.server import set_cors_headers

# Synapse's parsers of query parameters, for errors in Synapse's words. The module API
# has none.
from synapse.http.servlet import (
    parse_boolean_from_args,
    parse_integer_from_args,
    parse_string_from_args,
)

# The counterpart of `make_deferred_yieldable`, which is in the module API.
from synapse.logging.context import PreserveLoggingContext
from synapse.module_api import (
    LoggingTransaction,
    ModuleApi,
    SynapseRequest,
    make_deferred_yieldable,
    run_in_background,
)
from synapse.module_api.errors import (
    Codes,
    ConfigError,
    InvalidClientCredentialsError,
    SynapseError,
)

# To open a connection as Synapse does. The module API has only Synapse's pool.
from synapse.storage.database import LoggingDatabaseConnection, make_conn
from synapse.storage.engines import (
    BaseDatabaseEngine,
    PostgresEngine,
    create_engine,
)

# Marks the handlers that Synapse cancels when the client closes the connection.
from synapse.util.cancellation import cancellable
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure

try:
    from synapse.api.constants import Direction
except ImportError:
    # Synapse before 1.78.
    Direction = None  # type: ignore[assignment,misc]

__all__ = [
    "LoggingDatabaseConnection",
    "PreserveLoggingContext",
    "UnreadableConfigError",
    "call_at_shutdown",
    "cancellable",
    "configured_media_retention",
    "connect",
    "connect_to_database",
    "connect_to_main",
    "current_time_ms",
    "delay_cancellation",
    "driver_connection",
    "has_postgres",
    "is_postgres_engine",
    "is_requester_admin",
    "is_sqlite_file",
    "issuer_metadata",
    "media_settings",
    "media_store_path",
    "parse_boolean_from_args",
    "parse_direction_from_args",
    "parse_duration",
    "parse_integer_from_args",
    "parse_string_from_args",
    "pool_size",
    "read_configuration",
    "run_autocommit",
    "runs_background_tasks",
    "set_cors_headers",
    "synapse_config",
]

_T = TypeVar("_T")

# Synapse itself waits for a minute.
_ISSUER_TIMEOUT_S = 5


async def is_requester_admin(api: ModuleApi, request: SynapseRequest) -> bool:
    """Whether the requester is a server admin, by Synapse's own rule.

    No public call is right: `ModuleApi.is_user_admin` reads the admin flag in the
    database, which means nothing when Matrix Authentication Service issues the tokens.
    There the token's scope decides, and only the requester has it.

    With delegated authentication, concurrent requests share one question to the issuer.
    Cancelling one request would cancel it for all, so a cancellation waits for its end.

    Raises:
        InvalidClientCredentialsError: 401, no token or one that is not valid.
    """

    async def decide() -> bool:
        try:
            requester = await api.get_user_by_req(request)
        except UnicodeDecodeError as error:
            # Synapse's own endpoints answer 500 to a token that is not ASCII.
            raise InvalidClientCredentialsError(
                "Invalid access token passed.", Codes.UNKNOWN_TOKEN
            ) from error
        return bool(await api._auth.is_server_admin(requester))

    return await delay_cancellation(decide(), on_cancel=lambda: None)


def _parse_direction_before_178(
    args: Mapping[bytes, Sequence[bytes]], name: str
) -> str | None:
    direction = parse_string_from_args(args, name)
    if direction not in (None, "f", "b"):
        raise SynapseError(
            HTTPStatus.BAD_REQUEST,
            f"Unknown direction: {direction}",
            Codes.INVALID_PARAM,
        )
    return direction


# Reads a direction, `f` or `b`, with the error of Synapse's own admin API. The error
# names the values in the order that they have in that version.
parse_direction_from_args: Callable[..., str | None] = _parse_direction_before_178
if Direction is not None:
    parse_direction_from_args = partial(
        parse_string_from_args, allowed_values=[each.value for each in Direction]
    )


async def issuer_metadata(api: ModuleApi) -> Mapping[str, Any]:
    """The metadata of the issuer of access tokens; empty if Synapse issues them.

    With delegated authentication Synapse asks the issuer once, caches the answer, and
    serves it at `/_matrix/client/v1/auth_metadata`. The module API does not have it.

    Concurrent callers share one request. It goes on when this one is cancelled or has
    waited too long.

    Raises:
        Exception: the issuer does not answer.
    """
    load = getattr(api._auth, "auth_metadata", None)
    if load is None:
        return {}
    answer: Deferred[Mapping[str, Any]] = Deferred()

    def give(result: "Mapping[str, Any] | Failure") -> None:
        if not answer.called:
            answer.callback(result)

    # Not in the log context of a request, which may end before.
    with PreserveLoggingContext():
        run_in_background(load).addBoth(give)
    answer.addTimeout(_ISSUER_TIMEOUT_S, api._hs.get_reactor())
    return await make_deferred_yieldable(answer)


def current_time_ms(api: ModuleApi) -> int:
    """The time by Synapse's clock, in milliseconds since the epoch.

    Only newer versions have `ModuleApi.get_current_time_msec`.
    """
    return int(api._clock.time_msec())


def runs_background_tasks(api: ModuleApi) -> bool:
    """Whether this is the process that runs background tasks.

    In the module API since Synapse 1.90. Before, only the configuration says so.
    """
    runs_here = getattr(api, "should_run_background_tasks", None)
    if runs_here is None:
        return bool(synapse_config(api).worker.run_background_tasks)
    return bool(runs_here())


def call_at_shutdown(api: ModuleApi, function: Callable[[], None]) -> None:
    """Call a function when Synapse begins to shut down.

    Not in the module API. Synapse then waits for its threads, so running statements
    have to end.
    """
    api._hs.get_reactor().addSystemEventTrigger("before", "shutdown", function)


def synapse_config(api: ModuleApi) -> Any:
    """All of Synapse's configuration. The module API gives only the module's own."""
    return api._hs.config


def media_settings(api: ModuleApi) -> tuple[tuple[int | None, int | None], bool]:
    """The settings `media_retention` and `url_preview_enabled`.

    The first as the lifetimes of local and remote media in milliseconds, None where not
    set. If the second is false, Synapse expires no URL previews.

    A process that does not serve media (`enable_media_repo: false`) has not parsed
    these settings, so their files are read here.
    """
    config = synapse_config(api)
    if config.media.can_load_media_repo:
        lifetimes = (
            config.media.media_retention_local_media_lifetime_ms,
            config.media.media_retention_remote_media_lifetime_ms,
        )
        return lifetimes, bool(config.media.url_preview_enabled)
    configuration = _read_again(config)
    return (
        configured_media_retention(configuration),
        bool(configuration.get("url_preview_enabled")),
    )


def _read_again(config: Any) -> Mapping[str, Any]:
    """Read the files of Synapse's configuration again; empty if they are gone."""
    try:
        return read_configuration(config.config_files)
    except ConfigError:
        # Such as a pipe, which can be read once.
        return {}


def media_store_path(api: ModuleApi) -> str | None:
    """The folder of the media store; None in a process that does not serve media.

    Such a process may run on a machine without that folder, or with another one.
    """
    media = synapse_config(api).media
    if not media.can_load_media_repo:
        return None
    path: str = media.media_store_path
    return path


def configured_media_retention(
    configuration: Mapping[str, Any],
) -> tuple[int | None, int | None]:
    """The lifetimes in `media_retention`, from a configuration that is not loaded.

    Raises:
        ConfigError: the setting is wrong.
    """
    retention = configuration.get("media_retention") or {}
    if not isinstance(retention, Mapping):
        raise ConfigError("must be a mapping", ("media_retention",))
    local, remote = (
        None
        if retention.get(name) is None
        else parse_duration(retention[name], "media_retention", name)
        for name in ("local_media_lifetime", "remote_media_lifetime")
    )
    return local, remote


async def run_autocommit(
    api: ModuleApi, description: str, function: Callable[[LoggingTransaction], None]
) -> None:
    """Run a function on a connection without a transaction around its statements.

    `ModuleApi.run_db_interaction` always has one. Only outside of a transaction does
    PostgreSQL create and drop an index without blocking uploads. Synapse's background
    updates do the same.
    """
    await api._store.db_pool.runInteraction(description, function, db_autocommit=True)


def driver_connection(txn: LoggingTransaction) -> Any:
    """The connection of the database driver, which can cancel a running statement."""
    # The cursors of both drivers have it; Synapse's type of a cursor does not.
    return txn.txn.connection  # type: ignore[attr-defined]


def has_postgres(api: ModuleApi) -> bool:
    """Whether the database is PostgreSQL; the only other one is SQLite."""
    return is_postgres_engine(api._store.db_pool.engine)


def is_postgres_engine(engine: object) -> bool:
    """Whether an engine, Synapse's adapter for a database, is for PostgreSQL."""
    return isinstance(engine, PostgresEngine)


def is_sqlite_file(api: ModuleApi) -> bool:
    """Whether the database is a file of SQLite, to which one can connect again."""
    pool = api._store.db_pool
    arguments = pool._database_config.config["args"]
    return not has_postgres(api) and arguments["database"] not in ("", ":memory:")


def pool_size(api: ModuleApi) -> int:
    """The most connections of Synapse's pool: Twisted's option `cp_max`."""
    arguments = api._store.db_pool._database_config.config.get("args", {})
    return int(arguments.get("cp_max", ConnectionPool.max))


def connect_to_database(api: ModuleApi, description: str) -> LoggingDatabaseConnection:
    """Open a connection of our own to the database of a running Synapse."""
    pool = api._store.db_pool
    return connect(pool._database_config, pool.engine, description, api.server_name)


def delay_cancellation(
    work: "Coroutine[Any, Any, _T] | Deferred[_T]", on_cancel: Callable[[], None]
) -> "Deferred[_T]":
    """Await work in a thread, and tell it when the awaiting coroutine is cancelled.

    Synapse's function of that name waits for the end of the work, too, so that its log
    context lasts, but does not tell it.

    Args:
        work: a coroutine or a Deferred.
        on_cancel: called at a cancellation. The awaiting coroutine gets its
            `CancelledError` when the work has ended.
    """
    running = ensureDeferred(work)

    def cancel(awaited: "Deferred[_T]") -> None:
        on_cancel()
        awaited.pause()
        with PreserveLoggingContext():
            awaited.errback(CancelledError())

    def end(result: "_T | Failure") -> None:
        if awaited.called:
            awaited.unpause()
        else:
            awaited.callback(result)

    awaited: Deferred[_T] = Deferred(cancel)
    running.addBoth(end)
    return awaited


def connect(
    database: DatabaseConnectionConfig,
    engine: "BaseDatabaseEngine[Any, Any]",
    description: str,
    server_name: str,
) -> LoggingDatabaseConnection:
    """Open a connection of our own to Synapse's database.

    Args:
        database: Synapse's configuration of it.
        engine: Synapse's adapter for this kind of database.
        description: the name of its purpose in the logs.
        server_name: the label in the metrics of versions that have one.
    """
    connection = _call_with_known(
        make_conn,
        db_config=database,
        engine=engine,
        default_txn_name=description,
        server_name=server_name,
    )
    if not is_postgres_engine(engine):
        _replace_what_is_not_utf8(connection)
    return connection


def _call_with_known(function: Callable[..., _T], **arguments: object) -> _T:
    """Call a function of Synapse with those arguments that it has in this version."""
    known = inspect.signature(function).parameters
    return function(**{name: arguments[name] for name in known if name in arguments})


def _replace_what_is_not_utf8(connection: LoggingDatabaseConnection) -> None:
    """Make SQLite replace bytes that are not UTF-8. By default, they are an error."""
    driver: Any = connection.conn
    driver.text_factory = lambda text: text.decode("utf-8", "replace")


class UnreadableConfigError(ConfigError):
    """A file of the configuration cannot be read. The error names the file."""


def read_configuration(paths: Sequence[str]) -> Mapping[str, Any]:
    """Read Synapse's configuration as Synapse's own commands do.

    Args:
        paths: files, and directories whose files end in `.yaml`.

    Raises:
        UnreadableConfigError: it cannot be read.
    """
    try:
        # It prints the names of files that it skips, in the middle of our output.
        with redirect_stdout(io.StringIO()):
            files = find_config_files(list(paths))
    except OSError as error:
        raise UnreadableConfigError(str(error)) from error
    configuration: dict[str, Any] = {}
    for file in files:
        content = _read_yaml(file)
        # As Synapse does, skips a file that is empty.
        if isinstance(content, dict):
            configuration.update(content)
    if not configuration:
        raise UnreadableConfigError(
            f"{', '.join(paths)}: empty, or not a mapping of options to values"
        )
    if not isinstance(configuration.get("server_name"), str):
        raise UnreadableConfigError(f"{', '.join(paths)}: there is no server_name")
    return configuration


def _read_yaml(path: str) -> object:
    try:
        with open(path, opener=_open_without_waiting) as file:
            return yaml.safe_load(file)
    except OSError as error:
        reason = error.strerror
    except Exception as error:
        # Values that do not fit their tag raise errors of any kind.
        reason = " ".join(str(error).split())
    raise UnreadableConfigError(f"{path}: {reason}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file. That of a pipe to which nobody writes is empty."""
    file = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(file, True)
    return file


def parse_duration(value: object, *option: str) -> int:
    """Parse a duration of homeserver.yaml, such as `24h`, into milliseconds.

    Not in the module API.

    Raises:
        ConfigError: it is not a duration; names the option.
    """
    try:
        duration: int = Config.parse_duration(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"must be a duration, such as 24h, not {value!r}", option
        ) from error
    return duration


def connect_to_main(
    configuration: Mapping[str, Any], open_sqlite_file: Callable[[Any, str], Any]
) -> LoggingDatabaseConnection:
    """Connect to the database that has the media tables, without a running Synapse.

    Args:
        configuration: Synapse's configuration.
        open_sqlite_file: opens a file of SQLite for reading, with a driver and a path.

    Raises:
        ConfigError: there is none, or the connection fails.
    """
    try:
        return _connect_to_main(configuration, open_sqlite_file)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Synapse's own parser expects mappings.
        raise ConfigError(
            f"`database` must be a mapping with `name` and `args`: {error!r}"
        ) from error


def _connect_to_main(
    configuration: Mapping[str, Any], open_sqlite_file: Callable[[Any, str], Any]
) -> LoggingDatabaseConnection:
    databases = DatabaseConfig(RootConfig())
    databases.read_config(dict(configuration))
    found = [db for db in databases.databases if "main" in db.databases]
    if not found:
        raise ConfigError("there is no `database`")
    engine = create_engine(found[0].config)
    server_name = str(configuration["server_name"])
    try:
        if is_postgres_engine(engine):
            return connect(found[0], engine, "media_stats", server_name)
        return _connect_to_sqlite_file(found[0], engine, server_name, open_sqlite_file)
    except engine.module.Error as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"cannot connect to the database: {reason}") from error


def _connect_to_sqlite_file(
    database: DatabaseConnectionConfig,
    engine: "BaseDatabaseEngine[Any, Any]",
    server_name: str,
    open_sqlite_file: Callable[[Any, str], Any],
) -> LoggingDatabaseConnection:
    """Open a file of SQLite for reading. Synapse's own way would create it."""
    path = os.path.abspath(database.config["args"]["database"])
    if not os.path.isfile(path):
        raise ConfigError(
            f"there is no database file {path}. A relative path in `database` counts "
            "from the directory that Synapse is started in"
        )
    connection = _call_with_known(
        LoggingDatabaseConnection,
        conn=open_sqlite_file(engine.module, path),
        engine=engine,
        default_txn_name="media_stats",
        server_name=server_name,
    )
    _replace_what_is_not_utf8(connection)
    return connection
