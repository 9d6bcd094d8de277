"""The values that storage returns, made of text, integers and booleans.

A table that was altered by hand, or any column of SQLite, can hold values of other
types. They are converted, so that every row has an answer.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import attr

from media_stats_module.questions import MAX_INTEGER

_V = TypeVar("_V")
_E = TypeVar("_E")


# The values of a list one by one, and at their end a value for the whole list.
Values = Generator[_V, None, _E]


def to_text(value: object) -> str:
    """Convert a value of the database to text. Replaces bytes that are not UTF-8."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


# The integer that SQLite finds in a text.
_LEADING_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]{1,20})")


def to_integer(value: object) -> int:
    """Convert a value of the database to an integer; 0 if it is not a number.

    In SQLite, all else becomes `CAST(value AS INTEGER)`, by which SQL sorts and adds
    up.
    """
    if isinstance(value, str | bytes):
        found = _LEADING_INTEGER.match(to_text(value))
        value = _within_64_bits(int(found[1] + found[2])) if found else 0
    try:
        if isinstance(value, float):
            return int(_within_64_bits(value))
        if isinstance(value, int | Decimal):
            return int(value)
    except (ValueError, OverflowError):
        # NaN, and in PostgreSQL infinity.
        pass
    return 0


def _within_64_bits(number: float) -> float:
    return min(max(number, -MAX_INTEGER - 1), MAX_INTEGER)


# Added to the upper bits of a sum in SQLite, so that the texts of negative sums sort
# like the sums.
WIDE_ZERO = 5 * 10**18


def to_sum(value: object) -> int:
    """Convert a sum by `sum_sql` to an integer; 0 if it is not one."""
    if isinstance(value, str):
        high, low = value.split(".")
        return ((int(high) - WIDE_ZERO) << 32) + int(low)
    return to_integer(value)


def to_optional_text(value: object) -> str | None:
    """Convert a value of the database to text; None for NULL."""
    return None if value is None else to_text(value)


def to_optional_integer(value: object) -> int | None:
    """Convert a value of the database to an integer; None for NULL."""
    return None if value is None else to_integer(value)


@attr.frozen
class OwnerUsage:
    """The media of one owner: a user of this server, or a remote server.

    Attributes:
        owner: the full user ID, or the server's name.
        displayname: the user's displayname; None if there is none, or for a server.
        media_count: the number of files.
        media_length: their bytes.
    """

    owner: str = attr.field(converter=to_text)
    displayname: str | None = attr.field(converter=to_optional_text)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class Page(Generic[_V, _E]):
    """One page of a list.

    Attributes:
        values: the values of the page, in order.
        end: a value for the whole list, as at the end of `Values`: the number of values
            on all pages or, for files, the position after which the next page begins.
    """

    values: Sequence[_V]
    end: _E


@attr.frozen
class Usage:
    """An amount of files.

    Attributes:
        media_count: the number of files.
        media_length: their bytes.
    """

    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.media_count + other.media_count,
            self.media_length + other.media_length,
        )


@attr.frozen
class KindUsage:
    """The media of one kind.

    Attributes:
        media_group: the group of media types.
        is_owned: whether it has an owner.
        is_url_preview: whether it belongs to a URL preview.
        is_quarantined: whether it is in quarantine.
        is_protected: whether an admin protects it from quarantine.
        usage: the number of files, and their bytes.
    """

    media_group: str
    is_owned: bool
    is_url_preview: bool
    is_quarantined: bool
    is_protected: bool
    usage: Usage


@attr.frozen
class Kinds:
    """All media of one source, by kind.

    Attributes:
        files: the files of each kind.
        thumbnails: the thumbnails of all these.
        pending: the number of uploads that have no content yet.
    """

    files: tuple[KindUsage, ...]
    thumbnails: Usage
    pending: int

    def sum(self, **properties: bool) -> Usage:
        """The files that have these properties, such as `is_quarantined=True`."""
        return sum(
            (
                kind.usage
                for kind in self.files
                if all(
                    getattr(kind, name) is value for name, value in properties.items()
                )
            ),
            Usage(0, 0),
        )


