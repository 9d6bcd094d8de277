"""The values that storage gives back."""

from collections.abc import Sequence

import attr


@attr.s(auto_attribs=True, frozen=True, slots=True)
class OwnerUsage:
    """The media of one owner: a user of this server, or a remote server.

    Attributes:
        owner: the full user ID, or the server's name.
        displayname: the user's displayname; None if there is none, or for a server.
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    owner: str
    displayname: str | None
    media_count: int
    media_length: int


@attr.s(auto_attribs=True, frozen=True, slots=True)
class OwnersPage:
    """One page of a list of owners.

    Attributes:
        owners: the owners on the page, in order.
        total: how many owners there are on all pages.
    """

    owners: Sequence[OwnerUsage]
    total: int
