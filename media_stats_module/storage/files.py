"""The files themselves.

A list is one of four:

| list    | when                                          | reads                      |
| ------- | --------------------------------------------- | -------------------------- |
| walk    | by media ID: all files, or those of a server  | the page, along an index   |
| owner's | all other lists of one user's or server's     | the owner's rows           |
| copies  | of one hash                                   | the rows with that hash    |
| scan    | all else                                      | the table                  |
"""

from collections.abc import Mapping, Sequence
from typing import Any

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import (
    FilesOrder,
    FilesPosition,
    FilesQuestion,
    Source,
)
from media_stats_module.storage.answers import File, Page, Values
from media_stats_module.storage.dialect import (
    is_indexed_by_txn,
    is_postgres,
    media_type_sql,
    scan_hint_sql,
    set_up_scan_txn,
    unindexed_sql,
)
from media_stats_module.storage.kinds import in_group_sql
from media_stats_module.storage.reclaimable import is_deleted_sql
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256, MediaTable
from media_stats_module.storage.sql import (
    Sql,
    in_window_sql,
    iterate_txn,
    of_accounts_sql,
    of_owner_sql,
)

# For a longer page, looking up the rows one by one costs more than it saves.
_MOST_LOOKED_UP = 10_001

_KEYS = {
    FilesOrder.MEDIA_LENGTH: "m.media_length",
    FilesOrder.CREATED_TS: "m.created_ts",
    # As in Synapse's own deletion: for a file never read, its creation counts.
    FilesOrder.LAST_ACCESS_TS: "COALESCE(m.last_access_ts, m.created_ts)",
}

# The longest ID in a token, in bytes: the longest name of a server. Proxies refuse long
# request lines.
_LONGEST_ID = 255

# The attributes of `File` in their order. First those of both tables.
_SHARED_COLUMNS = {
    "media_id": "m.media_id",
    "media_type": "m.media_type",
    "upload_name": "m.upload_name",
    "media_length": "COALESCE(m.media_length, 0)",
    "created_ts": "COALESCE(m.created_ts, 0)",
    "last_access_ts": "m.last_access_ts",
    "quarantined_by": "m.quarantined_by",
}
_SHA256 = "m.sha256" if MEDIA_HAVE_SHA256 else "NULL"
_LOCAL_COLUMNS = {
    "server_name": "NULL",
    "user_id": "m.user_id",
    **_SHARED_COLUMNS,
    "safe_from_quarantine": "m.safe_from_quarantine",
    "url_preview": "m.url_cache IS NOT NULL",
    "sha256": _SHA256,
}
_REMOTE_COLUMNS = {
    "server_name": "m.media_origin",
    "user_id": "NULL",
    **_SHARED_COLUMNS,
    "safe_from_quarantine": "NULL",
    "url_preview": "NULL",
    "sha256": _SHA256,
}


def get_files_page_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    *,
    server_name: str,
) -> Page[File, FilesPosition | None]:
    """One page of the files, from where the last one ended.

    Args:
        txn: the transaction.
        tables: the tables to list: one; or both, if the question has a hash.
        question: the question.
        server_name: this server's name.
    """
    # One more, to see whether there is a next page.
    statement = _files_sql_txn(txn, tables, question, question.limit + 1, server_name)
    txn.execute(statement.text, statement.args)
    rows = txn.fetchall()
    page = rows[: question.limit]
    end = None
    # An empty page has no next one, or a client would ask for ever.
    if page and len(rows) > len(page):
        end = question.after
        for row in page:
            end = _position_after(end, row)
    return Page([File(*row[:-1]) for row in page], end)


def iterate_files_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    *,
    server_name: str,
) -> Values[File, FilesPosition | None]:
    """The files of a page of any length, one by one, as the database returns them."""
    limit = question.limit + 1
    statement = _files_sql_txn(txn, tables, question, limit, server_name)
    end = question.after
    for number, row in enumerate(iterate_txn(txn, statement, limit)):
        if number == question.limit:
            return end if number else None
        end = _position_after(end, row)
        yield File(*row[:-1])
    return None


def get_page_of_index_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    *,
    server_name: str,
) -> Page[File, FilesPosition | None] | None:
    """One page of the files; None if it reads more than the rows of the page."""
    if not is_page_of_index(question) or not all(
        question.sha256 is None or is_indexed_by_txn(txn, table.name, "sha256")
        for table in tables
    ):
        return None
    return get_files_page_txn(txn, tables, question, server_name=server_name)


