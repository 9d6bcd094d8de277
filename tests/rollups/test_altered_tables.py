"""ALTER TABLE while connections stay open whose triggers have fired before."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from administrator_support import (
    assert_exact,
    assert_right_or_silent,
    insert_media,
    objects,
)
from media_database import Connection, Keeper
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import build
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = [pytest.mark.once, pytest.mark.any_database]

_OF_MEDIA = (
    "ALTER COLUMN media_length TYPE BIGINT",
    "ALTER COLUMN media_length TYPE NUMERIC",
    "ALTER COLUMN created_ts TYPE NUMERIC(20)",
    "ALTER COLUMN media_type TYPE VARCHAR(200)",
    "ALTER COLUMN quarantined_by TYPE VARCHAR",
    "ALTER COLUMN upload_name TYPE VARCHAR",
    "ADD COLUMN added BIGINT NOT NULL DEFAULT 1",
    "DROP COLUMN upload_name",
    "RENAME COLUMN upload_name TO renamed",
    # These change values.
    "ALTER COLUMN media_type TYPE TEXT USING left(media_type, 3)",
    "ALTER COLUMN media_length TYPE BIGINT USING media_length + 1",
    "DROP COLUMN quarantined_by, ADD COLUMN quarantined_by TEXT DEFAULT '@a'",
    "DROP COLUMN created_ts, ADD COLUMN created_ts BIGINT",
    # Names that the functions use.
    "ADD COLUMN is_counted TEXT, ADD COLUMN owner TEXT, ADD COLUMN sign TEXT",
)
_OF_THUMBNAILS = (
    "ALTER COLUMN thumbnail_length TYPE BIGINT",
    "ALTER COLUMN thumbnail_width TYPE BIGINT",
    "ADD COLUMN added TEXT",
    "DROP COLUMN thumbnail_width",
    "RENAME COLUMN thumbnail_width TO renamed",
)
_CHANGES = {
    "local_media_repository": (
        *_OF_MEDIA,
        "ALTER COLUMN user_id TYPE VARCHAR",
        "ALTER COLUMN url_cache TYPE VARCHAR(1000)",
        # Written as NULL from then on.
        "ALTER COLUMN safe_from_quarantine DROP NOT NULL, "
        "ALTER COLUMN safe_from_quarantine DROP DEFAULT",
    ),
    "remote_media_cache": (*_OF_MEDIA, "ALTER COLUMN media_origin TYPE VARCHAR"),
    "local_media_repository_thumbnails": _OF_THUMBNAILS,
    "remote_media_cache_thumbnails": _OF_THUMBNAILS,
}


def write(connection: Connection, name: str) -> None:
    """INSERT, UPDATE and DELETE on all four tables."""
    for statement in (
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        f"created_ts, media_type) VALUES ('{name}', '@a', 3, 90000000, 'image/png'), "
        f"('{name}2', '@b', 4, 0, 'text/plain')",
        "UPDATE local_media_repository SET last_access_ts = 7",
        "UPDATE local_media_repository SET media_length = media_length + 1",
        f"UPDATE local_media_repository SET quarantined_by = '{name}'",
        f"DELETE FROM local_media_repository WHERE media_id = '{name}2'",
        "INSERT INTO remote_media_cache (media_origin, media_id, media_length, "
        f"created_ts, media_type, filesystem_id) VALUES ('a', '{name}', 3, 7, 'a/b', "
        f"'{name}'), ('b', '{name}', 4, 0, 'c', '{name}2')",
        "UPDATE remote_media_cache SET last_access_ts = 7",
        "UPDATE remote_media_cache SET media_length = media_length + 1",
        f"DELETE FROM remote_media_cache WHERE filesystem_id = '{name}2'",
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_type, "
        f"thumbnail_length) VALUES ('{name}', 'a', 3), ('{name}', 'b', 4)",
        "UPDATE local_media_repository_thumbnails "
        "SET thumbnail_length = thumbnail_length + 1",
        "DELETE FROM local_media_repository_thumbnails WHERE thumbnail_type = 'b'",
        "INSERT INTO remote_media_cache_thumbnails (media_origin, media_id, "
        f"thumbnail_type, thumbnail_length) VALUES ('a', '{name}', 'a', 3), "
        f"('a', '{name}', 'b', 4)",
        "UPDATE remote_media_cache_thumbnails "
        "SET thumbnail_length = thumbnail_length + 1",
        "DELETE FROM remote_media_cache_thumbnails WHERE thumbnail_type = 'b'",
    ):
        connection.execute(statement)


@pytest.mark.parametrize("table", _CHANGES)
def test_no_statement_fails_and_no_change_is_missed(
    connection: Connection, connect: Callable[[], Connection], table: str
) -> None:
    """The totals are rebuilt once at most, because values may have changed."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    live = connect()
    for number in range(3):
        write(live, f"before{number}")
    missed = "SELECT last_value, is_called FROM media_stats_missed_"
    before = [connection.execute(missed + source) for source in ("local", "remote")]
    columns = {"upload_name", "thumbnail_width"}
    builds = keeper.api.ran["media_stats_build_txn"]
    for number, change in enumerate(_CHANGES[table]):
        connection.execute(f"ALTER TABLE {table} {change}")
        write(live, f"after{number}")
        assert_right_or_silent(connection)
        keeper.wait(7200)
        assert keeper.failures == {}
        assert_exact(connection)
        for column in columns:
            # Back, for the next one.
            if change == f"DROP COLUMN {column}":
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
    write(live, "at last")
    assert_exact(connection)
    keeper.wait(7200)
    keeper.check()
    # Of two sources.
    rebuilds = keeper.api.ran["media_stats_build_txn"] - builds
    assert rebuilds <= 2 * len(_CHANGES[table])
    after = [connection.execute(missed + source) for source in ("local", "remote")]
    assert after == before


