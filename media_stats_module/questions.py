"""The questions that storage answers, as frozen values. No HTTP, no SQL."""

import enum
from collections.abc import Sequence

import attr

# The largest integer of both databases: 64 bits, signed. A larger one is an error.
MAX_INTEGER = 2**63 - 1

# No limit. One less than the largest integer, because storage asks for one row more
# than the limit, to see whether there is a next page.
NO_LIMIT = MAX_INTEGER - 1


# A user ID or server name has at most 255 bytes, a displayname 256 characters (Matrix
# specification; synapse/handlers/profile.py), so a longer text finds nothing.
MAX_TEXT_LENGTH = 512

# Media types by their beginning, such as `image/`. All others are in the last group.
MEDIA_GROUPS = ("application", "audio", "image", "text", "video", "other")


class Source(enum.Enum):
    """Where media came from: this server's users, or other servers."""

    LOCAL = "local"
    REMOTE = "remote"


class Interval(enum.Enum):
    """The length of a bucket of a timeline, by the calendar, in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class OwnersOrder(enum.Enum):
    """The sort key of a list of owners. The owner's name breaks ties."""

    OWNER = enum.auto()
    DISPLAYNAME = enum.auto()
    MEDIA_LENGTH = enum.auto()
    MEDIA_COUNT = enum.auto()


class TypesOrder(enum.Enum):
    """The sort key of a list of media types. The type breaks ties."""

    MEDIA_TYPE = "media_type"
    MEDIA_LENGTH = "media_length"
    MEDIA_COUNT = "media_count"


class AppservicesOrder(enum.Enum):
    """The sort key of a list of application services. The ID breaks ties."""

    APPSERVICE_ID = "appservice_id"
    USERS = "users"
    MEDIA_LENGTH = "media_length"
    MEDIA_COUNT = "media_count"


class FilesOrder(enum.Enum):
    """The sort key of a list of files. Server and media ID break ties."""

    MEDIA_ID = "media_id"
    MEDIA_LENGTH = "media_length"
    CREATED_TS = "created_ts"
    LAST_ACCESS_TS = "last_access_ts"


@attr.frozen
class FilesPosition:
    """A position in a list of files: after a file, or after some more.

    Attributes:
        key: the file's value of the sort key; None in a list by media ID.
        server_name: the server of origin of a remote file.
        media_id: the file's ID on its server; None for the beginning of the list.
        skipped: the number of files between that file and the position. Their IDs are
            too long or no text, so they cannot be the file.
    """

    key: int | None = None
    server_name: str | None = None
    media_id: str | None = None
    skipped: int = 0


@attr.frozen(kw_only=True)
class Window:
    """A part of a question: a window of time, in which the media was created.

    Attributes:
        from_ts: at or after this time, in milliseconds since the epoch.
        until_ts: at or before this time, likewise.
    """

    from_ts: int | None = None
    until_ts: int | None = None

    @property
    def has_window(self) -> bool:
        """Whether the window has a beginning or an end."""
        return self.from_ts is not None or self.until_ts is not None


@attr.frozen(kw_only=True)
class AccountFilter:
    """A part of a question: only users of this server, by their accounts.

    Each attribute is None for all users.

    Attributes:
        appservice: users whom the application service with this ID registered; an empty
            string for users with an account that no application service registered.
        has_account: users who have an account, or users who have none.
        deactivated: users whose account is deactivated, or all others.
        erased: users who were erased when their account was deactivated, or all others.
    """

    appservice: str | None = None
    has_account: bool | None = None
    deactivated: bool | None = None
    erased: bool | None = None


@attr.frozen(kw_only=True)
class MediaQuestion(Window):
    """A part of a question: which media it is about.

    Attributes:
        source: local or remote media.
        owner: only media of this user (a full user ID) or server; None for all.
        accounts: only media of these users; None for all owners.
    """

    source: Source = Source.LOCAL
    owner: str | None = None
    accounts: AccountFilter | None = None


@attr.frozen(kw_only=True)
class OwnersQuestion(Window):
    """A page of the owners of media: users of this server, or remote servers.

    Attributes:
        order_by: the sort key. Users without a displayname come last in its order,
            whatever the direction.
        descending: whether the largest key comes first. Ties stay in ascending order.
        start: how many owners to skip.
        limit: how many owners to return at most.
        search_term: list only users whose localpart or displayname contains it, or
            whose user ID it is; or only servers whose name contains it. Case is
            ignored.
        accounts: list only these users; None for all owners.
    """

    order_by: OwnersOrder = OwnersOrder.OWNER
    descending: bool = False
    start: int = 0
    limit: int = 100
    search_term: str | None = None
    accounts: AccountFilter | None = None


@attr.frozen(kw_only=True)
class AppservicesQuestion(Window):
    """A page of the application services whose users have local media.

    Attributes:
        order_by: the sort key. Users whom no application service registered come last
            in the order of the IDs, whatever the direction.
        descending: whether the largest key comes first. Ties stay in ascending order.
        start: how many rows to skip.
        limit: how many rows to return at most.
    """

    order_by: AppservicesOrder = AppservicesOrder.MEDIA_LENGTH
    descending: bool = True
    start: int = 0
    limit: int = 100


