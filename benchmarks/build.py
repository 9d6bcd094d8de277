"""The part `build`: the time to build rollups, and the effect on uploads meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

from benchmarks.context import Context
from benchmarks.http import Asker
from benchmarks.site import Running

_PAUSE_S = 0.02
_IDLE_S = 5.0
_BODY = b"a" * 10_000

# Without an owner, so no answer about users changes; and easily deleted.
_ADMIN = "@admin:example.org"
_INSERT = (
    "INSERT INTO local_media_repository (media_id, media_type, media_length, "
    "created_ts, user_id, last_access_ts) "
    "VALUES ('benchmark' || {number}, 'image/png', 1, 0, '" + _ADMIN + "', 0)"
)


def measure_build(context: Context) -> None:
    """Build rollups while a client uploads.

    The total time includes some seconds before the module begins.
    """
    with context.site.running(rollups=False) as running:
        context.say("no rollups are there")
        with _writing(context, running) as waits:
            time.sleep(_IDLE_S)
        _write_down(context, waits, "with nothing going on")
    remove_uploads(context)

    with context.site.starting(rollups=True) as running:
        started = time.monotonic()
        with _writing(context, running) as waits:
            found = context.site.wait_for_rollups(running, applied=False)
        context.figure("build", "all, index included", time.monotonic() - started, "s")
        _write_down(context, waits, "while rollups were built")
        for source, rollup in found.items():
            context.figure(
                "build",
                f"building the totals of {source} media",
                (rollup["build_finished_ts"] - rollup["build_started_ts"]) / 1000,
                "s",
            )
    remove_uploads(context)
    for name, size in _sizes(context).items():
        context.figure("build", name, size / 2**20, "MiB")


def remove_uploads(context: Context) -> None:
    """Delete all uploads of this part."""
    with closing(context.site.cursor_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"DELETE FROM local_media_repository WHERE user_id = '{_ADMIN}'")
        connection.commit()


@contextmanager
def _writing(context: Context, running: Running) -> Iterator[dict[str, list[float]]]:
    """Upload and insert rows all the time; yield the duration of each, in seconds."""
    base_url = running.base_url
    waits: dict[str, list[float]] = {}
    failures: list[BaseException] = []
    stop = threading.Event()

    def repeat(name: str, open_connection: Callable[[], Any]) -> None:
        try:
            with closing(open_connection()) as connection:
                write = _writer(connection)
                while not stop.is_set():
                    started = time.perf_counter()
                    write()
                    waits.setdefault(name, []).append(time.perf_counter() - started)
                    time.sleep(_PAUSE_S)
        except BaseException as error:
            failures.append(error)

    writers: list[tuple[str, Callable[[], Any]]] = [
        ("upload", lambda: Asker(base_url, running.token)),
        ("insert", context.site.cursor_connection),
    ]
    threads = [threading.Thread(target=repeat, args=writer) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield waits
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _writer(connection: Any) -> Callable[[], None]:
    """Run a function again and again, on a connection."""
    if isinstance(connection, Asker):
        return lambda: connection.upload(_BODY)
    numbers = count()

    def insert() -> None:
        connection.cursor().execute(_INSERT.format(number=next(numbers)))
        connection.rollback()

    return insert


def _write_down(context: Context, waits: dict[str, list[float]], when: str) -> None:
    for name, seconds in waits.items():
        context.figure("build", f"{name}s {when}", len(seconds), "made")
        context.figure("build", f"the longest {name} {when}", max(seconds), "s")


def _sizes(context: Context) -> dict[str, int]:
    """The bytes of the rollups, by purpose."""
    with closing(context.site.cursor_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            """
            SELECT
                SUM(pg_total_relation_size(oid)) FILTER (WHERE relkind = 'r'),
                SUM(pg_relation_size(oid)) FILTER (WHERE relname LIKE '%_by_time')
            FROM pg_class WHERE relname LIKE 'media_stats_%'
            """
        )
        ((tables, by_time),) = cursor.fetchall()
        return {"tables with their indexes": int(tables), "index by time": int(by_time)}
