"""The module is a guest in Synapse's process, and leaves room for others.

Questions are slow here because they wait: on PostgreSQL for a lock of another session,
on SQLite for a view that never ends. Both are on the table of remote media, which
uploads, logins and syncs do not use.
"""

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attr
import psycopg2
import pytest
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer
from support import MODULE_PATH

from demo.client import Account, Response
from demo.homeserver import Homeserver

_POOL_SIZE = 10

# More than may run and wait together.
_MANY = 80
# More than the turns of any queue.
_SOME = 10

_WHOLE_TABLE = (
    "summary",
    "servers?order_by=media_length",
    "timeline?source=remote",
    "types?source=remote",
    "files?source=remote&order_by=media_length",
    # Of an index, but long.
    "files?source=remote&limit=10000",
)
# Fast unless a table is locked. A probe that waits soon becomes one of those above.
_PROBES = ("files?source=remote", "files?source=remote&limit=1")
_ONE_OWNER = (
    "types?source=remote&server_name=other.example",
    "files?source=remote&order_by=media_length&server_name=other.example",
)
_EXPORTS = (
    "servers?format=csv",
    "types?source=remote&format=csv",
    "files?source=remote&format=csv",
)
_ONE_OF_EACH = (_WHOLE_TABLE[0], _EXPORTS[-1], _ONE_OWNER[0])

_IN_TOTALS = (
    "summary?duplicates=false",
    "servers?order_by=media_length",
    "timeline?source=remote",
    "types?source=remote&group=true",
    "servers?limit=1001",
    "servers?search_term=a&limit=1000",
    "servers?format=csv",
    "rollups",
)
_NOT_IN_TOTALS = (
    "files?source=remote&format=csv",
    "types?source=remote",
    "files?source=remote&order_by=media_length",
)

# Must not be in the log because a client hung up, or a question took long.
_TROUBLE = re.compile(r" - (ERROR|CRITICAL) - |Traceback|TXN OPERROR")


@attr.frozen(kw_only=True)
class Host:
    """A homeserver on which the module is a guest.

    Attributes:
        homeserver: its main process is all there is.
        admin: a server admin.
        database: the keyword arguments with which psycopg2 connects to its database,
            unless that is SQLite.
    """

    homeserver: Homeserver
    admin: Account
    database: Mapping[str, Any] | None

    def ask(self, path: str, method: str = "GET") -> Response:
        """Ask the module, and wait for the answer."""
        return self.homeserver.client.request(
            method, f"{MODULE_PATH}/v1/{path}", token=self.admin.access_token
        )

    @contextmanager
    def asking(self, paths: Sequence[str]) -> Iterator[None]:
        """Ask the module, and hang up in the end."""
        netloc = urlsplit(self.homeserver.base_url).netloc
        headers = {"Authorization": f"Bearer {self.admin.access_token}"}
        connections = [HTTPConnection(netloc) for _ in paths]
        try:
            for connection, path in zip(connections, paths, strict=True):
                connection.request("GET", f"{MODULE_PATH}/v1/{path}", headers=headers)
            yield
        finally:
            for connection in connections:
                connection.close()

    def assert_serves_everybody(self) -> None:
        """Upload, log in and sync."""
        client = self.homeserver.client
        client.upload(self.admin, b"some bytes")
        client.login(self.admin.user_id, self.admin.password)
        path = "/_matrix/client/v3/sync?timeout=0"
        synced = client.request("GET", path, token=self.admin.access_token)
        assert synced.status == 200

    @contextmanager
    def assert_logs_no_trouble(self) -> Iterator[None]:
        """Check that nothing is logged as an error, or retried."""
        start = self.homeserver.log_path.stat().st_size
        yield
        with self.homeserver.log_path.open("rb") as log:
            log.seek(start)
            lines = log.read().decode().splitlines()
        assert [line for line in lines if _TROUBLE.search(line)] == []


class LockedTable:
    """A table that is locked by a session of its own."""

    def __init__(self, host: Host, name: str = "remote_media_cache") -> None:
        assert host.database is not None
        self._session = psycopg2.connect(**host.database)
        self._session.cursor().execute(f"LOCK TABLE {name}")
        # In a transaction, the view of all sessions does not change.
        self._observer = psycopg2.connect(**host.database)
        self._observer.autocommit = True

    def waiting(self) -> list[str]:
        """The statements that wait for the lock, each on a connection of its own."""
        with self._observer.cursor() as cursor:
            cursor.execute(
                "SELECT query FROM pg_stat_activity "
                "WHERE %s = ANY (pg_blocking_pids(pid))",
                (self._session.info.backend_pid,),
            )
            return [query for (query,) in cursor.fetchall()]

    def release(self) -> None:
        """Release the lock."""
        self._session.rollback()

    def close(self) -> None:
        """Close both sessions."""
        self._session.close()
        self._observer.close()


@contextmanager
def most_waiting(table: LockedTable) -> Iterator[list[str]]:
    """Yield the most statements that waited at a time, complete at the end."""
    most: list[str] = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.02):
            waiting = table.waiting()
            if len(waiting) > len(most):
                most[:] = waiting

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        is_over.set()
        watcher.join()


