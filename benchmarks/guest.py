"""The part `guest`: the delay of other requests while administrators ask a lot.

A client uploads, logs in and syncs all the time: without other load, beside each load
on the module, and beside one on Synapse's own endpoint.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from fnmatch import fnmatchcase
from typing import Any

import attr

from benchmarks import event_loop
from benchmarks.build import remove_uploads
from benchmarks.clients import Client, neighbours
from benchmarks.context import Context
from benchmarks.options import Size
from benchmarks.questions import BUILT_IN_PATH, DASHBOARD, MODULE_PATH
from benchmarks.results import GUEST
from benchmarks.site import Running, Site

_IDLE_S = 10.0
# Most loads end earlier. Some would last for hours.
_AT_MOST_S = 90.0
_RELOAD_S = 1.0
# An older transaction belongs to a load, not to a neighbour.
_LONG_MS = 200

# The user who logs in.
_USER = "@neighbour:example.org"
_PASSWORD = "not a secret"

# 30 questions of an administrator without totals.
_QUESTIONS = (
    "users?order_by=media_length&dir=b",
    "summary",
    "types",
    "files?order_by=media_length&dir=b",
    "users?format=csv",
    "timeline",
)

# Those of a browser.
_BROWSER_AT_ONCE = 4


@attr.frozen(kw_only=True)
class Load:
    """The requests of administrators.

    Attributes:
        name: a few words.
        requests: the requests of each administrator.
        at_once: the number of requests of an administrator at a time.
        administrators: their number, each with a client of their own.
        reloads: the number of times that the client hangs up and starts again.
        rollups: whether there are rollups.
        locked: a table that another session has locked meanwhile.
    """

    name: str
    requests: Sequence[str]
    at_once: int
    administrators: int = 1
    reloads: int = 0
    rollups: bool = False
    locked: str | None = None


def _get(*questions: str) -> list[str]:
    return [f"GET {MODULE_PATH}/{question}" for question in questions]


_LOADS = (
    # The first one only fills caches, and is measured again.
    Load(name="nothing", requests=[], at_once=1),
    Load(name="nothing", requests=[], at_once=1),
    Load(
        name="30 pages of Synapse's own endpoint",
        requests=[f"GET {BUILT_IN_PATH}?order_by=media_length&dir=b"] * 30,
        at_once=30,
    ),
    Load(name="30 questions", requests=_get(*_QUESTIONS * 5), at_once=30),
    Load(
        name="3 open the dashboard",
        requests=[f"GET {path}" for path in DASHBOARD],
        at_once=_BROWSER_AT_ONCE,
        administrators=3,
    ),
    Load(
        name="dashboard reloaded 5 times",
        requests=[f"GET {path}" for path in DASHBOARD],
        at_once=_BROWSER_AT_ONCE,
        reloads=5,
    ),
    Load(
        name="20 summaries abandoned",
        requests=_get("summary") * 20,
        at_once=20,
        reloads=1,
    ),
    Load(name="an export of all files", requests=_get("files?format=csv"), at_once=1),
    Load(
        name="10 exports of all files",
        requests=_get("files?format=csv") * 10,
        at_once=10,
    ),
    Load(name="limit=1000000000", requests=_get("users?limit=1000000000"), at_once=1),
    Load(
        name="limit=1000000000, 4 at once",
        requests=_get("users?limit=1000000000") * 4,
        at_once=4,
    ),
    Load(
        name="30 pages of 10000 files",
        requests=_get("files?limit=10000") * 30,
        at_once=30,
    ),
    Load(name="nothing, with rollups", requests=[], at_once=1, rollups=True),
    Load(name="nothing, with rollups", requests=[], at_once=1, rollups=True),
    Load(
        name="30 questions, with rollups",
        requests=_get(*_QUESTIONS * 5),
        at_once=30,
        rollups=True,
    ),
    Load(
        name="3 open the dashboard, with rollups",
        requests=[f"GET {path}" for path in DASHBOARD],
        at_once=_BROWSER_AT_ONCE,
        administrators=3,
        rollups=True,
    ),
    Load(
        name="30 searches of 1000 users, with rollups",
        requests=_get("users?search_term=a&limit=1000") * 30,
        at_once=30,
        rollups=True,
    ),
    Load(
        name="30 lists of all users, with rollups",
        requests=_get("users?format=csv") * 30,
        at_once=30,
        rollups=True,
    ),
    Load(
        name="the dashboard abandoned while totals are locked",
        requests=[f"GET {path}" for path in DASHBOARD] * 3,
        at_once=24,
        reloads=5,
        rollups=True,
        locked="media_stats_owners",
    ),
    Load(
        name="15 checks at once",
        requests=[f"POST {MODULE_PATH}/rollups/check"] * 15,
        at_once=15,
        rollups=True,
    ),
)


def measure_guest(context: Context) -> None:
    """Measure each load, and pages without Synapse's index."""
    for rollups in (False, True):
        loads = [
            load
            for load in _LOADS
            if load.rollups == rollups and fnmatchcase(load.name, context.options.cases)
        ]
        if loads:
            with context.site.running(rollups=rollups, event_loop=True) as running:
                _add_neighbour(running)
                for load in loads:
                    _measure_load(context, running, load)
            remove_uploads(context)
    if fnmatchcase("no index", context.options.cases):
        _measure_without_index(context)


