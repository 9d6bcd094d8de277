"""How the totals come about: building them from the media, folding the log into them.

On PostgreSQL each function must be one REPEATABLE READ transaction, which is what
Synapse's transactions are: all its statements see the same rows, so what is added to
the totals is exactly what is taken from the log. Two at once do no harm; one of them
fails to serialize and is tried again.
"""

from collections.abc import Callable
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups.tables import STATE, Rollup
from media_stats_module.storage.sources import is_postgres
from media_stats_module.storage.sql import day_of

_ALL_ROWS = 2**63 - 1


@attr.frozen
class _Rows:
    """Rows to add to totals: `(owner, day, media_count, media_length)`."""

    sql: str
    args: tuple[object, ...]


def start_build_txn(txn: LoggingTransaction, rollup: Rollup, now_ts: int) -> None:
    """Have the totals built anew. Until that is done they are not used.

    Args:
        txn: the transaction.
        rollup: the totals to build.
        now_ts: the time, in milliseconds since the epoch.
    """
    txn.execute(
        f"UPDATE {STATE} SET is_ready = 0, build_started_ts = ?, "
        "build_finished_ts = NULL WHERE source = ?",
        (now_ts, rollup.name),
    )
    if not is_postgres(txn):
        # From here on no change is logged, so that the log is empty when building
        # begins and rows are added up for the first time.
        txn.execute(f"UPDATE {STATE} SET built_to = 0 WHERE source = ?", (rollup.name,))
        _empty_txn(txn, rollup)


def estimate_rows_txn(txn: LoggingTransaction, rollup: Rollup) -> int:
    """About how many rows the media table has. Costs a probe.

    PostgreSQL's estimate is of the last vacuum or analysis of the table, or creation
    of an index.
    """
    if is_postgres(txn):
        txn.execute(
            "SELECT CAST(GREATEST(reltuples, 0) AS BIGINT) FROM pg_class "
            "WHERE oid = to_regclass(?)",
            (rollup.media.name,),
        )
    else:
        txn.execute(f"SELECT COALESCE(MAX(rowid), 0) FROM {rollup.media.name}")
    ((rows,),) = cast(list[tuple[int]], txn.fetchall())
    return rows


def build_step_txn(
    txn: LoggingTransaction, rollup: Rollup, *, most: int, now: Callable[[], int]
) -> bool:
    """Add media to the totals; True if all of it is there.

    PostgreSQL takes one step. The snapshot that shows a change in the log shows what
    it did to the media too, so what the log says is taken out of it and the media is
    added up; what comes later is in the log. 10 million media of 100,000 users: 7 s,
    two sequential scans, during which no upload waits.

    SQLite has one connection, which a long step would hold up. It goes through the
    media table by row number, and the triggers log only what happens to rows that it
    has passed. A step of 10,000 rows holds up other work for 40 ms. What is left of
    the totals by time goes first, in steps of its own.

    Args:
        txn: the transaction.
        rollup: the totals to build.
        most: how many rows of the media table a step on SQLite reads.
        now: tells the time, in milliseconds since the epoch. It is asked at the end,
            which is long after the beginning.
    """
    media = rollup.media
    rows = (
        f"SELECT m.{media.owner} AS owner, {day_of('m.created_ts')} AS day, "
        f"m.created_ts, 1 AS media_count, m.media_length FROM {media.name} AS m "
        f"WHERE {media.is_counted}"
    )
    if is_postgres(txn):
        _empty_txn(txn, rollup)
        _add_txn(txn, rollup, _Rows(rows, ()))
    else:
        txn.execute(f"SELECT built_to FROM {STATE} WHERE source = ?", (rollup.name,))
        ((built_to,),) = cast(list[tuple[int]], txn.fetchall())
        if built_to == 0 and not empty_times_txn(txn, rollup, most):
            return False
        txn.execute(f"SELECT MAX(rowid) FROM {media.name}")
        ((last,),) = cast(list[tuple[int | None]], txn.fetchall())
        step_to = built_to + most
        window = _Rows(f"{rows} AND m.rowid > ? AND m.rowid <= ?", (built_to, step_to))
        _add_txn(txn, rollup, window)
        by_time = _Rows(f"{window.sql} AND m.created_ts IS NOT NULL", window.args)
        _add_to_txn(txn, rollup.times, "created_ts, owner", by_time)
        if step_to < (last or 0):
            txn.execute(
                f"UPDATE {STATE} SET built_to = ? WHERE source = ?",
                (step_to, rollup.name),
            )
            return False
    txn.execute(
        f"UPDATE {STATE} SET is_ready = 1, built_to = ?, build_finished_ts = ?, "
        f"owners = (SELECT COUNT(*) FROM {rollup.owners}) WHERE source = ?",
        (_ALL_ROWS, now(), rollup.name),
    )
    return True


