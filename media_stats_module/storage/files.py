"""The files themselves, a page at a time."""

from collections.abc import Iterator, Mapping, Sequence

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import (
    FilesOrder,
    FilesPosition,
    FilesQuestion,
    Source,
)
from media_stats_module.storage.answers import File, FilesPage
from media_stats_module.storage.reclaimable import is_deleted
from media_stats_module.storage.sources import (
    MEDIA_HAVE_SHA256,
    MediaTable,
    is_indexed_by_txn,
    is_postgres,
    media_type_sql,
)
from media_stats_module.storage.sql import (
    Sql,
    in_window_sql,
    iterate_txn,
    of_accounts_sql,
    of_owner_sql,
    scan_hint_sql,
    set_up_scan_txn,
)

# Synapse has always filled both. A row without `created_ts` has no place in any order
# by time, and one without `media_id` has no name.
_IS_LISTED = "m.created_ts IS NOT NULL AND m.media_id IS NOT NULL"

_KEYS = {
    FilesOrder.MEDIA_LENGTH: "m.media_length",
    FilesOrder.CREATED_TS: "m.created_ts",
    # As for Synapse's own deletion, a file that nobody has read counts from its
    # creation.
    FilesOrder.LAST_ACCESS_TS: "COALESCE(m.last_access_ts, m.created_ts)",
}

# The attributes of `File` in their order, with the SQL expressions of those that both
# tables have.
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
) -> FilesPage:
    """One page of the files, from where the last one ended.

    Args:
        txn: one transaction, in which the answer is consistent.
        tables: the media to list: one table, or both if a hash is asked for.
        question: what is asked.
        server_name: this server's name.
    """
    # One more, to see whether there is a next page.
    limit = question.limit + 1
    if question.sha256 is None and question.deletion is None:
        (media,) = tables
        statement = _page_txn(txn, media, question, limit, server_name)
    else:
        statement = _files_txn(txn, tables, question, limit, server_name)
    txn.execute(statement.text, statement.args)
    rows = txn.fetchall()
    files = [File(*columns) for *columns, _ in rows[: question.limit]]
    end = None
    # An empty page has no next one, or a client would ask for it for ever.
    if files and len(rows) > question.limit:
        last, key = files[-1], rows[question.limit - 1][-1]
        end = FilesPosition(key, last.server_name, last.media_id)
    return FilesPage(files, end)


def get_page_of_index_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    *,
    server_name: str,
) -> FilesPage | None:
    """The same; None if it would cost more than the page."""
    if not is_page_of_index(question) or not all(
        question.sha256 is None or is_indexed_by_txn(txn, media, "sha256")
        for media in tables
    ):
        return None
    return get_files_page_txn(txn, tables, question, server_name=server_name)


def is_page_of_index(question: FilesQuestion) -> bool:
    """Whether a page costs no more than the page: a walk, or the copies of a file.

    For the copies, Synapse must have created its index on the hash.
    """
    if question.sha256 is not None:
        return question.deletion is None
    is_walk = question.order_by is FilesOrder.MEDIA_ID and not _is_filtered(question)
    return is_walk and (question.owner is None or question.source is Source.REMOTE)


def iterate_files_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    *,
    server_name: str,
) -> Iterator[File]:
    """The same, for a page of any length: one by one, as the database gives them."""
    statement = _files_txn(txn, tables, question, question.limit, server_name)
    for *columns, _ in iterate_txn(txn, statement):
        yield File(*columns)


def _page_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    question: FilesQuestion,
    limit: int,
    server_name: str,
) -> Sql:
    """A statement for the files of a page, each with its sort key.

    Only what decides the order is read of every file; the rest, of those on the page,
    by the unique index on what they are called. For 10 million media on PostgreSQL
    that saves a quarter.
    """
    names = _names(media)
    place = _place_txn(txn, media, question, limit, server_name)
    names_on_page = [name.replace("m.", "page.") for name in names]
    same = " AND ".join(map(" = ".join, zip(names, names_on_page, strict=True)))
    # SQLite takes the tables of a CROSS JOIN in their order; with any other it takes
    # half as long again.
    return Sql(
        f"""
        SELECT {", ".join(_columns(media).values())}, page.sort_key
        FROM (
            SELECT {", ".join(names)}, {_key(txn, question)} AS sort_key {place.text}
        ) AS page
        CROSS JOIN {media.name} AS m WHERE {same}
        ORDER BY {_order_by(question, "page.sort_key", names_on_page)}
        """,
        place.args,
    )


