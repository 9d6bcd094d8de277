"""Lists of owners: from the totals if they can tell, or else from the media itself."""

from synapse.module_api import LoggingTransaction

from media_stats_module.query import OwnersQuery
from media_stats_module.storage import live
from media_stats_module.storage.rollups import read
from media_stats_module.storage.rollups.tables import Rollup
from media_stats_module.storage.values import OwnersPage


def get_owners_page_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery, *, has_rollups: bool
) -> OwnersPage:
    """One page of those who have media, with their usage.

    Args:
        txn: one transaction, in which the answer is consistent.
        rollup: the media to count.
        query: what is asked.
        has_rollups: whether there may be totals.
    """
    if has_rollups:
        page = read.get_owners_page_txn(txn, rollup, query)
        if page is not None:
            return page
    return live.get_owners_page_txn(txn, rollup.media, query)
