"""The rows of media and of thumbnails in the order of the paths of their files.

Every page is read in a transaction of its own, so that no snapshot stays open during a
walk through the files. Lists by media ID follow Synapse's unique indexes.

No index has the order of the others: remote files by `filesystem_id`, dated previews by
the part of their ID after the day. They are read for one server or one day at a time.
PostgreSQL sorts these rows once, in a cursor that outlives its transaction (WITH HOLD).
SQLite has no such cursor: each page, a larger one, reads all rows of the server or day.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.answers import to_integer, to_sum
from media_stats_module.storage.database import Cost
from media_stats_module.storage.dialect import (
    estimate_rows_txn,
    is_postgres,
    set_work_mem_sql,
    sum_sql,
)
from media_stats_module.storage.offline_database import OfflineDatabase, finish
from media_stats_module.storage.sources import REMOTE_MEDIA, local_media

_T = TypeVar("_T")

_LOCAL = local_media(count_url_previews=True)

# Rows per page; and where each page reads all rows of a server or day.
_PAGE = 1_000
_LARGE_PAGE = 50_000

# SQLite has a limit to the parameters of a statement, which was once 999.
_AT_ONCE = 400

# Room to sort about 400,000 rows. PostgreSQL sorts more of them on its disk.
_WORK_MEM_KB = 64 * 1024

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@attr.frozen
class ThumbnailName:
    """The columns that make the file name of a thumbnail."""

    width: int | None
    height: int | None
    content_type: str
    method: str


@attr.frozen
class DiskRow:
    """A row of media or of a thumbnail, which should have a file.

    Attributes:
        media_origin: the server of origin; None for local media.
        media_id: the ID in its URI.
        filesystem_id: the ID in the path of its file; for local media, the media ID.
        media_length: in bytes; None for a pending upload. Other rows have 0 for NULL.
        created_ts: in milliseconds since the epoch; None for a thumbnail.
        is_preview: whether it belongs to a URL preview.
        thumbnail: the parts of the file name of a thumbnail; None for a media file.
    """

    media_origin: str | None
    media_id: str
    filesystem_id: str
    media_length: int | None
    created_ts: int | None
    is_preview: bool
    thumbnail: ThumbnailName | None


@attr.frozen(kw_only=True)
class _Rows:
    """Rows that are read a page at a time.

    Attributes:
        name: the SQL expression for their order: the ID in the path, or its end.
            Several rows can have one name.
        columns: the media ID if it differs, and the next columns of `DiskRow`.
        media_origin: the server of origin of all rows; None for local media.
        source: `FROM` and `WHERE`.
        args: the parameters of `source`.
        is_by_index: whether an index has this order; else the database has to sort.
    """

    name: str
    columns: str
    media_origin: str | None = None
    source: str
    args: tuple[str, ...] = ()
    is_by_index: bool = True


class DiskRows:
    """Reads the rows in the order of the paths, and some of them again.

    Every method raises `DatabaseFailedError` for errors of the database.
    """

    def __init__(self, database: OfflineDatabase) -> None:
        self._database = database
        self._cursors = 0
        self._is_postgres = self._run(is_postgres)
        # Synapse requires the order of bytes, except with `allow_unsafe_locale`.
        self._is_in_byte_order = not self._is_postgres or self._run(
            _is_in_byte_order_txn
        )
        # For comparisons of text. Only if needed: no index serves it.
        self._collate = "" if self._is_in_byte_order else ' COLLATE "C"'

    def estimate(self) -> int:
        """Estimate the number of files that have a row. Costs a probe per table."""
        return sum(
            self._run(estimate_rows_txn, table)
            for media in (_LOCAL, REMOTE_MEDIA)
            for table in (media.name, media.thumbnails)
        )

    def local_files(self) -> Iterator[DiskRow]:
        """Uploads, by media ID."""
        return self._read(_local_files("m.url_cache IS NULL"))

    def local_thumbnails(self) -> Iterator[DiskRow]:
        """Thumbnails of local media, those of previews too, by media ID."""
        return self._read(_LOCAL_THUMBNAILS)

    def previews(self, *, with_thumbnails: bool) -> Iterator[DiskRow]:
        """URL previews, or their thumbnails, whose ID does not start with a day.

        In the order of media IDs. Costs a read of all previews.
        """
        rows = _PREVIEW_THUMBNAILS if with_thumbnails else _PREVIEWS
        return self._read(_and(rows, f"NOT ({self._is_dated_sql(rows.name)})"))

    def dated_previews(self, *, with_thumbnails: bool) -> Iterator[DiskRow]:
        """The other URL previews, or their thumbnails.

        In the order of days, and then of the part of the ID after the day and one more
        character.
        """
        rows = _PREVIEW_THUMBNAILS if with_thumbnails else _PREVIEWS
        after = ""
        while (first := self._run(self._next_dated_txn, after)) is not None:
            day = first[:10]
            after = _behind(day)
            yield from self._read(self._of_day(rows, day))

    def servers(self, *, with_thumbnails: bool) -> Iterator[str]:
        """Remote servers in the order of their names. Costs a probe for each.

        Args:
            with_thumbnails: the servers with thumbnails; else, those with files.
        """
        table = REMOTE_MEDIA.thumbnails if with_thumbnails else REMOTE_MEDIA.name
        after: str | None = None
        # In SQLite, text need not be UTF-8, or it is bytes. Such a name is not a path.
        while servers := [
            server
            for server in self._run(self._servers_txn, table, after)
            if isinstance(server, str) and (self._is_postgres or "\ufffd" not in server)
        ]:
            yield from servers
            after = servers[-1]

    def of_server(self, server: str, *, with_thumbnails: bool) -> Iterator[DiskRow]:
        """A server's media, or its thumbnails, by `filesystem_id`."""
        return self._read(_of_server(server, with_thumbnails=with_thumbnails))

    def count_without_id(self) -> tuple[int, int]:
        """The number and length of local media without an ID. Costs a probe."""
        return self._run(_count_without_id_txn)

    def find_local(
        self, media_ids: Sequence[str], *, with_thumbnails: bool
    ) -> list[DiskRow]:
        """Local media, or their thumbnails, by media ID. Costs probes."""
        rows = _LOCAL_THUMBNAILS if with_thumbnails else _local_files("1 = 1")
        return self._find(rows, (rows.name,), media_ids)

    def find_dated(
        self, day: str, names: Sequence[str], *, with_thumbnails: bool
    ) -> list[DiskRow]:
        """The previews of a day, by the part of the ID after the day.

        Costs a read of all rows of the day.
        """
        rows = _PREVIEW_THUMBNAILS if with_thumbnails else _PREVIEWS
        of_day = self._of_day(rows, day)
        return self._find(of_day, (of_day.name,), names)

    def find_remote(
        self, server: str, media_ids: Sequence[str], *, with_thumbnails: bool
    ) -> list[DiskRow]:
        """A server's media, or its thumbnails, by media ID. Costs probes."""
        rows = _of_server(server, with_thumbnails=with_thumbnails)
        return self._find(rows, (_media_id_sql(with_thumbnails),), media_ids)

    def find_remote_by_path(
        self, server: str, names: Sequence[str], *, with_thumbnails: bool
    ) -> list[DiskRow]:
        """A server's media, or its thumbnails, by the ID in their paths.

        Costs a read of all rows of the server.
        """
        rows = _of_server(server, with_thumbnails=with_thumbnails)
        # Very old thumbnails have the media ID in their paths.
        columns = (rows.name, _media_id_sql(True)) if with_thumbnails else (rows.name,)
        return self._find(rows, columns, names)

    def _run(self, function: Callable[..., _T], *args: object) -> _T:
        def read(txn: LoggingTransaction, cost: Cost) -> _T:
            return function(txn, *args)

        found = finish(
            self._database.read("media_stats_disk", read, [Cost.WHOLE_TABLE])
        )
        return cast(_T, found)

    def _read(self, rows: _Rows) -> Iterator[DiskRow]:
        """Read all rows, a page at a time."""
        is_by_index = rows.is_by_index and self._is_in_byte_order
        if self._is_postgres and not is_by_index:
            pages = self._sorted_pages(rows)
        else:
            pages = self._pages(rows, _PAGE if is_by_index else _LARGE_PAGE)
        for page in pages:
            # Frees this page before the next one is read.
            page.reverse()
            while page:
                yield _disk_row(rows, page.pop())

    def _pages(self, rows: _Rows, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """Read each page by the last name before it. Equal names are on one page."""
        after: object = None
        is_last = False
        while not is_last:
            page = self._run(self._page_txn, rows, ">", after, size)
            is_last = len(page) < size
            if not is_last:
                # The next page may have more of the last name.
                name = page[-1][0]
                while page and page[-1][0] == name:
                    page.pop()
                if not page:
                    page = self._run(self._page_txn, rows, "=", name, None)
                # In SQLite, text need not be UTF-8. Such a name is not a path, and its
                # replacement may sort before it.
                name = page[-1][0]
                if isinstance(name, str) and isinstance(after, str):
                    is_last = name <= after
                after = name
            yield page

    def _page_txn(
        self,
        txn: LoggingTransaction,
        rows: _Rows,
        comparison: str,
        name: object,
        limit: int | None,
    ) -> list[tuple[Any, ...]]:
        """Read one page, or with `=` all rows of one name."""
        args: list[object] = list(rows.args)
        if name is None:
            sql = self._rows_sql(rows)
        else:
            sql = self._rows_sql(rows, f"{rows.name}{self._collate} {comparison} ?")
            args.append(name)
        if limit is not None:
            sql += " LIMIT ?"
            args.append(limit)
        txn.execute(sql, args)
        return txn.fetchall()

    def _sorted_pages(self, rows: _Rows) -> Iterator[list[tuple[Any, ...]]]:
        """Read all rows from a cursor: sorted once, and no snapshot stays open."""
        self._cursors += 1
        cursor = f"media_stats_disk_{self._cursors}"
        page = self._run(self._first_page_txn, rows, cursor)
        while len(page) == _PAGE:
            yield page
            page = self._run(_next_page_txn, cursor)
        yield page
        self._run(_close_txn, cursor)

    def _first_page_txn(
        self, txn: LoggingTransaction, rows: _Rows, cursor: str
    ) -> list[tuple[Any, ...]]:
        txn.execute(f"SELECT {set_work_mem_sql(_WORK_MEM_KB)}")
        txn.execute(
            f"DECLARE {cursor} NO SCROLL CURSOR WITH HOLD FOR {self._rows_sql(rows)}",
            rows.args,
        )
        return _next_page_txn(txn, cursor)

    def _rows_sql(self, rows: _Rows, condition: str | None = None) -> str:
        """The query for rows in the order of their names."""
        if condition is None:
            condition = f"{rows.name} IS NOT NULL"
        return (
            f"SELECT {rows.name}, {rows.columns} {rows.source} AND {condition} "
            f"ORDER BY {rows.name}{self._collate}"
        )

    def _find(
        self, rows: _Rows, columns: tuple[str, ...], names: Sequence[str]
    ) -> list[DiskRow]:
        # In PostgreSQL all at once, as each statement may read all rows of a server.
        size = max(len(names), 1) if self._is_postgres else _AT_ONCE
        return [
            _disk_row(rows, row)
            for first in range(0, len(names), size)
            for row in self._run(_find_txn, rows, columns, names[first : first + size])
        ]

    def _is_dated_sql(self, media_id: str) -> str:
        if self._is_postgres:
            return f"{media_id} ~ '^{_DAY.pattern}'"
        digits = "[0-9]" * 2
        return f"{media_id} GLOB '{digits}{digits}-{digits}-{digits}*'"

    def _of_day(self, rows: _Rows, day: str) -> _Rows:
        return attr.evolve(
            rows,
            name=f"substr({rows.name}, 12)",
            columns=rows.columns.replace("NULL", rows.name, 1),
            source=f"{rows.source} AND {rows.name}{self._collate} >= ? "
            f"AND {rows.name}{self._collate} < ?",
            args=(day, _behind(day)),
            is_by_index=False,
        )

    def _next_dated_txn(self, txn: LoggingTransaction, after: str) -> str | None:
        """The first dated preview after a name.

        Costs a read of the rows between, if their IDs start with a digit.
        """
        name = f"m.media_id{self._collate}"
        txn.execute(
            f"SELECT m.media_id FROM {_LOCAL.name} AS m WHERE {name} >= ? "
            f"AND {name} < ':' AND m.url_cache IS NOT NULL "
            f"AND {self._is_dated_sql('m.media_id')} "
            f"ORDER BY {name} LIMIT 1",
            (after,),
        )
        found = cast(list[tuple[str]], txn.fetchall())
        return found[0][0] if found else None

    def _servers_txn(
        self, txn: LoggingTransaction, table: str, after: str | None
    ) -> list[str]:
        """The next servers, each by a probe of the index."""
        name = f"media_origin{self._collate}"
        following = f"SELECT media_origin FROM {table} WHERE {name} >"
        # The first name may be empty.
        first = f"{following}=" if after is None else following
        txn.execute(
            f"""
            WITH RECURSIVE servers (media_origin) AS (
                SELECT ({first} ? ORDER BY {name} LIMIT 1)
                UNION ALL
                SELECT ({following} servers.media_origin ORDER BY {name} LIMIT 1)
                FROM servers WHERE media_origin IS NOT NULL
            )
            SELECT media_origin FROM servers WHERE media_origin IS NOT NULL LIMIT ?
            """,
            (after or "", _AT_ONCE),
        )
        return [server for (server,) in cast(list[tuple[str]], txn.fetchall())]


_THUMBNAIL = (
    "t.thumbnail_width, t.thumbnail_height, t.thumbnail_type, t.thumbnail_method"
)


def _local_files(condition: str) -> _Rows:
    return _Rows(
        name="m.media_id",
        columns="NULL, m.media_length, m.created_ts, "
        "CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END",
        source=f"FROM {_LOCAL.name} AS m WHERE {condition}",
    )


_PREVIEWS = _local_files("m.url_cache IS NOT NULL")

# Whether a thumbnail is of a preview costs a probe of the other index.
_LOCAL_THUMBNAILS = _Rows(
    name="t.media_id",
    columns="NULL, t.thumbnail_length, NULL, "
    f"CASE WHEN m.url_cache IS NULL THEN 0 ELSE 1 END, {_THUMBNAIL}",
    source=f"FROM {_LOCAL.thumbnails} AS t "
    f"LEFT JOIN {_LOCAL.name} AS m ON m.media_id = t.media_id WHERE 1 = 1",
)


def _and(rows: _Rows, condition: str) -> _Rows:
    return attr.evolve(rows, source=f"{rows.source} AND {condition}")


_PREVIEW_THUMBNAILS = _and(_LOCAL_THUMBNAILS, "m.url_cache IS NOT NULL")


def _media_id_sql(with_thumbnails: bool) -> str:
    return "t.media_id" if with_thumbnails else "m.media_id"


def _of_server(server: str, *, with_thumbnails: bool) -> _Rows:
    """Rows of one server, by the unique index that starts with the server."""
    if with_thumbnails:
        return _Rows(
            name="COALESCE(t.filesystem_id, '')",
            columns=f"t.media_id, t.thumbnail_length, NULL, 0, {_THUMBNAIL}",
            media_origin=server,
            source=f"FROM {REMOTE_MEDIA.thumbnails} AS t WHERE t.media_origin = ?",
            args=(server,),
            is_by_index=False,
        )
    return _Rows(
        name="COALESCE(m.filesystem_id, '')",
        columns="m.media_id, m.media_length, m.created_ts, 0",
        media_origin=server,
        source=f"FROM {REMOTE_MEDIA.name} AS m WHERE m.media_origin = ?",
        args=(server,),
        is_by_index=False,
    )


def _next_page_txn(txn: LoggingTransaction, cursor: str) -> list[tuple[Any, ...]]:
    txn.execute(f"FETCH {_PAGE} FROM {cursor}")
    return txn.fetchall()


def _close_txn(txn: LoggingTransaction, cursor: str) -> None:
    txn.execute(f"CLOSE {cursor}")


def _find_txn(
    txn: LoggingTransaction,
    rows: _Rows,
    columns: tuple[str, ...],
    names: Sequence[str],
) -> list[tuple[Any, ...]]:
    args: list[object] = [*names]
    found = ", ".join("?" * len(names))
    if is_postgres(txn):
        # A hash of the names. A list would be compared with each row.
        args, found = [args], "SELECT unnest(CAST(? AS TEXT[]))"
    condition = " OR ".join(f"{column} IN ({found})" for column in columns)
    txn.execute(
        f"SELECT {rows.name}, {rows.columns} {rows.source} AND ({condition})",
        [*rows.args, *args * len(columns)],
    )
    return txn.fetchall()


def _behind(day: str) -> str:
    """A text that sorts after all IDs that start with a day."""
    return day[:-1] + chr(ord(day[-1]) + 1)


def _is_in_byte_order_txn(txn: LoggingTransaction) -> bool:
    """Whether text is ordered by its bytes. In a language, `a` comes before `Z`."""
    txn.execute("SELECT 'Z' < 'a'")
    ((is_in_byte_order,),) = cast(list[tuple[bool]], txn.fetchall())
    return is_in_byte_order


def _count_without_id_txn(txn: LoggingTransaction) -> tuple[int, int]:
    txn.execute(
        f"SELECT COUNT(*), {sum_sql(txn, 'media_length')} FROM {_LOCAL.name} "
        "WHERE media_id IS NULL AND media_length IS NOT NULL"
    )
    ((count, length),) = txn.fetchall()
    return count, to_sum(length)


def _disk_row(rows: _Rows, row: tuple[Any, ...]) -> DiskRow:
    name, media_id, length, created_ts, is_preview, *thumbnail = row
    if media_id is None and rows.media_origin is None:
        media_id = name
    width, height, content_type, method = thumbnail or (None,) * 4
    is_upload = rows.media_origin is None and not thumbnail
    return DiskRow(
        rows.media_origin,
        _text(media_id),
        _text(media_id if rows.media_origin is None else name),
        None if length is None and is_upload else to_integer(length),
        _number(created_ts),
        bool(is_preview),
        ThumbnailName(
            _number(width), _number(height), _text(content_type), _text(method)
        )
        if thumbnail
        else None,
    )


def _text(value: object) -> str:
    """A value of a column of text. In SQLite it may be anything."""
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    # Converts infinity, too.
    return to_integer(value) if isinstance(value, (int, float)) else None
