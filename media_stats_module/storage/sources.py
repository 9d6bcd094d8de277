"""Local and remote media: Synapse's tables, and what the SQL relies on in them.

A new version of Synapse that changes what the statements of this folder rely on is a
change of this file.
"""

from typing import cast

import attr
from synapse.module_api import LoggingTransaction

# Not in synapse.module_api, which hides which database there is. Both names are
# where they were in the oldest Synapse supported here.
from synapse.storage.engines import PostgresEngine
from synapse.storage.schema import SCHEMA_VERSION

from media_stats_module.questions import Source

# Since schema version 78 (Synapse 1.90) every row of `profiles` is known to have a
# `full_user_id`; before, only the localpart in `user_id` can be relied on.
_PROFILES_HAVE_FULL_USER_ID = SCHEMA_VERSION >= 78

# Since schema version 91 (Synapse 1.128) the media tables have the SHA-256 of what is
# stored from then on, in `sha256`; it is NULL for what was there before.
MEDIA_HAVE_SHA256 = SCHEMA_VERSION >= 91


@attr.frozen(kw_only=True)
class MediaTable:
    """A table of media, one row per file, with the columns that the SQL relies on.

    Attributes:
        source: where its media came from.
        name: the name of the table.
        owner: the column with the owner. An index of Synapse's own starts with it.
        counts_url_previews: whether images of URL previews count for their owner.
        owners_are_users: whether the owners are users of this server, with profiles;
            else they are remote servers.
        thumbnails: the table of thumbnails. A unique index starts with what identifies
            the file.
    """

    source: Source
    name: str
    owner: str
    counts_url_previews: bool = True
    owners_are_users: bool
    thumbnails: str

    @property
    def is_counted_sql(self) -> str:
        """The SQL condition under which a row, called `m`, counts for its owner."""
        return f"m.{self.owner} IS NOT NULL AND {self._has_content_sql}"

    @property
    def is_file_sql(self) -> str:
        """The same, including files that no user owns.

        A remote file always needs its server, which is half of its name.
        """
        return self._has_content_sql if self.owners_are_users else self.is_counted_sql

    @property
    def _has_content_sql(self) -> str:
        """That it is no pending upload, nor a URL preview if these do not count."""
        has_content = "m.media_length IS NOT NULL"
        if self.counts_url_previews:
            return has_content
        return f"{has_content} AND m.url_cache IS NULL"


def local_media(*, count_url_previews: bool) -> MediaTable:
    """Media uploaded by users of this server.

    `media_length` is NULL for a pending upload (`POST /_matrix/media/v1/create`).
    `url_cache` is the URL whose preview an image belongs to, NULL for an upload. Rows
    without a `user_id` are older than that column.

    The index `users_have_local_media` is on `(user_id, created_ts)`.
    """
    return MediaTable(
        source=Source.LOCAL,
        name="local_media_repository",
        owner="user_id",
        counts_url_previews=count_url_previews,
        owners_are_users=True,
        thumbnails="local_media_repository_thumbnails",
    )


REMOTE_MEDIA = MediaTable(
    source=Source.REMOTE,
    name="remote_media_cache",
    owner="media_origin",
    owners_are_users=False,
    thumbnails="remote_media_cache_thumbnails",
)
"""Media of other servers that this server keeps copies of.

A unique index is on `(media_origin, media_id)`; none is on `created_ts`.
"""


AVATARS = (
    ("profiles", "avatar_url"),
    ("room_memberships", "avatar_url"),
    ("user_directory", "avatar_url"),
    ("room_stats_state", "avatar"),
)
"""Where Synapse's own deletion looks for avatars: tables, and the column of each.

The column has a URI, `mxc://server_name/media_id`, or anything that a client has sent.
No index is on any of them.
"""


@attr.frozen
class MediaTables:
    """The tables of local and of remote media, for the options of the module."""

    local: MediaTable
    remote: MediaTable = REMOTE_MEDIA

    @property
    def both(self) -> tuple[MediaTable, MediaTable]:
        """Local, then remote."""
        return self.local, self.remote

    @property
    def names(self) -> list[str]:
        """The names of the tables of media and of thumbnails."""
        return [name for table in self.both for name in (table.name, table.thumbnails)]

    def of(self, source: Source | None) -> list[MediaTable]:
        """The table of a source, or both."""
        return [table for table in self.both if source in (None, table.source)]


