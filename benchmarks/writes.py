"""The part `writes`: the cost of rollups for each upload and each deletion.

With and without the triggers, in turns.
"""

import time
from contextlib import closing
from statistics import median
from typing import Any

from benchmarks.build import remove_uploads
from benchmarks.context import Context

_ROWS = 10_000
_ROW_BLOCKS = 20
_DELETED = 200_000
_DELETE_BLOCKS = 4
# After a switch, each connection of Synapse's pool compiles the function again.
_UNMEASURED_UPLOADS = 50
_UPLOADS = 50
_UPLOAD_BLOCKS = 12
_BODY = b"a" * 10_000

_MEDIA = "local_media_repository"


def measure_writes(context: Context) -> None:
    """Compare inserted rows, deleted rows, and whole uploads."""
    with context.site.running(rollups=True):
        context.say("rollups are there")
    deleted = min(_DELETED, context.site.size.media // 2)
    delete = (
        f"DELETE FROM {_MEDIA} WHERE media_id IN "
        f"(SELECT media_id FROM {_MEDIA} ORDER BY created_ts LIMIT {deleted})"
    )
    with closing(context.site.cursor_connection()) as connection:
        _measure_rows(context, connection, "inserted", _insert(context), _ROW_BLOCKS)
        _measure_rows(context, connection, "deleted", delete, _DELETE_BLOCKS)
        _measure_uploads(context, connection)
    # The totals lack half of the uploads, and of their deletions.
    with context.site.running(rollups=False):
        context.say("rollups are gone")


def _measure_rows(
    context: Context, connection: Any, what: str, statement: str, blocks: int
) -> None:
    """Many rows in one statement, in a transaction that is rolled back."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    cursor = connection.cursor()
    rows = 0
    for block in range(blocks):
        is_on = block % 2 == 0
        if not is_on:
            _switch_triggers(cursor, "DISABLE")
            if what == "inserted":
                _drop_indexes(cursor)
        started = time.perf_counter()
        cursor.execute(statement)
        seconds[is_on].append(time.perf_counter() - started)
        rows = cursor.rowcount
        connection.rollback()
    on, off = median(seconds[True]), median(seconds[False])
    for name, took in (
        ("without rollups", off),
        ("with rollups", on),
        ("what rollups cost", on - off),
    ):
        context.figure("writes", f"a row {what}, {name}", took / rows * 1e6, "µs")
    context.figure("writes", f"{rows:,} rows {what}, with rollups", on, "s")


def _measure_uploads(context: Context, connection: Any) -> None:
    """Through Synapse's media API.

    The homeserver does not load the module, which would put the triggers back. The
    triggers work without it: they are in the database.
    """
    seconds: dict[bool, list[float]] = {True: [], False: []}
    cursor = connection.cursor()
    with context.site.without_module() as running:
        for block in range(_UPLOAD_BLOCKS):
            is_on = block % 2 == 0
            _switch_triggers(cursor, "ENABLE" if is_on else "DISABLE")
            connection.commit()
            for upload in range(_UNMEASURED_UPLOADS + _UPLOADS):
                started = time.perf_counter()
                running.asker.upload(_BODY)
                if upload >= _UNMEASURED_UPLOADS:
                    seconds[is_on].append(time.perf_counter() - started)
    remove_uploads(context)
    on, off = median(seconds[True]), median(seconds[False])
    context.figure("writes", "an upload, without triggers", off * 1e3, "ms")
    context.figure("writes", "an upload, with triggers", on * 1e3, "ms")
    context.figure("writes", "an upload, with beside without", on / off, "times")


def _switch_triggers(cursor: Any, how: str) -> None:
    """Turn logging on or off: `ENABLE` or `DISABLE`."""
    cursor.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass "
        "AND starts_with(tgname, 'media_stats_')",
        (_MEDIA,),
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {_MEDIA} {how} TRIGGER {name}")


def _drop_indexes(cursor: Any) -> None:
    """Drop the module's indexes on local media."""
    cursor.execute(
        "SELECT indexrelid::regclass::text FROM pg_index "
        "WHERE indrelid = %s::regclass "
        "AND starts_with(indexrelid::regclass::text, 'media_stats_')",
        (_MEDIA,),
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP INDEX {name}")


def _insert(context: Context) -> str:
    user = f"1 + floor({context.site.size.users} * random())::int"
    return (
        f"INSERT INTO {_MEDIA} (media_id, media_type, media_length, created_ts, "
        "upload_name, user_id, last_access_ts) "
        "SELECT 'benchmark' || i, 'image/png', i, 1735689600000, 'file.png', "
        f"'@user' || {user} || ':example.org', 0 FROM generate_series(1, {_ROWS}) AS i"
    )
