"""Walk: jump from owner to owner along Synapse's index, then add up only a page.

An owner costs a probe or two of the index, however many files the owner has. A walk
works only if the page can be chosen before anything is added up: lists by name, or
searches with few matches.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, cast

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import NO_LIMIT, OwnersOrder, OwnersQuestion
from media_stats_module.storage.answers import OwnerUsage, Page, to_text
from media_stats_module.storage.dialect import (
    estimate_rows_txn,
    is_indexed_by_txn,
    is_postgres,
    set_up_scan_txn,
    sum_sql,
)
from media_stats_module.storage.owners.listing import Listing
from media_stats_module.storage.sources import MediaTable

# With fewer owners than this, a walk always goes on to its end.
_WALK_AT_LEAST = 1_000
# A step of the walk costs about as much as 40 rows of a scan. With more than one owner
# in this many rows, a scan is cheaper.
_ROWS_PER_STEP = 40

# Reading a file by the index costs three times as much as in a scan if the table is in
# memory, a hundred times if not. So at most this share of the owners is added up.
_OWNERS_PER_SUM = 10

# SQLite has a limit to the parameters of a statement, which was once 999.
_OWNERS_AT_ONCE = 500

_SIZES = {
    OwnersOrder.MEDIA_LENGTH: attrgetter("media_length"),
    OwnersOrder.MEDIA_COUNT: attrgetter("media_count"),
}


def suits(question: OwnersQuestion) -> bool:
    """Whether a walk can answer: names or a search decide who is on the page."""
    return (
        question.order_by not in _SIZES or question.search_term is not None
    ) and not question.has_window


def count_owners_txn(txn: LoggingTransaction, table: MediaTable) -> int | None:
    """The number of owners; None if there is no index, or a scan is cheaper."""
    most_walked = _most_walked_txn(txn, table)
    if not most_walked:
        return None
    txn.execute(
        f"WITH RECURSIVE {_owners_sql(table)} SELECT COUNT(*) FROM owners",
        (most_walked,),
    )
    ((walked,),) = cast(list[tuple[int]], txn.fetchall())
    return None if walked == most_walked else walked


def get_owners_page_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Page[OwnerUsage, int] | None:
    """One page of owners; None if a scan is cheaper, or Synapse's index is missing.

    PostgreSQL, 10 million media of 100,000 users: 0.5 s.

    Args:
        txn: the transaction.
        table: the table to count.
        question: the question; `suits` is true.
    """
    most_walked = _most_walked_txn(txn, table)
    if not most_walked:
        return None
    most_summed = most_walked // _OWNERS_PER_SUM + 1
    size = _SIZES.get(question.order_by)
    listing = Listing(txn, table, question)
    matched = listing.matched_sql("owners.owner")
    # In an order by numbers, all owners that the search finds are added up.
    order_by, limit, start = listing.order_by, question.limit, question.start
    if size is not None:
        order_by, limit, start = "owner", NO_LIMIT, 0
    elif limit > most_summed:
        return None
    txn.execute(
        f"""
        WITH RECURSIVE {_owners_sql(table)},
        matched AS ({matched.text}),
        page AS (SELECT * FROM matched ORDER BY {order_by} LIMIT ? OFFSET ?)
        SELECT
            (SELECT COUNT(*) FROM owners), (SELECT COUNT(*) FROM matched),
            owner, {listing.details}
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {order_by}
        """,
        (most_walked, *matched.args, min(limit, most_summed + 1), start),
    )
    rows = txn.fetchall()
    walked, total = rows[0][:2]
    details = {owner: found for _, _, owner, *found in rows if owner is not None}
    if walked == most_walked or len(details) > walked // _OWNERS_PER_SUM + 1:
        return None
    # In SQLite, text need not be UTF-8. As a parameter, its replacement finds nothing.
    if any("\ufffd" in to_text(owner) for owner in details):
        return None
    owners = _sum_txn(txn, table, details)
    if size is not None:
        # The sort is stable: ties stay in the order of the names.
        owners.sort(key=size, reverse=question.descending)
        owners = owners[question.start : question.start + question.limit]
    return Page(values=owners, end=total)


def _most_walked_txn(txn: LoggingTransaction, table: MediaTable) -> int:
    """With this many owners, a scan is cheaper. 0 if there is no index to walk."""
    if not is_indexed_by_txn(txn, table.name, table.owner):
        return 0
    return max(_WALK_AT_LEAST, estimate_rows_txn(txn, table.name) // _ROWS_PER_STEP)


def _owners_sql(table: MediaTable) -> str:
    """Common table expressions, the last one `owners`; its parameter is a limit."""
    next_owner = (
        f"SELECT m.{table.owner} FROM {table.name} AS m WHERE {table.is_counted_sql}"
    )
    return f"""
        walk (owner) AS (
            SELECT ({next_owner} ORDER BY m.{table.owner} LIMIT 1)
            UNION ALL
            SELECT (
                {next_owner} AND m.{table.owner} > walk.owner
                ORDER BY m.{table.owner} LIMIT 1
            )
            FROM walk WHERE walk.owner IS NOT NULL
        ),
        owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT ?)
    """


def _sum_txn(
    txn: LoggingTransaction, table: MediaTable, details: dict[str, list[Any]]
) -> list[OwnerUsage]:
    """Add up the media of some owners, by the index that starts with the owner.

    The owners are parameters, not a subquery: so PostgreSQL can estimate their files,
    and reads the whole table if that is cheaper.

    Args:
        txn: the transaction.
        table: the table to count.
        details: the owners in order, with their `Listing.details`.
    """
    set_up_scan_txn(txn)
    owners = list(details)
    at_once = max(len(owners), 1) if is_postgres(txn) else _OWNERS_AT_ONCE
    sums: dict[str, Sequence[int]] = {}
    for first in range(0, len(owners), at_once):
        some = owners[first : first + at_once]
        marks = ", ".join("?" * len(some))
        txn.execute(
            f"""
            SELECT m.{table.owner}, COUNT(*), {sum_sql(txn, "m.media_length")}
            FROM {table.name} AS m
            WHERE {table.is_counted_sql} AND m.{table.owner} IN ({marks})
            GROUP BY m.{table.owner}
            """,
            tuple(some),
        )
        sums.update((owner, (count, length)) for owner, count, length in txn)
    # In SQLite, a transaction that only reads has no snapshot: the last file of an
    # owner may be deleted meanwhile.
    return [
        OwnerUsage(owner, *found, *sums[owner])
        for owner, found in details.items()
        if owner in sums
    ]