def test_a_table_is_altered_while_it_is_read(
    connection: Connection, connect: Callable[[], Connection]
) -> None:
    """PostgreSQL shows the table empty to older snapshots."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    build_txn = build.build_txn

    def build_late_txn(txn: LoggingTransaction, *args: Any) -> None:
        # Takes the snapshot.
        txn.execute("SELECT 1 FROM pg_class")
        for table in ("local_media_repository", "remote_media_cache"):
            connect().execute(
                f"ALTER TABLE {table} ALTER COLUMN media_length TYPE NUMERIC"
            )
        build_txn(txn, *args)

    with patch.object(build, "build_txn", build_late_txn):
        keeper.round()
    assert keeper.failures == {}
    assert_right_or_silent(connection)
    keeper.wait(60)
    assert_exact(connection)


_CHILDREN = {
    "partitions": """
        ALTER TABLE local_media_repository RENAME TO whole;
        CREATE TABLE local_media_repository (LIKE whole INCLUDING DEFAULTS)
            PARTITION BY HASH (media_id);
        ALTER TABLE whole ADD UNIQUE (media_id);
        ALTER TABLE local_media_repository ATTACH PARTITION whole
            FOR VALUES WITH (MODULUS 1, REMAINDER 0)
    """,
    "a child": "CREATE TABLE child () INHERITS (local_media_repository)",
    "a parent": """
        CREATE TABLE parent (LIKE local_media_repository INCLUDING ALL);
        ALTER TABLE local_media_repository INHERIT parent
    """,
}


@pytest.mark.parametrize("children", _CHILDREN.values(), ids=_CHILDREN)
def test_changes_of_other_tables_that_count(
    connection: Connection, children: str
) -> None:
    """They cannot be logged, and the totals do not answer."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    connection.execute(children)
    for _ in range(3):
        insert_media(connection, f"b{keeper.api.seconds}")
        connection.execute("DELETE FROM local_media_repository WHERE media_length = 7")
        assert_right_or_silent(connection)
        keeper.wait(60)
        assert "partitions or inherits" in keeper.failures["install"]
        assert keeper.statuses()[0] is Status.OUTDATED
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("local_media_repository", "quarantined_by"),
        ("remote_media_cache", "media_type"),
        ("local_media_repository_thumbnails", "thumbnail_length"),
    ],
)
def test_a_column_that_is_read_is_renamed_and_back(
    connection: Connection,
    connect: Callable[[], Connection],
    table: str,
    column: str,
) -> None:
    """Meanwhile nothing can be counted, but everything can be written."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    live = connect()
    write(live, "before")
    connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed")
    statement = f"UPDATE {table} SET renamed = renamed"
    live.execute(statement)
    connection.execute(f"DELETE FROM {table} WHERE media_id = 'before'")
    keeper.wait(60)
    live.execute(statement)
    connection.execute(f"ALTER TABLE {table} RENAME COLUMN renamed TO {column}")
    keeper.wait(7200)
    keeper.wait(7200)
    builds = keeper.api.ran["media_stats_build_txn"]
    assert keeper.failures == {}
    assert_exact(connection)
    for number in range(3):
        write(live, f"after{number}")
        assert_exact(connection)
        keeper.wait(60)
    keeper.check()
    assert keeper.api.ran["media_stats_build_txn"] == builds
