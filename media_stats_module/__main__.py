"""`python -m media_stats_module remove -c homeserver.yaml`: take rollups away again.

For a server that no longer loads the module. A server that loads it with
`rollups: false` does the same by itself.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# None of these is in the module API, which is for modules of a running server. They
# read homeserver.yaml as Synapse's own commands do.
from synapse.config._base import RootConfig, find_config_files, read_config_files
from synapse.config.database import DatabaseConfig
from synapse.module_api.errors import ConfigError
from synapse.storage.database import LoggingDatabaseConnection
from synapse.storage.engines import PostgresEngine, create_engine
from yaml import YAMLError

from media_stats_module import synapse_internals
from media_stats_module.storage.errors import DatabaseFailedError
from media_stats_module.storage.rollups import install
from media_stats_module.storage.rollups.maintenance import raising_database_failed
from media_stats_module.storage.sources import REMOTE_MEDIA, local_media

_T = TypeVar("_T")

# A lock on a media table may take so many attempts, a tenth of a second each.
_ATTEMPTS = 100


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 if nothing of rollups is left in the database.
    """
    parser = argparse.ArgumentParser(
        prog="python -m media_stats_module",
        description="Take all that rollups have added out of Synapse's database.",
    )
    parser.add_argument("command", choices=["remove"])
    parser.add_argument(
        "-c",
        "--config-path",
        action="append",
        required=True,
        metavar="PATH",
        help="Synapse's configuration, a file or a directory; may be repeated",
    )
    options = parser.parse_args(arguments)
    try:
        return _remove(options.config_path)
    except _RefusedError as refused:
        print(f"{parser.prog}: {refused}", file=sys.stderr)
        return 1


class _RefusedError(Exception):
    """The command cannot do its work; the reason in one sentence."""


def _remove(config_paths: list[str]) -> int:
    config = _read_config(config_paths)
    if _has_rollups(config):
        raise _RefusedError(
            "the configuration still says `rollups: true`, so a running Synapse would "
            "put everything back. Set it to false, or take the module out of "
            "`modules:`, restart Synapse, and try again."
        )
    connection = _connect(config)
    if not isinstance(connection.engine, PostgresEngine) or not _run(
        connection, install.is_present_txn
    ):
        print("There is nothing to remove.")
        return 0
    while _run(connection, install.remove_triggers_txn):
        pass
    _run(connection, install.remove_tables_txn)
    driver: Any = connection.conn
    connection.engine.attempt_to_set_autocommit(driver, True)
    for table in (local_media(count_url_previews=True), REMOTE_MEDIA):
        _run(connection, install.drop_time_index_txn, table.name)
    print("Removed.")
    return 0


def _read_config(paths: list[str]) -> Mapping[str, Any]:
    try:
        config = read_config_files(find_config_files(paths))
    except (ConfigError, OSError, YAMLError, UnicodeError) as error:
        raise _RefusedError(f"cannot read the configuration: {error}") from error
    if not isinstance(config, Mapping) or "server_name" not in config:
        raise _RefusedError(
            f"{', '.join(paths)}: not a configuration of Synapse: no server_name"
        )
    return config


def _has_rollups(config: Mapping[str, Any]) -> bool:
    return any(
        str(module.get("module", "")).startswith("media_stats_module.")
        and bool((module.get("config") or {}).get("rollups"))
        for module in config.get("modules") or ()
        if isinstance(module, Mapping)
    )


def _connect(config: Mapping[str, Any]) -> LoggingDatabaseConnection:
    """Connect to the database that has the media tables."""
    databases = DatabaseConfig(RootConfig())
    try:
        databases.read_config(config)  # type: ignore[arg-type]
    except ConfigError as error:
        raise _RefusedError(f"cannot read `database:`: {error}") from error
    found = [db for db in databases.databases if "main" in db.databases]
    if not found:
        raise _RefusedError("the configuration has no `database:`")
    engine = create_engine(found[0].config)
    try:
        return synapse_internals.connect(
            found[0], engine, "media_stats_remove", str(config["server_name"])
        )
    except engine.module.Error as error:
        reason = " ".join(str(error).split())
        raise _RefusedError(f"cannot connect to the database: {reason}") from error


def _run(
    connection: LoggingDatabaseConnection, function: Callable[..., _T], *args: object
) -> _T:
    """Run a transaction; again if another one has what it needs locked."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with (
                connection.cursor(txn_name=function.__name__) as txn,
                raising_database_failed(txn),
            ):
                result = function(txn, *args)
                connection.commit()
                return result
        except DatabaseFailedError as error:
            connection.rollback()
            if not error.is_lock or attempt == _ATTEMPTS:
                raise _RefusedError(error.reason) from error
            time.sleep(0.1)
    raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main())
