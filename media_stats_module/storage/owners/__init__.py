"""Lists of owners: from the totals if they can tell, or else from the media itself."""

from collections.abc import Iterator

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersQuestion
from media_stats_module.storage.answers import OwnersPage, OwnerUsage
from media_stats_module.storage.owners import live
from media_stats_module.storage.owners.listing import owners_of
from media_stats_module.storage.rollups import read, window
from media_stats_module.storage.rollups.tables import Rollup
from media_stats_module.storage.sql import iterate_txn


def get_owners_page_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuestion, *, has_rollups: bool
) -> OwnersPage:
    """One page of those who have media, with their usage.

    Args:
        txn: one transaction, in which the answer is consistent.
        rollup: the media to count.
        query: what is asked.
        has_rollups: whether there may be totals.
    """
    if not has_rollups:
        return live.get_owners_page_txn(txn, rollup.media, query)
    for get_page_txn in (read.get_owners_page_txn, window.get_owners_page_txn):
        page = get_page_txn(txn, rollup, query)
        if page is not None:
            return page
    return live.get_owners_page_txn(txn, read.media_by_time_txn(txn, rollup), query)


def get_kept_owners_page_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuestion
) -> OwnersPage | None:
    """The same, if what rollups keep can tell, and soon; or else None.

    Of a short window of time SQLite's totals by time can, which stand in that order.
    """
    if not query.is_in_window:
        return read.get_owners_page_txn(txn, rollup, query)
    if window.is_long(query):
        return None
    media = read.media_by_time_txn(txn, rollup)
    if media is rollup.media:
        return None
    return live.get_owners_page_txn(txn, media, query)


def iterate_owners_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuestion, *, has_rollups: bool
) -> Iterator[OwnerUsage]:
    """The same, for a page of any length: one by one, as the database gives them.

    Live, it costs one read of the media table.
    """
    statement = None
    media = rollup.media
    if has_rollups:
        statement = read.owners_statement_txn(txn, rollup, query)
        media = read.media_by_time_txn(txn, rollup)
    if statement is None:
        statement = live.scan_statement_txn(txn, media, query)
    return owners_of(iterate_txn(txn, statement))
