"""What the metrics show, all of it from one transaction."""

from collections.abc import Mapping

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import SummaryQuestion
from media_stats_module.storage.answers import Summary
from media_stats_module.storage.rollups import schema
from media_stats_module.storage.rollups.state import RollupState, get_state_txn
from media_stats_module.storage.rollups.tables import Rollup
from media_stats_module.storage.summary import get_summary_txn


@attr.frozen
class Measurements:
    """What the metrics show.

    Attributes:
        summary: what fills the media store; None if that was not asked.
        rollups: by source of media; none if they are off or not installed.
    """

    summary: Summary | None
    rollups: Mapping[str, RollupState]


def measure_txn(
    txn: LoggingTransaction,
    local: Rollup,
    remote: Rollup,
    *,
    has_rollups: bool,
    with_summary: bool,
) -> Measurements:
    """Measure what the metrics show.

    Args:
        txn: one transaction, in which it is consistent.
        local: this server's own media.
        remote: what it keeps of other servers' media.
        has_rollups: whether totals are kept.
        with_summary: whether to add up the media. That reads every media table once,
            while the rest costs some probes and a read of the log.
    """
    rollups: dict[str, RollupState] = {}
    if has_rollups and schema.is_intact_txn(txn, (local, remote)):
        rollups = {
            rollup.name: get_state_txn(txn, rollup) for rollup in (local, remote)
        }
    summary = None
    if with_summary:
        # Looking for duplicates would cost more than all else.
        query = SummaryQuestion(duplicates=False)
        summary = get_summary_txn(txn, local, remote, query, has_rollups=has_rollups)
    return Measurements(summary, rollups)