@contextmanager
def hosting(
    directory: Path,
    server: PostgresServer | None,
    *,
    pool_size: int = _POOL_SIZE,
    **module: object,
) -> Iterator[Host]:
    """Start a homeserver, on SQLite if no database server is given.

    Args:
        directory: the homeserver's directory; the database has its name.
        server: the database server.
        pool_size: the number of Synapse's connections to it.
        module: its options.
    """
    database = None
    # Keeps Synapse's background updates from starting. After them, each upload reads
    # the table of remote media.
    overrides: dict[str, object] = {
        "background_updates": {"sleep_duration_ms": 3_600_000}
    }
    if server is not None:
        server.create_database(directory.name)
        database = server.dsn(directory.name)
        pool = {"cp_min": 1, "cp_max": pool_size}
        overrides["database"] = {"name": "psycopg2", "args": {**database, **pool}}
    with Homeserver(directory, module=module, overrides=overrides) as homeserver:
        admin = homeserver.register("admin", admin=True)
        yield Host(homeserver=homeserver, admin=admin, database=database)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer.start(settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture(scope="module")
def host(
    tmp_path_factory: pytest.TempPathFactory, server: PostgresServer
) -> Iterator[Host]:
    """On PostgreSQL, without rollups."""
    with hosting(tmp_path_factory.mktemp("live"), server) as host:
        yield host


@pytest.fixture
def table(host: Host) -> Iterator[LockedTable]:
    with closing(LockedTable(host)) as table:
        yield table


# PostgreSQL


@pytest.mark.parametrize(
    ("paths", "most"),
    [
        (_WHOLE_TABLE, 2),
        (_EXPORTS, 1),
        (_ONE_OWNER, 1),
        (_PROBES, 3),
        ((*_WHOLE_TABLE, *_EXPORTS, *_ONE_OWNER), 3),
    ],
    ids=["whole tables", "exports", "one owner", "probes", "all at once"],
)
def test_most_of_the_pool_is_free(
    host: Host, table: LockedTable, paths: Sequence[str], most: int
) -> None:
    assert_most_wait(host, table, paths, most)


def assert_most_wait(
    host: Host,
    table: LockedTable,
    paths: Sequence[str],
    most: int,
    *,
    refuses: bool = True,
) -> None:
    """Ask many questions at once; only a limited number waits in the database.

    Args:
        host: the homeserver to ask.
        table: the locked table, which is released in the end.
        paths: the questions.
        most: the number of statements that may wait for the table.
        refuses: whether so many wait that some are refused.
    """
    many = [paths[number % len(paths)] for number in range(_MANY)]
    with (
        host.assert_logs_no_trouble(),
        most_waiting(table) as waiting,
        ThreadPoolExecutor(_MANY) as clients,
    ):
        try:
            asked = [clients.submit(host.ask, path) for path in many]
            wait_until(lambda: bool(waiting))
            host.assert_serves_everybody()
            if refuses:
                wait_until(lambda: any(answer.done() for answer in asked))
        finally:
            table.release()
        answers = [answer.result() for answer in asked]

    assert 0 < len(waiting) <= most, waiting
    statuses = {answer.status for answer in answers}
    assert statuses == ({200, 503} if refuses else {200})
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json().keys() >= {"errcode", "error"}


@pytest.mark.parametrize("pool_size", [1, 2, 5])
def test_a_small_pool_is_shared(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory, pool_size: int
) -> None:
    """With one connection, no question of ours keeps it."""
    directory = tmp_path_factory.mktemp(f"pool{pool_size}")
    with (
        hosting(directory, server, pool_size=pool_size) as host,
        closing(LockedTable(host)) as table,
    ):
        paths = (*_WHOLE_TABLE, *_EXPORTS, *_ONE_OWNER, *_PROBES)
        assert_most_wait(host, table, paths, 2)


@pytest.mark.parametrize("path", [*_ONE_OF_EACH, *_PROBES[:1]])
def test_who_hangs_up_is_forgotten(host: Host, table: LockedTable, path: str) -> None:
    with host.assert_logs_no_trouble():
        with host.asking([path] * 5):
            wait_until(lambda: bool(table.waiting()))
        wait_until(lambda: not table.waiting())

        # Queued questions are dropped, and none is asked again.
        for local in ("types", "files", "files?format=csv"):
            assert host.ask(local).status == 200
        wait_until(lambda: not table.waiting())


def test_many_reloads_are_one_load(host: Host, table: LockedTable) -> None:
    with host.assert_logs_no_trouble(), ThreadPoolExecutor(1) as clients:
        for _ in range(10):
            with host.asking(_WHOLE_TABLE):
                wait_until(lambda: bool(table.waiting()))
            # A busy server reads the requests of many reloads at once. Once this is
            # answered, it has also noticed that their clients hung up.
            assert host.ask("files").status == 200
        last = clients.submit(host.ask, "servers")
        wait_until(lambda: len(table.waiting()) == 1)
        table.release()
        assert last.result().status == 200


# SQLite


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Host]:
    """On SQLite, with an endless table of remote media."""
    with hosting(tmp_path, None) as host:
        make_endless(tmp_path / "homeserver.db")
        yield host


