"""Answers when storage fails, or returns a value that JSON does not have."""

import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

from parameterized import parameterized  # type: ignore[import-untyped]
from support import MODULE_PATH, MediaStatsTestCase, headers
from synapse.module_api import ModuleApi, make_deferred_yieldable
from tests.server import FakeChannel
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone

from media_stats_module.rest import _base, _response
from media_stats_module.rest.rollups import RollupsCheckResource
from media_stats_module.storage import MediaStatsStore, Page
from media_stats_module.storage.errors import (
    DatabaseFailedError,
    QueryTimeoutError,
    QueueFullError,
)

# The question of each endpoint, and the method for its export.
_QUESTIONS = [
    ("users", "get_users_page"),
    ("servers", "get_servers_page"),
    ("summary", "get_summary"),
    ("timeline", "get_days"),
    ("types", "get_types_page"),
    ("files", "get_files_page"),
    ("users?format=csv", "export_users"),
    ("files?format=csv", "export_files"),
]


def _raises(error: Exception) -> Callable[..., Awaitable[Any]]:
    async def ask(*args: object) -> Any:
        raise error

    return ask


class FailuresTestCase(MediaStatsTestCase):
    shares_homeserver: ClassVar[bool] = True

    def failing(self, path: str, method: str, error: Exception) -> FakeChannel:
        """Ask while storage raises an error."""
        with patch.object(MediaStatsStore, method, _raises(error)):
            channel = self.ask(f"{MODULE_PATH}/v1/{path}")
        sent = headers(channel)
        assert sent.getRawHeaders("Access-Control-Allow-Origin") == ["*"]
        assert sent.getRawHeaders("Content-Type") == ["application/json"]
        return channel

    @parameterized.expand(_QUESTIONS)  # type: ignore[untyped-decorator]
    def test_queue_is_full(self, path: str, method: str) -> None:
        channel = self.failing(path, method, QueueFullError())
        assert (channel.code, channel.json_body) == (
            503,
            {
                "errcode": "M_UNKNOWN",
                "error": "Too many questions about media are waiting for the "
                "database. Try again in 10 seconds.",
            },
        )
        assert headers(channel).getRawHeaders("Retry-After") == ["10"]

    def test_no_room_for_temporary_files(self) -> None:
        """Answers that fit into memory need no file."""
        path = f"{MODULE_PATH}/v1/users?format=csv"
        with patch.object(tempfile, "tempdir", "/nowhere/at/all"):
            assert self.ask(path).code == 200
            with patch.object(_response, "_MEMORY", 10):
                channel = self.ask(path)
        assert channel.code == 503
        assert channel.json_body["errcode"] == "M_UNKNOWN"
        assert "TMPDIR" in channel.json_body["error"]
        assert "No such file or directory" in channel.json_body["error"]
        assert headers(channel).getRawHeaders("Retry-After") == ["10"]

    @parameterized.expand(_QUESTIONS)  # type: ignore[untyped-decorator]
    def test_query_takes_too_long(self, path: str, method: str) -> None:
        channel = self.failing(path, method, QueryTimeoutError())
        assert channel.code == 503
        assert channel.json_body["errcode"] == "M_UNKNOWN"
        for advice in ("query_timeout", "from_ts and until_ts", "rollups"):
            assert advice in channel.json_body["error"]
        # The same question would take as long again.
        assert headers(channel).getRawHeaders("Retry-After") is None

    @parameterized.expand(  # type: ignore[untyped-decorator]
        [
            (QueueFullError(),),
            (QueryTimeoutError(),),
            (DatabaseFailedError("the database is read-only", is_lock=False),),
        ]
    )
    def test_check_of_rollups(self, error: Exception) -> None:
        with patch.object(RollupsCheckResource, "_check", _raises(error)):
            channel = self.make_request(
                "POST",
                f"{MODULE_PATH}/v1/rollups/check",
                access_token=self.admin_token,
            )
        assert channel.code == 503
        assert channel.json_body["errcode"] == "M_UNKNOWN"

    @parameterized.expand([(0,), (1_000,)])  # type: ignore[untyped-decorator]
    def test_json_cannot_hold_the_answer(self, rows_on_reactor: int) -> None:
        """Encoded on the reactor or in another thread."""
        for value in (Decimal(1), b"1", float("nan"), object()):

            async def ask(*args: object, value: Any = value) -> Page[Any, int]:
                user: Any = SimpleNamespace(
                    owner="@a:test", displayname=None, media_count=1, media_length=value
                )
                return Page([user], 1)

            with (
                patch.object(MediaStatsStore, "get_users_page", ask),
                patch.object(_base, "_ROWS_ON_REACTOR", rows_on_reactor),
                self.assertLogs("synapse.http.server", "ERROR") as logs,
            ):
                channel = self.ask(f"{MODULE_PATH}/v1/users")
            assert (channel.code, channel.json_body) == (
                500,
                {"errcode": "M_UNKNOWN", "error": "Internal server error"},
            )
            assert headers(channel).getRawHeaders("Access-Control-Allow-Origin") == [
                "*"
            ]
            assert "JSON" in "".join(logs.output)


class DisconnectTestCase(MediaStatsTestCase):
    shares_homeserver: ClassVar[bool] = True

    def begin_to_ask(self, path: str) -> FakeChannel:
        """Ask the module, and do not wait for the answer."""
        channel = self.make_request(
            "GET",
            f"{MODULE_PATH}/v1/{path}",
            access_token=self.admin_token,
            await_result=False,
        )
        self.pump()
        return channel

    def hang_up(self, channel: FakeChannel) -> None:
        """Close the client's connection."""
        channel.request.connectionLost(  # type: ignore[no-untyped-call]
            reason=ConnectionDone()
        )
        self.pump()

    @parameterized.expand(_QUESTIONS)  # type: ignore[untyped-decorator]
    def test_question_is_cancelled(self, path: str, method: str) -> None:
        """When the client hangs up, its question is cancelled."""
        cancelled: list[str] = []
        continued: list[str] = []

        async def ask(*args: object) -> Any:
            answer: Deferred[None] = Deferred()
            try:
                await make_deferred_yieldable(answer)
            except CancelledError:
                cancelled.append(path)
                raise
            continued.append(path)

        with patch.object(MediaStatsStore, method, ask):
            channel = self.begin_to_ask(path)
            assert not cancelled
            self.hang_up(channel)
        assert (cancelled, continued) == ([path], [])

    def test_the_file_is_open_as_long_as_a_thread_writes(self) -> None:
        events: list[str] = []
        thread: Deferred[None] = Deferred()

        async def write(api: ModuleApi, *args: object) -> None:
            events.append("begun")
            await make_deferred_yieldable(thread)
            events.append("written")

        def close(*args: object) -> None:
            events.append("closed")

        with (
            patch.object(_base, "_ROWS_ON_REACTOR", -1),
            patch.object(ModuleApi, "defer_to_thread", write),
            patch.object(_response.ResponseFile, "__exit__", close),
        ):
            channel = self.begin_to_ask("timeline")
            self.hang_up(channel)
            assert events == ["begun"]
            thread.callback(None)
            self.pump()
        assert events == ["begun", "written", "closed"]
