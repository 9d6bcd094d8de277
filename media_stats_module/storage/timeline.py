"""How much media was created on each day."""

from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.query import MediaQuery
from media_stats_module.storage._sql import counted_rows_txn, day_of
from media_stats_module.storage._synapse import MediaTable
from media_stats_module.storage.values import DayUsage


def get_days_txn(
    txn: LoggingTransaction, media: MediaTable, query: MediaQuery
) -> list[DayUsage]:
    """The days on which media was created, in order, and how much.

    PostgreSQL, 10 million media: 1.3 s, a parallel sequential scan. Of one owner, what
    reading that owner's rows by the index costs.

    Args:
        txn: one transaction, in which the answer is consistent.
        media: the media to count.
        query: what is asked.
    """
    rows = counted_rows_txn(txn, media, query)
    txn.execute(
        f"""
        SELECT {day_of("m.created_ts")} AS day, COUNT(*), SUM(m.media_length)
        {rows.text}
        GROUP BY {day_of("m.created_ts")}
        ORDER BY day
        """,
        rows.args,
    )
    return [DayUsage(*row) for row in cast(list[tuple[int, int, int]], txn.fetchall())]
