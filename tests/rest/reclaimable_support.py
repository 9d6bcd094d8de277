"""Shared by the tests of `/v1/reclaimable`."""

from typing import ClassVar
from unittest.mock import patch

from media_support import MediaTestCase
from synapse.rest.admin.media import register_servlets_for_media_repo

BEFORE_TS = 1_000_000_000_000

NOW_TS = 1_700_000_000_000


class ReclaimableMediaTestCase(MediaTestCase):
    shares_homeserver: ClassVar[bool] = False

    endpoint: ClassVar[str] = "reclaimable"

    servlets = [  # noqa: RUF012
        *MediaTestCase.servlets,
        register_servlets_for_media_repo,
    ]

    def setUp(self) -> None:
        super().setUp()
        # Other than the time of timelines.
        patched = patch(
            "media_stats_module.rest.api.current_time_ms", lambda _: self.now_ts
        )
        patched.start()
        self.addCleanup(patched.stop)

    def let_it_be(self, now_ts: int) -> None:
        """Stop the clock, which otherwise goes on with every request."""
        patched = patch("media_stats_module.rest.api.current_time_ms", lambda _: now_ts)
        patched.start()
        self.addCleanup(patched.stop)

    def set_avatar(self, user_id: str, uri: str) -> None:
        """Give a user an avatar, and a profile if there is none."""
        self.insert_profiles({user_id: None})
        self.execute("UPDATE profiles SET avatar_url = ?", uri)