@attr.frozen(kw_only=True)
class SummaryQuestion:
    """The totals of the media store, by kind.

    Attributes:
        source: only local or only remote media; None for both.
        owner: only media of this user (a full user ID) or server; None for all.
        duplicates: whether to look for content that is stored twice.
        limits: whether to add the limits of the media store: its file system, and the
            settings `media_retention` and `url_preview_enabled`.
    """

    source: Source | None = None
    owner: str | None = None
    duplicates: bool = False
    limits: bool = False


@attr.frozen(kw_only=True)
class DeletionRules:
    """The parameters of Synapse's own deletion of local media, besides the time.

    Attributes:
        size_gt: delete only files of more than this many bytes.
        keep_profiles: whether to keep the avatars of users, room members and rooms.
    """

    size_gt: int = 0
    keep_profiles: bool = True


@attr.frozen(kw_only=True)
class Deletion(DeletionRules):
    """A deletion by Synapse's own API.

    Attributes:
        before_ts: delete files that were last read before this time, in milliseconds
            since the epoch.
    """

    before_ts: int


@attr.frozen(kw_only=True)
class ReclaimableQuestion:
    """The files that Synapse's own deletion would delete, and those it would keep.

    Attributes:
        source: only local or only remote media; None for both.
        owner: only media of this user (a full user ID) or server; None for all.
        accounts: only media of these users; None for all owners.
        before_ts: the times to ask about, in milliseconds since the epoch.
        rules: the other parameters of the deletion.
        thumbnails: whether to add up the thumbnails, too. Costs more than all else.
    """

    source: Source | None = None
    owner: str | None = None
    accounts: AccountFilter | None = None
    before_ts: Sequence[int]
    rules: DeletionRules = DeletionRules()
    thumbnails: bool = False


@attr.frozen(kw_only=True)
class TimelineQuestion(MediaQuestion):
    """The age of the media that is stored now.

    Attributes:
        interval: the length of a bucket.
    """

    interval: Interval = Interval.DAY


@attr.frozen(kw_only=True)
class TypesQuestion(MediaQuestion):
    """A page of the media types.

    Attributes:
        grouped: whether to list a few groups of types in place of the types.
        order_by: the sort key.
        descending: whether the largest key comes first. Ties stay in ascending order.
        start: how many types to skip.
        limit: how many types to return at most.
    """

    grouped: bool = False
    order_by: TypesOrder = TypesOrder.MEDIA_TYPE
    descending: bool = False
    start: int = 0
    limit: int = 100


@attr.frozen(kw_only=True)
class DuplicatesQuestion:
    """A page of the sets of identical files, those that take most first.

    Attributes:
        source: compare only local or only remote files; None for both.
        owner: compare only files of this user (a full user ID) or server; None for all.
        start: how many sets to skip.
        limit: how many sets to return at most.
    """

    source: Source | None = None
    owner: str | None = None
    start: int = 0
    limit: int = 100


@attr.frozen(kw_only=True)
class FilesQuestion(Window):
    """A page of the files.

    Attributes:
        source: local or remote files; None for both, which needs `sha256`.
        owner: only files of this user (a full user ID) or server; None for all.
        sha256: list only files with this SHA-256, in hexadecimal digits; also images
            of URL previews, even if these do not count for their owners.
        media_type: list only files of this type, in lower case and without parameters;
            `image/*` for all types that begin with `image/`.
        media_group: list only files of this one of `MEDIA_GROUPS`.
        min_length: list only files of at least this many bytes.
        deletion: list only files that this deletion would delete.
        unread_since_ts: list only files last read before this time, in milliseconds
            since the epoch. For a file that was never read, its creation counts.
        never_read: list only files that were never read (or that were); None for both.
        quarantined: list only files that are (or are not) in quarantine; None for both.
        url_preview: list only local files that are images of URL previews, even if
            these do not count for their owners; or only others. None for both.
        without_owner: list only local files that have no user, likewise; or only those
            that have one. None for both.
        accounts: list only files of these users; None for all owners.
        order_by: the sort key.
        descending: whether the largest key comes first. Ties stay in ascending order.
        limit: how many files to return at most.
        after: list only files that come after this position.
    """

    source: Source | None = Source.LOCAL
    owner: str | None = None
    sha256: str | None = None
    media_type: str | None = None
    media_group: str | None = None
    min_length: int | None = None
    deletion: Deletion | None = None
    unread_since_ts: int | None = None
    never_read: bool | None = None
    quarantined: bool | None = None
    url_preview: bool | None = None
    without_owner: bool | None = None
    accounts: AccountFilter | None = None
    order_by: FilesOrder = FilesOrder.MEDIA_ID
    descending: bool = False
    limit: int = 100
    after: FilesPosition = FilesPosition()

    @property
    def list_name(self) -> str:
        """A name that two lists share only if a cursor of one is valid in the other."""
        direction = "b" if self.descending else "f"
        source = self.source.value if self.source else "both"
        return f"{source} {self.order_by.value} {direction}"

    def can_end_at(self, position: FilesPosition) -> bool:
        """Whether a position has the parts that this list needs."""
        if position.media_id is None:
            return position.key is None and position.server_name is None
        is_by_key = self.order_by is not FilesOrder.MEDIA_ID
        is_remote = position.server_name is not None
        return (position.key is not None) is is_by_key and (
            self.source in (None, Source.REMOTE if is_remote else Source.LOCAL)
        )
