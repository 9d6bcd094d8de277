"""A homeserver with a data set, and its database.

Data sets are kept, since loading a large one takes minutes.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import attr
import psycopg2
from realservers.postgres import PostgresServer

from benchmarks import dataset_postgres
from benchmarks.dataset import SERVER_NAME
from benchmarks.http import Asker
from benchmarks.options import Size
from benchmarks.statements import OPTIONS, StatementLog
from benchmarks.timing import Timed
from demo.homeserver import Homeserver
from demo.progress import Progress

_TIMEOUT_S = 1800.0
_ROLLUPS = "/_synapse/client/media_stats/v1/rollups"

# Settings for loading only: after a crash, data is loaded again.
_LOADING = {
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "autovacuum": "off",
}


@attr.frozen
class Asked:
    """The answer to a question, and the time of its statements.

    Attributes:
        answer: the body; by hand, the rows of each statement.
        database_s: the time of the statements; not known by hand.
    """

    answer: Any
    database_s: float | None = None


def median_database_s(timed: Timed[Asked]) -> float:
    """The time of the statements."""
    return median(asked.database_s or 0.0 for asked in timed.results)


@attr.frozen(kw_only=True)
class Running:
    """A site whose homeserver runs.

    Attributes:
        asker: asks it as an admin.
        base_url: its URL.
        token: the admin's.
        log: PostgreSQL's log.
    """

    asker: Asker
    base_url: str
    token: str
    log: StatementLog

    def ask(self, path: str) -> Asked:
        """Ask as an admin."""
        self.log.begin()
        answer = self.asker.get(path)
        return Asked(answer, self.log.seconds())


class Site:
    """A homeserver with a data set.

    Attributes:
        size: the size of the data set.
    """

    def __init__(self, folder: Path, size: Size, progress: Progress) -> None:
        """
        Args:
            folder: holds all data sets.
            size: the size of the data set.
            progress: called with each step.
        """
        self.size = size
        self._progress = progress
        self._folder = folder.resolve() / size.name
        self._homeserver_folder = self._folder / "homeserver"
        self._loaded = self._folder / "loaded.json"
        self._server: PostgresServer | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Start the database server, and load the data set if it is missing."""
        if not self._loaded.exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            self._load()
        with self._database_server(_settings(self.size)):
            self._warm_up()
            yield

    @contextmanager
    def running(
        self, *, rollups: bool, gauges: bool = False, event_loop: bool = False
    ) -> Iterator[Running]:
        """Start the homeserver, and wait until rollups are there, or are gone.

        Args:
            rollups: which of the two.
            gauges: whether the module measures the media for Prometheus all the time.
            event_loop: whether to load a module that measures the event loop.
        """
        with self.starting(
            rollups=rollups, gauges=gauges, event_loop=event_loop
        ) as running:
            if rollups:
                self.wait_for_rollups(running, applied=True)
                self._vacuum_rollups()
            else:
                self._wait_until("rollups to be gone", self._are_rollups_gone)
            yield running

    @contextmanager
    def starting(
        self, *, rollups: bool, gauges: bool = False, event_loop: bool = False
    ) -> Iterator[Running]:
        """The same, without waiting for rollups."""
        config: dict[str, object] = {"rollups": rollups}
        if rollups and not gauges:
            # Once, from the totals. Without rollups there are no gauges.
            config["metrics_interval"] = "1y"
        modules = [_module("media_stats_module.MediaStatsModule", config)]
        if event_loop:
            modules.append(_module("benchmarks.event_loop.EventLoopModule", {}))
        with self._homeserver(modules) as homeserver, self._ask(homeserver) as running:
            yield running

    @contextmanager
    def without_module(self) -> Iterator[Running]:
        """Start the homeserver without the module. The module's objects stay in the
        database.
        """
        with self._homeserver([]) as homeserver, self._ask(homeserver) as running:
            yield running

    @contextmanager
    def _ask(self, homeserver: Homeserver) -> Iterator[Running]:
        token = json.loads(self._loaded.read_text())["token"]
        base_url = homeserver.base_url
        with closing(Asker(base_url, token)) as asker:
            assert self._server is not None
            log = StatementLog(self._server.log_path)
            yield Running(asker=asker, base_url=base_url, token=token, log=log)

    def wait_for_rollups(self, running: Running, *, applied: bool) -> dict[str, Any]:
        """Wait for exact totals and the indexes by time; return the totals' state.

        Args:
            running: the homeserver that keeps them.
            applied: whether to wait for an empty change log, too.
        """
        found: dict[str, Any] = {}

        def are_exact() -> bool:
            found.clear()
            found.update(running.asker.json(_ROLLUPS)["rollups"])
            return bool(found) and all(
                rollup["status"] == "exact"
                and not (applied and rollup["unapplied_changes"])
                for rollup in found.values()
            )

        self._wait_until("rollups", are_exact)
        # The indexes come after the totals.
        self._wait_until("indexes by time", self._has_time_indexes)
        return found

    def _has_time_indexes(self) -> bool:
        with closing(self.cursor_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                """
                SELECT COUNT(*) FROM pg_index
                JOIN pg_class ON pg_class.oid = indexrelid
                WHERE relname LIKE 'media_stats_%_by_time' AND indisvalid
                """
            )
            ((number,),) = cursor.fetchall()
            return bool(number == 2)

    def _are_rollups_gone(self) -> bool:
        with closing(self.cursor_connection()) as connection:
            return not _tables_of_rollups(connection.cursor())

    def _vacuum_rollups(self) -> None:
        """As autovacuum does within a minute."""
        with closing(self.cursor_connection()) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            for table in _tables_of_rollups(cursor):
                cursor.execute(f"VACUUM ANALYZE {table}")

    def cursor_connection(self) -> Any:
        """A connection of the database's own Python library."""
        return psycopg2.connect(**self._dsn())

    def _dsn(self) -> dict[str, Any]:
        assert self._server is not None, "not open"
        return self._server.dsn(self.size.name)

    def _load(self) -> None:
        with self._database_server(_settings(self.size) | _LOADING):
            assert self._server is not None
            self._server.create_database(self.size.name)
            self._progress.say("Preparing Synapse's tables")
            with self._homeserver([]) as homeserver:
                admin = homeserver.register("admin", admin=True)
                self._wait_until("Synapse's background updates", self._are_updates_done)
            dataset_postgres.load(self._dsn(), self.size, self._progress)
        self._loaded.touch(mode=0o600)
        self._loaded.write_text(json.dumps({"token": admin.access_token}))

    def _are_updates_done(self) -> bool:
        with closing(self.cursor_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT COUNT(*) FROM background_updates")
            ((left,),) = cursor.fetchall()
            return bool(left == 0)

    def _warm_up(self) -> None:
        """Read the database's files into memory, as on a busy server."""
        self._progress.say("Warming up")
        with closing(self.cursor_connection()) as connection:
            cursor = connection.cursor()
            for table in ("local_media_repository", "remote_media_cache"):
                cursor.execute(
                    f"SELECT COUNT(*), SUM(media_length), MAX(last_access_ts) "
                    f"FROM {table}"
                )
                cursor.fetchall()

    @contextmanager
    def _database_server(self, settings: dict[str, str]) -> Iterator[None]:
        with PostgresServer.start(self._folder / "postgres", settings) as server:
            self._server = server
            try:
                yield
            finally:
                self._server = None

    def _homeserver(self, modules: Sequence[object]) -> Homeserver:
        # The size of the pool in Synapse's documentation.
        args = {**self._dsn(), "cp_min": 5, "cp_max": 10, "options": OPTIONS}
        overrides: dict[str, object] = {
            "modules": modules,
            "database": {"name": "psycopg2", "args": args},
            "enable_metrics": True,
            # A new database has about a hundred of them.
            "background_updates": {"sleep_enabled": False},
        }
        return Homeserver(
            self._homeserver_folder, server_name=SERVER_NAME, overrides=overrides
        )

    def _wait_until(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Waited in vain for {what}")
            time.sleep(0.2)


def _tables_of_rollups(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND starts_with(relname, 'media_stats_')"
    )
    return [name for (name,) in cursor.fetchall()]


def _module(name: str, config: Mapping[str, object]) -> object:
    """The module's entry in homeserver.yaml."""
    return {"module": name, "config": config}


def _settings(size: Size) -> dict[str, str]:
    """The usual advice for PostgreSQL: a quarter of the memory; defaults for all else.

    At most as much as the data can fill.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    data = (size.media + size.remote) * 700
    buffers = min(memory // 4, 4 * 2**30, max(128 * 2**20, data))
    return {"shared_buffers": f"{buffers // 2**20}MB"}
