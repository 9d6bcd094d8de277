"""What reads for long on SQLite: in one snapshot, and nobody waits for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from media_database import (
    LOCAL,
    Api,
    Connection,
    Keeper,
    create_tables,
    finish,
    write_config,
)
from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.storage.rollups.check import check_txn
from media_stats_module.synapse_internals import run_snapshot

_INSERT = (
    "INSERT INTO local_media_repository (media_id, media_type, media_length, "
    "created_ts, user_id, last_access_ts) "
    "VALUES (?, 'image/png', 7, 86400000, '@user:test', 0)"
)


@pytest.fixture
def synapse(tmp_path: Path) -> Iterator[Connection]:
    """Synapse's connection to a database with one file, of which there are totals."""
    path = write_config(
        tmp_path,
        {"name": "sqlite3", "args": {"database": str(tmp_path / "homeserver.db")}},
    )
    create_tables(path)
    with closing(Connection(path)) as connection:
        connection.execute(_INSERT, "before")
        Keeper(connection).round()
        yield connection


def test_writers_do_not_wait_and_are_not_seen(
    synapse: Connection, tmp_path: Path
) -> None:
    def count(txn: LoggingTransaction) -> int:
        txn.execute("SELECT COUNT(*) FROM local_media_repository")
        ((number,),) = txn.fetchall()
        return int(number)

    def read(txn: LoggingTransaction, other: sqlite3.Connection) -> int | None:
        assert count(txn) == 1
        synapse.execute(_INSERT, "meanwhile")
        other.execute(_INSERT, ("meanwhile, by another process",))
        assert count(txn) == 1
        differences = check_txn(txn, LOCAL)
        return None if differences is None else differences.total

    api = cast(ModuleApi, Api(synapse))
    database = tmp_path / "homeserver.db"
    # Who finds the database locked fails at once.
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
        assert finish(run_snapshot(api, "test", read, other)) == 0
    assert synapse.run(count) == 3