def make_endless(database: Path) -> None:
    """Replace the table of remote media by a view that has no rows and never ends."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.executescript(
            """
            ALTER TABLE remote_media_cache RENAME TO kept;
            CREATE VIEW remote_media_cache AS
                WITH RECURSIVE numbers (i) AS
                    (SELECT 1 UNION ALL SELECT i + 1 FROM numbers)
                SELECT kept.* FROM numbers CROSS JOIN kept WHERE i < 0
            """
        )


def test_sqlite_forgets_too(endless: Host) -> None:
    with endless.assert_logs_no_trouble():
        with endless.asking([*_WHOLE_TABLE, *_EXPORTS]):
            endless.assert_serves_everybody()
        assert endless.ask("types").status == 200
        assert endless.ask("files?format=csv").status == 200


# The limit of time


@pytest.mark.parametrize("path", _ONE_OF_EACH)
def test_long_questions_are_given_up(hurried: Host, path: str) -> None:
    with hurried.assert_logs_no_trouble():
        answer = hurried.ask(path)

    assert answer.status == 503
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json().keys() >= {"errcode", "error"}


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def hurried(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Each question has a second, and remote media takes for ever."""
    directory = tmp_path_factory.mktemp("hurried")
    if request.param == "sqlite":
        with hosting(directory, None, query_timeout="1s") as host:
            make_endless(directory / "homeserver.db")
            yield host
    else:
        server = request.getfixturevalue("server")
        with (
            hosting(directory, server, query_timeout="1s") as host,
            closing(LockedTable(host)),
        ):
            yield host


# Rollups


def test_totals_do_not_wait(summed: Host) -> None:
    """Totals answer while all questions that read media wait."""
    with closing(LockedTable(summed)) as table, summed.asking(_NOT_IN_TOTALS * 5):
        wait_until(lambda: len(table.waiting()) == 2)
        for path in _IN_TOTALS:
            assert summed.ask(path).status == 200


@pytest.mark.parametrize("name", ["media_stats_owners", "media_stats_state"])
def test_totals_that_are_locked(summed: Host, name: str) -> None:
    """As by VACUUM FULL and REINDEX."""
    with closing(LockedTable(summed, name)) as table:
        assert_most_wait(summed, table, _IN_TOTALS, 3, refuses=False)
    with closing(LockedTable(summed, name)) as table, summed.assert_logs_no_trouble():
        with summed.asking(_IN_TOTALS):
            # The background work waits, too, since it has to apply this upload.
            summed.assert_serves_everybody()
            wait_until(lambda: len(table.waiting()) > 1)
        wait_until(lambda: len(table.waiting()) <= 1)
        summed.assert_serves_everybody()


def test_totals_have_the_limit_of_time(server: PostgresServer, tmp_path: Path) -> None:
    with hosting(tmp_path, server, rollups=True, query_timeout="1s") as host:
        wait_until_exact(host)
        with closing(LockedTable(host, "media_stats_owners")):
            for path in ("servers", "servers?limit=1001", "servers?format=csv"):
                answer = host.ask(path)
                assert answer.status == 503
                assert "query_timeout" in answer.json()["error"]
            host.assert_serves_everybody()


def test_checks_are_one(summed: Host) -> None:
    with (
        closing(LockedTable(summed)) as table,
        most_waiting(table) as waiting,
        ThreadPoolExecutor(_SOME) as clients,
    ):
        try:
            asked = [
                clients.submit(summed.ask, "rollups/check", "POST")
                for _ in range(_SOME)
            ]
            wait_until(lambda: bool(waiting))
            summed.assert_serves_everybody()
        finally:
            table.release()
        answers = [answer.result() for answer in asked]

    assert len(waiting) == 1, waiting
    assert {answer.status for answer in answers} == {200}


@pytest.fixture(scope="module")
def summed(
    tmp_path_factory: pytest.TempPathFactory, server: PostgresServer
) -> Iterator[Host]:
    """With rollups that answer."""
    with hosting(tmp_path_factory.mktemp("summed"), server, rollups=True) as host:
        wait_until_exact(host)
        # The background work creates them after the totals, and locks the tables.
        wait_until(lambda: indexes_by_time(host) == 2)
        yield host


def wait_until_exact(host: Host) -> None:
    """Wait until the totals of both sources answer."""

    def are_exact() -> bool:
        answer = host.ask("rollups")
        if answer.status != 200:
            # A busy machine may take longer than `query_timeout`.
            return False
        rollups = answer.json()["rollups"].values()
        return bool(rollups) and all(rollup["status"] == "exact" for rollup in rollups)

    wait_until(are_exact)


def indexes_by_time(host: Host) -> int:
    """The number of the module's indexes by time."""
    assert host.database is not None
    with (
        closing(psycopg2.connect(**host.database)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT COUNT(*) FROM pg_index JOIN pg_class ON oid = indexrelid "
            "WHERE relname LIKE 'media_stats_%_by_time' AND indisvalid"
        )
        ((number,),) = cursor.fetchall()
    return int(number)
