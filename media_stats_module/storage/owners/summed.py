"""Pages of owners who are known before their media is added up.

Then only the media of the owners on the page has to be added up, by the index that
starts with the owner. Who they are, the live path finds by walking that index, and
rollups know.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import NO_LIMIT, OwnersOrder, OwnersQuestion
from media_stats_module.storage.answers import OwnersPage, OwnerUsage
from media_stats_module.storage.owners.listing import Owners
from media_stats_module.storage.sources import MediaTable, is_postgres
from media_stats_module.storage.sql import Sql, in_window, room_to_hash

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


def is_summed(query: OwnersQuestion) -> bool:
    """Whether names and a search decide whose media has to be added up."""
    return query.order_by not in _SIZES or query.search_term is not None


def summed_page_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    query: OwnersQuestion,
    owners: Sql,
    *,
    most: int,
) -> OwnersPage | None:
    """One page of owners; None if a read of the table turns out to be cheaper.

    - `matched`: by displayname or with a search, one read of `profiles`.
    - `page`: the owners on the page; by size, which is not known before their media is
      added up, all owners that the search finds.

    Args:
        txn: one transaction, in which the answer is consistent.
        media: the media to count.
        query: what is asked, of which `is_summed` is true.
        owners: common table expressions, among them `owners`, of the names of all who
            have media that counts and is in the window.
        most: how many they are at most. If they are so many, the answer is None.
    """
    most_summed = _most_summed(most)
    if query.search_term is None and query.limit > most_summed:
        return None
    by_size = _SIZES.get(query.order_by)
    pieces = Owners(txn, media, query)
    matched = pieces.matched("owners.owner")
    order_by, limit, start = pieces.order_by, query.limit, query.start
    if by_size is not None:
        order_by, limit, start = "owner", NO_LIMIT, 0
    txn.execute(
        f"""
        WITH RECURSIVE {owners.text},
        matched AS ({matched.text}),
        page AS (SELECT * FROM matched ORDER BY {order_by} LIMIT ? OFFSET ?)
        SELECT
            (SELECT COUNT(*) FROM owners), (SELECT COUNT(*) FROM matched),
            owner, {pieces.displayname}
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {order_by}
        """,
        (*owners.args, *matched.args, min(limit, most_summed + 1), start),
    )
    rows = cast(list[tuple[int, int, str | None, str | None]], txn.fetchall())
    known, found = rows[0][:2]
    names = {owner: displayname for *_, owner, displayname in rows if owner is not None}
    if known >= most or len(names) > _most_summed(known):
        return None
    usages = _usages_txn(txn, media, query, names)
    if by_size is not None:
        # Ties stay in the order of the names.
        usages.sort(key=by_size, reverse=query.descending)
        usages = usages[query.start : query.start + query.limit]
    return OwnersPage(owners=usages, total=found)


def _most_summed(owners: int) -> int:
    """How many of so many owners are added up one by one, at most."""
    return owners // _OWNERS_PER_SUMMED_OWNER + 1


def _usages_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    query: OwnersQuestion,
    names: Mapping[str, str | None],
) -> list[OwnerUsage]:
    """Add up the media of some owners, by the index that starts with the owner.

    PostgreSQL knows how many files each of them has about, and reads the whole table if
    that is cheaper. It would not know if they came from another part of the statement,
    nor put more than one process to work.

    Args:
        txn: the transaction.
        media: the media to count.
        query: in which window of time.
        names: the owners in order, with their displaynames.
    """
    owners = list(names)
    window = in_window(query)
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
            WHERE {media.is_counted} AND m.{media.owner} IN ({places}) {window.text}
            GROUP BY m.{media.owner}
            """,
            (*some, *window.args),
        )
        sums.update((owner, (count, length)) for owner, count, length in txn)
    # SQLite takes no snapshot for what only reads: another program, if not Synapse, may
    # have deleted the last file of an owner since.
    return [
        OwnerUsage(owner, displayname, *sums[owner])
        for owner, displayname in names.items()
        if owner in sums
    ]
