"""The times of the background work: checks and retries."""

from unittest.mock import patch

import pytest
from media_database import (
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
)

from media_stats_module.storage.rollups import maintenance

# The module's own SQL.
pytestmark = pytest.mark.once

_ROUND_S = 5
_HOUR_S = 60 * 60
_DAY_S = 24 * _HOUR_S


def insert_media(connection: Connection, name: str, number: int = 20) -> None:
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT ? || i, '@a' || i, i, i FROM generate_series(1, ?) AS i",
        name,
        number,
    )


def checks(keeper: Keeper, rounds: int) -> int:
    """The number of checks in some rounds."""
    before = keeper.api.ran["media_stats_check"]
    for _ in range(rounds):
        keeper.wait(_ROUND_S)
    return keeper.api.ran["media_stats_check"] - before


@pytest.fixture
def keeper(connection: Connection) -> Keeper:
    """Rollups of some files, all in the totals."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    # From now on, the test sets the time.
    keeper.wait(0)
    return keeper


def test_a_check_a_day(connection: Connection, keeper: Keeper) -> None:
    """Of each source, from building on, whatever restarts there are."""
    assert checks(keeper, 10) == 0
    keeper.wait(_DAY_S)
    assert keeper.api.ran["media_stats_check"] == 2
    assert checks(keeper, 10) == 0

    restarted = Keeper(connection)
    restarted.api.now_ts = keeper.api.now_ts
    assert checks(restarted, 10) == 0
    restarted.wait(_DAY_S - _HOUR_S)
    assert restarted.api.ran["media_stats_check"] == 0
    restarted.wait(_HOUR_S)
    assert restarted.api.ran["media_stats_check"] == 2
    assert checks(restarted, 10) == 0


def test_all_changes_are_applied_in_a_round(
    connection: Connection, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many transactions that takes."""
    monkeypatch.setattr(maintenance, "APPLY_AT_MOST", 7)
    before = keeper.api.ran["media_stats_apply_txn"]
    insert_media(connection, "b", 30)
    keeper.wait(_ROUND_S)
    # Five for the local media, and one that finds no change of the remote media.
    assert keeper.api.ran["media_stats_apply_txn"] == before + 6
    connection.run(assert_applied_totals_are_exact_txn)


def attempts(keeper: Keeper, rounds: int, seconds: int = _ROUND_S) -> list[int]:
    """Make a step fail, in rounds at an interval.

    Returns:
        the seconds at which it is tried.
    """
    tried: list[int] = []
    now = 0

    async def create_missing_indexes() -> None:
        tried.append(now)
        raise RuntimeError("no")

    with patch.object(
        keeper.maintenance, "create_missing_indexes", create_missing_indexes
    ):
        for _ in range(rounds):
            keeper.wait(seconds)
            now += seconds
    return tried


def test_what_fails_is_tried_ever_more_seldom(keeper: Keeper) -> None:
    assert attempts(keeper, 40) == [0, 5, 15, 35, 75, 155]
    assert list(keeper.failures) == ["index"]
    # In the end once an hour.
    tried = attempts(keeper, 40, 10 * 60)[-3:]
    assert [tried[1] - tried[0], tried[2] - tried[1]] == [_HOUR_S, _HOUR_S]


def test_what_has_worked_is_tried_again_soon(keeper: Keeper) -> None:
    attempts(keeper, 40)
    keeper.wait(_HOUR_S)
    assert keeper.failures == {}
    assert attempts(keeper, 10) == [0, 5, 15, 35]
