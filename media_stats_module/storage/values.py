"""The values that storage gives back."""

from collections.abc import Sequence

import attr


@attr.s(auto_attribs=True, frozen=True, slots=True)
class UserUsage:
    """The local media of one user.

    Attributes:
        user_id: the full user ID.
        displayname: the displayname, or None if the user has none.
        media_count: how many files.
        media_length: how many bytes they are together.
    """

    user_id: str
    displayname: str | None
    media_count: int
    media_length: int


@attr.s(auto_attribs=True, frozen=True, slots=True)
class UsersPage:
    """One page of a list of users.

    Attributes:
        users: the users on the page, in order.
        total: how many users there are on all pages.
    """

    users: Sequence[UserUsage]
    total: int