def is_page_of_index(question: FilesQuestion) -> bool:
    """Whether the list reads only the page's rows: a walk, or the copies of a file.

    For the copies, Synapse must have created its index on the hash.
    """
    if question.sha256 is not None:
        return question.deletion is None
    return _is_walk(question) and not _is_filtered(question)


def _files_sql_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    limit: int,
    server_name: str,
) -> Sql:
    """The statement for a list of files.

    Its rows are the attributes of `File`, and the value of the sort key.
    """
    if question.sha256 is not None:
        return _copies_sql(txn, tables, question, limit, server_name)
    (table,) = tables
    where = _where_sql(txn, table, question, server_name)
    if _is_walk(question):
        return _walk_sql(table, question, where, limit)
    if question.owner is not None:
        return _owners_files_sql(txn, table, question, where, limit)
    return _scan_sql_txn(txn, table, question, where, limit)


def _is_walk(question: FilesQuestion) -> bool:
    """Whether a unique index has the files in the order of the list.

    That of remote files starts with the server. With a filter, a walk over all files
    would read the table in random order until enough files match.
    """
    if question.order_by is not FilesOrder.MEDIA_ID or question.sha256 is not None:
        return False
    if question.owner is not None:
        return question.source is Source.REMOTE
    return not _is_filtered(question)


# The four lists


def _walk_sql(
    table: MediaTable, question: FilesQuestion, where: Sql, limit: int
) -> Sql:
    """A walk along the unique index from the position on. PostgreSQL: 0.5 ms a page."""
    order = _Order(None, _id_columns_sql(table), question.descending)
    rows = _rows_sql(table, question, where, order, limit)
    return Sql(f"SELECT {_columns_sql(table)}, NULL {rows.text}", rows.args)


def _owners_files_sql(
    txn: LoggingTransaction,
    table: MediaTable,
    question: FilesQuestion,
    where: Sql,
    limit: int,
) -> Sql:
    """A read of one owner's rows, by the index that starts with the owner, and a sort.

    For users, `created_ts` is next in the index: in this order, it reads only the
    page's rows.
    """
    order = _sorted(txn, table, question)
    rows = _rows_sql(table, question, where, order, limit)
    return Sql(f"SELECT {_columns_sql(table)}, {order.key_sql} {rows.text}", rows.args)


def _scan_sql_txn(
    txn: LoggingTransaction,
    table: MediaTable,
    question: FilesQuestion,
    where: Sql,
    limit: int,
) -> Sql:
    """A read of the table, or of the module's index by time in a window.

    For a page, it sorts only IDs and sort keys, and looks up the other columns of the
    page's files in the unique index. PostgreSQL, 10 million media: 1.5 s, else twice
    that.
    """
    set_up_scan_txn(txn, question)
    order = _sorted(txn, table, question)
    rows = _rows_sql(table, question, where, order, limit, scan_hint_sql(txn))
    columns = _columns_sql(table)
    if limit > _MOST_LOOKED_UP:
        return Sql(f"SELECT {columns}, {order.key_sql} {rows.text}", rows.args)
    ids = _id_columns_sql(table)
    ids_on_page = [column.replace("m.", "page.") for column in ids]
    is_same = " AND ".join(map(" = ".join, zip(ids, ids_on_page, strict=True)))
    page_order = _Order(order.key and "page.sort_key", ids_on_page, order.descending)
    # SQLite reads the tables of a CROSS JOIN in this order; of others, in any order.
    return Sql(
        f"""
        SELECT {columns}, page.sort_key
        FROM (
            SELECT {", ".join(ids)}, {order.key_sql} AS sort_key {rows.text}
        ) AS page
        CROSS JOIN {table.name} AS m
        WHERE {is_same}
        ORDER BY {page_order.order_by_sql}
        """,
        rows.args,
    )