def empty_times_txn(txn: LoggingTransaction, rollup: Rollup, most: int) -> bool:
    """Delete the oldest of what SQLite keeps by time; True if that is all there was.

    SQLite drops or empties a table in one go, 0.4 s per million rows. So most of it
    goes before, in steps.

    Args:
        txn: the transaction.
        rollup: the totals, which nobody reads or writes any more.
        most: about how many rows to delete.
    """
    times = rollup.times
    if is_postgres(txn):
        return True
    txn.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (times,))
    if not txn.fetchall():
        return True
    txn.execute(f"SELECT created_ts FROM {times} LIMIT 1 OFFSET ?", (most,))
    rows = txn.fetchall()
    if not rows:
        txn.execute(f"DELETE FROM {times}")
        return True
    txn.execute(f"DELETE FROM {times} WHERE created_ts <= ?", rows[0])
    return False


def fold_txn(txn: LoggingTransaction, rollup: Rollup, *, most: int) -> int:
    """Move the oldest changes from the log into the totals.

    Costs a read of the log, and a few probes per owner in it.

    Args:
        txn: the transaction.
        rollup: the totals to bring up to date.
        most: how many changes to move at most.

    Returns:
        how many changes were moved.
    """
    txn.execute(
        f"SELECT COUNT(*), MAX(id) FROM "
        f"(SELECT id FROM {rollup.changes} ORDER BY id LIMIT ?) AS oldest",
        (most,),
    )
    count, last = cast(tuple[int, int | None], txn.fetchone())
    if not count:
        return 0
    rows = _Rows(
        f"SELECT owner, day, media_count, media_length FROM {rollup.changes} "
        "WHERE id <= ?",
        (last,),
    )
    txn.execute(
        f"""
        SELECT COUNT(*) FROM (SELECT DISTINCT owner FROM ({rows.sql}) AS r) AS r
        WHERE NOT EXISTS (
            SELECT 1 FROM {rollup.owners} AS o WHERE o.owner = r.owner
        )
        """,
        rows.args,
    )
    ((come,),) = cast(list[tuple[int]], txn.fetchall())
    _add_txn(txn, rollup, rows)
    # The index by count has them last.
    txn.execute(f"DELETE FROM {rollup.owners} WHERE media_count = 0")
    gone = txn.rowcount
    txn.execute(f"DELETE FROM {rollup.days} WHERE media_count = 0")
    txn.execute(f"DELETE FROM {rollup.changes} WHERE id <= ?", (last,))
    txn.execute(
        f"UPDATE {STATE} SET owners = owners + ? WHERE source = ?",
        (come - gone, rollup.name),
    )
    return count


def _add_txn(txn: LoggingTransaction, rollup: Rollup, rows: _Rows) -> None:
    """Add rows to the totals per owner and per day."""
    for table, key in ((rollup.owners, "owner"), (rollup.days, "day")):
        _add_to_txn(txn, table, key, rows)


def _add_to_txn(txn: LoggingTransaction, table: str, key: str, rows: _Rows) -> None:
    # WHERE TRUE tells SQLite's parser that ON CONFLICT is not of a join.
    txn.execute(
        f"""
        INSERT INTO {table} ({key}, media_count, media_length)
        SELECT {key}, SUM(media_count), SUM(media_length)
        FROM ({rows.sql}) AS r WHERE TRUE GROUP BY {key}
        ON CONFLICT ({key}) DO UPDATE SET
            media_count = {table}.media_count + excluded.media_count,
            media_length = {table}.media_length + excluded.media_length
        """,
        rows.args,
    )


def _empty_txn(txn: LoggingTransaction, rollup: Rollup) -> None:
    for table in (rollup.changes, rollup.missed, rollup.owners, rollup.days):
        txn.execute(f"DELETE FROM {table}")
