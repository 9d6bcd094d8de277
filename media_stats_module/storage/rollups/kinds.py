"""The totals of kinds, for the summary, the groups of types and the gauges."""

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import Source
from media_stats_module.storage.answers import Kinds
from media_stats_module.storage.kinds import KIND_COLUMNS, to_kinds
from media_stats_module.storage.rollups import names


def get_totals_of_kinds_txn(txn: LoggingTransaction, source: Source) -> Kinds:
    """The kinds of a source's media, from exact totals. Reads the whole change log."""
    txn.execute(
        f"""
        SELECT {KIND_COLUMNS}, SUM(media_count), SUM(media_length)
        FROM (
            SELECT {KIND_COLUMNS}, media_count, media_length
            FROM {names.KINDS} WHERE source = ?
            UNION ALL
            SELECT {KIND_COLUMNS}, media_count, media_length
            FROM {names.CHANGES} WHERE source = ? AND media_group IS NOT NULL
        ) AS totals
        GROUP BY {KIND_COLUMNS}
        """,
        (source.value, source.value),
    )
    return to_kinds(txn.fetchall())