def _copies_sql(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    limit: int,
    server_name: str,
) -> Sql:
    """A read of the rows of one or both tables with a hash, and a sort.

    By Synapse's index on `sha256`. Until Synapse has created it, a read of the tables.
    """
    key = _key_sql(txn, question)
    parts: list[str] = []
    args: tuple[object, ...] = ()
    for table in tables:
        where = _where_sql(txn, table, question, server_name)
        columns = ", ".join(
            f"{column} AS {name}"
            for name, column in _columns_by_name_sql(table).items()
        )
        parts.append(
            f"SELECT {columns}, {key or 'NULL'} AS sort_key, "
            f"{int(table.source is Source.REMOTE)} AS is_remote "
            f"FROM {table.name} AS m WHERE {where.text}"
        )
        args += where.args
    order = _Order(
        key and "m.sort_key",
        ["m.is_remote", "COALESCE(m.server_name, '')", "m.media_id"],
        question.descending,
    )
    after = Sql("")
    position = question.after
    if position.media_id is not None:
        is_remote = position.server_name is not None
        ids = (int(is_remote), position.server_name or "", position.media_id)
        after = order.after_sql(position.key, ids)
    return Sql(
        f"""
        SELECT {", ".join(f"m.{name}" for name in _LOCAL_COLUMNS)}, m.sort_key
        FROM ({" UNION ALL ".join(parts)}) AS m
        WHERE TRUE {after.text}
        ORDER BY {order.order_by_sql}
        LIMIT ? OFFSET ?
        """,
        (*args, *after.args, limit, position.skipped),
    )


# Which rows


def _position_after(before: FilesPosition, row: tuple[Any, ...]) -> FilesPosition:
    """The position after a row of a list.

    Args:
        before: the position before it.
        row: the attributes of `File`, and the value of the sort key.
    """
    server_name, _, media_id, *_, key = row
    if _fits_in_token(media_id) and (
        server_name is None or _fits_in_token(server_name)
    ):
        return FilesPosition(key, server_name, media_id)
    return attr.evolve(before, skipped=before.skipped + 1)


def _fits_in_token(name: object) -> bool:
    # SQLite has bytes, too, and text that is not UTF-8, whose replacement sorts
    # elsewhere.
    return (
        isinstance(name, str)
        and len(name.encode()) <= _LONGEST_ID
        and "\0" not in name
        and "\ufffd" not in name
    )


def _rows_sql(
    table: MediaTable,
    question: FilesQuestion,
    where: Sql,
    order: "_Order",
    limit: int,
    hint: str = "",
) -> Sql:
    """The statement for a list of one table, from `FROM` to its end."""
    after = Sql("")
    position = question.after
    if position.media_id is not None:
        after = order.after_sql(position.key, _ids_at(table, position))
    return Sql(
        f"""
        FROM {table.name} AS m {hint}
        WHERE {where.text} {after.text}
        ORDER BY {order.order_by_sql}
        LIMIT ? OFFSET ?
        """,
        (*where.args, *after.args, limit, position.skipped),
    )


def _where_sql(
    txn: LoggingTransaction,
    table: MediaTable,
    question: FilesQuestion,
    server_name: str,
) -> Sql:
    """The condition under which a row, called `m`, is in the list, on any page."""
    if question.url_preview or question.without_owner or question.sha256 is not None:
        # The files that the summary and the duplicates count, whatever the option says.
        table = attr.evolve(table, counts_url_previews=True)
    if question.deletion is None:
        # Without `created_ts`, which Synapse fills, a file has no position by time.
        is_listed = Sql(f"{table.is_file_sql} AND m.created_ts IS NOT NULL")
    else:
        is_listed = is_deleted_sql(txn, table, question.deletion, server_name)
    parts = [
        is_listed,
        Sql("".join(f" AND {column} IS NOT NULL" for column in _id_columns_sql(table))),
        of_owner_sql(table, question.owner),
        in_window_sql(question),
        _filters_sql(txn, question),
    ]
    return Sql(
        " ".join(part.text for part in parts),
        tuple(arg for part in parts for arg in part.args),
    )


def _is_filtered(question: FilesQuestion) -> bool:
    return question.has_window or any(
        value is not None
        for value in (
            question.deletion,
            question.sha256,
            question.media_type,
            question.media_group,
            question.min_length,
            question.unread_since_ts,
            question.never_read,
            question.quarantined,
            question.url_preview,
            question.without_owner,
            question.accounts,
        )
    )


