"""Lists of owners: users of this server, or remote servers, with their usage.

Three ways give equal answers:

| way    | when                                                 | costs              |
| ------ | ---------------------------------------------------- | ------------------ |
| totals | the totals are exact, and there is no window of time | the page           |
| walk   | ordered by name or searched, no window of time       | the owners         |
| scan   | all else                                             | the table or the   |
|        |                                                      | window             |

The store asks the totals first. If they cannot answer, it asks the media, in the same
transaction.
"""

from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersQuestion
from media_stats_module.storage.answers import OwnerUsage, Page, Values
from media_stats_module.storage.owners import scan, totals, walk
from media_stats_module.storage.owners.listing import to_owners
from media_stats_module.storage.rollups.status import Status, Totals, get_totals_txn
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import iterate_txn


def get_owners_page_from_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Page[OwnerUsage, int] | None:
    """One page of owners from the totals; None if they cannot answer."""
    found = _get_exact_totals_txn(txn, table, question)
    if found is None:
        return None
    return totals.get_owners_page_txn(txn, table, question, found)


def get_live_owners_page_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Page[OwnerUsage, int]:
    """One page of owners from the media itself."""
    page = None
    if walk.suits(question):
        page = walk.get_owners_page_txn(txn, table, question)
    if page is None:
        page = scan.get_owners_page_txn(txn, table, question)
    return page


def count_owners_txn(
    txn: LoggingTransaction, table: MediaTable, owner: str | None
) -> int:
    """Count the owners of media that counts; for one owner, 1 or 0.

    Costs the walk, or a scan; for one owner, a probe of the index.
    """
    if owner is None:
        count = walk.count_owners_txn(txn, table)
        if count is None:
            count = scan.get_owners_page_txn(txn, table, OwnersQuestion(limit=0)).end
        return count
    txn.execute(
        f"""
        SELECT COUNT(*) FROM (
            SELECT 1 FROM {table.name} AS m
            WHERE {table.is_counted_sql} AND m.{table.owner} = ? LIMIT 1
        ) AS found
        """,
        (owner,),
    )
    ((count,),) = cast(list[tuple[int]], txn.fetchall())
    return count


def iterate_owners_from_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Values[OwnerUsage, int] | None:
    """The owners of a page of any length, one by one; None if totals cannot answer."""
    found = _get_exact_totals_txn(txn, table, question)
    if found is None:
        return None
    statement = totals.owners_sql_txn(txn, table, question, found)
    return to_owners(
        iterate_txn(txn, statement, question.limit), total_if_empty=found.owners
    )


def iterate_live_owners_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Values[OwnerUsage, int]:
    """The owners of a page of any length, one by one, from the media itself."""
    statement = scan.owners_sql_txn(txn, table, question)
    return to_owners(iterate_txn(txn, statement, question.limit))


def _get_exact_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
) -> Totals | None:
    if question.has_window:
        return None
    found = get_totals_txn(txn, table)
    return found if found.status is Status.EXACT else None
