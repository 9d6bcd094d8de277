"""The part `writes`: what rollups cost whoever writes.

With the triggers and without, in turns.
"""

import time
from contextlib import closing
from statistics import median
from typing import Any

from benchmarks.build import remove_uploads
from benchmarks.context import Context
from benchmarks.questions import LOCAL

_ROWS = 10_000
_ROW_BLOCKS = 20
_UPLOADS = 25
_UPLOAD_BLOCKS = 24
_BODY = b"a" * 10_000

_MEDIA = LOCAL.media.name


def measure_writes(context: Context) -> None:
    """Compare rows that are inserted, and whole uploads."""
    with context.site.running(rollups=True):
        context.say("rollups are there")
    with closing(context.site.cursor_connection()) as connection:
        triggers = _Triggers(context, connection)
        _measure_rows(context, connection, triggers)
        _measure_uploads(context, connection, triggers)


def _measure_rows(context: Context, connection: Any, triggers: "_Triggers") -> None:
    """Many in one statement, in a transaction that is rolled back."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    cursor = connection.cursor()
    for block in range(_ROW_BLOCKS):
        cursor.execute("BEGIN")
        is_on = block % 2 == 0
        if not is_on:
            triggers.drop(cursor)
            if context.site.is_postgres:
                cursor.execute(f"DROP INDEX {LOCAL.by_time}")
        started = time.perf_counter()
        cursor.execute(_insert(context))
        seconds[is_on].append((time.perf_counter() - started) / _ROWS)
        cursor.execute("ROLLBACK")
    on, off = median(seconds[True]), median(seconds[False])
    context.figure("writes", "a row, without rollups", off * 1e6, "µs")
    context.figure("writes", "a row, with triggers and index", on * 1e6, "µs")
    context.figure("writes", "triggers and index, per row", (on - off) * 1e6, "µs")


def _measure_uploads(context: Context, connection: Any, triggers: "_Triggers") -> None:
    """Through Synapse's media API.

    The homeserver is without the module, which would put the triggers back while they
    are off. When they are on, it has them all the same: they are in the database.
    """
    seconds: dict[bool, list[float]] = {True: [], False: []}
    cursor = connection.cursor()
    with context.site.without_module() as running:
        for block in range(_UPLOAD_BLOCKS):
            is_on = block % 2 == 0
            if not is_on:
                triggers.drop(cursor)
                connection.commit()
            for _ in range(_UPLOADS):
                started = time.perf_counter()
                running.asker.upload(_BODY)
                # The first ones fill caches.
                if block >= 2:
                    seconds[is_on].append(time.perf_counter() - started)
            if not is_on:
                triggers.create(cursor)
                connection.commit()
    # Half of the uploads are not in the log, so it is no use for taking them away.
    triggers.drop(cursor)
    connection.commit()
    remove_uploads(context)
    cursor.execute(f"DELETE FROM {LOCAL.changes}")
    triggers.create(cursor)
    connection.commit()

    on, off = median(seconds[True]), median(seconds[False])
    context.figure("writes", "an upload, without triggers", off * 1e3, "ms")
    context.figure("writes", "an upload, with triggers", on * 1e3, "ms")
    context.figure("writes", "an upload, with beside without", on / off, "times")


class _Triggers:
    """The triggers of rollups on local media, which can be taken away for a while."""

    def __init__(self, context: Context, connection: Any) -> None:
        self._is_postgres = context.site.is_postgres
        self._definitions: dict[str, str] = {}
        if not self._is_postgres:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT name, sql FROM sqlite_master "
                "WHERE type = 'trigger' AND tbl_name = ? AND name LIKE ?",
                (_MEDIA, f"{LOCAL.trigger}%"),
            )
            self._definitions = dict(cursor.fetchall())

    def drop(self, cursor: Any) -> None:
        """Have changes not logged."""
        if self._is_postgres:
            cursor.execute(f"ALTER TABLE {_MEDIA} DISABLE TRIGGER {LOCAL.trigger}")
        for name in self._definitions:
            cursor.execute(f"DROP TRIGGER {name}")

    def create(self, cursor: Any) -> None:
        """Have changes logged again."""
        if self._is_postgres:
            cursor.execute(f"ALTER TABLE {_MEDIA} ENABLE TRIGGER {LOCAL.trigger}")
        for definition in self._definitions.values():
            cursor.execute(definition)


def _insert(context: Context) -> str:
    users = context.site.size.users
    if context.site.is_postgres:
        rows = f"generate_series(1, {_ROWS}) AS i"
        user = f"1 + floor({users} * random())::int"
    else:
        user = f"(1 + abs(random()) % {users})"
        rows = (
            "(WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL "
            f"SELECT i + 1 FROM numbers WHERE i < {_ROWS}) SELECT i FROM numbers)"
        )
    return (
        f"INSERT INTO {_MEDIA} (media_id, media_type, media_length, created_ts, "
        "upload_name, user_id, last_access_ts) "
        f"SELECT 'benchmark' || i, 'image/png', i, 1735689600000, "
        f"'file.png', '@user' || {user} || ':example.org', 0 FROM {rows}"
    )