def _filters_sql(txn: LoggingTransaction, question: FilesQuestion) -> Sql:
    """Further conditions on a row, called `m`.

    Synapse has indexes on the hash; on PostgreSQL, its indexes also serve for URL
    previews and for files without an owner.
    """
    text = ""
    args: list[object] = []
    if question.media_type is not None:
        media_type = media_type_sql(txn, "m.media_type")
        wanted = question.media_type.removesuffix("*")
        if wanted != question.media_type:
            media_type = f"substr({media_type}, 1, {len(wanted)})"
        text += f" AND {media_type} = ?"
        args.append(wanted)
    if question.media_group is not None:
        media_type = media_type_sql(txn, "m.media_type")
        of_group = in_group_sql(txn, media_type, question.media_group)
        text += f" AND {of_group.text}"
        args += of_group.args
    if question.min_length is not None:
        text += " AND m.media_length >= ?"
        args.append(question.min_length)
    if question.sha256 is not None:
        text += f" AND {_SHA256} = ?"
        args.append(question.sha256)
    if question.unread_since_ts is not None:
        text += f" AND {_KEYS[FilesOrder.LAST_ACCESS_TS]} < ?"
        args.append(question.unread_since_ts)
    for condition, is_wanted in (
        ("m.last_access_ts IS NULL", question.never_read),
        ("m.quarantined_by IS NOT NULL", question.quarantined),
        ("m.url_cache IS NOT NULL", question.url_preview),
        ("m.user_id IS NULL", question.without_owner),
    ):
        if is_wanted is not None:
            text += f" AND {'' if is_wanted else 'NOT '}({condition})"
    accounts = of_accounts_sql("m.user_id", question.accounts)
    return Sql(text + accounts.text, (*args, *accounts.args))


# In which order


@attr.frozen
class _Order:
    """The order of a list.

    Attributes:
        key: the SQL expression for the sort key; None in a list by media ID.
        ids: the SQL expressions that identify a file, which break ties.
        descending: whether the largest key comes first, or the last media ID.
    """

    key: str | None
    ids: Sequence[str]
    descending: bool

    @property
    def key_sql(self) -> str:
        """The SQL expression for the sort key, NULL if there is none."""
        return self.key or "NULL"

    @property
    def order_by_sql(self) -> str:
        """The expressions after `ORDER BY`."""
        direction = "DESC" if self.descending else "ASC"
        if self.key is None:
            return ", ".join(f"{column} {direction}" for column in self.ids)
        return ", ".join([f"{self.key} {direction}", *self.ids])

    def after_sql(self, key: int | None, ids: Sequence[object]) -> Sql:
        """A further condition on a row: that it comes after a position.

        Args:
            key: the sort key of the position; None in a list by media ID.
            ids: the IDs of the file at the position.
        """
        beyond = "<" if self.descending else ">"
        row, marks = ", ".join(self.ids), ", ".join("?" for _ in self.ids)
        if self.key is None:
            return Sql(f"AND ({row}) {beyond} ({marks})", tuple(ids))
        return Sql(
            # The first condition is redundant, but an index can serve it.
            f"AND {self.key} {beyond}= ? "
            f"AND ({self.key} {beyond} ? OR ({row}) > ({marks}))",
            (key, key, *ids),
        )


def _sorted(
    txn: LoggingTransaction, table: MediaTable, question: FilesQuestion
) -> _Order:
    """The order of a list that the database sorts."""
    ids = _id_columns_sql(table)
    if question.order_by is FilesOrder.MEDIA_ID:
        # Because of the limit, the databases would walk the unique index instead of
        # sorting, and read the table at random until enough rows match the filters. No
        # index is on these expressions.
        ids = [unindexed_sql(txn, column) for column in ids]
    return _Order(_key_sql(txn, question), ids, question.descending)


def _key_sql(txn: LoggingTransaction, question: FilesQuestion) -> str | None:
    """The SQL expression for the sort key, an integer; None in a list by media ID."""
    key = _KEYS.get(question.order_by)
    if key is None:
        return None
    if question.deletion is not None:
        # Synapse also deletes files without a length or a time.
        key = f"COALESCE({key}, 0)"
    # In SQLite, any column can hold any type.
    return key if is_postgres(txn) else f"CAST({key} AS INTEGER)"


# Columns


def _id_columns_sql(table: MediaTable) -> list[str]:
    """The columns that identify a row, called `m`; a unique index is on them."""
    if table.source is Source.LOCAL:
        return ["m.media_id"]
    return [f"m.{table.owner}", "m.media_id"]


def _ids_at(table: MediaTable, position: FilesPosition) -> tuple[object, ...]:
    """The values of the ID columns at a position."""
    if table.source is Source.LOCAL:
        return (position.media_id,)
    return (position.server_name, position.media_id)


def _columns_sql(table: MediaTable) -> str:
    return ", ".join(_columns_by_name_sql(table).values())


def _columns_by_name_sql(table: MediaTable) -> Mapping[str, str]:
    return _LOCAL_COLUMNS if table.source is Source.LOCAL else _REMOTE_COLUMNS
