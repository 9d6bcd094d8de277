"""Processes killed at any moment of any step: nothing is lost or counted twice.

`STRESS=20` in the environment kills twenty times as often; `pytest -s` shows the
number.
"""

import logging
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
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    assert_reads_are_exact_txn,
)
from realservers.forking import forking_context
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

# The module's own SQL.
pytestmark = pytest.mark.once

KILLS = 5 * int(os.environ.get("STRESS", "1"))
STOPS = 2 * int(os.environ.get("STRESS", "1"))
SEED = int(os.environ.get("SEED", "1"))

_ROWS_AT_FIRST = 2_000
_TIMEOUT_S = 60.0


@pytest.fixture
def postgres(config_path: Path) -> Path:
    fill(config_path)
    return config_path


def fill(config_path: Path) -> None:
    """Insert some media that no process changes."""
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
        processes = forking_context()
        works = processes.Event()
        self._process = processes.Process(
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
        """Wait until it ends by itself, because the server is gone."""
        self._process.join(_TIMEOUT_S)
        self._process.kill()
        self._process.join(_TIMEOUT_S)
        self._process.close()


def sleep_a_little(random: Random) -> None:
    time.sleep(random.random() ** 2 * 0.6)


def assert_nothing_is_lost(config_path: Path, found: dict[str, int]) -> None:
    """Check that answers are exact at once, and after the next start."""
    with closing(Connection(config_path)) as connection:
        answers = connection.run(assert_reads_are_exact_txn)
        keeper = Keeper(connection)
        met = " and ".join(status.value for status in keeper.statuses())
        found[met] = found.get(met, 0) + 1
        found["answers"] = found.get("answers", 0) + answers

        deadline = time.monotonic() + _TIMEOUT_S
        # PostgreSQL takes a moment to notice the end of the process, and free its
        # locks.
        while True:
            # As after a restart each time: no step waits after a failure.
            Keeper(connection).round()
            try:
                connection.run(assert_applied_totals_are_exact_txn)
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


def test_nothing_is_lost_or_counted_twice_when_synapse_is_killed(
    postgres: Path,
) -> None:
    random = Random(SEED)
    found: dict[str, int] = {}
    for number in range(KILLS):
        victim = Victim(postgres, number)
        sleep_a_little(random)
        victim.kill()
        assert_nothing_is_lost(postgres, found)
    say(f"{KILLS} kills", found)


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
