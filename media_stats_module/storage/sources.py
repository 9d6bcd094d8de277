"""What the SQL here relies on in Synapse's database, and how its versions differ.

Everything that a new version of Synapse could change under the statements of this
folder is named in this file.
"""

from collections.abc import Iterable

import attr
from synapse.module_api import LoggingTransaction

# Not in synapse.module_api, which hides which database there is. Both names are
# where they were in the oldest Synapse supported here.
from synapse.storage.engines import PostgresEngine
from synapse.storage.schema import SCHEMA_VERSION

# Since schema version 78 (Synapse 1.90) every row of `profiles` is known to have a
# `full_user_id`; before, only the localpart in `user_id` can be relied on.
_PROFILES_HAVE_FULL_USER_ID = SCHEMA_VERSION >= 78

# Since schema version 91 (Synapse 1.128) the media tables have the SHA-256 of what is
# stored from then on, in `sha256`; it is NULL for what was there before.
MEDIA_HAVE_SHA256 = SCHEMA_VERSION >= 91


@attr.frozen(kw_only=True)
class MediaTable:
    """A table in which each row is a file, and whose file it is.

    Attributes:
        name: the table's name.
        owner: the column that says whose file it is. An index of Synapse's own
            starts with it.
        present: the columns that a row must have a value in to be counted.
        absent: the columns that it must have none in.
        owners_are_users: whether the owners are users of this server, who have
            profiles, or remote servers.
        is_indexed_by_owner_and_time: whether the index that starts with the owner goes
            on with `created_ts`.
        thumbnails: the table in which each row is a thumbnail of such a file. An
            index of Synapse's own starts with what identifies the file.
        count: the SQL expression for how many files rows, called `m`, are.
    """

    name: str
    owner: str
    present: tuple[str, ...]
    absent: tuple[str, ...] = ()
    owners_are_users: bool
    is_indexed_by_owner_and_time: bool
    thumbnails: str
    count: str = "COUNT(*)"

    @property
    def is_counted(self) -> str:
        """The SQL condition under which a row, called `m`, counts."""
        return self.is_row_counted("m")

    @property
    def is_file(self) -> str:
        """The same, but that of files too that no user owns.

        A remote file needs its server, which is half of its name.
        """
        needless = self.owner if self.owners_are_users else None
        return self._condition(
            "m", [column for column in self.present if column != needless]
        )

    def is_row_counted(self, row: str) -> str:
        """The SQL condition under which a row counts, by whatever name it goes."""
        return self._condition(row, self.present)

    def _condition(self, row: str, present: Iterable[str]) -> str:
        return " AND ".join(
            [f"{row}.{column} IS NOT NULL" for column in present]
            + [f"{row}.{column} IS NULL" for column in self.absent]
            or ["TRUE"]
        )


def local_media(*, count_url_previews: bool) -> MediaTable:
    """Media uploaded by this server's users.

    `media_length` is NULL while an upload has been announced (`POST
    /_matrix/media/v1/create`) but not made. `url_cache` is the URL whose preview an
    image was fetched for, and NULL for an upload. Rows without a `user_id` come from
    servers that were there before Synapse kept it.

    The index `users_have_local_media` is on `(user_id, created_ts)`.
    """
    return MediaTable(
        name="local_media_repository",
        owner="user_id",
        present=("user_id", "media_length"),
        absent=() if count_url_previews else ("url_cache",),
        owners_are_users=True,
        is_indexed_by_owner_and_time=True,
        thumbnails="local_media_repository_thumbnails",
    )


REMOTE_MEDIA = MediaTable(
    name="remote_media_cache",
    owner="media_origin",
    present=("media_origin", "media_length"),
    owners_are_users=False,
    is_indexed_by_owner_and_time=False,
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


def is_postgres(txn: LoggingTransaction) -> bool:
    """Whether the database is PostgreSQL; the only other one is SQLite."""
    return isinstance(txn.database_engine, PostgresEngine)


def profile_of(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL condition under which a row of `profiles`, called `p`, is a user's.

    Both forms are served by a unique index.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    if _PROFILES_HAVE_FULL_USER_ID:
        return f"p.full_user_id = {user_id}"
    return f"p.user_id = {localpart_of(txn, user_id)}"


def localpart_of(txn: LoggingTransaction, user_id: str) -> str:
    """The SQL expression for what stands between `@` and the first `:`.

    The server's name may have a colon of its own, before the port.

    Args:
        txn: decides the dialect.
        user_id: the SQL expression that gives the full user ID.
    """
    if is_postgres(txn):
        return f"substr(split_part({user_id}, ':', 1), 2)"
    return f"substr({user_id}, 2, instr({user_id}, ':') - 2)"


def media_type_of(txn: LoggingTransaction, content_type: str) -> str:
    """The SQL expression for a media type in small letters, without parameters.

    Where there is none it is the one that Synapse then serves the file with.

    Args:
        txn: decides the dialect.
        content_type: the SQL expression for what was said at upload: `Text/html; q=1`.
    """
    if is_postgres(txn):
        media_type = f"split_part({content_type}, ';', 1)"
    else:
        before = f"instr({content_type} || ';', ';') - 1"
        media_type = f"substr({content_type}, 1, {before})"
    return (
        f"COALESCE(NULLIF(LOWER(TRIM({media_type})), ''), 'application/octet-stream')"
    )


def is_deactivated(user_id: str, deactivated: bool) -> str:
    """The SQL condition under which a user's account is deactivated, or is not.

    Args:
        user_id: the SQL expression that gives the full user ID. The column of `users`
            that it is looked up in has a unique index.
        deactivated: which of the two. No user at all is neither.
    """
    found = (
        "EXISTS (SELECT 1 FROM users AS u "
        f"WHERE u.name = {user_id} AND u.deactivated = 1)"
    )
    return found if deactivated else f"({user_id} IS NOT NULL AND NOT {found})"
