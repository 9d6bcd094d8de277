"""How far the totals are: what an administrator can see of the work on them."""

from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage._synapse import is_postgres
from media_stats_module.storage.rollups.tables import STATE, Rollup


@attr.s(auto_attribs=True, frozen=True, slots=True)
class RollupState:
    """The state of the totals of one media table.

    Attributes:
        is_ready: whether they answer, or are being built.
        owners: how many owners they have.
        unfolded_changes: how many changes are in the log.
        build_started_ts: when they were last begun, in milliseconds since the epoch.
        build_finished_ts: when they were last finished; None while being built.
        checked_ts: when they were last compared with the media; None if never.
        differences: how many totals that found to be wrong.
    """

    is_ready: bool
    owners: int
    unfolded_changes: int
    build_started_ts: int | None
    build_finished_ts: int | None
    checked_ts: int | None
    differences: int | None


def get_state_txn(txn: LoggingTransaction, rollup: Rollup) -> RollupState:
    """The state of totals that are installed. Costs a read of the log."""
    txn.execute(
        f"""
        SELECT is_ready, owners, (SELECT COUNT(*) FROM {rollup.changes}),
            build_started_ts, build_finished_ts, checked_ts, differences
        FROM {STATE} WHERE source = ?
        """,
        (rollup.name,),
    )
    ((is_ready, *numbers),) = cast(list[tuple[bool, int, int, int]], txn.fetchall())
    return RollupState(bool(is_ready), *numbers)


def get_build_progress_txn(txn: LoggingTransaction, rollup: Rollup) -> float:
    """How much of the media is in totals that are installed, from 0 to 1.

    PostgreSQL builds in one transaction, of which nothing shows before it is done.
    Costs two probes.
    """
    txn.execute(
        f"SELECT is_ready, built_to FROM {STATE} WHERE source = ?", (rollup.name,)
    )
    ((is_ready, built_to),) = cast(list[tuple[bool, int]], txn.fetchall())
    if is_ready:
        return 1.0
    if is_postgres(txn):
        return 0.0
    txn.execute(f"SELECT MAX(rowid) FROM {rollup.media.name}")
    ((last,),) = cast(list[tuple[int | None]], txn.fetchall())
    return min(built_to / last, 1.0) if last else 0.0
