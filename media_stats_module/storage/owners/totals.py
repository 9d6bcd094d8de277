"""Totals: a page of owners from the totals of rollups and the change log, exact."""

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import MAX_INTEGER, OwnersOrder, OwnersQuestion
from media_stats_module.storage.answers import OwnerUsage, Page
from media_stats_module.storage.dialect import set_up_scan_txn
from media_stats_module.storage.owners.listing import Listing, get_page_txn
from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import Totals
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import Sql


def get_owners_page_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion, totals: Totals
) -> Page[OwnerUsage, int]:
    """One page of owners, from totals that are exact in this transaction."""
    statement = owners_sql_txn(txn, table, question, totals)
    return get_page_txn(txn, statement, total_if_empty=totals.owners)


def owners_sql_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion, totals: Totals
) -> Sql:
    """The statement for a page, in a transaction that is set up for it.

    See `Listing.page_sql` for its rows.
    """
    listing = Listing(txn, table, question)
    source = table.source.value
    if (
        question.search_term is not None
        or question.accounts is not None
        or question.order_by is OwnersOrder.DISPLAYNAME
    ):
        return listing.page_sql(all_owners_sql_txn(txn, table, totals))
    if totals.has_changes:
        return _changed_page_sql(source, question, listing, totals)
    return _settled_page_sql(source, question, listing, totals)


def _settled_page_sql(
    source: str, question: OwnersQuestion, listing: Listing, totals: Totals
) -> Sql:
    """A page in the order of an index of the totals, while the change log is empty.

    PostgreSQL, 100,000 users: 0.3 ms for the first page, half of that with a log.
    """
    return Sql(
        f"""
        SELECT CAST(? AS BIGINT), owner, {listing.details},
            media_count, media_length
        FROM (
            SELECT owner, media_count, media_length FROM {names.OWNERS}
            WHERE source = ? ORDER BY {listing.order_by} LIMIT ? OFFSET ?
        ) AS page
        ORDER BY {listing.order_by}
        """,
        (totals.owners, source, question.limit, question.start),
    )


def _changed_page_sql(
    source: str, question: OwnersQuestion, listing: Listing, totals: Totals
) -> Sql:
    """A page from the totals and the change log, which is read once.

    PostgreSQL, 100,000 users: 0.9 ms for the first page and 20 ms for the last, which
    walks the index from its beginning.

    `kept` has only the rows that the page can need. The owners in the log, whose totals
    have changed, are then sorted in between.
    """
    return Sql(
        f"""
        WITH {_DELTA_AND_CHANGED},
        kept AS (
            SELECT owner, media_count, media_length FROM {names.OWNERS}
            WHERE source = ? AND owner NOT IN (SELECT owner FROM delta)
            ORDER BY {listing.order_by} LIMIT ?
        ),
        page AS (
            SELECT * FROM (
                SELECT * FROM kept
                UNION ALL
                SELECT owner, media_count, media_length FROM changed
                WHERE media_count <> 0
            ) AS owners
            ORDER BY {listing.order_by} LIMIT ? OFFSET ?
        )
        SELECT
            CAST(? AS BIGINT)
                + (SELECT COUNT(*) FROM changed WHERE media_count <> 0)
                - (SELECT COUNT(*) FROM changed WHERE is_kept),
            owner, {listing.details}, media_count, media_length
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {listing.order_by}
        """,
        (
            source,
            source,
            source,
            min(question.start + question.limit, MAX_INTEGER),
            question.limit,
            question.start,
            totals.owners,
        ),
    )


def all_owners_sql_txn(
    txn: LoggingTransaction, table: MediaTable, totals: Totals
) -> Sql:
    """A common table expression `owners`, in a transaction that is set up for it.

    For a page that depends on profiles or accounts. PostgreSQL, 100,000 users: 0.2 s,
    sequential scans of the totals and of `profiles`.
    """
    # Without it, the join with profiles or accounts would be on the disk.
    set_up_scan_txn(txn)
    source = table.source.value
    kept = (
        f"SELECT owner, media_count, media_length FROM {names.OWNERS} WHERE source = ?"
    )
    if not totals.has_changes:
        return Sql(f"owners AS ({kept})", (source,))
    return Sql(
        f"""
        {_DELTA_AND_CHANGED},
        owners AS (
            {kept} AND owner NOT IN (SELECT owner FROM delta)
            UNION ALL
            SELECT owner, media_count, media_length FROM changed
            WHERE media_count <> 0
        )
        """,
        (source, source, source),
    )


# `delta`: the sums of the change log by owner. `changed`: their new
# totals. Parameters: the source, twice.
_DELTA_AND_CHANGED = f"""
    delta AS (
        SELECT owner, CAST(SUM(media_count) AS BIGINT) AS media_count,
            SUM(media_length) AS media_length
        FROM {names.CHANGES} WHERE source = ? AND owner IS NOT NULL GROUP BY owner
    ),
    changed AS (
        SELECT delta.owner,
            delta.media_count + COALESCE(o.media_count, 0) AS media_count,
            delta.media_length + COALESCE(o.media_length, 0) AS media_length,
            o.owner IS NOT NULL AS is_kept
        FROM delta LEFT JOIN {names.OWNERS} AS o
            ON o.source = ? AND o.owner = delta.owner
    )"""
