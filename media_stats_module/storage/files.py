"""The files themselves, a page at a time."""

from collections.abc import Iterable, Iterator

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import FilesOrder, FilesPosition, FilesQuestion
from media_stats_module.storage.answers import File, FilesPage
from media_stats_module.storage.sources import (
    MediaTable,
    is_deactivated_sql,
    media_type_sql,
)
from media_stats_module.storage.sql import (
    Sql,
    in_window_sql,
    iterate_txn,
    of_owner_sql,
    scan_hint_sql,
    set_up_scan_txn,
)

# Synapse's own deletion takes a file that nobody has read for one that was read when
# it was created.
_LAST_READ = "COALESCE(m.last_access_ts, m.created_ts)"

# Synapse has always filled both. A row without `created_ts` has no place in any order
# by time, and one without `media_id` has no name.
_IS_LISTED = "m.created_ts IS NOT NULL AND m.media_id IS NOT NULL"

_KEYS = {
    FilesOrder.MEDIA_LENGTH: "m.media_length",
    FilesOrder.CREATED_TS: "m.created_ts",
    FilesOrder.LAST_ACCESS_TS: _LAST_READ,
}

# In the order of the attributes of `File`.
_COLUMNS = (
    "m.media_id, m.media_type, m.upload_name, m.media_length, m.created_ts, "
    "m.last_access_ts, m.quarantined_by"
)
_LOCAL_COLUMNS = (
    f"NULL, m.user_id, {_COLUMNS}, m.safe_from_quarantine, m.url_cache IS NOT NULL"
)
_REMOTE_COLUMNS = f"m.media_origin, NULL, {_COLUMNS}, NULL, NULL"


def get_files_page_txn(
    txn: LoggingTransaction, media: MediaTable, query: FilesQuestion
) -> FilesPage:
    """One page of the files, from where the last one ended.

    Args:
        txn: one transaction, in which the answer is consistent.
        media: the media to list.
        query: what is asked.
    """
    # One more, to see whether there is a next page.
    place = _place_txn(txn, media, query, query.limit + 1)
    names = _names(media)
    names_on_page = [name.replace("m.", "page.") for name in names]
    same = " AND ".join(map(" = ".join, zip(names, names_on_page, strict=True)))
    # Only what decides the order is read of every file; the rest, of those on the page,
    # by the unique index on what they are called. For 10 million media on PostgreSQL
    # that saves a quarter. SQLite takes the tables of a CROSS JOIN in their order; with
    # any other it takes half as long again.
    txn.execute(
        f"""
        SELECT {_columns(media)}, page.sort_key
        FROM (SELECT {", ".join(names)}, {_key(query)} AS sort_key {place.text}) AS page
        CROSS JOIN {media.name} AS m WHERE {same}
        ORDER BY {_order_by(query, "page.sort_key", names_on_page)}
        """,
        place.args,
    )
    rows = txn.fetchall()
    files = [File(*columns) for *columns, _ in rows[: query.limit]]
    end = None
    # An empty page has no next one, or a client would ask for it for ever.
    if files and len(rows) > query.limit:
        last, key = files[-1], rows[query.limit - 1][-1]
        end = FilesPosition(key, last.server_name, last.media_id)
    return FilesPage(files, end)


def is_walk(media: MediaTable, query: FilesQuestion) -> bool:
    """Whether a page is a walk along the unique index, and costs no more than the page."""
    return query.order_by is FilesOrder.MEDIA_ID and not (
        query.is_in_window
        or query.media_type is not None
        or query.min_length is not None
        or query.unread_since is not None
        or query.quarantined is not None
        or query.deactivated is not None
        or (query.owner is not None and media.owners_are_users)
    )


def iterate_files_txn(
    txn: LoggingTransaction, media: MediaTable, query: FilesQuestion
) -> Iterator[File]:
    """The same, for a page of any length: one by one, as the database gives them."""
    place = _place_txn(txn, media, query, query.limit)
    statement = Sql(f"SELECT {_columns(media)} {place.text}", place.args)
    for columns in iterate_txn(txn, statement):
        yield File(*columns)


