"""Answers from the totals and the log of changes, exact in the snapshot they share."""

from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.query import MAX_INTEGER, OwnersOrder, OwnersQuery, Window
from media_stats_module.storage._owners import Owners, owners_page
from media_stats_module.storage._sql import DAY_MS, Sql, room_to_hash
from media_stats_module.storage._synapse import MediaTable, is_postgres
from media_stats_module.storage.rollups import schema
from media_stats_module.storage.rollups.tables import STATE, Rollup, fingerprint
from media_stats_module.storage.values import DayUsage, OwnersPage


def get_owners_page_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery
) -> OwnersPage | None:
    """One page of those who have media; None if the totals cannot tell.

    Args:
        txn: one transaction, in which the answer is consistent.
        rollup: the totals.
        query: what is asked.
    """
    if not _can_tell_txn(txn, rollup, query):
        return None
    statement = _owners_statement(txn, rollup, query)
    txn.execute(statement.text, statement.args)
    rows = txn.fetchall()
    # No total says that they are not ready, without a statement of its own.
    return None if rows[0][0] is None else owners_page(rows)


def owners_statement_txn(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery
) -> Sql | None:
    """The statement that lists those who have media; None if the totals cannot tell.

    Args:
        txn: one transaction, in which the answer is consistent.
        rollup: the totals.
        query: what is asked.

    Returns:
        a statement whose rows are those of `Owners.listed`.
    """
    if not (_can_tell_txn(txn, rollup, query) and _is_ready_txn(txn, rollup)):
        return None
    return _owners_statement(txn, rollup, query)


