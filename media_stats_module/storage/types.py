"""The amount of media of each media type, or group of types."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import TypesOrder, TypesQuestion
from media_stats_module.storage.answers import Page, TypeUsage, Usage, Values
from media_stats_module.storage.dialect import (
    media_type_sql,
    set_up_scan_txn,
    sum_of_sums_sql,
    sum_sql,
)
from media_stats_module.storage.kinds import group_sql
from media_stats_module.storage.rollups.kinds import get_totals_of_kinds_txn
from media_stats_module.storage.rollups.status import Status, get_totals_txn
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import Sql, counted_rows_sql, iterate_txn

_ORDER_BY = {
    TypesOrder.MEDIA_TYPE: "media_type {dir}",
    TypesOrder.MEDIA_LENGTH: "media_length {dir}, media_type",
    TypesOrder.MEDIA_COUNT: "media_count {dir}, media_type",
}


def get_groups_from_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: TypesQuestion
) -> Page[TypeUsage, int] | None:
    """One page of the groups of types, from the totals; None if they cannot answer."""
    if (
        not question.grouped
        or question.has_window
        or question.owner is not None
        or question.accounts is not None
        or get_totals_txn(txn, table).status is not Status.EXACT
    ):
        return None
    usages: dict[str, Usage] = {}
    for kind in get_totals_of_kinds_txn(txn, table.source).files:
        if kind.is_owned and (table.counts_url_previews or not kind.is_url_preview):
            before = usages.get(kind.media_group, Usage(0, 0))
            usages[kind.media_group] = before + kind.usage
    groups = [
        TypeUsage(group, usage.media_count, usage.media_length)
        for group, usage in sorted(usages.items())
        if usage.media_count
    ]
    groups.sort(key=attrgetter(question.order_by.value), reverse=question.descending)
    page = groups[question.start : question.start + question.limit]
    return Page(values=page, end=len(groups))


def get_types_page_txn(
    txn: LoggingTransaction, table: MediaTable, question: TypesQuestion
) -> Page[TypeUsage, int]:
    """One page of the media types, from the media itself."""
    statement = _types_sql_txn(txn, table, question)
    txn.execute(statement.text, statement.args)
    # Each row has the total; an empty page is a row of NULLs.
    rows = list(txn)
    return Page(values=list(_to_types(rows)), end=rows[0][0])


def iterate_types_txn(
    txn: LoggingTransaction, table: MediaTable, question: TypesQuestion
) -> Values[TypeUsage, int]:
    """The types of a page of any length, one by one, as the database returns them."""
    return _to_types(
        iterate_txn(txn, _types_sql_txn(txn, table, question), question.limit)
    )


def _to_types(rows: Iterable[tuple[Any, ...]]) -> Values[TypeUsage, int]:
    total = 0
    for row in rows:
        total, media_type, *usage = row
        if media_type is not None:
            yield TypeUsage(media_type, *usage)
    return total


def _types_sql_txn(
    txn: LoggingTransaction, table: MediaTable, question: TypesQuestion
) -> Sql:
    """The statement for a page, in a transaction that is set up for it.

    PostgreSQL, 10 million media: 1.3 s, a parallel sequential scan. For one owner, a
    range of the index that starts with the owner. First adds up files by their type as
    uploaded, then normalizes each type once instead of once per file.
    """
    if question.has_window:
        set_up_scan_txn(txn, question)
    rows = counted_rows_sql(txn, table, question)
    media_type = media_type_sql(txn, "content_type")
    if question.grouped:
        media_type = group_sql(media_type)
    order_by = _ORDER_BY[question.order_by].format(
        dir="DESC" if question.descending else "ASC"
    )
    return Sql(
        f"""
        WITH given AS (
            SELECT m.media_type AS content_type, COUNT(*) AS media_count,
                {sum_sql(txn, "m.media_length")} AS media_length
            {rows.text}
            GROUP BY m.media_type
        ),
        named AS (
            SELECT {media_type} AS media_type, media_count, media_length FROM given
        ),
        types AS (
            SELECT media_type, SUM(media_count) AS media_count,
                {sum_of_sums_sql(txn, "media_length")} AS media_length
            FROM named GROUP BY media_type
        ),
        page AS (SELECT * FROM types ORDER BY {order_by} LIMIT ? OFFSET ?)
        SELECT (SELECT COUNT(*) FROM types), media_type, media_count, media_length
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {order_by}
        """,
        (*rows.args, question.limit, question.start),
    )
