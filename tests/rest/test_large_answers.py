"""Answers with too many rows to encode them at once on the reactor."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from media_support import DAY_MS
from parameterized import parameterized  # type: ignore[import-untyped]
from support import (
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
    patch_transactions,
)
from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.formats import json
from media_stats_module.questions import NO_LIMIT
from media_stats_module.rest import _base, _list
from media_stats_module.storage.sql import Sql, iterate_txn

# By the list's key in the answer.
_LISTS = {
    "users": "users",
    "servers": "servers",
    "timeline": "buckets",
    "types": "types",
    "files": "files",
}


class LargeAnswersTestCase(MediaStatsTestCase):
    def setUp(self) -> None:
        super().setUp()
        # On three days, so that there are as many buckets.
        for number in range(3):
            created_ts = number * DAY_MS + 1
            self.insert_local_media(
                LocalMedia(
                    user_id=f"@user{number}:test",
                    media_type=f"image/{number}",
                    media_length=number + 1,
                    created_ts=created_ts,
                )
            )
            self.insert_remote_media(
                RemoteMedia(
                    media_origin=f"{number}.example",
                    media_length=number + 1,
                    created_ts=created_ts,
                )
            )

    def test_rows_in_another_thread(self) -> None:
        """Encoded in another thread, an answer is the same."""
        defer_to_thread = ModuleApi.defer_to_thread
        deferred: list[str] = []

        async def defer(api: ModuleApi, function: Any, *args: Any) -> Any:
            deferred.append(function.__name__)
            return await defer_to_thread(api, function, *args)

        for path, key in _LISTS.items():
            window = {"until_ts": 3 * DAY_MS - 1, "from_ts": 1}
            answer = self.ask(f"{MODULE_PATH}/v1/{path}", window)
            assert answer.code == 200, answer.result
            assert len(answer.json_body[key]) == 3, path
            with (
                patch.object(_base, "_ROWS_ON_REACTOR", 2),
                patch.object(json, "_ROWS_PER_PIECE", 2),
                patch.object(ModuleApi, "defer_to_thread", defer),
            ):
                large = self.ask(f"{MODULE_PATH}/v1/{path}", window)
            assert large.result["body"] == answer.result["body"], path
            assert deferred.pop() == "write_in_thread"

    @parameterized.expand(  # type: ignore[untyped-decorator]
        [("users",), ("servers",), ("types",)]
    )
    def test_rows_as_the_database_gives_them(self, path: str) -> None:
        """With a large limit, a page is never all in memory, and is the same."""
        for query in (
            {},
            {"limit": 2},
            {"limit": 3},
            {"limit": 4},
            {"limit": 1, "from": 1},
            {"limit": 2, "from": 1, "dir": "b"},
            {"limit": 2, "from": 2},
            {"limit": 2, "from": 3},
            {"limit": 2, "from": 9},
            {"limit": 0},
            {"order_by": "media_length", "limit": 1_000_000},
        ):
            answer = self.ask(f"{MODULE_PATH}/v1/{path}", query)
            with (
                patch.object(_list, "_LARGEST_PAGE_IN_MEMORY", -1),
                patch.object(json, "_ROWS_PER_PIECE", 2),
            ):
                large = self.ask(f"{MODULE_PATH}/v1/{path}", query)
            assert large.result["body"] == answer.result["body"], query
            assert answer.json_body["total"] == 3

    def test_a_long_page_of_files_says_where_the_next_begins(self) -> None:
        queries: list[dict[str, Any]] = [
            {},
            *({"limit": limit} for limit in range(5)),
            {"limit": 2, "order_by": "media_length", "dir": "b"},
            {"limit": 2, "order_by": "created_ts"},
            {"limit": 2, "reclaimable_before_ts": 20_000 * DAY_MS},
        ]
        for query in queries:
            answer = self.ask(f"{MODULE_PATH}/v1/files", query)
            assert answer.code == 200, answer.result
            with (
                patch.object(_list, "_LARGEST_PAGE_IN_MEMORY", -1),
                patch.object(json, "_ROWS_PER_PIECE", 2),
            ):
                long = self.ask(f"{MODULE_PATH}/v1/files", query)
            assert long.result["body"] == answer.result["body"], query

    @parameterized.expand([(path,) for path in _LISTS])  # type: ignore[untyped-decorator]
    def test_a_transaction_that_is_tried_again(self, path: str) -> None:
        """Each row is sent once."""
        tries: list[LoggingTransaction] = []

        def try_twice(txn: LoggingTransaction, ask: Callable[[], Any]) -> Any:
            for _ in range(2):
                tries.append(txn)
                answer = ask()
            return answer

        for query in (
            {"until_ts": 3 * DAY_MS - 1, "from_ts": 1},
            {"until_ts": 3 * DAY_MS - 1, "from_ts": 1, "limit": 9_999},
            # Counted twice, the next page would begin a row later.
            {"until_ts": 3 * DAY_MS - 1, "from_ts": 1, "limit": 1},
            {"until_ts": 3 * DAY_MS - 1, "from_ts": 1, "format": "csv"},
        ):
            answer = self.ask(f"{MODULE_PATH}/v1/{path}", query)
            assert answer.code == 200, answer.result
            tries.clear()
            with (
                patch_transactions(try_twice),
                patch.object(_list, "_LARGEST_PAGE_IN_MEMORY", 0),
            ):
                again = self.ask(f"{MODULE_PATH}/v1/{path}", query)
            assert again.result["body"] == answer.result["body"], query
            assert len(tries) > 1

    def test_no_cursor_is_left_open(self) -> None:
        """The cursor is closed before the transaction ends, which may ask more."""
        some = Sql("SELECT user_id FROM local_media_repository ORDER BY 1")

        def read_twice(txn: LoggingTransaction) -> None:
            for _ in range(2):
                rows = list(iterate_txn(txn, some, NO_LIMIT))
                assert rows == [(f"@user{number}:test",) for number in range(3)]

        self.in_transaction(read_twice)
