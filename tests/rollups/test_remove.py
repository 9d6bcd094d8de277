"""`python -m media_stats_module remove`, as one runs it beside a server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from media_stats_module.storage.rollups.tables import all_rollups
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

from media_stats_module.__main__ import connect, run_transaction
from media_stats_module.config import MediaStatsConfig
from media_stats_module.storage.rollups import schema

ROLLUPS = all_rollups(MediaStatsConfig())


class Database:
    """A database with the two media tables and, at first, rollups."""

    def __init__(self, config: dict[str, Any], directory: Path) -> None:
        self.is_sqlite = config["name"] == "sqlite3"
        self.homeserver_yaml = directory / "homeserver.yaml"
        self.homeserver_yaml.write_text(
            yaml.safe_dump(
                {"server_name": "test", "report_stats": False, "database": config}
            )
        )
        self.connection = connect([str(self.homeserver_yaml)])
        for table, owner in (
            ("local_media_repository", "user_id"),
            ("remote_media_cache", "media_origin"),
        ):
            self.execute(
                f"CREATE TABLE {table} (media_id TEXT, {owner} TEXT, "
                "media_length INTEGER, created_ts BIGINT, url_cache TEXT)"
            )

    def transaction(self, function: Callable[..., object], *args: object) -> object:
        return run_transaction(self.connection, function, *args)

    def execute(self, sql: str) -> None:
        def execute_txn(txn: LoggingTransaction) -> None:
            txn.execute(sql)

        self.transaction(execute_txn)

    def is_present(self) -> bool:
        return bool(self.transaction(schema.is_present_txn))

    def install(self) -> None:
        self.transaction(schema.install_tables_txn, ROLLUPS)
        for rollup in ROLLUPS:
            self.transaction(schema.install_triggers_txn, rollup)
        if self.is_sqlite:
            for rollup in ROLLUPS:
                self.execute(
                    f"INSERT INTO {rollup.times} VALUES (1, 'a', 1, 1), (2, 'a', 1, 1)"
                )
        # Without CONCURRENTLY, which the last statement here does not need. SQLite had
        # one in version 3.
        for rollup in ROLLUPS:
            self.execute(
                f"CREATE INDEX {rollup.by_time} ON {rollup.media.name} (created_ts)"
            )

    def remove(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "media_stats_module",
                "remove",
                "-c",
                str(self.homeserver_yaml),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ,
        )


@pytest.fixture(params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    directory = tmp_path_factory.mktemp("remove")
    if request.param == "sqlite":
        path = str(directory / "homeserver.db")
        yield Database({"name": "sqlite3", "args": {"database": path}}, directory)
        return
    with PostgresServer.start(directory / "postgres") as server:
        server.create_database("synapse")
        yield Database({"name": "psycopg2", "args": server.dsn("synapse")}, directory)


def test_removes_everything_and_can_be_repeated(database: Database) -> None:
    database.install()
    assert database.is_present()

    first = database.remove()
    assert (first.stdout, first.returncode) == ("Removed.\n", 0), first.stderr
    assert not database.is_present()
    database.execute("INSERT INTO local_media_repository (media_id) VALUES ('a')")

    second = database.remove()
    assert (second.stdout, second.returncode) == ("There is nothing to remove.\n", 0)


def test_a_configuration_that_cannot_be_read(database: Database) -> None:
    database.homeserver_yaml.write_text("database: [")
    refused = database.remove()
    assert refused.returncode == 2
    assert f"cannot read {database.homeserver_yaml}: " in refused.stderr
