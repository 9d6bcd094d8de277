"""Answers with so many rows that they are encoded in another thread."""

from typing import Any
from unittest.mock import patch

from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import ModuleApi

from media_stats_module.rest import _base, _json

# By the key that the list has in the answer.
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
            created_ts = number * 86_400_000
            self.insert_local_media(
                LocalMedia(
                    user_id=f"@user{number}:test",
                    media_type=f"image/{number}",
                    media_length=1,
                    created_ts=created_ts,
                )
            )
            self.insert_remote_media(
                RemoteMedia(
                    media_origin=f"{number}.example",
                    media_length=1,
                    created_ts=created_ts,
                )
            )

    def test_they_are_the_same(self) -> None:
        defer_to_thread = ModuleApi.defer_to_thread
        deferred: list[str] = []

        async def defer(api: ModuleApi, function: Any, *args: Any) -> Any:
            deferred.append(function.__name__)
            return await defer_to_thread(api, function, *args)

        for path, key in _LISTS.items():
            window = {"until_ts": 3 * 86_400_000 - 1, "from_ts": 0}
            answer = self.ask(f"{MODULE_PATH}/v1/{path}", window)
            assert answer.code == 200, answer.result
            assert len(answer.json_body[key]) == 3, path
            with (
                patch.object(_base, "_ROWS_ON_REACTOR", 2),
                patch.object(_json, "_ROWS_PER_PIECE", 2),
                patch.object(ModuleApi, "defer_to_thread", defer),
            ):
                large = self.ask(f"{MODULE_PATH}/v1/{path}", window)
            assert large.result["body"] == answer.result["body"], path
            assert deferred.pop() == "write"
