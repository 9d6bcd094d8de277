"""Long reads on SQLite: in one snapshot, and others do not wait long."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from media_database import Api, Connection, execute_txn, finish, write_config
from support import MODULE_PATH
from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.storage.database import LoggingDatabaseConnection

from demo.homeserver import Homeserver
from media_stats_module.storage import (
    DatabaseFailedError,
    QueryTimeoutError,
    QueueFullError,
    SharedDatabase,
    shared_database,
)
from media_stats_module.storage.database import Cost
from media_stats_module.synapse_internals import connect_to_database

_INSERT = (
    "INSERT INTO local_media_repository (media_id, media_type, media_length, "
    "created_ts, user_id, last_access_ts) "
    "VALUES (?, 'image/png', 7, 86400000, '@user:test', 0)"
)
_COUNT = "SELECT COUNT(*) FROM local_media_repository"


@pytest.fixture
def synapse(tmp_path: Path) -> Iterator[Connection]:
    """Synapse's connection to a database with one file."""
    path = write_config(
        tmp_path,
        {"name": "sqlite3", "args": {"database": str(tmp_path / "homeserver.db")}},
    )
    with closing(Connection(path)) as connection:
        connection.create_tables()
        connection.execute(_INSERT, "before")
        yield connection


def test_writers_do_not_wait_and_are_not_seen(
    synapse: Connection, tmp_path: Path
) -> None:
    def read(txn: LoggingTransaction, other: sqlite3.Connection) -> None:
        assert execute_txn(txn, _COUNT) == [(1,)]
        synapse.execute(_INSERT, "meanwhile")
        other.execute(_INSERT, ("meanwhile, by another process",))
        assert execute_txn(txn, _COUNT) == [(1,)]

    shared = SharedDatabase(cast(ModuleApi, Api(synapse)), query_timeout=60_000)
    database = tmp_path / "homeserver.db"
    # A writer that finds the database locked fails at once.
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
        finish(
            shared.read("test", lambda txn, cost: read(txn, other), [Cost.WHOLE_TABLE])
        )
    assert synapse.execute(_COUNT) == [(3,)]


def test_nobody_waits_long_where_sqlite_cannot_write_ahead(
    synapse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on network file systems, where writers wait for readers."""
    synapse.execute("PRAGMA journal_mode = DELETE")

    def connect(api: ModuleApi, description: str) -> LoggingDatabaseConnection:
        connection = connect_to_database(api, description)
        connection.execute("PRAGMA journal_mode = DELETE")
        return connection

    monkeypatch.setattr(shared_database, "connect_to_database", connect)
    monkeypatch.setattr(shared_database, "_TIMEOUT_WITHOUT_WAL_MS", 100)

    def read(txn: LoggingTransaction, cost: Cost) -> None:
        execute_txn(
            txn,
            "WITH RECURSIVE numbers (i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM numbers) "
            "SELECT COUNT(*) FROM numbers",
        )

    shared = SharedDatabase(cast(ModuleApi, Api(synapse)), query_timeout=600_000)
    with pytest.raises(QueryTimeoutError):
        finish(shared.read("test", read, [Cost.WHOLE_TABLE]))


def test_no_more_connections(
    synapse: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connections or open files are left: the client is told to ask again."""

    def connect(*_: object) -> LoggingDatabaseConnection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(shared_database, "connect_to_database", connect)
    shared = SharedDatabase(cast(ModuleApi, Api(synapse)), query_timeout=600_000)
    with pytest.raises(QueueFullError):
        finish(shared.read("test", lambda txn, cost: None, [Cost.WHOLE_TABLE]))


@pytest.mark.parametrize("error", ["database or disk is full", "disk I/O error"])
def test_no_room_to_sort(synapse: Connection, error: str) -> None:
    """SQLite sorts in the directory `TMPDIR`, which may be full."""

    def read(txn: LoggingTransaction, cost: Cost) -> None:
        raise sqlite3.OperationalError(error)

    shared = SharedDatabase(cast(ModuleApi, Api(synapse)), query_timeout=600_000)
    with pytest.raises(DatabaseFailedError, match=error):
        finish(shared.read("test", read, [Cost.WHOLE_TABLE]))


def test_many_read_at_once(tmp_path: Path) -> None:
    """On a real Synapse, with more questions at once than it has threads."""
    with Homeserver(tmp_path, module={}) as homeserver:
        admin = homeserver.register("admin", admin=True)
        homeserver.client.upload(admin, b"some bytes")

        def ask(path: str) -> int:
            response = homeserver.client.request(
                "GET", f"{MODULE_PATH}/v1/{path}", token=admin.access_token
            )
            return response.status

        paths = ["summary", "users", "timeline", "types"] * 6
        # One that runs, and as many as may wait.
        paths += ["files?format=csv"] * 5
        with ThreadPoolExecutor(len(paths)) as threads:
            assert set(threads.map(ask, paths)) == {200}
        log = homeserver.log_path.read_text()

    # Synapse's words for a context that was lost, or finished more than once.
    assert "logging context" not in log.lower()
    assert "logcontext" not in log.lower()
