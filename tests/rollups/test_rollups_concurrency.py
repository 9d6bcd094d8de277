"""Many connections at once, on a real PostgreSQL: uploads go on, answers are exact.

`STRESS=100` in the environment makes the tests a hundred times as long; `pytest -s`
shows the numbers.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from media_database import (
    MEDIA,
    REMOTE,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    assert_reads_are_exact_txn,
)
from media_writer import MediaWriter
from psycopg2 import OperationalError
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import build, install, maintenance
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

WRITERS = 8
READERS = 2
# The longest that the others go on after the writers, until each has done its work.
_LONGEST_AFTERWARDS_S = 120
TRANSACTIONS = 100 * int(os.environ.get("STRESS", "1"))


class Crowd:
    """Writers and other workers, each on a connection of its own.

    Attributes:
        done: the number of times that each did its work.
    """

    def __init__(self, config_path: Path) -> None:
        self._config_path = config_path
        self._writing = WRITERS
        self._end = 0.0
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()

    def run(self, *others: Callable[[Connection], int]) -> None:
        """Write until each writer is done; the others work meanwhile.

        Args:
            others: functions that do a piece of work, and return its size.
        """
        self._others = [other.__name__ for other in others]
        with ThreadPoolExecutor(WRITERS + len(others)) as threads:
            running = [threads.submit(self._write, n) for n in range(WRITERS)]
            running += [threads.submit(self._repeat, other) for other in others]
            for thread in running:
                thread.result()

    def _write(self, number: int) -> None:
        writer = MediaWriter(f"writer{number}", seed=1)
        try:
            with closing(Connection(self._config_path)) as connection:
                for _ in range(TRANSACTIONS):
                    connection.run_once(writer.write_txn)
        finally:
            with self._lock:
                self.done["writes"] += writer.writes
                self._writing -= 1
                self._end = time.monotonic() + _LONGEST_AFTERWARDS_S

    def _repeat(self, other: Callable[[Connection], int]) -> None:
        with closing(Connection(self._config_path)) as connection:
            while self._goes_on():
                done = other(connection)
                with self._lock:
                    self.done[other.__name__] += done

    def _goes_on(self) -> bool:
        """On a loaded machine, the writers may be done before another has begun.

        All others go on then, because one may need another: totals that nobody builds
        do not answer.
        """
        with self._lock:
            is_missing = not all(self.done[name] for name in self._others)
            return self._writing > 0 or (is_missing and time.monotonic() < self._end)


def read(connection: Connection) -> int:
    """Ask every question; compare the answers with the media in the same snapshot."""
    return connection.run(assert_reads_are_exact_txn)


def apply(connection: Connection) -> int:
    """A round of the background work."""
    Keeper(connection).round()
    return 1


def check(connection: Connection) -> int:
    """The check on demand, which other processes run, too."""
    Keeper(connection).check()
    return 1


def rebuild(connection: Connection) -> int:
    """Request a rebuild, as a check does that finds differences.

    Some time after the last rebuild, so that totals answer in between.
    """
    time.sleep(0.2)
    if Keeper(connection).statuses() != [Status.EXACT] * 2:
        return 0
    time.sleep(0.2)
    for table in MEDIA.both:
        connection.run(build.start_build_txn, table, 1)
    return 1


def remove_and_install(connection: Connection) -> int:
    """`rollups: false`, and then `rollups: true` again."""
    Keeper(connection, rollups=False).round()
    is_gone = not connection.run(install.is_present_txn)
    keeper = Keeper(connection)
    keeper.round()
    # A round that met a lock leaves the work to the next.
    return is_gone and keeper.statuses() == [Status.EXACT] * 2


def assert_exact_in_the_end(config_path: Path) -> None:
    with closing(Connection(config_path)) as connection:
        # One to install, if necessary, and one to apply.
        apply(connection)
        apply(connection)
        connection.run(assert_applied_totals_are_exact_txn)
        connection.run(assert_reads_are_exact_txn)


def say(done: Counter[str]) -> None:
    sys.stdout.write(f"\n{dict(done)}\n")


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "APPLY_AT_MOST", 500)


def test_no_upload_fails_and_every_answer_is_exact_while_applying_and_building(
    config_path: Path, server: PostgresServer
) -> None:
    with closing(Connection(config_path)) as connection:
        apply(connection)
    logged_before = server.log_path.read_text()
    crowd = Crowd(config_path)
    crowd.run(apply, rebuild, check, *(read,) * READERS)
    say(crowd.done)
    assert crowd.done["writes"] >= WRITERS * TRANSACTIONS
    for what in ("apply", "rebuild", "check", "read"):
        assert crowd.done[what], what
    assert "not logged" not in server.log_path.read_text()[len(logged_before) :]
    assert_exact_in_the_end(config_path)


def fill(connection: Connection) -> int:
    """End the change log, as if a million changes had not been applied."""
    connection.execute("SELECT setval('media_stats_log_limit', 1)")
    time.sleep(0.3)
    return 1


def lock(connection: Connection) -> int:
    """Lock the change log for longer than a trigger waits."""

    def lock_txn(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE media_stats_changes")
        time.sleep(0.15)

    connection.run_once(lock_txn)
    time.sleep(0.3)
    return 1


def test_every_answer_is_exact_while_changes_are_not_logged_now_and_then(
    config_path: Path,
) -> None:
    with closing(Connection(config_path)) as connection:
        apply(connection)
    crowd = Crowd(config_path)
    crowd.run(apply, fill, lock, *(read,) * READERS)
    say(crowd.done)
    for what in ("apply", "fill", "lock", "read"):
        assert crowd.done[what], what
    assert_exact_in_the_end(config_path)


def test_no_upload_fails_while_rollups_are_turned_on_and_off(
    config_path: Path,
) -> None:
    crowd = Crowd(config_path)
    crowd.run(remove_and_install)
    say(crowd.done)
    assert crowd.done["writes"] >= WRITERS * TRANSACTIONS
    assert crowd.done["remove_and_install"]
    assert_exact_in_the_end(config_path)


def test_who_changes_objects_is_alone(config_path: Path) -> None:
    """Only one process changes objects at a time.

    For example, a running Synapse and the command that removes them, at any step of the
    two.
    """
    with (
        closing(Connection(config_path)) as one,
        closing(Connection(config_path)) as other,
    ):
        apply(one)

        def remove_txn(txn: LoggingTransaction) -> None:
            install.set_up_ddl_txn(txn)
            install.remove_triggers_txn(txn)
            with pytest.raises(OperationalError, match="lock timeout"):
                other.run_once(install.set_up_ddl_txn)

        one.run_once(remove_txn)
        other.run_once(install.install_triggers_txn, REMOTE.thumbnails)
    assert_exact_in_the_end(config_path)
