"""The limits of the database: `query_timeout`, and room to sort."""

from collections.abc import Callable
from typing import Any

from support import (
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    modules,
    patch_transactions,
)
from synapse.module_api import LoggingTransaction
from tests.unittest import override_config, skip_unless
from tests.utils import USE_POSTGRES_FOR_TESTS

_PATHS = ("users", "summary", "timeline", "types", "files", "files?format=csv")


class QueryTimeoutTestCase(MediaStatsTestCase):
    def assert_answers(self, *codes: int) -> None:
        self.insert_local_media(LocalMedia(user_id="@alice:test"))
        for path in _PATHS:
            assert self.ask(f"{MODULE_PATH}/v1/{path}").code in codes, path

    @override_config({"modules": modules(query_timeout="10y")})
    def test_longest(self) -> None:
        """PostgreSQL can wait for at most 24 days."""
        self.assert_answers(200)

    @override_config({"modules": modules(query_timeout="1s")})
    def test_shortest(self) -> None:
        # A busy machine may take longer.
        self.assert_answers(200, 503)

    @skip_unless(bool(USE_POSTGRES_FOR_TESTS), "SQLite has no such setting")
    def test_no_room_to_sort(self) -> None:
        """The question is asked once, and the answer says why it failed."""
        self.execute(
            "INSERT INTO local_media_repository (media_id, user_id, media_length, "
            "media_type, created_ts) SELECT i, '@u:test', i, i, i "
            "FROM generate_series(1, 20000) AS i"
        )
        tries: list[LoggingTransaction] = []

        def limiting(txn: LoggingTransaction, ask: Callable[[], Any]) -> Any:
            tries.append(txn)
            txn.execute("SET LOCAL temp_file_limit = '64kB'")
            txn.execute("SET LOCAL work_mem = '64kB'")
            return ask()

        with patch_transactions(limiting):
            channel = self.ask(f"{MODULE_PATH}/v1/types")
        assert (channel.code, len(tries)) == (503, 1)
        assert "temp_file_limit" in channel.json_body["error"]

    @skip_unless(bool(USE_POSTGRES_FOR_TESTS), "SQLite has no such setting")
    @override_config({"modules": modules(query_timeout="90s")})
    def test_unit(self) -> None:
        timeouts: list[str] = []

        def recording(txn: LoggingTransaction, ask: Callable[[], Any]) -> Any:
            answer = ask()
            txn.execute("SHOW statement_timeout")
            timeouts.extend(value for (value,) in txn.fetchall())
            return answer

        with patch_transactions(recording):
            self.assert_answers(200)
        assert len(timeouts) >= len(_PATHS)
        assert set(timeouts) == {"90s"}
