"""The media stored now, by the day of its creation."""

from operator import attrgetter
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import MediaQuestion
from media_stats_module.storage.answers import DayUsage
from media_stats_module.storage.dialect import (
    is_indexed_by_txn,
    set_up_scan_txn,
    sum_sql,
)
from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import Status, get_totals_txn
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import DAY_MS, counted_rows_sql, day_sql


def get_days_from_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: MediaQuestion
) -> list[DayUsage] | None:
    """The days on which media was created, from the totals; None if they cannot answer.

    The totals have whole days of all owners. If the window begins or ends within a day,
    that day is added up from the media itself, by the module's index by time.
    """
    first = last = None
    if question.from_ts is not None:
        first = -(-question.from_ts // DAY_MS)
    if question.until_ts is not None:
        last = (question.until_ts + 1) // DAY_MS - 1
    if (
        question.owner is not None
        or question.accounts is not None
        # The totals have media without a time on day 0. It is in no window.
        or (first is None and last is not None)
        or (first is not None and last is not None and last < first)
        or get_totals_txn(txn, table).status is not Status.EXACT
    ):
        return None

    parts_of_days = []
    if first is not None and question.from_ts != first * DAY_MS:
        parts_of_days.append(attr.evolve(question, until_ts=first * DAY_MS - 1))
    if last is not None and question.until_ts != (last + 1) * DAY_MS - 1:
        parts_of_days.append(attr.evolve(question, from_ts=(last + 1) * DAY_MS))
    if parts_of_days and not is_indexed_by_txn(txn, table.name, "created_ts"):
        return None
    days = _get_whole_days_txn(txn, table, first, last)
    for part in parts_of_days:
        days += get_days_txn(txn, table, part)
    return sorted(days, key=attrgetter("day"))


def get_days_txn(
    txn: LoggingTransaction, table: MediaTable, question: MediaQuestion
) -> list[DayUsage]:
    """The days on which media was created, in order, from the media itself.

    PostgreSQL, 10 million media: 2 s, a sequential scan, not in parallel, because the
    planner expects a group per file. For one owner, a range of the index that starts
    with the owner.
    """
    if question.has_window:
        set_up_scan_txn(txn, question)
    rows = counted_rows_sql(txn, table, question)
    day = day_sql("m.created_ts")
    # Sorted here: the database would sort the files, not the days.
    txn.execute(
        f"SELECT {day}, COUNT(*), {sum_sql(txn, 'm.media_length')} {rows.text} "
        f"GROUP BY {day}",
        rows.args,
    )
    return [
        DayUsage(*row)
        for row in sorted(cast(list[tuple[int, int, int]], txn.fetchall()))
    ]


def _get_whole_days_txn(
    txn: LoggingTransaction, table: MediaTable, first: int | None, last: int | None
) -> list[DayUsage]:
    """Days from the totals and the change log, which are exact in this transaction."""
    args: list[object] = [table.source.value]
    bounds = ""
    if first is not None:
        bounds += " AND day >= ?"
        args.append(first)
    if last is not None:
        bounds += " AND day <= ?"
        args.append(last)
    txn.execute(
        f"""
        SELECT day, SUM(media_count), SUM(media_length) FROM (
            SELECT day, media_count, media_length
            FROM {names.DAYS} WHERE source = ? {bounds}
            UNION ALL
            SELECT day, media_count, media_length
            FROM {names.CHANGES} WHERE source = ? {bounds} AND day IS NOT NULL
        ) AS totals
        GROUP BY day HAVING SUM(media_count) <> CAST(0 AS NUMERIC)
        ORDER BY day
        """,
        (*args, *args),
    )
    return [DayUsage(*row) for row in cast(list[tuple[int, int, int]], txn.fetchall())]
