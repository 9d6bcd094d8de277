"""The data set in PostgreSQL, made by the server itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from benchmarks import dataset
from benchmarks.options import Size
from demo.progress import Progress

_ROWS_AT_ONCE = 500_000


def load(dsn: Mapping[str, Any], size: Size, progress: Progress) -> None:
    """Fill Synapse's empty tables.

    Args:
        dsn: the keyword arguments with which psycopg2 connects.
        size: the size of the data set.
        progress: called with each step.
    """
    with closing(psycopg2.connect(**dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0.5)")
            cursor.execute("SET synchronous_commit = off")
            cursor.execute("SET maintenance_work_mem = '1GB'")
            with _without_indexes(cursor, progress):
                for table, rows, columns, where in _tables(size):
                    _fill(cursor, table, rows, columns, where, progress)
            progress.say("vacuuming")
            for table in dataset.TABLES:
                cursor.execute(f"VACUUM ANALYZE {table}")
            # As on a busy server: Synapse writes this column all the time, which moves
            # rows.
            for table in ("local_media_repository", "remote_media_cache"):
                cursor.execute(
                    f"UPDATE {table} SET last_access_ts = last_access_ts + 1 "
                    f"WHERE random() < 1.0 / {dataset.TOUCHED}"
                )


def _tables(size: Size) -> Iterator[tuple[str, int, dict[str, str], str]]:
    """Each table: its number of rows, the SQL of each column, and the rows to leave
    out.

    `i` is the number of the row.
    """
    everybody = "'@user' || i || ':example.org'"
    yield (
        "users",
        size.users,
        {
            "name": everybody,
            "deactivated": f"(i % {dataset.DEACTIVATED} = 0)::int",
            "creation_ts": f"{dataset.START_TS // 1000}",
            "appservice_id": (
                f"CASE WHEN i % {dataset.BRIDGED} = 0 THEN 'bridge' || i % 5 END"
            ),
        },
        "TRUE",
    )
    yield (
        "profiles",
        size.users,
        {
            "user_id": "'user' || i",
            "full_user_id": everybody,
            "displayname": (
                f"CASE WHEN i % {dataset.WITHOUT_DISPLAYNAME} <> 0 "
                "THEN substr(md5(i::text), 1, 8) || ' Name' END"
            ),
            "avatar_url": _avatar("i"),
        },
        f"i % {dataset.WITHOUT_PROFILE} <> 0",
    )
    yield from _rooms(size)
    length = f"1 + (random() ^ 4 * {dataset.LARGEST})::int"
    types = ", ".join(f"'{media_type}'" for media_type in dataset.MEDIA_TYPES)
    shared = {
        "media_type": f"(ARRAY[{types}])[1 + i % {len(dataset.MEDIA_TYPES)}]",
        "upload_name": "'file' || i || '.png'",
        "quarantined_by": (
            f"CASE WHEN i % {dataset.QUARANTINED} = 11 THEN '@admin:example.org' END"
        ),
        "authenticated": "TRUE",
    }
    # Each has some media; the first file is an upload.
    yield (
        "local_media_repository",
        size.media,
        {
            **shared,
            "media_id": "substr(md5(i::text), 1, 24)",
            "media_length": (
                f"CASE WHEN i > {size.users} AND i % {dataset.PENDING} = 0 "
                f"THEN NULL ELSE {length} END"
            ),
            "created_ts": _created_ts(size.media),
            "last_access_ts": f"{_created_ts(size.media)} + {dataset.DAY_MS}",
            "user_id": (
                f"CASE WHEN i <= {size.users} THEN {everybody} "
                f"WHEN i % {dataset.WITHOUT_OWNER} <> 3 "
                f"THEN '@user' || 1 + floor({size.users} * power(random(), 3))::int "
                "|| ':example.org' END"
            ),
            "url_cache": (
                f"CASE WHEN i % {dataset.PREVIEWS} = 7 "
                "THEN 'https://example.org/' || i END"
            ),
            "safe_from_quarantine": f"i % {dataset.PROTECTED} = 13",
            "sha256": _sha256(""),
        },
        "TRUE",
    )
    yield (
        "local_media_repository_thumbnails",
        size.media,
        {
            "media_id": "substr(md5(i::text), 1, 24)",
            "thumbnail_width": "320",
            "thumbnail_height": "240",
            "thumbnail_type": "'image/png'",
            "thumbnail_method": "'scale'",
            "thumbnail_length": "20000 + i % 10000",
        },
        f"i % {dataset.THUMBNAILED} = 0 AND i % {dataset.PENDING} <> 0",
    )
    # A file and its thumbnail must have the same owner.
    server = (
        f"'server' || floor({size.servers} * power("
        "('x' || substr(md5('s' || i), 1, 7))::bit(28)::int / 268435456.0, 3))::int "
        "|| '.example.org'"
    )
    yield (
        "remote_media_cache",
        size.remote,
        {
            **shared,
            "media_origin": server,
            "media_id": "substr(md5(i::text), 1, 24)",
            "media_length": length,
            "created_ts": _created_ts(size.remote),
            "last_access_ts": f"{_created_ts(size.remote)} + {dataset.DAY_MS}",
            "filesystem_id": "substr(md5(i::text), 1, 24)",
            "sha256": _sha256("r"),
        },
        "TRUE",
    )
    yield (
        "remote_media_cache_thumbnails",
        size.remote,
        {
            "media_origin": server,
            "media_id": "substr(md5(i::text), 1, 24)",
            "thumbnail_width": "320",
            "thumbnail_height": "240",
            "thumbnail_type": "'image/png'",
            "thumbnail_method": "'scale'",
            "thumbnail_length": "20000 + i % 10000",
            "filesystem_id": "substr(md5(i::text), 1, 24)",
        },
        f"i % {dataset.THUMBNAILED} = 0",
    )


def _rooms(size: Size) -> Iterator[tuple[str, int, dict[str, str], str]]:
    yield (
        "user_directory",
        size.users,
        {"user_id": "'@user' || i || ':example.org'", "avatar_url": _avatar("i")},
        "TRUE",
    )
    yield (
        "room_stats_state",
        size.rooms,
        {
            "room_id": "'!room' || i || ':example.org'",
            "avatar": _avatar(f"({size.users} + i)"),
        },
        "TRUE",
    )
    user = f"(1 + i % {size.users})"
    is_local = f"i % {1 + dataset.REMOTE_MEMBERS} = 0"
    user_id = (
        f"CASE WHEN {is_local} THEN '@user' || {user} || ':example.org' "
        f"ELSE '@user' || {user} || ':server' || i % {size.servers} || '.example.org' "
        "END"
    )
    yield (
        "room_memberships",
        size.memberships,
        {
            "event_id": "'$' || md5(i::text) || 'abcdefghijk'",
            "user_id": user_id,
            "sender": user_id,
            "room_id": f"'!room' || 1 + i / {dataset.MEMBERS} || ':example.org'",
            "membership": "'join'",
            "display_name": "substr(md5(i::text), 1, 8) || ' Name'",
            "avatar_url": (
                f"CASE WHEN {is_local} THEN {_avatar(user)} "
                f"ELSE 'mxc://server' || i % {size.servers} || '.example.org/' "
                f"|| substr(md5('r' || {user}), 1, 24) END"
            ),
        },
        "TRUE",
    )


def _avatar(number: str) -> str:
    """The first file of each user; some users have no avatar."""
    return (
        f"CASE WHEN {number} % {dataset.WITHOUT_AVATAR} <> 0 "
        f"THEN 'mxc://{dataset.SERVER_NAME}/' || substr(md5({number}::text), 1, 24) END"
    )


def _created_ts(rows: int) -> str:
    return f"{dataset.START_TS} + i::bigint * {dataset.PERIOD_MS} / {rows}"


def _sha256(prefix: str) -> str:
    content = f"'{prefix}' || (i - (i % {dataset.DUPLICATED} = 0)::int)"
    return f"md5({content}) || md5({content})"


def _fill(
    cursor: Cursor,
    table: str,
    rows: int,
    columns: Mapping[str, str],
    where: str,
    progress: Progress,
) -> None:
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        (table,),
    )
    # Older versions of Synapse lack some of them.
    present = {name for (name,) in cursor.fetchall()}
    chosen = {name: sql for name, sql in columns.items() if name in present}
    cursor.execute("BEGIN")
    if table in dataset.LARGE_TABLES:
        # Rows of a table that was emptied in the same transaction need not be written
        # to the log.
        cursor.execute(f"TRUNCATE {table}")
    for first in range(1, rows + 1, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE - 1, rows)
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(chosen)}) "
            f"SELECT {', '.join(chosen.values())} "
            f"FROM generate_series({first}, {last}) AS i WHERE {where}"
        )
        progress.say(f"{table}: {last:,} of {rows:,}")
    cursor.execute("COMMIT")


@contextmanager
def _without_indexes(cursor: Cursor, progress: Progress) -> Iterator[None]:
    """Drop the indexes of the large tables, and create them again at the end."""
    tables = list(dataset.LARGE_TABLES)
    cursor.execute(
        """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('p', 'u')
        """,
        (tables,),
    )
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(
        """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
        FROM pg_index WHERE indrelid = ANY (%s::regclass[])
        """,
        (tables,),
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for table, name, definition in constraints:
        progress.say(f"index {name}")
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    for name, definition in indexes:
        progress.say(f"index {name}")
        cursor.execute(definition)
