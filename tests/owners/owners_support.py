"""Shared by the tests of `/v1/users` and `/v1/servers`."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from modes_support import MODES, ModesTestCase, class_name
from owners_model import Query, servers_answer, users_answer
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import LocalMedia, RemoteMedia, headers
from synapse.module_api import JsonDict
from tests.server import FakeChannel

# The largest integer of 64 bits.
LARGEST_INTEGER = 2**63 - 1

_ENDPOINTS: list[JsonDict] = [{"endpoint": "users"}, {"endpoint": "servers"}]

# The mode in which live questions walk Synapse's index.
_SCAN: JsonDict = {
    "mode": "scan",
    "mode_options": {},
    "walks": False,
    "pytestmark": [pytest.mark.once],
}
_MODES = [*MODES, _SCAN]


def in_every_mode_of_owners(test_class: type) -> None:
    """Run the tests of a class once for each way to answer."""
    parameterized_class(_MODES, class_name_func=class_name)(test_class)


def for_both_endpoints(test_class: type) -> None:
    """Run the tests of a class once for users and once for servers."""
    parameterized_class(_ENDPOINTS, class_name_func=class_name)(test_class)


def in_every_mode_of_both_endpoints(test_class: type) -> None:
    """Run the tests of a class for users and for servers, in every mode."""
    combinations = [mode | endpoint for mode in _MODES for endpoint in _ENDPOINTS]
    parameterized_class(combinations, class_name_func=class_name)(test_class)


class OwnersTestCase(ModesTestCase):
    """Asks one of the two endpoints."""

    endpoint: ClassVar[str] = "users"

    @property
    def owner_key(self) -> str:
        """The column with the owner, which is the default of `order_by`."""
        return {"users": "user_id", "servers": "server_name"}[self.endpoint]

    @property
    def orders(self) -> list[str]:
        """The values of `order_by`."""
        only_users = ["displayname"] if self.endpoint == "users" else []
        return [self.owner_key, "media_count", "media_length", *only_users]

    def owner(self, name: str) -> str:
        """The user ID with this localpart, or a server whose name begins with it."""
        if self.endpoint == "users":
            return f"@{name}:{self.server_name}"
        return f"{name}.example"

    def file(self, name: str, **columns: Any) -> LocalMedia | RemoteMedia:
        """A row of media that belongs to `owner(name)`."""
        if self.endpoint == "users":
            return LocalMedia(user_id=self.owner(name), **columns)
        return RemoteMedia(media_origin=self.owner(name), **columns)

    def listed(self, query: Query | None = None) -> list[str]:
        """The owners on a page."""
        return [entry[self.owner_key] for entry in self.answer(query)[self.endpoint]]

    def pages(self, query: Query) -> Iterator[JsonDict]:
        """Yield the answer, and all further pages by `next_token`."""
        answer = self.answer(query)
        yield answer
        while "next_token" in answer:
            answer = self.answer({**query, "from": answer["next_token"]})
            yield answer

    def expected(self, query: Query) -> JsonDict:
        """The answer of the model."""
        if self.endpoint == "servers":
            return servers_answer(self.remote_media, query)
        return users_answer(
            self.local_media,
            self.displaynames,
            query,
            count_url_previews=self.count_url_previews,
            deactivated=self.deactivated,
        )


def header(channel: FakeChannel, name: str) -> str:
    """The value of a header that the answer has once."""
    values = headers(channel).getRawHeaders(name)
    assert values is not None, name
    (value,) = values
    return value
