"""A piece of SQL with the values that go with it, and the pieces that many share."""

from collections.abc import Iterator
from typing import Any

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import MediaQuestion, Window
from media_stats_module.storage.sources import MediaTable, is_postgres

DAY_MS = 24 * 60 * 60 * 1000

_ROWS_AT_ONCE = 2_000


@attr.frozen
class Sql:
    """A piece of a statement with the values of its placeholders, in order."""

    text: str
    args: tuple[object, ...] = ()


def iterate_txn(txn: LoggingTransaction, statement: Sql) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement, however many, a few thousand in memory at a time."""
    if not is_postgres(txn):
        # SQLite computes them one by one.
        txn.execute(statement.text, statement.args)
        yield from txn
        return
    # Without a cursor in the database, its driver would fetch all rows before it gives
    # the first. By default the planner expects that a tenth of them will be read.
    txn.execute("SET LOCAL cursor_tuple_fraction = 1")
    txn.execute(
        f"DECLARE media_stats_rows NO SCROLL CURSOR FOR {statement.text}",
        statement.args,
    )
    while True:
        txn.execute(f"FETCH {_ROWS_AT_ONCE} FROM media_stats_rows")
        rows = txn.fetchall()
        if not rows:
            break
        yield from rows
    txn.execute("CLOSE media_stats_rows")


def in_window(window: Window) -> Sql:
    """Further conditions on a row, called `m`: that it was created in a window."""
    text = ""
    args: list[object] = []
    if window.from_ts is not None:
        text += " AND m.created_ts >= ?"
        args.append(window.from_ts)
    if window.until_ts is not None:
        text += " AND m.created_ts <= ?"
        args.append(window.until_ts)
    return Sql(text, tuple(args))


def of_owner(media: MediaTable, owner: str | None) -> Sql:
    """A further condition on a row, called `m`: that it is an owner's, if one is given.

    An index of Synapse's own serves it.
    """
    if owner is None:
        return Sql("")
    return Sql(f" AND m.{media.owner} = ?", (owner,))


def counted_rows_txn(
    txn: LoggingTransaction, media: MediaTable, query: MediaQuestion
) -> Sql:
    """The `FROM` and `WHERE` of the rows, called `m`, that count and are asked for.

    One read of the table; or of one owner's rows, by the index that starts with the
    owner.

    Args:
        txn: the transaction of the statement.
        media: the media to count.
        query: what is asked.
    """
    owner, window = of_owner(media, query.owner), in_window(query)
    scan = scan_txn(txn, media, window) if query.owner is None else ""
    return Sql(
        f"FROM {media.name} AS m {scan} "
        f"WHERE {media.is_counted}{owner.text}{window.text}",
        owner.args + window.args,
    )


def scan_txn(txn: LoggingTransaction, media: MediaTable, window: Sql) -> str:
    """Prepare to read all rows of a window; what goes behind the table's name."""
    if is_postgres(txn):
        # Room for the totals of some 300,000 owners. With the default 4 MB each worker
        # writes them to the disk, or the planner prefers to sort, or to go through the
        # index by owner instead.
        settings = room_to_hash(32 * 1024)
        if window.args:
            # Rows stand in the table about in the order they were created in, so those
            # of a window are neighbours. The planner does not reckon with that when it
            # considers a bitmap of an index, takes each for a random read, and would
            # read the whole table for a window of 30 days. Nor is there enough to do
            # for compiling expressions to pay: it takes a tenth of 30 days.
            settings += (
                ", set_config('random_page_cost', '1.1', true)"
                ", set_config('jit', 'off', true)"
            )
        txn.execute(f"SELECT {settings}")
        return ""
    if window.args:
        # Of the media table SQLite takes the index it likes; that of rollups has one.
        return ""
    # SQLite would go through the index to save sorting, and read each row at random:
    # 1.7 s instead of 0.5 s for a million rows in memory.
    return "NOT INDEXED"


def room_to_hash(kilobytes: int) -> str:
    """The PostgreSQL expression that gives this transaction at least that work_mem.

    It is a limit: no statement takes more than it has use for.
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


def day_of(created_ts: str) -> str:
    """The SQL expression for the UTC day of a time, as days since the epoch.

    Synapse has always filled `created_ts`; a row without belongs to day 0.

    Args:
        created_ts: the SQL expression for milliseconds since the epoch.
    """
    return f"COALESCE({created_ts}, 0) / {DAY_MS}"
