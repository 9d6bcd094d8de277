"""The values that storage gives back: text, integers and booleans, as JSON has them.

Synapse's columns hold what their types say. A table that was changed by hand, or any
column of SQLite, can hold other values; they are converted, so that every row has an
answer.
"""

from collections.abc import Generator, Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import attr

from media_stats_module.questions import FilesPosition

_V = TypeVar("_V")
_E = TypeVar("_E")


# The values of a list one by one, and what is said of the list at their end.
Values = Generator[_V, None, _E]


def to_text(value: object) -> str:
    """A value of the database as text. Bytes that are not UTF-8 are replaced."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def to_integer(value: object) -> int:
    """A value of the database as an integer; 0 if it is no number."""
    if isinstance(value, int | float | Decimal | str | bytes):
        try:
            return int(value)
        except (ValueError, OverflowError, ArithmeticError):
            return 0
    return 0


# Added to the upper bits of a sum in SQLite, so that the text of a negative sum sorts
# as the sum does.
WIDE_ZERO = 5 * 10**18


def to_sum(value: object) -> int:
    """A sum that the database made by `sum_sql`; 0 if it is none."""
    if isinstance(value, str):
        high, low = value.split(".")
        return ((int(high) - WIDE_ZERO) << 32) + int(low)
    return to_integer(value)


def to_optional_text(value: object) -> str | None:
    """The same, and None for NULL."""
    return None if value is None else to_text(value)


def to_optional_integer(value: object) -> int | None:
    """The same, and None for NULL."""
    return None if value is None else to_integer(value)


@attr.frozen
class OwnerUsage:
    """The media of one owner: a user of this server, or a remote server.

    Attributes:
        owner: the full user ID, or the server's name.
        displayname: the user's displayname; None if there is none, or for a server.
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    owner: str = attr.field(converter=to_text)
    displayname: str | None = attr.field(converter=to_optional_text)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class Page(Generic[_V]):
    """One page of a list.

    Attributes:
        values: what is on the page, in order.
        total: how many there are on all pages.
    """

    values: Sequence[_V]
    total: int


@attr.frozen
class Usage:
    """An amount of files.

    Attributes:
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.media_count + other.media_count,
            self.media_length + other.media_length,
        )


@attr.frozen(kw_only=True)
class LocalSummary:
    """What users of this server have stored.

    Uploads, previews and media without an owner exclude each other. Quarantined and
    the other files below are among them.

    Attributes:
        uploads: files that users uploaded.
        url_previews: images that were fetched for a preview of a URL.
        without_owner: files without a `user_id`.
        thumbnails: smaller versions of all these.
        quarantined: files that an admin has put into quarantine.
        protected: files that an admin protects from quarantine.
        pending: how many uploads have no content yet.
        users: how many users have media that counts.
    """

    uploads: Usage
    url_previews: Usage
    without_owner: Usage
    thumbnails: Usage
    quarantined: Usage
    protected: Usage
    pending: int
    users: int

    @property
    def total(self) -> Usage:
        """All that is stored."""
        return self.uploads + self.url_previews + self.without_owner + self.thumbnails


@attr.frozen(kw_only=True)
class RemoteSummary:
    """What is stored of other servers.

    Attributes:
        cached: files that were fetched from other servers.
        thumbnails: smaller versions of them.
        quarantined: those that an admin has put into quarantine.
        servers: from how many servers they are.
    """

    cached: Usage
    thumbnails: Usage
    quarantined: Usage
    servers: int

    @property
    def total(self) -> Usage:
        """All that is stored."""
        return self.cached + self.thumbnails


@attr.frozen
class Account:
    """What kind of account a user has.

    Attributes:
        has_account: whether there is one.
        appservice_id: the application service that registered it; None if none did.
        deactivated: whether it is deactivated.
        erased: whether the user was erased.
    """

    has_account: bool = attr.field(converter=bool)
    appservice_id: str | None = attr.field(converter=to_optional_text)
    deactivated: bool = attr.field(converter=bool)
    erased: bool = attr.field(converter=bool)


@attr.frozen(kw_only=True)
class Summary:
    """What fills the media store.

    Attributes:
        local: what users of this server have stored; None if that was not asked.
        remote: what is stored of other servers; None if that was not asked.
        duplicates: the files whose content is stored in another file, too; None if
            that was not asked, or if Synapse keeps no hashes.
        account: the account of the user who was asked for, if one was.
    """

    local: LocalSummary | None
    remote: RemoteSummary | None
    duplicates: Usage | None = None
    account: Account | None = None

    @property
    def total(self) -> Usage:
        """All that is stored of what was asked for."""
        parts = (self.local, self.remote)
        return sum((part.total for part in parts if part), Usage(0, 0))


@attr.frozen
class DeletedFiles:
    """Files that a deletion would delete.

    Attributes:
        media: the files.
        thumbnails: their thumbnails; None if that was not asked.
    """

    media: Usage
    thumbnails: Usage | None


@attr.frozen(kw_only=True)
class ReclaimablePart:
    """What a deletion would delete of local media, or of remote media.

    Attributes:
        files: what would leave the disk.
        url_previews: images of URL previews, of which Synapse deletes the rows and
            leaves the files; None for remote media.
        kept: the files that are as old and would stay, by the reason: `quarantined`,
            `protected` or `avatar`. Each file is counted once, under the first.
    """

    files: DeletedFiles
    url_previews: DeletedFiles | None
    kept: Mapping[str, Usage]


@attr.frozen(kw_only=True)
class Reclaimable:
    """What a deletion would delete.

    Attributes:
        local: what users of this server have stored; None if that was not asked.
        remote: what is stored of other servers; None if that was not asked.
    """

    local: ReclaimablePart | None
    remote: ReclaimablePart | None


@attr.frozen
class DayUsage:
    """The media that was created on one day.

    Attributes:
        day: days since the epoch, UTC.
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    day: int = attr.field(converter=to_integer)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class TypeUsage:
    """The media of one type, or of one group of types.

    Attributes:
        media_type: the type in small letters, without parameters; or the group.
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    media_type: str = attr.field(converter=to_text)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class AppserviceUsage:
    """The media of the users whom one application service registered, or of others.

    Attributes:
        appservice_id: the ID of the application service; None for users whom none
            registered.
        has_account: whether these users have an account.
        users: how many users there are.
        media_count: how many files they have.
        media_length: how many bytes these are together.
        deactivated_users: how many of the users are deactivated.
        deactivated_media_count: how many files those have.
        deactivated_media_length: how many bytes these are together.
    """

    appservice_id: str | None = attr.field(converter=to_optional_text)
    has_account: bool = attr.field(converter=bool)
    users: int
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)
    deactivated_users: int
    deactivated_media_count: int = attr.field(converter=to_sum)
    deactivated_media_length: int = attr.field(converter=to_sum)


@attr.frozen
class DuplicatedFile:
    """A content that is stored in more than one file.

    Attributes:
        sha256: the SHA-256 of the content.
        media_length: how many bytes one file is.
        copies: how many files have this content.
        remote_copies: how many of them are cached files of other servers.
    """

    sha256: str = attr.field(converter=to_text)
    media_length: int = attr.field(converter=to_integer)
    copies: int
    remote_copies: int

    @property
    def local_copies(self) -> int:
        """How many of the files are this server's."""
        return self.copies - self.remote_copies

    @property
    def duplicate_length(self) -> int:
        """How many bytes all files but one are together."""
        return (self.copies - 1) * self.media_length


