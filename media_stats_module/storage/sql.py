"""A piece of SQL with its parameters, and pieces that several statements share."""

from collections.abc import Iterator
from typing import Any

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import AccountFilter, MediaQuestion, Window
from media_stats_module.storage.dialect import is_postgres, scan_hint_sql
from media_stats_module.storage.sources import MediaTable

DAY_MS = 24 * 60 * 60 * 1000

# Fetching holds the interpreter's lock: about 1 ms for this number of rows.
_ROWS_AT_ONCE = 500

# The driver needs some MB for this number of rows.
_MOST_FETCHED = 10_001


@attr.frozen
class Sql:
    """A piece of a statement with the parameters of its placeholders, in order."""

    text: str
    args: tuple[object, ...] = ()


def iterate_txn(
    txn: LoggingTransaction, statement: Sql, most: int
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement, one by one.

    Args:
        txn: the transaction.
        statement: the statement.
        most: the most rows that it returns.
    """
    if most <= _MOST_FETCHED or not is_postgres(txn):
        # SQLite computes them one by one.
        txn.execute(statement.text, statement.args)
        # `yield from txn` would close the transaction if the caller stops early.
        yield from iter(txn.fetchone, None)
        return
    # Without a cursor, PostgreSQL's driver fetches all rows before it returns the
    # first. A cursor gets no parallel workers. By default, the planner expects that
    # only a tenth of its rows is read.
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


def in_window_sql(window: Window) -> Sql:
    """Further conditions on a row, called `m`: it was created within the window."""
    text = ""
    args: list[object] = []
    if window.from_ts is not None:
        text += " AND m.created_ts >= ?"
        args.append(window.from_ts)
    if window.until_ts is not None:
        text += " AND m.created_ts <= ?"
        args.append(window.until_ts)
    return Sql(text, tuple(args))


def of_owner_sql(table: MediaTable, owner: str | None) -> Sql:
    """A further condition on a row, called `m`: it belongs to the owner, if given.

    An index of Synapse's own serves it.
    """
    if owner is None:
        return Sql("")
    return Sql(f" AND m.{table.owner} = ?", (owner,))


def of_accounts_sql(user_id: str, accounts: AccountFilter | None) -> Sql:
    """Further conditions on a user: the account is one of those asked for, if any are.

    A user without an account is not deactivated. Media without an owner never matches.

    Args:
        user_id: the SQL expression for the full user ID. The columns that are compared
            with it have unique indexes.
        accounts: the filter.
    """
    if accounts is None:
        return Sql("")
    text = f" AND {user_id} IS NOT NULL"
    args: tuple[object, ...] = ()
    account = f"SELECT 1 FROM users AS u WHERE u.name = {user_id}"
    erased = f"SELECT 1 FROM erased_users AS e WHERE e.user_id = {user_id}"
    if accounts.appservice:
        text += f" AND EXISTS ({account} AND u.appservice_id = ?)"
        args += (accounts.appservice,)
    elif accounts.appservice is not None:
        text += (
            f" AND EXISTS ({account} AND "
            "(u.appservice_id IS NULL OR u.appservice_id = ''))"
        )
    for query, is_wanted in (
        (account, accounts.has_account),
        (f"{account} AND u.deactivated = 1", accounts.deactivated),
        (erased, accounts.erased),
    ):
        if is_wanted is not None:
            text += f" AND {'' if is_wanted else 'NOT '}EXISTS ({query})"
    return Sql(text, args)


def counted_rows_sql(
    txn: LoggingTransaction, table: MediaTable, question: MediaQuestion
) -> Sql:
    """`FROM` and `WHERE` for the rows, called `m`, that count and match the question.

    Costs one read of the table; for one owner, a range of the index that starts with
    the owner; in a window, a range of the module's index by time, if it is there.
    """
    owner, window = of_owner_sql(table, question.owner), in_window_sql(question)
    accounts = of_accounts_sql(f"m.{table.owner}", question.accounts)
    scan = scan_hint_sql(txn) if question.owner is None else ""
    return Sql(
        f"FROM {table.name} AS m {scan} "
        f"WHERE {table.is_counted_sql}{owner.text}{window.text}{accounts.text}",
        owner.args + window.args + accounts.args,
    )


def day_sql(created_ts: str) -> str:
    """The SQL expression for the UTC day of a time, in days since the epoch.

    Both databases round a quotient towards zero, so times before 1970 need a
    correction. A row without a time counts for day 0; Synapse always sets it.

    Args:
        created_ts: the SQL expression for milliseconds since the epoch.
    """
    # The cast accepts a column that was altered to another type.
    ts = f"COALESCE(CAST({created_ts} AS BIGINT), 0)"
    # SQLite before 3.35 has no MOD, and PostgreSQL's driver wants a doubled percent.
    days = f"{ts} / {DAY_MS}"
    return f"({days} - CASE WHEN {ts} < {days} * {DAY_MS} THEN 1 ELSE 0 END)"
