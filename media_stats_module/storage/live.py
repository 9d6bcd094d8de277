"""Answers from Synapse's own tables, as they are now. Nothing is kept.

Two ways to list owners:

- *walk*: jump from owner to owner along the index that starts with the owner, then
  add up the media of the owners on the page only. Costs an index probe or two per
  owner, some 5 µs each, however many files there are.
- *scan*: read the table once, adding up by owner. Costs the table, whatever the page.

The walk cannot order all owners by what it has not added up, and does not see a
time window.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.query import NO_LIMIT, OwnersOrder, OwnersQuery
from media_stats_module.storage._owners import Owners, owners_page
from media_stats_module.storage._sql import Sql, in_window, room_to_hash, scan_txn
from media_stats_module.storage._synapse import MediaTable, is_postgres
from media_stats_module.storage.values import OwnersPage, OwnerUsage

# A walk of fewer owners than this is never given up.
_WALK_AT_LEAST = 1_000
# Reading a row in a scan costs about a fortieth of a step of the walk, so beyond one
# owner in so many rows the walk has cost as much as the scan would.
_ROWS_PER_WALKED_OWNER = 40
# Reading a file by the index costs three times what it costs in a scan if the table is
# in memory, and a hundred times if it is not. So more owners than this share of all are
# not added up one by one.
_OWNERS_PER_SUMMED_OWNER = 10
# SQLite has a limit to the values of a statement, which was once 999.
_OWNERS_AT_ONCE = 500

_SIZES = {
    OwnersOrder.MEDIA_LENGTH: attrgetter("media_length"),
    OwnersOrder.MEDIA_COUNT: attrgetter("media_count"),
}


def get_owners_page_txn(
    txn: LoggingTransaction, media: MediaTable, query: OwnersQuery
) -> OwnersPage:
    """One page of those who have media, with their usage.

    Args:
        txn: one transaction, in which the answer is consistent.
        media: the media to count.
        query: what is asked.
    """
    in_window = query.from_ts is not None or query.until_ts is not None
    by_name = query.order_by in (OwnersOrder.OWNER, OwnersOrder.DISPLAYNAME)
    if not in_window and (by_name or query.search_term is not None):
        page = _walk_txn(txn, media, query, by_name=by_name)
        if page is not None:
            return page
    statement = scan_statement_txn(txn, media, query)
    txn.execute(statement.text, statement.args)
    return owners_page(txn.fetchall())


def _walk_txn(
    txn: LoggingTransaction, media: MediaTable, query: OwnersQuery, *, by_name: bool
) -> OwnersPage | None:
    """List owners by walking the index; None if a scan turns out to be cheaper.

    PostgreSQL, 10 million media of 100,000 users: 0.5 s.

    - `walk`: per owner, the first row that counts, by a probe of the index that
      starts with the owner, and a look at the row. It is nearly always the first
      that the probe finds.
    - `matched`: by displayname or with a search, one read of `profiles`.
    - `page`: the owners on the page; by size, which is not known before their media is
      added up, all owners that the search finds.

    Args:
        txn: the transaction.
        media: the media to count.
        query: what is asked, without a time window.
        by_name: whether the order is known before the media is added up.
    """
    most = max(_WALK_AT_LEAST, _estimate_rows_txn(txn, media) // _ROWS_PER_WALKED_OWNER)
    most_summed = most // _OWNERS_PER_SUMMED_OWNER + 1
    if query.search_term is None and query.limit > most_summed:
        return None
    owners = Owners(txn, media, query)
    matched = owners.matched("owners.owner")
    order_by = owners.order_by if by_name else "owner"
    limit, start = (query.limit, query.start) if by_name else (NO_LIMIT, 0)
    next_owner = (
        f"SELECT m.{media.owner} FROM {media.name} AS m WHERE {media.is_counted}"
    )
    txn.execute(
        f"""
        WITH RECURSIVE walk (owner) AS (
            SELECT ({next_owner} ORDER BY m.{media.owner} LIMIT 1)
            UNION ALL
            SELECT (
                {next_owner} AND m.{media.owner} > walk.owner
                ORDER BY m.{media.owner} LIMIT 1
            )
            FROM walk WHERE walk.owner IS NOT NULL
        ),
        owners AS (SELECT owner FROM walk WHERE owner IS NOT NULL LIMIT ?),
        matched AS ({matched.text}),
        page AS (SELECT * FROM matched ORDER BY {order_by} LIMIT ? OFFSET ?)
        SELECT
            (SELECT COUNT(*) FROM owners), (SELECT COUNT(*) FROM matched),
            owner, {owners.displayname}
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {order_by}
        """,
        (most, *matched.args, min(limit, most_summed + 1), start),
    )
    rows = cast(list[tuple[int, int, str | None, str | None]], txn.fetchall())
    walked, found = rows[0][:2]
    names = {owner: displayname for *_, owner, displayname in rows if owner is not None}
    if walked >= most or len(names) > walked // _OWNERS_PER_SUMMED_OWNER + 1:
        return None
    usages = _usages_txn(txn, media, names)
    if not by_name:
        # Ties stay in the order of the names.
        usages.sort(key=_SIZES[query.order_by], reverse=query.descending)
        usages = usages[query.start : query.start + query.limit]
    return OwnersPage(owners=usages, total=found)


def _usages_txn(
    txn: LoggingTransaction, media: MediaTable, names: Mapping[str, str | None]
) -> list[OwnerUsage]:
    """Add up the media of some owners, by the index that starts with the owner.

    PostgreSQL knows how many files each of them has about, and reads the whole table if
    that is cheaper. It would not know if they came from another part of the statement,
    nor put more than one process to work.

    Args:
        txn: the transaction.
        media: the media to count.
        names: the owners in order, with their displaynames.
    """
    owners = list(names)
    at_once = _OWNERS_AT_ONCE
    if is_postgres(txn):
        # For a bitmap that holds each row, instead of pages to look through.
        txn.execute(f"SELECT {room_to_hash(32 * 1024)}")
        at_once = max(len(owners), 1)
    sums: dict[str, tuple[int, int]] = {}
    for first in range(0, len(owners), at_once):
        some = owners[first : first + at_once]
        places = ", ".join("?" * len(some))
        txn.execute(
            f"""
            SELECT m.{media.owner}, COUNT(*), CAST(SUM(m.media_length) AS BIGINT)
            FROM {media.name} AS m
            WHERE {media.is_counted} AND m.{media.owner} IN ({places})
            GROUP BY m.{media.owner}
            """,
            some,
        )
        sums.update((owner, (count, length)) for owner, count, length in txn)
    # SQLite takes no snapshot for what only reads: another program, if not Synapse, may
    # have deleted the last file of an owner since.
    return [
        OwnerUsage(owner, displayname, *sums[owner])
        for owner, displayname in names.items()
        if owner in sums
    ]


def scan_statement_txn(
    txn: LoggingTransaction, media: MediaTable, query: OwnersQuery
) -> Sql:
    """The statement that lists owners by adding up the whole table once.

    PostgreSQL, 10 million media of 100,000 users: 1.2 s, a parallel sequential scan.
    """
    window = in_window(query)
    scan = scan_txn(txn, media, window)
    return Owners(txn, media, query).listed(
        Sql(
            f"""
            owners AS (
                SELECT m.{media.owner} AS owner, COUNT(*) AS media_count,
                    CAST(SUM(m.media_length) AS BIGINT) AS media_length
                FROM {media.name} AS m {scan}
                WHERE {media.is_counted} {window.text}
                GROUP BY m.{media.owner}
            )
            """,
            window.args,
        )
    )


def _estimate_rows_txn(txn: LoggingTransaction, media: MediaTable) -> int:
    """About how many rows a media table has, without counting them."""
    if is_postgres(txn):
        # What VACUUM and ANALYZE last saw; -1 if they never came.
        txn.execute(
            "SELECT reltuples FROM pg_class WHERE oid = ?::regclass", (media.name,)
        )
    else:
        # Rows are numbered as they come; the last number is one probe away.
        txn.execute(f"SELECT MAX(rowid) FROM {media.name}")
    ((rows,),) = cast(list[tuple[float | None]], txn.fetchall())
    return int(rows or 0)