def _place_txn(
    txn: LoggingTransaction, media: MediaTable, query: FilesQuestion, limit: int
) -> Sql:
    """What follows the columns in a statement for so many files, called `m`.

    - All files by media ID, or a server's: a walk along the unique index, which costs
      the page.
    - A user's files: the user's rows by the index `(user_id, created_ts)`; by
      creation, in the order of that index, no more than the page.
    - Else a read of the table, of which only the page is sorted: 1.5 s for 10 million
      media on PostgreSQL.
    """
    owner, window = of_owner_sql(media, query.owner), in_window_sql(query)
    filters, after = _filters(txn, query), _after(media, query)
    is_walk = query.order_by is FilesOrder.MEDIA_ID and (
        not (owner.text or window.text or filters.text)
        or (query.owner is not None and not media.owners_are_users)
    )
    names = _names(media)
    if query.order_by is FilesOrder.MEDIA_ID and not is_walk:
        # For the sake of the limit, the databases would walk the unique index instead
        # of sorting, and read the table at random until enough rows have passed the
        # filters. No index is on what comes out of an expression.
        names = [f"{name} || ''" for name in names]
    scan = ""
    if not is_walk and query.owner is None:
        set_up_scan_txn(txn, query)
        scan = scan_hint_sql(txn)
    return Sql(
        f"""
        FROM {media.name} AS m {scan}
        WHERE {media.is_file} AND {_IS_LISTED}
            {owner.text} {window.text} {filters.text} {after.text}
        ORDER BY {_order_by(query, _key(query), names)}
        LIMIT ?
        """,
        (*owner.args, *window.args, *filters.args, *after.args, limit),
    )


def _filters(txn: LoggingTransaction, query: FilesQuestion) -> Sql:
    """Further conditions on a row, called `m`, that no index serves."""
    text = ""
    args: list[object] = []
    if query.media_type is not None:
        media_type = media_type_sql(txn, "m.media_type")
        wanted = query.media_type.removesuffix("*")
        if wanted != query.media_type:
            media_type = f"substr({media_type}, 1, {len(wanted)})"
        text += f" AND {media_type} = ?"
        args.append(wanted)
    if query.min_length is not None:
        text += " AND m.media_length >= ?"
        args.append(query.min_length)
    if query.unread_since is not None:
        text += f" AND {_LAST_READ} < ?"
        args.append(query.unread_since)
    if query.quarantined is not None:
        text += (
            f" AND m.quarantined_by IS {'NOT NULL' if query.quarantined else 'NULL'}"
        )
    if query.deactivated is not None:
        text += f" AND {is_deactivated_sql('m.user_id', query.deactivated)}"
    return Sql(text, tuple(args))


def _names(media: MediaTable) -> list[str]:
    """The columns that identify a row, called `m`; a unique index is on them."""
    return (
        ["m.media_id"] if media.owners_are_users else ["m.media_origin", "m.media_id"]
    )


def _after(media: MediaTable, query: FilesQuestion) -> Sql:
    """A further condition on a row, called `m`: that it comes after a position."""
    position = query.after
    if position is None:
        return Sql("")
    names: tuple[object, ...] = (position.media_id,)
    if not media.owners_are_users:
        names = (position.server_name, position.media_id)
    row, place = ", ".join(_names(media)), ", ".join("?" for _ in names)
    beyond = "<" if query.descending else ">"
    if query.order_by is FilesOrder.MEDIA_ID:
        return Sql(f"AND ({row}) {beyond} ({place})", names)
    key = _KEYS[query.order_by]
    return Sql(
        # The first condition says nothing new, but an index can serve it.
        f"AND {key} {beyond}= ? AND ({key} {beyond} ? OR ({row}) > ({place}))",
        (position.key, position.key, *names),
    )


def _order_by(query: FilesQuestion, key: str, names: Iterable[str]) -> str:
    """In which order: by a key, and where that is the same by what files are called."""
    direction = "DESC" if query.descending else "ASC"
    if query.order_by is FilesOrder.MEDIA_ID:
        return ", ".join(f"{name} {direction}" for name in names)
    return ", ".join([f"{key} {direction}", *names])


def _key(query: FilesQuestion) -> str:
    """The SQL expression for what files are in order of, besides what they are called.

    It is in the position of a page.
    """
    return _KEYS.get(query.order_by, "NULL")


def _columns(media: MediaTable) -> str:
    return _LOCAL_COLUMNS if media.owners_are_users else _REMOTE_COLUMNS