def _add_neighbour(running: Running) -> None:
    path = f"/_synapse/admin/v2/users/{_USER}"
    running.asker.put(path, {"password": _PASSWORD, "logout_devices": True})


def _measure_load(context: Context, running: Running, load: Load) -> None:
    statuses: list[int] = []

    def ask() -> None:
        if not load.requests:
            time.sleep(_IDLE_S)
        with _locked(context, load.locked):
            for _ in range(load.reloads):
                _ask(running, load, _RELOAD_S)
        if not load.reloads:
            statuses.extend(_ask(running, load, _AT_MOST_S))

    _measure(context, running, load.name, ask)
    if not load.reloads:
        for name, status in (("answered", 200), ("refused", 503)):
            _figure(context, load.name, name, statuses.count(status), "")


def _ask(running: Running, load: Load, at_most_s: float) -> list[int]:
    deadline = time.monotonic() + at_most_s
    clients = [
        Client(running.base_url, running.token, load.requests, at_once=load.at_once)
        for _ in range(load.administrators)
    ]
    return [
        status
        for client in clients
        for status in client.wait(max(0.0, deadline - time.monotonic()))
    ]


def _measure(
    context: Context, running: Running, name: str, ask: Callable[[], None]
) -> None:
    """Store the delays under a load, and the time until it ends."""
    with (
        neighbours(running.base_url, running.token, _USER, _PASSWORD) as waits,
        _pool_watched(context) as held,
    ):
        running.asker.get(event_loop.PATH)
        started = time.perf_counter()
        ask()
        asked = time.perf_counter()
        _wait_until_idle(context)
        idle = time.perf_counter()
        loop = running.asker.json(event_loop.PATH)
    for what, seconds in waits.items():
        _figure(context, name, what, max(seconds), "s")
    _figure(context, name, "99 % of lags", loop["percentile_99_ms"], "ms")
    _figure(context, name, "longest lag", loop["longest_ms"], "ms")
    _figure(context, name, "memory", loop["most_mib"], "MiB")
    _figure(context, name, "connections", max(held), "")
    _figure(context, name, "idle after", idle - asked, "s")
    _figure(context, name, "lasted", asked - started, "s")


@contextmanager
def _pool_watched(context: Context) -> Iterator[list[int]]:
    """Yield the number of the pool's connections that were held for long."""
    held = [0]
    is_over = threading.Event()

    def watch() -> None:
        with closing(context.site.cursor_connection()) as connection:
            while not is_over.wait(0.05):
                held.append(_held(connection))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        is_over.set()
        watcher.join()


def _wait_until_idle(context: Context) -> None:
    with closing(context.site.cursor_connection()) as connection:
        while _held(connection):
            time.sleep(0.02)


def _held(connection: Any) -> int:
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
        "AND application_name <> 'locked' "
        "AND clock_timestamp() - xact_start > %s * interval '1 ms'",
        (_LONG_MS,),
    )
    ((held,),) = cursor.fetchall()
    return int(held)


def _measure_without_index(context: Context) -> None:
    """Measure without the index of Synapse's background update, on less media."""
    size = Size(
        media=min(200_000, context.site.size.media),
        users=min(2_000, context.site.size.users),
        remote=1,
    )
    site = Site(context.options.data, size, context.progress)
    with site.open(), _without_index(site), site.running(rollups=False) as running:
        for name, path in (
            ("Synapse's own endpoint", BUILT_IN_PATH),
            ("the module", f"{MODULE_PATH}/users"),
        ):
            started = time.perf_counter()
            running.asker.get(path)
            seconds = time.perf_counter() - started
            context.figure("no index", f"a page of {name}", seconds, "s")


@contextmanager
def _without_index(site: Site) -> Iterator[None]:
    name = "users_have_local_media"
    definition = (
        f"CREATE INDEX IF NOT EXISTS {name} "
        "ON local_media_repository (user_id, created_ts)"
    )
    with closing(site.cursor_connection()) as connection:
        connection.cursor().execute(f"DROP INDEX IF EXISTS {name}")
        connection.commit()
        try:
            yield
        finally:
            connection.cursor().execute(definition)
            connection.commit()


@contextmanager
def _locked(context: Context, table: str | None) -> Iterator[None]:
    """Lock a table in another session."""
    if table is None:
        yield
        return
    with closing(context.site.cursor_connection()) as connection:
        connection.cursor().execute(
            f"SET application_name = 'locked'; LOCK TABLE {table}"
        )
        yield


def _figure(context: Context, load: str, what: str, value: float, unit: str) -> None:
    context.figure(GUEST, f"{load}: {what}", value, unit)
