"""Databases that administrators have changed: media, and checks of the answers.

Answers are exact at every moment, or come from the media itself.
"""

from typing import Any

from media_database import MEDIA, Connection, assert_reads_are_exact_txn
from synapse.module_api import LoggingTransaction

# Of two sources: users in three orders, days, kinds.
ALL_ANSWERS = 10

MEDIA_TABLES = tuple(MEDIA.table_names)


def insert_media(connection: Connection, name: str, number: int = 20) -> None:
    """Insert local and remote files with thumbnails, of some owners and days."""
    values = (name, number)
    connection.execute(
        "INSERT INTO local_media_repository "
        "(media_id, user_id, media_length, created_ts, media_type) "
        "SELECT ? || i, '@user' || mod(i, 3), i, i * 40000000, 'image/png' "
        "FROM generate_series(1::bigint, ?) AS i",
        *values,
    )
    connection.execute(
        "INSERT INTO remote_media_cache "
        "(media_origin, media_id, media_length, created_ts, media_type, filesystem_id) "
        "SELECT mod(i, 2) || '.example', ? || i, i, i * 40000000, 'text/plain', ? || i "
        "FROM generate_series(1::bigint, ?) AS i",
        name,
        *values,
    )
    connection.execute(
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_width, "
        "thumbnail_height, thumbnail_type, thumbnail_method, thumbnail_length) "
        "SELECT ? || i, 1, 1, 'image/png', 'crop', i FROM generate_series(1, ?) AS i",
        *values,
    )


def assert_exact(connection: Connection) -> None:
    """Check that the totals answer, and are exact."""
    assert connection.run(assert_reads_are_exact_txn) == ALL_ANSWERS


def assert_right_or_silent(connection: Connection) -> None:
    """Check that the totals do not answer, or are exact."""
    connection.run(assert_reads_are_exact_txn)


def run_as(connection: Connection, role: str, *statements: str) -> None:
    """Run statements in one transaction, as another role with an empty search path."""

    def run_txn(txn: LoggingTransaction) -> None:
        txn.execute(f"SET LOCAL ROLE {role}")
        txn.execute("SET LOCAL search_path = pg_catalog")
        for statement in statements:
            txn.execute(statement)

    connection.run_once(run_txn)


def objects(connection: Connection) -> list[tuple[Any, ...]]:
    """All objects with names like those of rollups, in all schemas."""
    return sorted(
        connection.execute(
            """
            SELECT relnamespace::regnamespace::text, relname, oid::bigint FROM pg_class
            WHERE starts_with(relname, 'media_stats')
            UNION ALL
            SELECT pronamespace::regnamespace::text, proname, oid::bigint FROM pg_proc
            WHERE starts_with(proname, 'media_stats')
            UNION ALL
            SELECT '', tgname, oid::bigint FROM pg_trigger
            WHERE starts_with(tgname, 'media_stats')
            """
        )
    )