@attr.frozen(kw_only=True)
class LocalSummary:
    """The local media.

    Uploads, previews and media without an owner exclude each other. They include the
    quarantined and the protected files.

    Attributes:
        uploads: files that users uploaded.
        url_previews: images that were fetched for a preview of a URL.
        without_owner: files without a `user_id`.
        thumbnails: the thumbnails of all these.
        quarantined: files in quarantine.
        protected: files that an admin protects from quarantine.
        pending: the number of uploads that have no content yet.
        users: the number of users who have media that counts.
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
    """The cached media of other servers.

    Attributes:
        cached: the files.
        thumbnails: their thumbnails.
        quarantined: those of the files that are in quarantine.
        servers: the number of servers that they came from.
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
    """The kind of a user's account.

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
    """The totals of the media store.

    Attributes:
        local: the local media; None if not asked for.
        remote: the remote media; None if not asked for.
        duplicates: all identical files but one of each set; None if not asked for, or
            if Synapse keeps no hashes.
        account: the account of the owner, if the question is about one user.
    """

    local: LocalSummary | None
    remote: RemoteSummary | None
    duplicates: Usage | None = None
    account: Account | None = None

    @property
    def total(self) -> Usage:
        """All media that was asked for, with thumbnails."""
        parts = (self.local, self.remote)
        return sum((part.total for part in parts if part), Usage(0, 0))


@attr.frozen
class DeletedFiles:
    """Files that a deletion would delete.

    Attributes:
        media: the files.
        thumbnails: their thumbnails; None if not asked for.
    """

    media: Usage
    thumbnails: Usage | None


@attr.frozen(kw_only=True)
class ReclaimablePart:
    """The effect of a deletion on local media, or on remote media.

    Attributes:
        files: the files that would leave the disk.
        url_previews: images of URL previews. Synapse deletes their rows, and leaves
            their files. None for remote media.
        kept: files that are as old and would stay, by the reason: `quarantined`,
            `protected` or `avatar`. Each file is counted once, under the first.
    """

    files: DeletedFiles
    url_previews: DeletedFiles | None
    kept: Mapping[str, Usage]


@attr.frozen(kw_only=True)
class Reclaimable:
    """The effect of a deletion.

    Attributes:
        local: the effect on local media; None if not asked for.
        remote: the effect on remote media; None if not asked for.
    """

    local: ReclaimablePart | None
    remote: ReclaimablePart | None


@attr.frozen
class DayUsage:
    """The media that was created on one day.

    Attributes:
        day: days since the epoch, UTC.
        media_count: the number of files.
        media_length: their bytes.
    """

    day: int = attr.field(converter=to_integer)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class TypeUsage:
    """The media of one type, or of one group of types.

    Attributes:
        media_type: the type in lower case, without parameters; or the group.
        media_count: the number of files.
        media_length: their bytes.
    """

    media_type: str = attr.field(converter=to_text)
    media_count: int = attr.field(converter=to_sum)
    media_length: int = attr.field(converter=to_sum)


@attr.frozen
class AppserviceUsage:
    """The media of the users whom an application service registered, or of the others.

    Attributes:
        appservice_id: the ID of the application service; None for users whom none
            registered.
        has_account: whether these users have an account.
        users: the number of users.
        media_count: the number of their files.
        media_length: the bytes of these.
        deactivated_users: the number of deactivated users among them.
        deactivated_media_count: the number of files of the deactivated ones.
        deactivated_media_length: the bytes of these.
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
    """A set of identical files.

    Attributes:
        sha256: the SHA-256 of their content.
        media_length: the bytes of one file.
        copies: the number of files.
        remote_copies: the number of cached remote files among them.
    """

    sha256: str = attr.field(converter=to_text)
    media_length: int = attr.field(converter=to_integer)
    copies: int
    remote_copies: int

    @property
    def local_copies(self) -> int:
        """The number of local files among them."""
        return self.copies - self.remote_copies

    @property
    def duplicate_length(self) -> int:
        """The bytes of all files but one."""
        return (self.copies - 1) * self.media_length


def _to_bool(value: object) -> bool | None:
    """Convert a boolean, which SQLite has as an integer; None for NULL."""
    return None if value is None else bool(value)


@attr.frozen
class File:
    """A file.

    Attributes:
        server_name: the server of origin; None for a local file.
        user_id: the uploader of a local file; None if not known, or for a remote file.
        media_id: its ID on its server.
        media_type: its type as the uploader gave it; None if not given.
        upload_name: its name, likewise.
        media_length: its bytes.
        created_ts: when it was stored here, in milliseconds since the epoch.
        last_access_ts: when it was last read, likewise; None if never.
        quarantined_by: the admin who put it into quarantine; None if it is not there.
        safe_from_quarantine: whether an admin protects it; None for remote files.
        url_preview: whether it belongs to a URL preview; None for remote files.
        sha256: the SHA-256 of its content; None if Synapse has none.
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
