"""The longest and the shortest `query_timeout`: each lets the database answer."""

from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, modules
from tests.unittest import override_config

_PATHS = ("users", "summary", "timeline", "types", "files", "files?format=csv")


class QueryTimeoutTestCase(MediaStatsTestCase):
    def assert_answers(self) -> None:
        self.insert_local_media(LocalMedia(user_id="@alice:test"))
        for path in _PATHS:
            assert self.ask(f"{MODULE_PATH}/v1/{path}").code == 200, path

    @override_config({"modules": modules(query_timeout="10y")})
    def test_longest(self) -> None:
        """Longer than the 24 days that PostgreSQL can wait."""
        self.assert_answers()

    @override_config({"modules": modules(query_timeout="1s")})
    def test_shortest(self) -> None:
        self.assert_answers()
