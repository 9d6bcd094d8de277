"""Compares the totals and the change log with the media.

Rows can be changed without the triggers, such as by a load with triggers disabled. Only
adding up the media again finds that.
"""

from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.answers import to_sum
from media_stats_module.storage.dialect import is_postgres, sum_sql
from media_stats_module.storage.kinds import KIND_COLUMNS, kinds_sql
from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.build import is_counted_change_sql
from media_stats_module.storage.rollups.status import Status, get_totals_txn
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import day_sql
from media_stats_module.storage.time_limits import limit_time_txn


@attr.frozen
class Differences:
    """The differences between the totals of a source and its media.

    Attributes:
        owners: the number of owners with a wrong total.
        days: the number of days with a wrong total.
        kinds: the number of kinds with a wrong total.
        media_count: the sum of the wrong totals of owners, in files.
        media_length: the same in bytes.
        number_of_owners: the error of the number of owners.
    """

    owners: int
    days: int
    kinds: int
    media_count: int
    media_length: int
    number_of_owners: int

    @property
    def total(self) -> int:
        """The number of wrong totals."""
        return self.owners + self.days + self.kinds + (self.number_of_owners != 0)


def check_txn(txn: LoggingTransaction, table: MediaTable) -> Differences | None:
    """Compare, in one snapshot. Writes nothing, so nobody waits for it.

    Costs three reads of the media table. PostgreSQL, 10 million media: 7 s.

    Returns:
        the differences; None if the totals are not EXACT, and so not used.
    """
    if is_postgres(txn):
        limit_time_txn(txn, 0)
    totals = get_totals_txn(txn, table)
    if totals.status is not Status.EXACT:
        return None
    source = table.source.value
    counted = f"FROM {table.name} AS m WHERE {table.is_counted_sql}"
    owners, media_count, media_length = _compare_txn(
        txn,
        source,
        names.OWNERS,
        "owner",
        f"SELECT m.{table.owner} AS owner, COUNT(*) AS media_count, "
        f"SUM(m.media_length) AS media_length {counted} GROUP BY m.{table.owner}",
    )
    day = day_sql("m.created_ts")
    days, _, _ = _compare_txn(
        txn,
        source,
        names.DAYS,
        "day",
        f"SELECT {day} AS day, COUNT(*) AS media_count, "
        f"SUM(m.media_length) AS media_length {counted} GROUP BY {day}",
    )
    kinds, _, _ = _compare_txn(
        txn, source, names.KINDS, KIND_COLUMNS, kinds_sql(txn, table).text
    )
    txn.execute(
        f"SELECT COUNT(*) FROM {names.OWNERS} WHERE source = ?",
        (source,),
    )
    ((rows,),) = cast(list[tuple[int]], txn.fetchall())
    return Differences(
        owners, days, kinds, media_count, media_length, rows - totals.owners
    )


def _compare_txn(
    txn: LoggingTransaction, source: str, table: str, key: str, right: str
) -> tuple[int, int, int]:
    """Count the wrong totals in a table, and the files and bytes that they differ by.

    Args:
        txn: the transaction.
        source: the source.
        table: the table of totals.
        key: its key columns.
        right: the statement that adds up the media, with the columns of the key,
            `media_count` and `media_length`.
    """
    minus = f"UNION ALL SELECT {key}, -media_count, -media_length FROM"
    txn.execute(
        f"""
        SELECT COUNT(*), {sum_sql(txn, "ABS(media_count)")},
            {sum_sql(txn, "ABS(media_length)")}
        FROM (
            SELECT CAST(SUM(media_count) AS NUMERIC) AS media_count,
                CAST(SUM(media_length) AS NUMERIC) AS media_length
            FROM (
                SELECT {key}, media_count, media_length FROM ({right}) AS added_up
                {minus} {table} WHERE source = ?
                {minus} {names.CHANGES}
                WHERE source = ? AND {is_counted_change_sql(key)}
            ) AS all_of_them
            GROUP BY {key}
        ) AS by_key
        WHERE media_count <> CAST(0 AS NUMERIC) OR media_length <> CAST(0 AS NUMERIC)
        """,
        (source, source),
    )
    ((keys, media_count, media_length),) = txn.fetchall()
    return keys, to_sum(media_count), to_sum(media_length)