def estimate_window_txn(
    txn: LoggingTransaction, rollup: Rollup, window: Window
) -> tuple[int, int] | None:
    """At most how many owners there are, and about how much media in a window of time.

    Costs a range of the totals per day, and a read of the log.

    Args:
        txn: one transaction, in which all owners are in the totals or the log.
        rollup: the totals.
        window: when the media was created.

    Returns:
        the number of owners, and that of files on the days of the window; None if the
        totals are not exact.
    """
    if not _is_installed_txn(txn, rollup):
        return None
    ready = _ready(txn, rollup)
    last = MAX_INTEGER if window.until_ts is None else window.until_ts
    txn.execute(
        f"""
        SELECT
            owners + (SELECT COUNT(*) FROM {rollup.changes}),
            (
                SELECT CAST(COALESCE(SUM(media_count), 0) AS BIGINT)
                FROM {rollup.days} WHERE day >= ? AND day <= ?
            )
        FROM ({ready.text}) AS ready
        """,
        ((window.from_ts or 0) // DAY_MS, last // DAY_MS, *ready.args),
    )
    rows = cast(list[tuple[int, int]], txn.fetchall())
    return rows[0] if rows else None


def media_by_time_txn(txn: LoggingTransaction, rollup: Rollup) -> MediaTable:
    """Where to read a window of time: SQLite's totals by time if they are exact.

    PostgreSQL reads the media itself, and finds the module's index by itself.
    """
    if (
        is_postgres(txn)
        or not _is_installed_txn(txn, rollup)
        or not _is_ready_txn(txn, rollup)
    ):
        return rollup.media
    return attr.evolve(
        rollup.media,
        name=rollup.times,
        owner="owner",
        present=(),
        absent=(),
        count="SUM(m.media_count)",
    )


def get_days_txn(
    txn: LoggingTransaction, rollup: Rollup, first: int, last: int | None
) -> list[DayUsage] | None:
    """The days on which media was created; None if the totals are being built.

    Costs a range of the totals per day, and a read of the log.

    Args:
        txn: one transaction, in which the answer is consistent.
        rollup: the totals.
        first: the first day, as days since the epoch, UTC.
        last: the last day; None for all days to come.
    """
    if not (_is_installed_txn(txn, rollup) and _is_ready_txn(txn, rollup)):
        return None
    until = "" if last is None else "AND day <= ?"
    args = (first,) if last is None else (first, last)
    columns = f"SELECT day, media_count, media_length FROM %s WHERE day >= ? {until}"
    txn.execute(
        f"""
        SELECT day, CAST(SUM(media_count) AS BIGINT),
            CAST(SUM(media_length) AS BIGINT)
        FROM ({columns % rollup.days} UNION ALL {columns % rollup.changes}) AS totals
        GROUP BY day HAVING SUM(media_count) <> 0
        ORDER BY day
        """,
        args * 2,
    )
    return [DayUsage(*row) for row in cast(list[tuple[int, int, int]], txn.fetchall())]


def _can_tell_txn(txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery) -> bool:
    """Whether totals can tell, if they are ready. Not of a window of time."""
    return not query.is_in_window and _is_installed_txn(txn, rollup)


def _is_installed_txn(txn: LoggingTransaction, rollup: Rollup) -> bool:
    """Whether there are totals; prepares to read them."""
    installed = schema.is_installed(txn, rollup)
    settings = ""
    if is_postgres(txn):
        # Room to hash a million owners in the log. With the default 4 MB and more than
        # 90,000 of them, PostgreSQL would go through them once for each row of the
        # totals.
        # Set in this statement since one by itself would cost another round trip.
        settings = f", {room_to_hash(64 * 1024)}"
    txn.execute(f"SELECT {installed.text}{settings}", installed.args)
    return bool(txn.fetchall()[0][0])


def _is_ready_txn(txn: LoggingTransaction, rollup: Rollup) -> bool:
    """Whether the totals that are installed are exact."""
    ready = _ready(txn, rollup)
    txn.execute(ready.text, ready.args)
    return bool(txn.fetchall())


def _ready(txn: LoggingTransaction, rollup: Rollup) -> Sql:
    """How many owners the totals have; no row if they are not exact."""
    return Sql(
        f"SELECT owners FROM {STATE} WHERE source = ? AND is_ready = 1 "
        "AND schema_version = ? AND fingerprint = ? "
        f"AND NOT EXISTS (SELECT 1 FROM {rollup.missed})",
        (rollup.name, schema.SCHEMA_VERSION, fingerprint(txn, rollup)),
    )


def _owners_statement(
    txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery
) -> Sql:
    """The statement for those who have media. Its total is NULL without exact totals.

    The rows are those of `Owners.listed`.
    """
    ready = _ready(txn, rollup)
    owners = Owners(txn, rollup.media, query)
    if (
        query.search_term is not None
        or query.deactivated is not None
        or query.order_by is OwnersOrder.DISPLAYNAME
    ):
        return owners.listed(_all_owners(rollup, ready), given="ready")
    return _indexed_page(rollup, query, owners, ready)


def _indexed_page(
    rollup: Rollup, query: OwnersQuery, owners: Owners, ready: Sql
) -> Sql:
    """A page in an order that an index of the totals has.

    PostgreSQL, 100,000 users: 0.4 ms for the first page and 20 ms for the last, which
    walks the index from its beginning. The log is read once, which is short.

    `kept` is cut to what the page can need before the owners in the log, whose
    totals have moved, are sorted in between.
    """
    return Sql(
        f"""
        WITH ready AS ({ready.text}),
        {_delta_and_changed(rollup)},
        kept AS (
            SELECT owner, media_count, media_length FROM {rollup.owners}
            WHERE owner NOT IN (SELECT owner FROM delta)
            ORDER BY {owners.order_by} LIMIT ?
        ),
        page AS (
            SELECT * FROM (
                SELECT * FROM kept
                UNION ALL
                SELECT owner, media_count, media_length FROM changed
                WHERE media_count <> 0
            ) AS owners
            ORDER BY {owners.order_by} LIMIT ? OFFSET ?
        )
        SELECT
            (SELECT owners FROM ready)
                + (SELECT COUNT(*) FROM changed WHERE media_count <> 0)
                - (SELECT COUNT(*) FROM changed WHERE is_kept),
            owner, {owners.displayname}, media_count, media_length
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN page ON one = 1
        ORDER BY {owners.order_by}
        """,
        (
            *ready.args,
            min(query.start + query.limit, MAX_INTEGER),
            query.limit,
            query.start,
        ),
    )


def _all_owners(rollup: Rollup, ready: Sql) -> Sql:
    """All owners with their totals, for a page that has to look at each with a profile.

    PostgreSQL, 100,000 users: 0.2 s, sequential scans of the totals and of `profiles`.
    """
    return Sql(
        f"""
        ready AS ({ready.text}),
        {_delta_and_changed(rollup)},
        owners AS (
            SELECT owner, media_count, media_length FROM {rollup.owners}
            WHERE owner NOT IN (SELECT owner FROM delta)
            UNION ALL
            SELECT owner, media_count, media_length FROM changed
            WHERE media_count <> 0
        )
        """,
        ready.args,
    )


def _delta_and_changed(rollup: Rollup) -> str:
    """Common table expressions: what the log adds up to, and to which totals."""
    return f"""
        delta AS (
            SELECT owner, CAST(SUM(media_count) AS BIGINT) AS media_count,
                CAST(SUM(media_length) AS BIGINT) AS media_length
            FROM {rollup.changes} GROUP BY owner
        ),
        changed AS (
            SELECT delta.owner,
                delta.media_count + COALESCE(o.media_count, 0) AS media_count,
                delta.media_length + COALESCE(o.media_length, 0) AS media_length,
                o.owner IS NOT NULL AS is_kept
            FROM delta LEFT JOIN {rollup.owners} AS o ON o.owner = delta.owner
        )"""
