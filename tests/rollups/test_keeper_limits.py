"""The background work at its limits: time, numbers, changes that are not logged."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from administrator_support import assert_exact, insert_media
from media_database import (
    LOCAL,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    execute_txn,
    finish,
    limit_time_txn,
    limits_of_time_txn,
)
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersQuestion, SummaryQuestion
from media_stats_module.storage.rollups import build, install, maintenance
from media_stats_module.storage.rollups.check import Differences, check_txn
from media_stats_module.storage.rollups.status import Status
from media_stats_module.storage.sources import MediaTable

# The module's own SQL.
pytestmark = [pytest.mark.once, pytest.mark.any_database]

_HOUR = 3600
_DAY = 24 * _HOUR
_MOST = 2**63 - 1


@pytest.fixture
def keeper(connection: Connection) -> Keeper:
    """Rollups of some files."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    assert keeper.failures == {}
    return keeper


def refuse(connection: Connection, table: str, condition: str) -> None:
    """Make a table refuse the rows for which a condition is not true."""
    connection.execute(
        f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({condition}) NOT VALID"
    )


def test_a_build_and_an_index_may_take_longer_than_statements_of_synapse(
    connection: Connection,
) -> None:
    connection.run_autocommit(limit_time_txn)
    limits = connection.run(limits_of_time_txn)
    assert "statement_timeout" in limits
    insert_media(connection, "a")
    found: list[list[str]] = []

    def looking(function: Callable[..., None]) -> Callable[..., None]:
        def look_txn(txn: LoggingTransaction, *args: Any) -> None:
            found.append(limits_of_time_txn(txn))
            function(txn, *args)

        return look_txn

    keeper = Keeper(connection)
    with (
        patch.object(build, "build_txn", looking(build.build_txn)),
        patch.object(
            install, "create_time_index_txn", looking(install.create_time_index_txn)
        ),
    ):
        keeper.round()
    assert keeper.failures == {}
    # Two of each.
    assert found == [[]] * 4
    assert connection.run(limits_of_time_txn) == limits
    assert_exact(connection)


def test_a_check_may_take_longer_than_a_question(connection: Connection) -> None:
    insert_media(connection, "a")
    keeper = Keeper(connection, query_timeout=600_000)
    found: list[list[str]] = []

    def look_and_check_txn(
        txn: LoggingTransaction, media: MediaTable
    ) -> Differences | None:
        found.append(limits_of_time_txn(txn))
        differences = check_txn(txn, media)
        found.append(limits_of_time_txn(txn))
        return differences

    keeper.round()
    with patch.object(maintenance, "check_txn", look_and_check_txn):
        keeper.wait(2 * _DAY)
    assert keeper.failures == {}
    assert found == [["statement_timeout"], []] * 2
    assert keeper.api.ran["media_stats_write_check_txn"] == 2


def test_a_check_that_fails_is_failed_until_it_succeeds(
    connection: Connection, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "media_stats_module")
    checked = "media_stats_write_check_txn"
    with patch.object(maintenance, "check_txn", side_effect=RuntimeError("no")):
        keeper.wait(2 * _DAY)
        for _ in range(10):
            keeper.wait(5)
            assert keeper.failures == {"check local": "no", "check remote": "no"}
    assert "works again" not in caplog.text
    keeper.wait(600)
    assert keeper.failures == {}
    assert keeper.api.ran[checked] == 2


def test_a_check_in_the_future_is_due(connection: Connection, keeper: Keeper) -> None:
    """The clock was years ahead when the check was stored."""
    connection.execute("UPDATE media_stats_state SET checked_ts = 99999999999999")
    keeper.wait(5)
    assert keeper.api.ran["media_stats_write_check_txn"] == 2
    keeper.wait(5)
    assert keeper.api.ran["media_stats_write_check_txn"] == 2


def test_a_clock_that_is_set_back(connection: Connection, keeper: Keeper) -> None:
    """A failed step is retried all the same."""
    with patch.object(keeper.maintenance, "apply", side_effect=RuntimeError("no")):
        keeper.wait(5)
    assert list(keeper.failures) == ["local", "remote"]
    keeper.api.now_ts = 1_000_000
    keeper.wait(10)
    assert keeper.failures == {}


