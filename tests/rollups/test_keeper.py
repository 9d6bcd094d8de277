"""The background work when the database refuses: few retries, one line in the log."""

import logging
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from media_database import (
    LOCAL,
    REMOTE,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    assert_reads_are_exact_txn,
    finish,
)
from synapse.module_api import LoggingTransaction
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.python.failure import Failure

from media_stats_module.storage.rollups.check import Differences
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

_ALL_ANSWERS = 10

_HOUR = 3600
_DAY = 24 * _HOUR


@pytest.fixture
def keeper(connection: Connection) -> Keeper:
    """Rollups of some files."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    return keeper


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "media_stats_module")


def insert_media(connection: Connection, name: str) -> None:
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT ? || i, '@a' || i, i, i FROM generate_series(1, 20) AS i",
        name,
    )


def set_session_txn(txn: LoggingTransaction, setting: str) -> None:
    txn.execute(f"SET {setting}")


def refuse(connection: Connection, table: str, code: str) -> None:
    """Make every INSERT into a table fail with an SQLSTATE."""
    connection.execute(
        "CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION 'No space left on device' USING ERRCODE = '{code}'; END $$"
    )
    connection.execute(
        f"CREATE TRIGGER refuse BEFORE INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse()"
    )


def test_disk_full(
    connection: Connection, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """Building fails, with one transaction per attempt, and ever fewer attempts."""
    refuse(connection, "media_stats_days", "53100")
    connection.execute("SELECT nextval('media_stats_missed_local')")
    before = keeper.api.ran["media_stats_build_txn"]
    for _ in range(3 * 60):
        keeper.wait(60)
    # In three hours. Remote media has to be built, too, if it was the cause.
    attempts = keeper.api.ran["media_stats_build_txn"] - before
    assert 3 <= attempts <= 12
    (missed, message) = caplog.messages
    assert "a change of local media was not logged" in missed
    assert "local: failed; tried again in 5 s" in message
    assert "No space left on device" in message
    assert all(record.exc_info is None for record in caplog.records)
    assert list(keeper.failures) == ["local"]
    # The other source goes on.
    assert keeper.statuses() == [Status.BUILDING, Status.EXACT]

    connection.execute("DROP FUNCTION refuse CASCADE")
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_temp_file_limit(connection: Connection, keeper: Keeper) -> None:
    """A real limit of the disk: sorting has no room."""
    connection.execute("DROP INDEX media_stats_local_by_time")
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT 'b' || i, '@b', i, i FROM generate_series(1, 60000) AS i"
    )
    for setting in ("temp_file_limit = '64kB'", "maintenance_work_mem = '1MB'"):
        connection.run_autocommit(set_session_txn, setting)
    for _ in range(60):
        keeper.wait(60)
    assert "temporary file size exceeds" in keeper.failures["index"]
    assert 3 <= keeper.api.ran["media_stats_create_time_index_txn"] - 2 <= 12
    # Everything else goes on, and no invalid index is left.
    connection.run(assert_applied_totals_are_exact_txn)
    connection.run_autocommit(set_session_txn, "temp_file_limit = -1")
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    assert connection.execute(
        "SELECT indisvalid FROM pg_index "
        "WHERE indexrelid = CAST('media_stats_local_by_time' AS regclass)"
    ) == [(True,)]


def test_a_read_only_database(
    connection: Connection, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a failover. A check that cannot be stored is retried."""
    insert_media(connection, "b")
    read_only = "default_transaction_read_only = "
    connection.run_autocommit(set_session_txn, read_only + "on")
    checks = keeper.api.ran["media_stats_check"]
    for _ in range(12):
        keeper.wait(_HOUR)
    assert "cannot execute" in keeper.failures["local"]
    assert "read-only transaction" in keeper.failures["local"]
    assert keeper.api.ran["media_stats_check"] == checks
    for _ in range(24):
        keeper.wait(_HOUR)
    assert checks + 2 <= keeper.api.ran["media_stats_check"] <= checks + 2 * 24
    assert "read-only transaction" in keeper.failures["check remote"]
    assert all(record.exc_info is None for record in caplog.records)
    assert len(caplog.messages) <= 5
    # The totals and the change log still answer.
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS

    connection.run_autocommit(set_session_txn, read_only + "off")
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_a_lock_is_tried_again_soon(
    connection: Connection, connect: Callable[[], Connection]
) -> None:
    """A lock is held for an hour. Each attempt is short."""
    insert_media(connection, "a")
    keeper = Keeper(connection)

    def lock_txn(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE remote_media_cache IN ROW EXCLUSIVE MODE")
        # Without the round for the indexes, which would wait for this transaction.
        keep = keeper.api.rounds["media_stats_keep_round"]
        for _ in range(60):
            keeper.api.seconds += 60
            finish(keep())
        assert "lock timeout" in keeper.failures["install"]
        assert 40 <= keeper.api.ran["media_stats_install_triggers_txn"] <= 70

    connect().run_once(lock_txn)
    keeper.wait(60)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_nothing_to_remove(connection: Connection) -> None:
    """With rollups off, the first round that finds nothing is the last."""
    off = Keeper(connection, rollups=False)
    off.round()
    assert off.api.ran == {"media_stats_is_present_txn": 1}
    for _ in range(10):
        off.wait(_DAY)
    assert off.api.ran == {"media_stats_is_present_txn": 1}


# One check at a time

_NOTHING = Differences(0, 0, 0, 0, 0, 0)


class Checks:
    """Replaces the checks: each ends when a test says so."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.running: list[Deferred[Differences]] = []

    async def check(self, table: Any) -> Differences:
        self.begun.append(table)
        self.running.append(Deferred())
        return await self.running[-1]


@pytest.fixture
def checks(keeper: Keeper) -> Iterator[Checks]:
    checks = Checks()
    with patch.object(keeper.maintenance, "_check", checks.check):
        yield checks


def test_one_check_at_a_time(keeper: Keeper, checks: Checks) -> None:
    asked = [ensureDeferred(keeper.maintenance.check(LOCAL)) for _ in range(15)]
    other = ensureDeferred(keeper.maintenance.check(REMOTE))
    assert checks.begun == [LOCAL, REMOTE]
    checks.running[0].callback(_NOTHING)
    assert [each.result for each in asked] == [_NOTHING] * 15
    assert not other.called
    again = ensureDeferred(keeper.maintenance.check(LOCAL))
    assert checks.begun == [LOCAL, REMOTE, LOCAL]
    checks.running[1].callback(_NOTHING)
    checks.running[2].callback(_NOTHING)
    assert again.result == other.result == _NOTHING


def hung_up(failure: Failure) -> None:
    """Check that a client was cancelled."""
    failure.trap(CancelledError)  # type: ignore[no-untyped-call]


def failed(failure: Failure) -> None:
    """Check that a check failed."""
    failure.trap(ZeroDivisionError)  # type: ignore[no-untyped-call]


def test_the_client_that_checks_hangs_up(keeper: Keeper, checks: Checks) -> None:
    """The next waiting caller checks. One that hangs up disturbs nobody."""
    first, second, third = (
        ensureDeferred(keeper.maintenance.check(LOCAL)) for _ in range(3)
    )
    third.cancel()
    third.addErrback(hung_up)
    first.cancel()
    first.addErrback(hung_up)
    assert checks.begun == [LOCAL, LOCAL]
    checks.running[1].callback(_NOTHING)
    assert second.result == _NOTHING


def test_a_check_that_fails(keeper: Keeper, checks: Checks) -> None:
    first, second = (ensureDeferred(keeper.maintenance.check(LOCAL)) for _ in range(2))
    first.addErrback(failed)
    checks.running[0].errback(ZeroDivisionError())
    assert first.result is None
    checks.running[1].callback(_NOTHING)
    assert second.result == _NOTHING
