"""Pieces of SQL that differ between PostgreSQL and SQLite."""

from typing import cast

from synapse.module_api import LoggingTransaction

# Not in synapse.module_api, which does not tell the kind of database. All supported
# versions have it here.
from synapse.storage.engines import PostgresEngine

from media_stats_module.questions import Window
from media_stats_module.storage.answers import WIDE_ZERO

# The lower 32 bits.
_LOW = 2**32 - 1


def is_postgres(txn: LoggingTransaction) -> bool:
    """Whether the database is PostgreSQL; the only other one is SQLite."""
    return isinstance(txn.database_engine, PostgresEngine)


def scan_hint_sql(txn: LoggingTransaction) -> str:
    """The hint after a table's name that makes SQLite read it in its own order.

    Without it, SQLite walks the index by owner to save sorting, and reads each row at
    random: 1.7 s instead of 0.5 s for a million rows in memory.
    """
    return "" if is_postgres(txn) else "NOT INDEXED"


def unindexed_sql(txn: LoggingTransaction, column: str) -> str:
    """The SQL expression for a column of text that no index serves."""
    # In SQLite, the column may have bytes, which `||` would make text.
    return f"{column} || ''" if is_postgres(txn) else f"+{column}"


def set_up_scan_txn(txn: LoggingTransaction, window: Window | None = None) -> None:
    """Set up the transaction for a read of a whole table, or of a window of time."""
    if not is_postgres(txn):
        return
    # Room for the totals of about 300,000 owners. With the default of 4 MB, each
    # process writes them to the disk, or the planner sorts.
    settings = [set_work_mem_sql(32 * 1024)]
    if window is not None and window.has_window:
        # The rows of a window lie together in the table. The planner does not know: it
        # expects a random read for each, and would read the whole table for 30 days.
        # JIT costs more than it saves here.
        settings += [
            "set_config('random_page_cost', '1.1', true)",
            "set_config('jit', 'off', true)",
        ]
    txn.execute(f"SELECT {', '.join(settings)}")


def set_work_mem_sql(kilobytes: int) -> str:
    """The PostgreSQL expression that sets work_mem to at least this, for a transaction.

    It is a limit: a statement takes only the memory that it uses.
    """
    return f"""
        set_config(
            'work_mem',
            CAST(
                GREATEST(
                    pg_size_bytes(current_setting('work_mem')) / 1024, {kilobytes}
                ) AS TEXT
            ),
            true
        )
    """


def sum_sql(txn: LoggingTransaction, expression: str, times: str = "1") -> str:
    """The SQL expression for an exact sum of integers; 0 without rows.

    `to_sum` converts it. It sorts like the sum, also beyond 64 bits.

    Args:
        txn: decides the dialect.
        expression: the SQL expression to add up.
        times: the SQL expression for the factor of each row.
    """
    if is_postgres(txn):
        if times != "1":
            expression = product_sql(txn, expression, times)
        return f"COALESCE(SUM({expression}), 0)"
    # SQLite fails beyond 64 bits, so the upper and the lower 32 bits have a sum each.
    high, low = f"{expression} >> 32", f"{expression} & {_LOW}"
    if times != "1":
        high, low = f"({high}) * {times}", f"({low}) * {times}"
    return _wide_sum_sql(f"SUM({high})", f"SUM({low})")


def product_sql(txn: LoggingTransaction, expression: str, times: str) -> str:
    """The SQL expression for an exact product of integers. `to_sum` converts it.

    Args:
        txn: decides the dialect.
        expression: the SQL expression for one factor, which may be large.
        times: the SQL expression for the other one, of 32 bits at most.
    """
    if is_postgres(txn):
        return f"CAST({times} AS NUMERIC) * {expression}"
    return _wide_sum_sql(
        f"({expression} >> 32) * {times}", f"({expression} & {_LOW}) * {times}"
    )


def sum_of_sums_sql(txn: LoggingTransaction, sums: str) -> str:
    """The SQL expression for the sum of sums by `sum_sql`.

    Args:
        txn: decides the dialect.
        sums: the SQL expression to add up.
    """
    if is_postgres(txn):
        return f"COALESCE(SUM({sums}), 0)"
    high = f"CAST(substr({sums}, 1, 20) AS INTEGER) - {WIDE_ZERO}"
    return _wide_sum_sql(f"SUM({high})", f"SUM(CAST(substr({sums}, 22) AS INTEGER))")


def _wide_sum_sql(high: str, low: str) -> str:
    """Text of a fixed width, such as `05000000000000000000.0000000123`."""
    high, low = f"COALESCE({high}, 0)", f"COALESCE({low}, 0)"
    return (
        f"printf('%020d.%010d', {WIDE_ZERO} + {high} + ({low} >> 32), {low} & {_LOW})"
    )


def localpart_sql(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL expression for the localpart: the text between `@` and the first `:`.

    The server's name may have another colon, before the port.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    if is_postgres(txn):
        return f"substr(split_part({user_id}, ':', 1), 2)"
    return f"substr({user_id}, 2, instr({user_id}, ':') - 2)"


def media_type_sql(txn: LoggingTransaction, content_type: str) -> str:
    """The SQL expression for a media type in lower case, without parameters.

    Synapse serves a file without a type as `application/octet-stream`.

    Args:
        txn: decides the dialect.
        content_type: the SQL expression for the type as the uploader gave it, such as
            `Text/html; q=1`.
    """
    if is_postgres(txn):
        # With "C", only ASCII letters change. In Turkish, I would become a dotless i.
        small = f"LOWER(TRIM(split_part({content_type}, ';', 1)) COLLATE \"C\")"
    else:
        before = f"instr({content_type} || ';', ';') - 1"
        small = f"LOWER(TRIM(substr({content_type}, 1, {before})))"
    return f"COALESCE(NULLIF({small}, ''), 'application/octet-stream')"


def is_indexed_by_txn(txn: LoggingTransaction, table: str, column: str) -> bool:
    """Whether a usable index starts with a column. Costs some probes of the catalogue.

    Synapse creates `users_have_local_media` in a background update, which can take
    hours. An interrupted `CREATE INDEX CONCURRENTLY` leaves an invalid index. A partial
    index may exclude rows without a value, as that on the hashes does.
    """
    if is_postgres(txn):
        txn.execute(
            """
            SELECT 1 FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = to_regclass(?) AND i.indisvalid AND a.attname = ?
                AND (
                    i.indpred IS NULL
                    OR pg_get_expr(i.indpred, i.indrelid) = ?
                )
            """,
            (table, column, f"({column} IS NOT NULL)"),
        )
    else:
        txn.execute(
            """
            SELECT 1 FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
            JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
            WHERE i.seqno = 0 AND i.name = ?
                AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || ?)
            """,
            (table, column, f"{column} IS NOT NULL"),
        )
    return bool(txn.fetchall())


def estimate_rows_txn(txn: LoggingTransaction, table: str) -> int:
    """Estimate the number of rows of a media table. Costs a probe.

    PostgreSQL's estimate is from the last VACUUM, ANALYZE or creation of an index.
    """
    if is_postgres(txn):
        # An error if there is no such table.
        txn.execute(
            "SELECT CAST(GREATEST(reltuples, 0) AS BIGINT) FROM pg_class "
            "WHERE oid = CAST(? AS REGCLASS)",
            (table,),
        )
    else:
        txn.execute(f"SELECT MAX(rowid) FROM {table}")
    ((rows,),) = cast(list[tuple[int | None]], txn.fetchall())
    return rows or 0