def test_no_index_before_the_triggers(
    connection: Connection, connect: Callable[[], Connection]
) -> None:
    """Creating an index takes a lock that prevents triggers."""
    keeper = Keeper(connection)

    def write_txn(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE remote_media_cache IN ROW EXCLUSIVE MODE")
        keeper.round()
        assert list(keeper.failures) == ["install"]
        assert not keeper.api.ran["media_stats_create_time_index_txn"]

    connect().run_once(write_txn)
    keeper.wait(5)
    assert keeper.failures == {}
    assert keeper.api.ran["media_stats_create_time_index_txn"] == 2


def test_autovacuum_gives_way_and_no_upload_waits(
    connection: Connection,
    connect: Callable[[], Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Autovacuum releases its lock when another has waited for `deadlock_timeout`."""
    assert connection.execute(
        "SELECT CAST(? AS INTERVAL) > CAST(current_setting('deadlock_timeout') "
        "AS INTERVAL)",
        install._AUTOVACUUM_TIMEOUT,
    ) == [(True,)]
    monkeypatch.setattr(install, "_AUTOVACUUM_TIMEOUT", "5min")
    keeper = Keeper(connection)
    uploader = connect()
    uploader.run_autocommit(execute_txn, "SET lock_timeout = '1ms'")

    round = threading.Thread(target=keeper.round)

    def vacuum_txn(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE local_media_repository IN SHARE UPDATE EXCLUSIVE MODE")
        round.start()
        while not uploader.execute("SELECT 1 FROM pg_locks WHERE NOT granted"):
            assert round.is_alive()
        insert_media(uploader, "b")

    connect().run_once(vacuum_txn)
    round.join()
    assert keeper.failures == {}
    assert_exact(connection)


def test_a_trigger_that_always_fails(
    connection: Connection, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """Totals are not rebuilt after each upload, and the log says so once."""
    refuse(connection, "media_stats_changes", "FALSE")
    builds = keeper.api.ran["media_stats_build_txn"]
    for number in range(240):
        connection.execute(
            "INSERT INTO local_media_repository (media_id, user_id, media_length) "
            f"VALUES ('n{number}', '@a', 1)"
        )
        keeper.wait(15)
    assert 3 <= keeper.api.ran["media_stats_build_txn"] - builds <= 12
    assert "was not logged" in keeper.failures["local"]
    assert keeper.statuses() == [Status.BUILDING, Status.EXACT]
    assert len(caplog.messages) <= 15
    # One number counts them, not a row for each.
    ((size,),) = connection.execute(
        "SELECT SUM(pg_total_relation_size(oid)) FROM pg_class "
        "WHERE starts_with(relname, 'media_stats_missed')"
    )
    assert size == 2 * 8192

    connection.execute("ALTER TABLE media_stats_changes DROP CONSTRAINT refused")
    keeper.wait(_HOUR)
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_a_source_that_cannot_be_applied(
    connection: Connection, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change log stays short, and the other source goes on."""
    monkeypatch.setattr("media_stats_module.rollups_keeper.REBUILD_BEYOND", 50)
    refuse(connection, "media_stats_owners", "source <> 'local'")
    for number in range(12):
        insert_media(connection, f"n{number}", 10)
        keeper.wait(_HOUR)
        assert keeper.statuses()[1] is Status.EXACT
        ((logged,),) = connection.execute("SELECT COUNT(*) FROM media_stats_changes")
        assert logged <= 150
    assert list(keeper.failures) == ["local"]
    connection.execute("ALTER TABLE media_stats_owners DROP CONSTRAINT refused")
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    assert_exact(connection)


def test_an_owner_too_long_for_our_index(
    connection: Connection, keeper: Keeper
) -> None:
    """Synapse's own indexes have room for it. The work goes on when it is gone."""
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length) "
        "SELECT 'long', left(string_agg(md5(i::TEXT), ''), 2680), 1 "
        "FROM generate_series(1, 84) AS i"
    )
    keeper.wait(_HOUR)
    assert keeper.failures["local"].startswith("index row size")
    assert_exact(connection)
    connection.execute("DELETE FROM local_media_repository WHERE media_id = 'long'")
    keeper.wait(_HOUR)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)


def test_sums_beyond_64_bits(connection: Connection, keeper: Keeper) -> None:
    for table in ("local_media_repository", "remote_media_cache"):
        connection.execute(f"ALTER TABLE {table} ALTER COLUMN media_length TYPE BIGINT")
    keeper.round()
    values = f"({_MOST}, 1), ({_MOST}, 2), ({-_MOST - 1}, 3), ({_MOST}, 4)"
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        f"created_ts) SELECT id, '@big', length, 1 FROM (VALUES {values}) "
        "AS v (length, id)"
    )

    def assert_all_is_right() -> None:
        assert keeper.statuses() == [Status.EXACT] * 2
        page = finish(keeper.store.get_users_page(OwnersQuestion(limit=1)))
        (user,) = page.values
        assert (user.owner, user.media_length) == ("@big", 2 * _MOST - 1)
        summary = finish(keeper.store.get_summary(SummaryQuestion()))
        assert summary.local is not None
        assert summary.local.uploads.media_length == 2 * _MOST - 1 + 210
        assert_exact(connection)

    assert_all_is_right()
    keeper.round()
    assert keeper.failures == {}
    assert_all_is_right()
    keeper.check()
    connection.execute("SELECT nextval('media_stats_missed_local')")
    keeper.wait(5)
    assert_all_is_right()
    connection.execute("DELETE FROM local_media_repository WHERE user_id = '@big'")
    keeper.wait(5)
    connection.run(assert_applied_totals_are_exact_txn)


def test_what_runs_is_cancelled_at_shutdown(
    connection: Connection, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    """The process ends at once, and no failure is reported."""
    caplog.set_level(logging.WARNING, "media_stats_module")

    def sleep_txn(txn: LoggingTransaction, table: str) -> None:
        txn.execute("SELECT pg_sleep(60)")

    connection.execute("DROP INDEX media_stats_local_by_time")
    (shut_down,) = keeper.api.at_shutdown
    timer = threading.Timer(0.5, shut_down)
    timer.start()
    started = time.monotonic()
    with patch.object(install, "create_time_index_txn", sleep_txn):
        keeper.wait(5)
    timer.join()
    assert time.monotonic() - started < 30
    keeper.wait(5)
    assert keeper.failures == {}
    assert caplog.messages == []


def test_an_index_that_another_connection_creates(
    connection: Connection, keeper: Keeper, connect: Callable[[], Connection]
) -> None:
    """The statement of a killed process goes on for a while."""
    index = "CAST('media_stats_local_by_time' AS regclass)"
    connection.execute(
        f"UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = {index}"
    )

    def create_txn(txn: LoggingTransaction) -> None:
        txn.execute(f"LOCK TABLE {LOCAL.name} IN SHARE UPDATE EXCLUSIVE MODE")
        keeper.wait(5)
        assert "may be creating the index" in keeper.failures["index"]

    connect().run_once(create_txn)
    keeper.wait(60)
    assert keeper.failures == {}
    assert connection.execute(
        f"SELECT indisvalid FROM pg_index WHERE indexrelid = {index}"
    ) == [(True,)]
