"""Sets of identical files, by their hashes.

Files from before Synapse kept hashes have none, and are not compared.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import DuplicatesQuestion
from media_stats_module.storage.answers import DuplicatedFile, Page, Usage, Values
from media_stats_module.storage.dialect import (
    is_postgres,
    product_sql,
    scan_hint_sql,
    sum_sql,
)
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256, MediaTable
from media_stats_module.storage.sql import Sql, iterate_txn, of_owner_sql


def get_duplicates_txn(
    txn: LoggingTransaction, tables: Sequence[MediaTable], owner: str | None
) -> Usage | None:
    """All identical files but one of each set. Costs as much as a page of the sets.

    Args:
        txn: the transaction.
        tables: the tables whose files are compared.
        owner: compare only this owner's files.

    Returns:
        None if this version of Synapse keeps no hashes.
    """
    if not MEDIA_HAVE_SHA256:
        return None
    contents = _contents_sql(txn, tables, owner)
    txn.execute(
        f"""
        WITH {contents.text}
        SELECT SUM(copies - 1), {sum_sql(txn, "media_length", times="(copies - 1)")}
        FROM contents
        """,
        contents.args,
    )
    ((count, length),) = cast(list[tuple[Any, Any]], txn.fetchall())
    return Usage(count or 0, length)


def get_duplicates_page_txn(
    txn: LoggingTransaction, tables: Sequence[MediaTable], question: DuplicatesQuestion
) -> Page[DuplicatedFile, int | None]:
    """One page of the sets of identical files.

    No sets, and None at the end, if this version of Synapse keeps no hashes.
    """
    if not MEDIA_HAVE_SHA256:
        return Page((), None)
    statement = _page_sql(txn, tables, question)
    txn.execute(statement.text, statement.args)
    # Each row has the total; an empty page is a row of NULLs.
    rows = list(txn)
    return Page(list(_to_duplicates(rows)), rows[0][0])


def iterate_duplicates_txn(
    txn: LoggingTransaction, tables: Sequence[MediaTable], question: DuplicatesQuestion
) -> Values[DuplicatedFile, int | None]:
    """The sets of a page of any length, one by one, as the database returns them."""
    if not MEDIA_HAVE_SHA256:
        return None
    statement = _page_sql(txn, tables, question)
    return (yield from _to_duplicates(iterate_txn(txn, statement, question.limit)))


def _to_duplicates(rows: Iterable[tuple[Any, ...]]) -> Values[DuplicatedFile, int]:
    total = 0
    for row in rows:
        total, sha256, *others = row
        if sha256 is not None:
            yield DuplicatedFile(sha256, *others)
    return total


def _page_sql(
    txn: LoggingTransaction, tables: Sequence[MediaTable], question: DuplicatesQuestion
) -> Sql:
    """The statement for a page."""
    contents = _contents_sql(txn, tables, question.owner)
    order_by = f"{product_sql(txn, 'media_length', '(copies - 1)')} DESC, sha256"
    if is_postgres(txn):
        order_by += ' COLLATE "C"'
    return Sql(
        f"""
        WITH {contents.text},
        page AS (SELECT * FROM contents ORDER BY {order_by} LIMIT ? OFFSET ?)
        SELECT (SELECT COUNT(*) FROM contents), sha256, media_length, copies,
            remote_copies
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {order_by}
        """,
        (*contents.args, question.limit, question.start),
    )


def _contents_sql(
    txn: LoggingTransaction, tables: Sequence[MediaTable], owner: str | None
) -> Sql:
    """A common table expression `contents`: the sets of identical files.

    PostgreSQL, 10 million media: 10 s, a sequential scan and a hash of 10 million keys
    in temporary files. The appended empty string keeps the planner from the index on
    `sha256`, where each row is a random read: 19 s.
    """
    sha256 = "m.sha256 || ''" if is_postgres(txn) else "m.sha256"
    scan = scan_hint_sql(txn) if owner is None else ""
    owners = [of_owner_sql(table, owner) for table in tables]
    files = " UNION ALL ".join(
        f"SELECT {sha256} AS sha256, m.media_length, "
        f"{int(not table.owners_are_users)} AS is_remote "
        f"FROM {table.name} AS m {scan} "
        f"WHERE m.sha256 <> '' AND m.media_length IS NOT NULL{of_owner.text}"
        for table, of_owner in zip(tables, owners, strict=True)
    )
    return Sql(
        f"""
        contents AS (
            SELECT sha256, MAX(media_length) AS media_length, COUNT(*) AS copies,
                SUM(is_remote) AS remote_copies
            FROM ({files}) AS files
            GROUP BY sha256 HAVING COUNT(*) > 1
        )
        """,
        tuple(arg for of_owner in owners for arg in of_owner.args),
    )
