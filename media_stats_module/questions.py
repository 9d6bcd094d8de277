"""What can be asked, as frozen values. No HTTP, no SQL."""

import enum
from collections.abc import Sequence

import attr

# Both databases store and compare 64-bit signed integers; one more is an error there.
MAX_INTEGER = 2**63 - 1

# Stands for no limit. One less, since a limit and one more is asked for to see whether
# there is a next page.
NO_LIMIT = MAX_INTEGER - 1


class Source(enum.Enum):
    """Where media came from: this server's users, or other servers."""

    LOCAL = "local"
    REMOTE = "remote"


class Interval(enum.Enum):
    """How long each part of a timeline is, by the calendar, in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class OwnersOrder(enum.Enum):
    """By what a list of owners is sorted. Ties are broken by the owner's name."""

    OWNER = enum.auto()
    DISPLAYNAME = enum.auto()
    MEDIA_LENGTH = enum.auto()
    MEDIA_COUNT = enum.auto()


class TypesOrder(enum.Enum):
    """By what a list of media types is sorted. Ties are broken by the type."""

    MEDIA_TYPE = "media_type"
    MEDIA_LENGTH = "media_length"
    MEDIA_COUNT = "media_count"


class FilesOrder(enum.Enum):
    """By what a list of files is sorted. Ties are broken by server and media ID."""

    MEDIA_ID = "media_id"
    MEDIA_LENGTH = "media_length"
    CREATED_TS = "created_ts"
    LAST_ACCESS_TS = "last_access_ts"


@attr.frozen
class FilesPosition:
    """A file's place in a list of files.

    Attributes:
        key: what the list is sorted by; None where it is sorted by name.
        server_name: the server that the file is from, for remote files.
        media_id: the file's ID on its server.
    """

    key: int | None
    server_name: str | None
    media_id: str


@attr.frozen(kw_only=True)
class Window:
    """A part of a question: when the media was created.

    Attributes:
        from_ts: at or after this time, in milliseconds since the epoch.
        until_ts: at or before this time, likewise.
    """

    from_ts: int | None = None
    until_ts: int | None = None

    @property
    def is_in_window(self) -> bool:
        """Whether it is about less than all of time."""
        return self.from_ts is not None or self.until_ts is not None


@attr.frozen(kw_only=True)
class MediaQuestion(Window):
    """A part of a question: which media it is about.

    Attributes:
        source: where the media came from.
        owner: whose it is, a full user ID or a server's name by the source; None for
            everybody's.
    """

    source: Source = Source.LOCAL
    owner: str | None = None


@attr.frozen(kw_only=True)
class OwnersQuestion(Window):
    """One page of those who have media: users of this server, or remote servers.

    Attributes:
        order_by: the sort key. Users without a displayname come last in its order,
            whatever the direction.
        descending: whether the largest key comes first. Ties stay in ascending order.
        start: how many owners to skip.
        limit: how many owners to return at most.
        search_term: list only users whose localpart or displayname contains this,
            or whose user ID it is, or servers whose name contains it, ignoring case.
        deactivated: list only users whose account is deactivated, or is not.
    """

    order_by: OwnersOrder = OwnersOrder.OWNER
    descending: bool = False
    start: int = 0
    limit: int = 100
    search_term: str | None = None
    deactivated: bool | None = None


@attr.frozen(kw_only=True)
class SummaryQuestion:
    """What fills the media store.

    Attributes:
        source: count only media from there; None for all.
        owner: count only this owner's, a full user ID or a server's name by the source.
        duplicates: whether to look for content that is stored twice.
    """

    source: Source | None = None
    owner: str | None = None
    duplicates: bool = False


@attr.frozen(kw_only=True)
class DeletionRules:
    """What Synapse's own deletion is told, besides a time.

    Both are about local media only.

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
    """What Synapse's own deletion would delete, and what it would keep.

    Attributes:
        source: only media from there; None for all.
        owner: only this owner's, a full user ID or a server's name by the source.
        before_ts: the times to ask about, in milliseconds since the epoch.
        rules: what the deletion is told besides the time.
    """

    source: Source | None = None
    owner: str | None = None
    before_ts: Sequence[int]
    rules: DeletionRules = DeletionRules()


@attr.frozen(kw_only=True)
class TimelineQuestion(MediaQuestion):
    """How much media was created when.

    Attributes:
        interval: how long each part of the answer is.
    """

    interval: Interval = Interval.DAY


@attr.frozen(kw_only=True)
class TypesQuestion(MediaQuestion):
    """One page of the media types that there are.

    Attributes:
        grouped: whether to put the types into a few groups.
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
class FilesQuestion(Window):
    """One page of the files themselves.

    Attributes:
        source: where the media came from; None for both, which goes with `sha256` only.
        owner: whose it is, a full user ID or a server's name by the source; None for
            everybody's.
        sha256: list only files with this content: the SHA-256 in hexadecimal digits.
        media_type: list only files of this type, in small letters and without
            parameters; `image/*` for all types that begin with `image/`.
        min_length: list only files of at least so many bytes.
        deletion: list only files that this deletion would delete.
        quarantined: list only files that are in quarantine, or are not.
        deactivated: list only files of users whose account is deactivated, or is not.
        order_by: the sort key.
        descending: whether the largest key comes first. Ties stay in ascending order.
        limit: how many files to return at most.
        after: list only files that come after this one.
    """

    source: Source | None = Source.LOCAL
    owner: str | None = None
    sha256: str | None = None
    media_type: str | None = None
    min_length: int | None = None
    deletion: Deletion | None = None
    quarantined: bool | None = None
    deactivated: bool | None = None
    order_by: FilesOrder = FilesOrder.MEDIA_ID
    descending: bool = False
    limit: int = 100
    after: FilesPosition | None = None

    @property
    def list_name(self) -> str:
        """Tells apart the lists between which no cursor can be exchanged."""
        direction = "b" if self.descending else "f"
        source = self.source.value if self.source else "both"
        return f"{source} {self.order_by.value} {direction}"

    def can_end_at(self, position: FilesPosition) -> bool:
        """Whether a position says what a place in this list has to say."""
        is_by_key = self.order_by is not FilesOrder.MEDIA_ID
        is_remote = position.server_name is not None
        return (position.key is not None) is is_by_key and (
            self.source in (None, Source.REMOTE if is_remote else Source.LOCAL)
        )
