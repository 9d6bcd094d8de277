"""Killed at any moment, of building, folding, installing or removing: nothing is lost.

And nothing is counted twice. `STRESS=20` in the environment kills twenty times as
often; `pytest -s` shows how often.
"""

import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from killed_process import work
from media_database import (
    ROLLUPS,
    Connection,
    Keeper,
    assert_folded_totals_are_exact_txn,
    assert_reads_are_exact_txn,
    create_tables,
    write_config,
)
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import schema, state

KILLS = 10 * int(os.environ.get("STRESS", "1"))
STOPS = 4 * int(os.environ.get("STRESS", "1"))
SEED = int(os.environ.get("SEED", "1"))

_ROWS_AT_FIRST = 2_000
_TIMEOUT_S = 60.0

# A process that has imported everything, of which those to kill are copies.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["killed_process", "pytest"])


@pytest.fixture(scope="module", autouse=True)
def _imports_are_found() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    # For a crash of the server and not of the machine.
    settings = {"fsync": "off"}
    directory = tmp_path_factory.mktemp("postgres")
    with PostgresServer.start(directory, settings) as postgres:
        yield postgres


@pytest.fixture
def postgres(server: PostgresServer, tmp_path: Path) -> Path:
    name = f"synapse_{tmp_path.name}"
    server.create_database(name)
    path = write_config(tmp_path, {"name": "psycopg2", "args": server.dsn(name)})
    fill(path)
    return path


@pytest.fixture
def sqlite(tmp_path: Path) -> Path:
    database = str(tmp_path / "homeserver.db")
    path = write_config(tmp_path, {"name": "sqlite3", "args": {"database": database}})
    fill(path)
    return path


def fill(config_path: Path) -> None:
    """Synapse's tables, with some media that nobody touches."""
    create_tables(config_path)
    with closing(Connection(config_path)) as connection:
        connection.run(_insert_media_txn)


def _insert_media_txn(txn: LoggingTransaction) -> None:
    for table, owner in (
        ("local_media_repository", "user_id"),
        ("remote_media_cache", "media_origin"),
    ):
        txn.execute_batch(
            f"INSERT INTO {table} ({owner}, media_id, media_length, created_ts) "
            "VALUES (?, ?, ?, ?)",
            [
                (f"owner{number % 50}", f"first{number}", number, number * 1_000_000)
                for number in range(_ROWS_AT_FIRST)
            ],
        )


class Victim:
    """A process that keeps rollups, and is killed after some time."""

    def __init__(self, config_path: Path, number: int) -> None:
        works = _PROCESSES.Event()
        self._process = _PROCESSES.Process(
            target=work,
            args=(config_path, f"process{number}", SEED * 100_000 + number, works),
            daemon=True,
        )
        self._process.start()
        assert works.wait(_TIMEOUT_S)

    def kill(self) -> None:
        """`kill -9`. It must have worked until now."""
        assert self._process.is_alive()
        self._process.kill()
        self._process.join(_TIMEOUT_S)
        self._process.close()

    def wait(self) -> None:
        """Until it ends by itself, as it does when there is no server."""
        self._process.join(_TIMEOUT_S)
        self._process.kill()
        self._process.join(_TIMEOUT_S)
        self._process.close()


def sleep_a_little(random: Random) -> None:
    time.sleep(random.random() ** 2 * 0.6)


def assert_nothing_is_lost(config_path: Path, found: dict[str, int]) -> None:
    """What there is at once is exact; so is what the next start makes of it."""
    with closing(Connection(config_path)) as connection:
        answers = connection.run(assert_reads_are_exact_txn)
        intact = connection.run(schema.is_intact_txn, ROLLUPS)
        ready = intact and all(
            connection.run(state.get_state_txn, rollup).is_ready for rollup in ROLLUPS
        )
        met = "ready" if ready else "building" if intact else "installing or removing"
        found[met] = found.get(met, 0) + 1
        found["answers"] = found.get("answers", 0) + answers

        keeper = Keeper(connection)
        deadline = time.monotonic() + _TIMEOUT_S
        # PostgreSQL takes a moment to see that the process is gone, with its locks.
        while True:
            keeper.round()
            try:
                connection.run(assert_folded_totals_are_exact_txn)
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def say(what: str, found: dict[str, int]) -> None:
    sys.stdout.write(f"\n{what}: {found}\n")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_nothing_is_lost_or_counted_twice_when_synapse_is_killed(
    database: str, request: pytest.FixtureRequest
) -> None:
    config_path: Path = request.getfixturevalue(database)
    random = Random(SEED)
    found: dict[str, int] = {}
    for number in range(KILLS):
        victim = Victim(config_path, number)
        sleep_a_little(random)
        victim.kill()
        assert_nothing_is_lost(config_path, found)
    say(f"{KILLS} kills, {database}", found)


def test_nothing_is_lost_or_counted_twice_when_postgresql_crashes(
    server: PostgresServer, postgres: Path
) -> None:
    random = Random(SEED)
    found: dict[str, int] = {}
    for number in range(STOPS):
        victim = Victim(postgres, number)
        sleep_a_little(random)
        server.stop(immediate=True)
        victim.wait()
        server.restart()
        assert_nothing_is_lost(postgres, found)
    say(f"{STOPS} stops", found)