def _to_bool(value: object) -> bool | None:
    """What SQLite has as an integer."""
    return None if value is None else bool(value)


@attr.frozen
class File:
    """A file.

    Attributes:
        server_name: the server that it is from; None if it is this one.
        user_id: who uploaded it here; None if that is not known, or it is remote.
        media_id: its ID on its server.
        media_type: its type as it was given at upload, which may be not at all.
        upload_name: its name, likewise.
        media_length: how many bytes it is.
        created_ts: when it was stored here, in milliseconds since the epoch.
        last_access_ts: when it was last read, likewise; None if it never was.
        quarantined_by: who has put it into quarantine, if somebody has.
        safe_from_quarantine: whether an admin has made it so; None for remote files.
        url_preview: whether it was fetched for a preview of a URL; None likewise.
        sha256: the SHA-256 of its content; None if Synapse has not kept it.
        sort_key: what it was sorted by in its list; None in a list by media ID.
    """

    server_name: str | None = attr.field(converter=to_optional_text)
    user_id: str | None = attr.field(converter=to_optional_text)
    media_id: str = attr.field(converter=to_text)
    media_type: str | None = attr.field(converter=to_optional_text)
    upload_name: str | None = attr.field(converter=to_optional_text)
    media_length: int = attr.field(converter=to_integer)
    created_ts: int = attr.field(converter=to_integer)
    last_access_ts: int | None = attr.field(converter=to_optional_integer)
    quarantined_by: str | None = attr.field(converter=to_optional_text)
    safe_from_quarantine: bool | None = attr.field(converter=_to_bool)
    url_preview: bool | None = attr.field(converter=_to_bool)
    sha256: str | None = attr.field(converter=to_optional_text)
    sort_key: int | None

    @property
    def position(self) -> FilesPosition:
        """Its position in its list, after which another page can begin."""
        return FilesPosition(self.sort_key, self.server_name, self.media_id)


@attr.frozen
class FilesPage:
    """One page of a list of files.

    Attributes:
        files: the files on the page, in order.
        end: the position after which the next page begins; None if this is the last.
    """

    files: Sequence[File]
    end: FilesPosition | None
