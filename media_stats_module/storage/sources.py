"""Local and remote media: all of Synapse's tables and columns that the SQL relies on.

If a new version of Synapse changes these tables, change this file.
"""

import attr
from synapse.module_api import LoggingTransaction

# Not in synapse.module_api. All supported versions have it here.
from synapse.storage.schema import SCHEMA_VERSION

from media_stats_module.questions import Source
from media_stats_module.storage.dialect import localpart_sql

# Since schema version 78 (Synapse 1.90), every row of `profiles` has a `full_user_id`;
# before, only the localpart in `user_id` is reliable.
_PROFILES_HAVE_FULL_USER_ID = SCHEMA_VERSION >= 78

# Since schema version 91 (Synapse 1.128), the media tables have the column `sha256`. It
# is NULL for older files.
MEDIA_HAVE_SHA256 = SCHEMA_VERSION >= 91


@attr.frozen(kw_only=True)
class MediaTable:
    """A table of media, one row per file, with the columns that the SQL relies on.

    Attributes:
        source: local or remote.
        name: the name of the table.
        owner: the column with the owner. An index of Synapse's own starts with it.
        counts_url_previews: whether images of URL previews count for their owner.
        owners_are_users: whether the owners are users of this server, with profiles;
            else they are remote servers.
        thumbnails: the table of thumbnails. A unique index starts with the columns that
            identify the file.
    """

    source: Source
    name: str
    owner: str
    counts_url_previews: bool = True
    owners_are_users: bool
    thumbnails: str

    @property
    def is_counted_sql(self) -> str:
        """The SQL condition on a row, called `m`, that it counts for its owner."""
        return f"m.{self.owner} IS NOT NULL AND {self._has_content_sql}"

    @property
    def is_file_sql(self) -> str:
        """The SQL condition on a row, called `m`, that it is a file, owned or not.

        A remote file always needs its server, which is half of its name.
        """
        return self._has_content_sql if self.owners_are_users else self.is_counted_sql

    @property
    def _has_content_sql(self) -> str:
        """Excludes pending uploads, and URL previews if these do not count."""
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
"""The tables and columns in which Synapse's own deletion looks for avatars.

A column has a URI, `mxc://server_name/media_id`, or any text that a client has sent.
None has an index.
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
    def table_names(self) -> list[str]:
        """The names of the tables of media and of thumbnails."""
        return [name for table in self.both for name in (table.name, table.thumbnails)]

    def of(self, source: Source | None) -> list[MediaTable]:
        """The table of a source, or both."""
        return [table for table in self.both if source in (None, table.source)]


def displayname_sql(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL expression for a user's displayname, or NULL. Costs a probe of an index.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    column, value = _profile_key_sql(txn, user_id)
    return f"(SELECT MIN(p.displayname) FROM profiles AS p WHERE {column} = {value})"


def join_displaynames_sql(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL after `FROM` that joins displaynames, as `p.displayname`, of many users.

    Costs a read of all profiles. With a broken unique index, a user can have two.
    """
    column, value = _profile_key_sql(txn, user_id)
    return f"""
        LEFT JOIN (
            SELECT {column}, MIN(p.displayname) AS displayname
            FROM profiles AS p GROUP BY {column}
        ) AS p ON {column} = {value}
        """


def _profile_key_sql(txn: LoggingTransaction, user_id: str) -> tuple[str, str]:
    """A column of `profiles`, called `p`, and the SQL expression for a user's value.

    Both possible columns have a unique index.
    """
    if _PROFILES_HAVE_FULL_USER_ID:
        return "p.full_user_id", user_id
    return "p.user_id", localpart_sql(txn, user_id)
