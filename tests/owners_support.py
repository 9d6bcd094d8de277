"""What the tests of `/v1/users` and `/v1/servers` share.

Tests of the answers run once for each way in which the module can be set up to give
them: they have to be the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from owners_model import Query, servers_answer, users_answer
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import JsonDict
from tests.server import FakeChannel

_MODES: list[JsonDict] = [
    {"mode": "live", "mode_options": {}, "folds": False},
    # All in the totals, and all in the log of changes.
    {"mode": "rollups", "mode_options": {"rollups": True}, "folds": True},
    {"mode": "unfolded", "mode_options": {"rollups": True}, "folds": False},
]
_ENDPOINTS: list[JsonDict] = [{"endpoint": "users"}, {"endpoint": "servers"}]

DIRECTIONS = ("f", "b")


def in_every_mode(test_class: type) -> None:
    """Run the tests of a class once for each way in which the module can answer."""
    parameterized_class(_MODES, class_name_func=_class_name)(test_class)


def for_both_endpoints(test_class: type) -> None:
    """Run tests that have nothing to do with the mode, for users and for servers."""
    parameterized_class(_ENDPOINTS, class_name_func=_class_name)(test_class)


def in_every_mode_of_both_endpoints(test_class: type) -> None:
    """Run the tests of a class for users and for servers, in every mode."""
    combinations = [mode | endpoint for mode in _MODES for endpoint in _ENDPOINTS]
    parameterized_class(combinations, class_name_func=_class_name)(test_class)


def _class_name(test_class: type, _: int, parameters: JsonDict) -> str:
    names = [value for value in parameters.values() if isinstance(value, str)]
    return "_".join([test_class.__name__, *names])


class OwnersTestCase(MediaStatsTestCase):
    """Asks one of the two endpoints.

    Attributes:
        mode_options: the options that set the module up for the mode.
        folds: whether the background process has a round after each `fill`.
        endpoint: which of the two is asked, `users` or `servers`.
        media: what is in the table that the endpoint counts.
        displaynames: those in the profiles, by user ID.
    """

    mode_options: ClassVar[JsonDict] = {}
    folds: ClassVar[bool] = False
    endpoint: ClassVar[str] = "users"

    media: tuple[LocalMedia | RemoteMedia, ...] = ()
    displaynames: Mapping[str, str | None] = {}

    def default_config(self) -> JsonDict:
        config = super().default_config()
        for module in config["modules"]:
            module["config"].update(self.mode_options)
        return config

    def setUp(self) -> None:
        super().setUp()
        if self.mode_options.get("rollups"):
            self.run_round()

    @property
    def path(self) -> str:
        """The path of the endpoint."""
        return f"{MODULE_PATH}/v1/{self.endpoint}"

    @property
    def owner_key(self) -> str:
        """What names the owner in an answer, and the default of `order_by`."""
        return {"users": "user_id", "servers": "server_name"}[self.endpoint]

    @property
    def orders(self) -> list[str]:
        """The values of `order_by`."""
        only_users = ["displayname"] if self.endpoint == "users" else []
        return [self.owner_key, "media_count", "media_length", *only_users]

    def owner(self, name: str) -> str:
        """The user ID with that localpart, or a server whose name begins so."""
        if self.endpoint == "users":
            return f"@{name}:{self.server_name}"
        return f"{name}.example"

    def file(self, name: str, **columns: Any) -> LocalMedia | RemoteMedia:
        """A row of media that belongs to `owner(name)`."""
        if self.endpoint == "users":
            return LocalMedia(user_id=self.owner(name), **columns)
        return RemoteMedia(media_origin=self.owner(name), **columns)

    def fill(
        self,
        *media: LocalMedia | RemoteMedia,
        displaynames: Mapping[str, str | None] | None = None,
    ) -> None:
        """Put these into the database, in place of what is there.

        Args:
            media: all rows of media.
            displaynames: by user ID. None makes a profile without a displayname; who
                is not in it gets no profile.
        """
        for table in ("local_media_repository", "remote_media_cache", "profiles"):
            self.execute(f"DELETE FROM {table}")
        self.insert_local_media(*[row for row in media if isinstance(row, LocalMedia)])
        self.insert_remote_media(
            *[row for row in media if isinstance(row, RemoteMedia)]
        )
        self.media = media
        self.insert_profiles(displaynames or {})
        self.displaynames = displaynames or {}
        if self.folds:
            self.run_round()

    def request(self, query: Query | None = None) -> FakeChannel:
        """Ask the endpoint."""
        return self.ask(self.path, query)

    def request_raw(self, query: bytes) -> FakeChannel:
        """Ask the endpoint with a query string that is sent as it stands."""
        return self.make_request(
            "GET", self.path.encode() + b"?" + query, access_token=self.admin_token
        )

    def answer(self, query: Query | None = None) -> JsonDict:
        """The endpoint's answer to a request that it does not refuse."""
        channel = self.request(query)
        assert channel.code == 200, (query, channel.result)
        answer: JsonDict = channel.json_body
        return answer

    def listed(self, query: Query | None = None) -> list[str]:
        """The owners on a page."""
        return [entry[self.owner_key] for entry in self.answer(query)[self.endpoint]]

    def pages(self, query: Query) -> Iterator[JsonDict]:
        """The answer, and those that each `next_token` leads to."""
        answer = self.answer(query)
        yield answer
        while "next_token" in answer:
            answer = self.answer({**query, "from": answer["next_token"]})
            yield answer

    def expected(self, query: Query) -> JsonDict:
        """What the answer has to be."""
        if self.endpoint == "servers":
            return servers_answer(
                [row for row in self.media if isinstance(row, RemoteMedia)], query
            )
        return users_answer(
            [row for row in self.media if isinstance(row, LocalMedia)],
            self.displaynames,
            query,
            count_url_previews=self.module_options.get("count_url_previews", True),
        )

    def assert_refused(
        self, channel: FakeChannel, *words: str, errcode: str = "M_INVALID_PARAM"
    ) -> None:
        """The request got 400 and this `errcode`, with a text that has these words."""
        assert (channel.code, channel.json_body["errcode"]) == (400, errcode)
        for word in words:
            assert word in channel.json_body["error"], channel.json_body


def header(channel: FakeChannel, name: str) -> str:
    """The one value that a header of the answer has."""
    values = channel.headers.getRawHeaders(name)
    assert values is not None, name
    (value,) = values
    return value
