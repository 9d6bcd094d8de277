"""The rows that triggers log, their cost, and their limit."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from media_database import (
    LOCAL,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    assert_reads_are_exact_txn,
    execute_txn,
)
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import build
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

_ALL_ANSWERS = 10


@pytest.fixture
def keeper(connection: Connection) -> Keeper:
    """Rollups of some files and thumbnails, all in the totals."""
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT 'a' || i, '@a', i, i FROM generate_series(1, 1000) AS i"
    )
    connection.execute(
        "INSERT INTO remote_media_cache (media_id, media_origin, media_length, "
        "created_ts, filesystem_id) "
        "SELECT 'a' || i, 'a', i, i, i FROM generate_series(1, 1000) AS i"
    )
    connection.execute(
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_width, "
        "thumbnail_height, thumbnail_type, thumbnail_method, thumbnail_length) "
        "SELECT 'a' || i, 1, 1, 'image/png', 'crop', i "
        "FROM generate_series(1, 1000) AS i"
    )
    connection.execute(
        "INSERT INTO remote_media_cache_thumbnails (media_origin, media_id, "
        "filesystem_id, thumbnail_width, thumbnail_height, thumbnail_type, "
        "thumbnail_method, thumbnail_length) "
        "SELECT 'a', 'a' || i, i, 1, 1, 'image/png', 'crop', 2 * i "
        "FROM generate_series(1, 1000) AS i"
    )
    keeper = Keeper(connection)
    keeper.round()
    return keeper


def logged(connection: Connection) -> int:
    """The number of changes in the change log."""
    ((number,),) = connection.execute("SELECT COUNT(*) FROM media_stats_changes")
    assert isinstance(number, int)
    return number


def transaction_ids(connection: Connection, statement: str) -> int:
    """The number of transaction IDs that a statement takes."""
    next_id = (
        "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT)"
    )
    ((before,),) = connection.execute(next_id)
    connection.execute(statement)
    ((after,),) = connection.execute(next_id)
    return int(after - before)


@pytest.mark.parametrize("table", ["local_media_repository", "remote_media_cache"])
def test_an_update_that_counts_for_nothing(
    connection: Connection, keeper: Keeper, table: str
) -> None:
    """Synapse writes last_access_ts all the time."""
    update = f"UPDATE {table} SET last_access_ts = 5, upload_name = 'b'"
    assert transaction_ids(connection, update) == 1
    assert logged(connection) == 0
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("local_media_repository", "media_length"),
        ("local_media_repository_thumbnails", "thumbnail_length"),
        ("remote_media_cache", "media_length"),
        ("remote_media_cache_thumbnails", "thumbnail_length"),
    ],
)
def test_every_change_of_every_table(
    connection: Connection, keeper: Keeper, table: str, column: str
) -> None:
    for statement in (
        f"UPDATE {table} SET {column} = {column} + 1",
        f"UPDATE {table} SET {column} = NULL WHERE media_id < 'a5'",
        # Here all lengths are NULL.
        f"DELETE FROM {table} WHERE media_id = 'a1'",
        f"DELETE FROM {table} WHERE media_id > 'a2'",
    ):
        connection.execute(statement)
        assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS, statement
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)

    connection.execute(f"TRUNCATE {table}")
    # The totals of that source do not answer until they are rebuilt.
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS / 2
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        # Of the owner, of the day and of the kind.
        ("local_media_repository", 3),
        ("remote_media_cache", 3),
        ("local_media_repository_thumbnails", 1),
    ],
)
def test_a_bulk_delete(
    connection: Connection, keeper: Keeper, table: str, rows: int
) -> None:
    """It takes no transaction ID per row: PostgreSQL caches only 64."""
    # One for the statement, one for the block that catches errors.
    assert transaction_ids(connection, f"DELETE FROM {table}") <= 2
    assert logged(connection) == rows
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)


def test_statements_that_change_nothing(connection: Connection, keeper: Keeper) -> None:
    connection.execute("DELETE FROM local_media_repository WHERE media_id = 'b'")
    connection.execute("DELETE FROM local_media_repository_thumbnails WHERE FALSE")
    connection.execute("UPDATE remote_media_cache SET media_length = media_length")
    connection.execute(
        "UPDATE local_media_repository_thumbnails SET thumbnail_method = 'scale'"
    )
    assert logged(connection) == 0


def test_a_locked_log_is_waited_for_once(
    connection: Connection, connect: Callable[[], Connection], keeper: Keeper
) -> None:
    """A bulk update does not wait for each of its 1,000 rows."""

    def lock_txn(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE media_stats_changes")
        connection.execute("UPDATE local_media_repository SET quarantined_by = '@a'")

    connect().run_once(lock_txn)
    # The driver keeps 50 of them.
    (notice,) = connection.notices
    assert "lock timeout" in notice
    assert keeper.statuses() == [Status.BUILDING, Status.EXACT]
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)


def test_a_transaction_that_is_rolled_back(
    connection: Connection, keeper: Keeper
) -> None:
    class GoneError(Exception):
        pass

    def write_txn(txn: LoggingTransaction) -> None:
        txn.execute("DELETE FROM local_media_repository")
        assert txn.rowcount == 1000
        raise GoneError

    with pytest.raises(GoneError):
        connection.run_once(write_txn)
    assert logged(connection) == 0
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


# The limit of the change log

_CHANGES = [
    "INSERT INTO local_media_repository (media_id, user_id, media_length, created_ts) "
    "VALUES ('b', '@b', 1, 1)",
    "UPDATE remote_media_cache SET media_length = 7 WHERE media_id = 'a1'",
    "DELETE FROM local_media_repository WHERE media_id = 'a1'",
    "DELETE FROM remote_media_cache WHERE media_id = 'a2'",
    "UPDATE local_media_repository_thumbnails SET thumbnail_length = 9 "
    "WHERE media_id = 'a1'",
    "DELETE FROM local_media_repository_thumbnails WHERE media_id = 'a2'",
]


def fill_log(connection: Connection) -> None:
    """Make it full, as if nobody had applied it for a million changes."""
    connection.execute(
        "SELECT setval('media_stats_change_id', "
        "pg_sequence_last_value('media_stats_log_limit'))"
    )


@pytest.mark.parametrize("change", _CHANGES)
def test_where_nobody_applies_the_change_log(
    connection: Connection, keeper: Keeper, change: str
) -> None:
    """Logging ends, answers come from the media, and the next round mends all."""
    fill_log(connection)
    assert keeper.statuses() == [Status.EXACT] * 2
    connection.execute(change)
    changed = int("remote" in change)
    assert keeper.statuses()[changed] is Status.BUILDING
    assert keeper.statuses()[1 - changed] is Status.EXACT
    for each in _CHANGES:
        if each != change:
            connection.execute(each)
    assert logged(connection) == 0
    assert connection.run(assert_reads_are_exact_txn) == 0

    keeper.round()
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)
    connection.execute("DELETE FROM local_media_repository WHERE media_id = 'a3'")
    assert logged(connection) == 3
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


def test_a_writer_that_does_not_log_is_waited_for(
    connection: Connection, keeper: Keeper, connect: Callable[[], Connection]
) -> None:
    """It began before the totals are built, and commits afterwards."""
    fill_log(connection)
    connection.execute(_CHANGES[0])
    writer = connect()

    def write_txn(txn: LoggingTransaction) -> None:
        execute_txn(txn, "DELETE FROM local_media_repository WHERE media_id = 'a9'")
        keeper.round()
        assert "does not end" in keeper.failures["local"]
        assert keeper.statuses() == [Status.BUILDING, Status.EXACT]

    writer.run_once(write_txn)
    keeper.wait(60)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_a_snapshot_from_before_a_rebuild(
    connection: Connection, keeper: Keeper, connect: Callable[[], Connection]
) -> None:
    """It has changes that were not logged, and totals from before them."""
    fill_log(connection)
    connection.execute(_CHANGES[0])

    def read_txn(txn: LoggingTransaction) -> None:
        assert assert_reads_are_exact_txn(txn) == _ALL_ANSWERS // 2
        keeper.round()
        assert keeper.statuses() == [Status.EXACT] * 2
        assert assert_reads_are_exact_txn(txn) == _ALL_ANSWERS // 2

    connect().run_once(read_txn)
    connection.run(assert_applied_totals_are_exact_txn)


@pytest.mark.parametrize("moment", ["before", "while", "after"])
def test_a_change_is_missed_around_a_rebuild(
    connection: Connection,
    keeper: Keeper,
    connect: Callable[[], Connection],
    moment: str,
) -> None:
    """At any moment: the totals never answer without it."""
    fill_log(connection)
    connection.execute(_CHANGES[0])
    writer = connect()
    build_txn = build.build_txn

    def build_and_miss_txn(txn: LoggingTransaction, *args: Any) -> None:
        if moment == "before":
            miss_in_between(writer)
        build_txn(txn, *args)
        if moment == "while":
            miss_in_between(writer)

    with patch.object(build, "build_txn", build_and_miss_txn):
        keeper.round()
    if moment == "after":
        miss_in_between(writer)
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS // 2
    keeper.wait(60)
    connection.run(assert_applied_totals_are_exact_txn)


def miss_in_between(writer: Connection) -> None:
    fill_log(writer)
    writer.execute("DELETE FROM local_media_repository WHERE media_id = 'a9'")


def test_a_long_log_is_not_applied_but_rebuilt(
    connection: Connection, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("media_stats_module.rollups_keeper.REBUILD_BEYOND", 3)
    connection.execute("UPDATE local_media_repository SET media_length = 1")
    keeper.round()
    assert keeper.api.ran["media_stats_apply_txn"] == 1, "of remote media"
    assert keeper.api.ran["media_stats_build_txn"] == 3
    connection.run(assert_applied_totals_are_exact_txn)
    assert LOCAL.source.value == "local"