def _files_txn(
    txn: LoggingTransaction,
    tables: Sequence[MediaTable],
    question: FilesQuestion,
    limit: int,
    server_name: str,
) -> Sql:
    """A statement for so many files, each with its sort key."""
    if len(tables) == 1:
        (media,) = tables
        place = _place_txn(txn, media, question, limit, server_name)
        columns = ", ".join(_columns(media).values())
        return Sql(f"SELECT {columns}, {_key(txn, question)} {place.text}", place.args)
    # Of two tables all files are put into order, which are the copies of one file.
    parts = []
    args: tuple[object, ...] = ()
    for media in tables:
        columns = ", ".join(
            f"{column} AS {name}" for name, column in _columns(media).items()
        )
        where = _where_txn(txn, media, question, server_name)
        parts.append(
            f"SELECT {columns}, {_key(txn, question)} AS sort_key, "
            f"{int(not media.owners_are_users)} AS is_remote "
            f"FROM {media.name} AS m WHERE {where.text}"
        )
        args += where.args
    names = ["m.is_remote", "COALESCE(m.server_name, '')", "m.media_id"]
    after = Sql("")
    if (position := question.after) is not None:
        place_names = (
            int(position.server_name is not None),
            position.server_name or "",
            position.media_id,
        )
        after = _after(question, "m.sort_key", names, place_names)
    return Sql(
        f"""
        SELECT {", ".join(f"m.{name}" for name in _LOCAL_COLUMNS)}, m.sort_key
        FROM ({" UNION ALL ".join(parts)}) AS m
        WHERE TRUE {after.text}
        ORDER BY {_order_by(question, "m.sort_key", names)}
        LIMIT ?
        """,
        (*args, *after.args, limit),
    )


def _place_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    question: FilesQuestion,
    limit: int,
    server_name: str,
) -> Sql:
    """What follows the columns in a statement for so many files, called `m`.

    - All files by media ID, or a server's: a walk along the unique index, which costs
      the page.
    - A user's files: the user's rows by the index `(user_id, created_ts)`; by
      creation, in the order of that index, no more than the page.
    - The copies of a file: its rows by the index on `sha256`.
    - Else a read of the table, of which only the page is sorted: 1.5 s for 10 million
      media on PostgreSQL.
    """
    where = _where_txn(txn, media, question, server_name)
    names = _names(media)
    after = Sql("")
    if (position := question.after) is not None:
        place: tuple[object, ...] = (position.media_id,)
        if not media.owners_are_users:
            place = (position.server_name, position.media_id)
        after = _after(question, _key(txn, question), names, place)
    is_walk = question.order_by is FilesOrder.MEDIA_ID and (
        (question.owner is None and not _is_filtered(question))
        or (question.owner is not None and not media.owners_are_users)
    )
    if question.order_by is FilesOrder.MEDIA_ID and not is_walk:
        # For the sake of the limit, the databases would walk the unique index instead
        # of sorting, and read the table at random until enough rows have passed the
        # filters. No index is on what comes out of an expression.
        names = [f"{name} || ''" for name in names]
    is_scan = not is_walk and question.owner is None and question.sha256 is None
    scan = ""
    if is_scan:
        set_up_scan_txn(txn, question)
        scan = scan_hint_sql(txn)
    return Sql(
        f"""
        FROM {media.name} AS m {scan}
        WHERE {where.text} {after.text}
        ORDER BY {_order_by(question, _key(txn, question), names)}
        LIMIT ?
        """,
        (*where.args, *after.args, limit),
    )


def _where_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    question: FilesQuestion,
    server_name: str,
) -> Sql:
    """The condition under which a row, called `m`, is asked for, on whatever page."""
    if question.deletion is None:
        is_listed = Sql(f"{media.is_file_sql} AND {_IS_LISTED}")
        if not is_postgres(txn) and question.order_by is FilesOrder.CREATED_TS:
            # Other values have no place among integers, which an index has in order.
            is_listed = Sql(f"{is_listed.text} AND typeof(m.created_ts) = 'integer'")
    else:
        is_listed = is_deleted(txn, media, question.deletion, server_name)
    owner, window = of_owner_sql(media, question.owner), in_window_sql(question)
    filters = _filters(txn, question)
    return Sql(
        f"{is_listed.text} {owner.text} {window.text} {filters.text}",
        (*is_listed.args, *owner.args, *window.args, *filters.args),
    )


