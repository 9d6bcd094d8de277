"""`python -m media_stats_module remove -c homeserver.yaml`: take rollups away again.

For a server that no longer loads the module, or will not any more. A server that loads
it with `rollups: false` does the same by itself.
"""

import argparse
import sys
import time
from collections.abc import Callable

from synapse.config._base import RootConfig, read_config_files
from synapse.config.database import DatabaseConfig
from synapse.module_api.errors import ConfigError

# None of these is in the module API, which is for modules of a running server. They
# read homeserver.yaml as Synapse's own commands do.
from synapse.storage.database import LoggingDatabaseConnection
from synapse.storage.engines import create_engine
from yaml import YAMLError

from media_stats_module import synapse_internals
from media_stats_module.config import MediaStatsConfig
from media_stats_module.rollups_keeper import BUILD_AT_MOST
from media_stats_module.storage.rollups import schema, write
from media_stats_module.storage.rollups.tables import all_rollups

_ATTEMPTS = 100


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 if nothing of rollups is left in the database.
    """
    parser = argparse.ArgumentParser(
        prog="python -m media_stats_module",
        description="Take the objects of rollups out of Synapse's database.",
    )
    parser.add_argument("command", choices=["remove"])
    parser.add_argument(
        "-c",
        "--config-path",
        action="append",
        required=True,
        metavar="homeserver.yaml",
        help="Synapse's configuration, as Synapse itself takes it",
    )
    options = parser.parse_args(arguments)
    try:
        connection = connect(options.config_path)
    except (ConfigError, OSError, YAMLError) as error:
        parser.error(f"cannot read {', '.join(options.config_path)}: {error}")

    if not run_transaction(connection, schema.is_present_txn):
        print("There is nothing to remove.")
        return 0
    rollups = all_rollups(MediaStatsConfig())
    for rollup in rollups:
        run_transaction(connection, schema.remove_triggers_txn, rollup)
        while not run_transaction(
            connection, write.empty_times_txn, rollup, BUILD_AT_MOST
        ):
            pass
    run_transaction(connection, schema.remove_tables_txn, rollups)
    connection.engine.attempt_to_set_autocommit(connection.conn, True)
    for rollup in rollups:
        run_transaction(connection, schema.drop_time_index_txn, rollup)
    print("Removed.")
    return 0


def connect(config_paths: list[str]) -> LoggingDatabaseConnection:
    """Connect to the database that has the media tables."""
    config = read_config_files(config_paths)
    databases = DatabaseConfig(RootConfig())
    databases.read_config(config)
    if not databases.databases:
        raise ConfigError("there is no database in it")
    (database,) = (db for db in databases.databases if "main" in db.databases)
    return synapse_internals.connect(
        database,
        create_engine(database.config),
        "media_stats_remove",
        str(config["server_name"]),
    )


def run_transaction(
    connection: LoggingDatabaseConnection,
    function: Callable[..., object],
    *args: object,
) -> object:
    """Run a transaction; again if another one has what it needs locked."""
    for attempt in range(_ATTEMPTS):
        try:
            with connection.cursor(txn_name=function.__name__) as txn:
                result = function(txn, *args)
            connection.commit()
        except connection.engine.module.OperationalError:
            connection.rollback()
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.1)
        else:
            return result
    return None


if __name__ == "__main__":
    sys.exit(main())
