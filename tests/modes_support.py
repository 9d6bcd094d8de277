"""Runs tests once for each way in which the module can answer.

The answers must be equal.
"""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import (
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
    Thumbnail,
)
from synapse.module_api import JsonDict
from tests.server import FakeChannel
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage.owners import walk

# SQLite has the live answers of every version of Synapse, `totals` those of PostgreSQL.
_ONCE = [pytest.mark.once]

MODES: list[JsonDict] = [{"mode": "live", "mode_options": {}}]
if USE_POSTGRES_FOR_TESTS:
    _ROLLUPS = {"mode_options": {"rollups": True}}
    MODES = [
        {"mode": "live", "mode_options": {}, "pytestmark": _ONCE},
        {"mode": "totals", **_ROLLUPS, "applied": 1.0},
        {"mode": "log", **_ROLLUPS, "applied": 0.0, "pytestmark": _ONCE},
        {"mode": "both", **_ROLLUPS, "applied": 0.5, "pytestmark": _ONCE},
    ]

DIRECTIONS = ("f", "b")


def in_every_mode(test_class: type) -> None:
    """Run the tests of a class once for each way in which the module can answer."""
    parameterized_class(MODES, class_name_func=class_name)(test_class)


def class_name(test_class: type, _: int, parameters: JsonDict) -> str:
    """The name of a class with parameters, for pytest."""
    names = [value for value in parameters.values() if isinstance(value, str)]
    return "_".join([test_class.__name__, *names])


class ModesTestCase(MediaStatsTestCase):
    """Fills the database, and asks one endpoint.

    Attributes:
        mode_options: the options that set the module up for the mode.
        applied: the part of the media that the totals have after a `fill`. The change
            log has the rest.
        walks: whether live questions for owners may walk the index by owner.
        endpoint: the endpoint to ask, such as `users`.
        media: the rows of the two tables of media.
        displaynames: those in the profiles, by user ID.
        deactivated: the users with deactivated accounts.
    """

    mode_options: ClassVar[JsonDict] = {}
    applied: ClassVar[float] = 0.0
    walks: ClassVar[bool] = True
    endpoint: ClassVar[str]

    shares_homeserver: ClassVar[bool] = True

    media: tuple[LocalMedia | RemoteMedia, ...] = ()
    displaynames: Mapping[str, str | None] = {}
    deactivated: Collection[str] = ()

    def default_config(self) -> JsonDict:
        config = super().default_config()
        for module in config["modules"]:
            module["config"].update(self.mode_options)
        return config

    def setUp(self) -> None:
        super().setUp()
        if not self.walks:
            no_walk = patch.object(walk, "suits", lambda question: False)
            no_walk.start()
            self.addCleanup(no_walk.stop)
        if self.mode_options.get("rollups"):
            self.run_round()

    @property
    def path(self) -> str:
        """The path of the endpoint."""
        return f"{MODULE_PATH}/v1/{self.endpoint}"

    @property
    def local_media(self) -> list[LocalMedia]:
        """The rows of `local_media_repository`."""
        return [row for row in self.media if isinstance(row, LocalMedia)]

    @property
    def remote_media(self) -> list[RemoteMedia]:
        """The rows of `remote_media_cache`."""
        return [row for row in self.media if isinstance(row, RemoteMedia)]

    @property
    def count_url_previews(self) -> bool:
        """The option of the module."""
        options = self.module_options | self.mode_options
        counts: bool = options.get("count_url_previews", True)
        return counts

    def fill(
        self,
        *media: LocalMedia | RemoteMedia,
        displaynames: Mapping[str, str | None] | None = None,
        thumbnails: tuple[Thumbnail, ...] = (),
        deactivated: Collection[str] = (),
    ) -> None:
        """Replace all media, profiles and accounts in the database.

        Args:
            media: all rows of media.
            displaynames: by user ID. None makes a profile without a displayname; other
                users get no profile.
            thumbnails: all thumbnails of the media.
            deactivated: users with deactivated accounts.
        """
        self.delete_media_and_profiles()
        self.media = media
        local, remote = self.local_media, self.remote_media
        first = [int(len(rows) * self.applied) for rows in (local, remote, thumbnails)]
        self.insert_local_media(*local[: first[0]])
        self.insert_remote_media(*remote[: first[1]])
        self.insert_thumbnails(*thumbnails[: first[2]])
        if self.applied:
            self.run_round()
            assert not self.execute("SELECT 1 FROM media_stats_changes")
        self.insert_local_media(*local[first[0] :])
        self.insert_remote_media(*remote[first[1] :])
        self.insert_thumbnails(*thumbnails[first[2] :])
        self.insert_profiles(displaynames or {})
        self.displaynames = displaynames or {}
        self.execute("DELETE FROM users WHERE deactivated = 1")
        self.insert_deactivated_users(deactivated)
        self.deactivated = deactivated

    def request(self, query: Mapping[str, object] | None = None) -> FakeChannel:
        """Ask the endpoint."""
        return self.ask(self.path, query)

    def request_raw(self, query: bytes) -> FakeChannel:
        """Ask the endpoint with a query string, as it is."""
        return self.make_request(
            "GET", self.path.encode() + b"?" + query, access_token=self.admin_token
        )

    def answer(self, query: Mapping[str, object] | None = None) -> Any:
        """Ask the endpoint; return the answer, which must have status 200."""
        channel = self.request(query)
        assert channel.code == 200, (query, channel.result)
        return channel.json_body

    def assert_refused(
        self, channel: FakeChannel, *words: str, errcode: str = "M_INVALID_PARAM"
    ) -> None:
        """Check that it got 400, this `errcode`, and a text with these words."""
        assert (channel.code, channel.json_body["errcode"]) == (400, errcode)
        for word in words:
            assert word in channel.json_body["error"], channel.json_body