def _is_filtered(question: FilesQuestion) -> bool:
    return question.has_window or any(
        value is not None
        for value in (
            question.deletion,
            question.sha256,
            question.media_type,
            question.min_length,
            question.unread_since_ts,
            question.never_read,
            question.quarantined,
            question.accounts,
        )
    )


def _filters(txn: LoggingTransaction, question: FilesQuestion) -> Sql:
    """Further conditions on a row, called `m`. An index serves that on the hash."""
    text = ""
    args: list[object] = []
    if question.media_type is not None:
        media_type = media_type_sql(txn, "m.media_type")
        wanted = question.media_type.removesuffix("*")
        if wanted != question.media_type:
            media_type = f"substr({media_type}, 1, {len(wanted)})"
        text += f" AND {media_type} = ?"
        args.append(wanted)
    if question.min_length is not None:
        text += " AND m.media_length >= ?"
        args.append(question.min_length)
    if question.sha256 is not None:
        text += f" AND {_SHA256} = ?"
        args.append(question.sha256)
    if question.unread_since_ts is not None:
        text += f" AND {_KEYS[FilesOrder.LAST_ACCESS_TS]} < ?"
        args.append(question.unread_since_ts)
    if question.never_read is not None:
        text += (
            f" AND m.last_access_ts IS {'NULL' if question.never_read else 'NOT NULL'}"
        )
    if question.quarantined is not None:
        text += (
            f" AND m.quarantined_by IS {'NOT NULL' if question.quarantined else 'NULL'}"
        )
    accounts = of_accounts_sql("m.user_id", question.accounts)
    return Sql(text + accounts.text, (*args, *accounts.args))


def _names(media: MediaTable) -> list[str]:
    """The columns that identify a row, called `m`; a unique index is on them."""
    return (
        ["m.media_id"] if media.owners_are_users else ["m.media_origin", "m.media_id"]
    )


def _after(
    question: FilesQuestion, key: str, names: Sequence[str], place: Sequence[object]
) -> Sql:
    """A further condition on a row, called `m`: that it comes after a position.

    Args:
        question: has the position.
        key: the SQL expression for what files are in order of.
        names: those for what files are called, which decides where that is the same.
        place: the values of the names in the position.
    """
    assert question.after is not None
    row, marks = ", ".join(names), ", ".join("?" for _ in names)
    beyond = "<" if question.descending else ">"
    if question.order_by is FilesOrder.MEDIA_ID:
        return Sql(f"AND ({row}) {beyond} ({marks})", tuple(place))
    at = question.after.key
    return Sql(
        # The first condition says nothing new, but an index can serve it.
        f"AND {key} {beyond}= ? AND ({key} {beyond} ? OR ({row}) > ({marks}))",
        (at, at, *place),
    )


def _order_by(question: FilesQuestion, key: str, names: Sequence[str]) -> str:
    """In which order: by a key, and where that is the same by what files are called."""
    direction = "DESC" if question.descending else "ASC"
    if question.order_by is FilesOrder.MEDIA_ID:
        return ", ".join(f"{name} {direction}" for name in names)
    return ", ".join([f"{key} {direction}", *names])


def _key(txn: LoggingTransaction, question: FilesQuestion) -> str:
    """The SQL expression for what files are in order of, besides what they are called.

    It is in the position of a page, so it is an integer.
    """
    if question.order_by not in _KEYS:
        return "NULL"
    key = _KEYS[question.order_by]
    is_deletion = question.deletion is not None
    if is_deletion:
        # Synapse deletes files without a length or a time, too.
        key = f"COALESCE({key}, 0)"
    is_of_index = question.order_by is FilesOrder.CREATED_TS and not is_deletion
    if not is_postgres(txn) and not is_of_index:
        # SQLite has anything in any column.
        key = f"CAST({key} AS INTEGER)"
    return key


def _columns(media: MediaTable) -> Mapping[str, str]:
    return _LOCAL_COLUMNS if media.owners_are_users else _REMOTE_COLUMNS