def is_postgres(txn: LoggingTransaction) -> bool:
    """Whether the database is PostgreSQL; the only other one is SQLite."""
    return isinstance(txn.database_engine, PostgresEngine)


def displayname_sql(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL expression for a user's displayname, or NULL. Costs a probe of an index.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    column, value = _profile_key_sql(txn, user_id)
    return f"(SELECT MIN(p.displayname) FROM profiles AS p WHERE {column} = {value})"


def join_displaynames_sql(txn: LoggingTransaction, user_id: str) -> str:
    """What follows `FROM` for the same displayname as `p.displayname`, for many users.

    Costs a read of all profiles. A broken unique index can leave two of a user.
    """
    column, value = _profile_key_sql(txn, user_id)
    return f"""
        LEFT JOIN (
            SELECT {column}, MIN(p.displayname) AS displayname
            FROM profiles AS p GROUP BY {column}
        ) AS p ON {column} = {value}
        """


def _profile_key_sql(txn: LoggingTransaction, user_id: str) -> tuple[str, str]:
    """A column of `profiles`, called `p`, and what it is for a user.

    Both columns have a unique index.
    """
    if _PROFILES_HAVE_FULL_USER_ID:
        return "p.full_user_id", user_id
    return "p.user_id", localpart_sql(txn, user_id)


def localpart_sql(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL expression for what stands between `@` and the first `:`.

    The server's name may have a colon of its own, before the port.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    if is_postgres(txn):
        return f"substr(split_part({user_id}, ':', 1), 2)"
    return f"substr({user_id}, 2, instr({user_id}, ':') - 2)"


def media_type_sql(txn: LoggingTransaction, content_type: str) -> str:
    """The SQL expression for a media type in small letters, without parameters.

    Synapse serves a file without one as `application/octet-stream`.

    Args:
        txn: decides the dialect.
        content_type: the SQL expression for the type as the uploader gave it, such as
            `Text/html; q=1`.
    """
    if is_postgres(txn):
        # By "C", only ASCII letters change. In Turkish, I would become a dotless i.
        small = f"LOWER(TRIM(split_part({content_type}, ';', 1)) COLLATE \"C\")"
    else:
        before = f"instr({content_type} || ';', ';') - 1"
        small = f"LOWER(TRIM(substr({content_type}, 1, {before})))"
    return f"COALESCE(NULLIF({small}, ''), 'application/octet-stream')"


def is_indexed_by_txn(txn: LoggingTransaction, table: MediaTable, column: str) -> bool:
    """Whether a usable index starts with a column. Costs some probes of the catalogue.

    Synapse creates `users_have_local_media` in a background update, which can take
    hours, and an interrupted `CREATE INDEX CONCURRENTLY` leaves an invalid index. The
    index may leave out rows without a value, as that on the hashes does.
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
            (table.name, column, f"({column} IS NOT NULL)"),
        )
    else:
        txn.execute(
            """
            SELECT 1 FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
            JOIN sqlite_master AS s ON s.type = 'index' AND s.name = l.name
            WHERE i.seqno = 0 AND i.name = ?
                AND (l.partial = 0 OR s.sql LIKE '%WHERE ' || ?)
            """,
            (table.name, column, f"{column} IS NOT NULL"),
        )
    return bool(txn.fetchall())


def estimate_rows_txn(txn: LoggingTransaction, table: MediaTable) -> int:
    """About the number of rows of a media table. Costs a probe.

    PostgreSQL's estimate is from the last VACUUM, ANALYZE or creation of an index.
    """
    if is_postgres(txn):
        txn.execute(
            "SELECT CAST(GREATEST(reltuples, 0) AS BIGINT) FROM pg_class "
            "WHERE oid = to_regclass(?)",
            (table.name,),
        )
    else:
        txn.execute(f"SELECT MAX(rowid) FROM {table.name}")
    ((rows,),) = cast(list[tuple[int | None]], txn.fetchall())
    return rows or 0
