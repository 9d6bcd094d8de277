"""How far the totals are: what an administrator can see of the work on them."""

import enum
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups.tables import STATE, Rollup
from media_stats_module.storage.sources import is_postgres


class Phase(enum.Enum):
    """What is being done to totals that are installed."""

    WAITING = "waiting"
    """Other work comes first: that on the index by time, or on the other totals."""
    BUILDING = "building"
    """The media is being added up, or about to be again."""
    READY = "ready"
    """They answer."""


@attr.frozen
class RollupState:
    """The state of the totals of one media table.

    Attributes:
        phase: whether they answer, or what they wait for.
        build_progress: how much of the media table has been added up, from 0 to 1.
            PostgreSQL builds in one transaction, of which nothing shows before it is
            done.
        owners: how many owners they have.
        media_count: how many files they have.
        unfolded_changes: how many changes are in the log.
        build_started_ts: when they were last begun, in milliseconds since the epoch.
        build_finished_ts: when they were last finished; None while being built.
        checked_ts: when they were last compared with the media; None if never.
        differences: how many totals that found to be wrong.
    """

    phase: Phase
    build_progress: float
    owners: int
    media_count: int
    unfolded_changes: int
    build_started_ts: int | None
    build_finished_ts: int | None
    checked_ts: int | None
    differences: int | None

    @property
    def is_ready(self) -> bool:
        """Whether the totals and the log together are exact, and answer."""
        return self.phase is Phase.READY


def get_state_txn(txn: LoggingTransaction, rollup: Rollup) -> RollupState:
    """The state of totals that are installed.

    Costs a read of the log and of the totals per day, both short.
    """
    txn.execute(
        f"""
        SELECT
            is_ready = 1 AND NOT EXISTS (SELECT 1 FROM {rollup.missed}),
            built_to, owners,
            (SELECT CAST(COALESCE(SUM(media_count), 0) AS BIGINT) FROM {rollup.days}),
            (SELECT COUNT(*) FROM {rollup.changes}),
            build_started_ts, build_finished_ts, checked_ts, differences
        FROM {STATE} WHERE source = ?
        """,
        (rollup.name,),
    )
    ((is_ready, built_to, owners, media_count, unfolded_changes, *times),) = cast(
        list[tuple[bool, int, int, int, int, int, int, int, int]], txn.fetchall()
    )
    if is_ready:
        phase, build_progress = Phase.READY, 1.0
    elif times[0] is None:
        phase, build_progress = Phase.WAITING, 0.0
    else:
        phase = Phase.BUILDING
        build_progress = _built_part_txn(txn, rollup, built_to)
    return RollupState(
        phase, build_progress, owners, media_count, unfolded_changes, *times
    )


def write_check_txn(
    txn: LoggingTransaction, rollup: Rollup, differences: int, now_ts: int
) -> None:
    """Write down that the totals were checked, when, and how many were wrong."""
    txn.execute(
        f"UPDATE {STATE} SET checked_ts = ?, differences = ? WHERE source = ?",
        (now_ts, differences, rollup.name),
    )


def _built_part_txn(txn: LoggingTransaction, rollup: Rollup, built_to: int) -> float:
    if is_postgres(txn):
        return 0.0
    txn.execute(f"SELECT MAX(rowid) FROM {rollup.media.name}")
    ((last,),) = cast(list[tuple[int | None]], txn.fetchall())
    return min(built_to / last, 1.0) if last else 0.0
