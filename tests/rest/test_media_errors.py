"""Errors of summary, timeline, types and files: which requests, and which words."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from parameterized import parameterized  # type: ignore[import-untyped]
from support import MODULE_PATH, MediaStatsTestCase
from synapse.module_api import JsonDict

# Refused before the database is asked.
pytestmark = pytest.mark.any_database

_INTEGERS = [
    ("reclaimable", "size_gt"),
    ("timeline", "from_ts"),
    ("timeline", "until_ts"),
    ("types", "from"),
    ("types", "limit"),
    ("types", "from_ts"),
    ("types", "until_ts"),
    ("files", "limit"),
    ("files", "from_ts"),
    ("files", "until_ts"),
    ("files", "min_length"),
    ("files", "size_gt"),
]

_BOOLEANS = [
    ("summary", "duplicates"),
    ("summary", "limits"),
    ("types", "group"),
    ("files", "quarantined"),
    ("files", "keep_profiles"),
    ("reclaimable", "keep_profiles"),
    ("files", "deactivated"),
    ("files", "url_preview"),
    ("files", "without_owner"),
]

_CHOICES = [
    ("summary", "format", ["json"]),
    ("reclaimable", "source", ["local", "remote"]),
    ("reclaimable", "format", ["json"]),
    ("timeline", "source", ["local", "remote"]),
    ("timeline", "interval", ["day", "week", "month"]),
    ("timeline", "format", ["json", "csv"]),
    ("types", "source", ["local", "remote"]),
    ("types", "order_by", ["media_type", "media_length", "media_count"]),
    ("types", "format", ["json", "csv"]),
    ("files", "source", ["local", "remote"]),
    (
        "files",
        "order_by",
        ["media_id", "media_length", "created_ts", "last_access_ts"],
    ),
    ("files", "format", ["json", "csv"]),
    (
        "files",
        "group",
        ["application", "audio", "image", "text", "video", "other"],
    ),
]

_TEXTS = [
    *((endpoint, "user") for endpoint in ("summary", "timeline", "types", "files")),
    *(
        (endpoint, "server_name")
        for endpoint in ("summary", "timeline", "types", "files")
    ),
    ("files", "media_type"),
]

_DO_NOT_GO_TOGETHER = "user is for local media and server_name for remote media."

_WINDOW = "Query parameter until_ts must be greater than from_ts."

_TOO_MANY_PARTS = (
    "The timeline would have more than 10000 parts. Ask for less with from_ts and "
    "until_ts, or for longer parts with interval."
)

_MEDIA_TYPE = (
    "Query parameter media_type must be a media type, such as image/png, or image/* "
    "for all types that begin with image/."
)

_OF_USERS = (
    "Query parameter deactivated is about users of this server, and goes with "
    "source=local only."
)

_TOKEN = (
    "Query parameter from must be the next_token of a page of this list, in the same "
    "order."
)

_DAY_MS = 86_400_000

_BEFORE: JsonDict = {"reclaimable_before_ts": 1_000_000_000_000}

# Parameters that work only together with others.
_OF_DELETIONS = (("size_gt", 104_857_600), ("size_gt", 0), ("keep_profiles", "true"))

_REFUSED: list[tuple[str, JsonDict, str]] = [
    *(
        (
            endpoint,
            {"user": "@a:test", "server_name": "b.org"},
            f"Query parameters user and server_name do not go together: "
            f"{_DO_NOT_GO_TOGETHER}",
        )
        for endpoint in ("summary", "timeline", "types", "files")
    ),
    *(
        (
            endpoint,
            {"source": source, name: owner},
            f"Query parameter source={source} does not go with {owner}: "
            f"{_DO_NOT_GO_TOGETHER}",
        )
        for endpoint in ("timeline", "types", "files")
        for source, name, owner in (
            ("local", "server_name", "b.org"),
            ("remote", "user", "@a:test"),
        )
    ),
    *(
        (
            "summary",
            {"user": user_id},
            "Query parameter user must be a complete user ID, such as "
            "@user:example.org.",
        )
        for user_id in ("alice", "@alice", "alice:test")
    ),
    *(
        (endpoint, window, _WINDOW)
        for endpoint in ("timeline", "types", "files")
        for window in (
            {"from_ts": 5, "until_ts": 5},
            {"from_ts": 5, "until_ts": 4},
            {"until_ts": 0},
        )
    ),
    ("timeline", {"from_ts": 1, "until_ts": 10_000 * _DAY_MS}, _TOO_MANY_PARTS),
    ("timeline", {"from_ts": 2**63 - 1, "interval": "month"}, _TOO_MANY_PARTS),
    *(
        ("files", {"media_type": media_type}, _MEDIA_TYPE)
        for media_type in ("*", "*/*", "*/png", "image*", "image/*/x", ";", " ", "/*")
    ),
    ("files", {"source": "remote", "deactivated": "true"}, _OF_USERS),
    ("files", {"server_name": "a.org", "deactivated": "false"}, _OF_USERS),
    *(
        (
            "files",
            {**remote, name: "false"},
            f"Query parameter {name} is about local files, and goes with source=local "
            "only.",
        )
        for name in ("url_preview", "without_owner")
        for remote in ({"source": "remote"}, {"server_name": "a.org"})
    ),
    *(
        (
            "files",
            {name: value},
            f"Query parameter {name} goes with reclaimable_before_ts only.",
        )
        for name, value in _OF_DELETIONS
    ),
    *(
        (
            "files",
            {"sha256": "a" * 64, **_BEFORE, name: value},
            f"Query parameter "
            f"{name} is about local files, and goes with source=local only.",
        )
        for name, value in _OF_DELETIONS
    ),
    *(
        (
            endpoint,
            {**query, **remote, name: value},
            f"Query parameter {name} goes with source=local only: what Synapse deletes "
            "of remote media depends on the time alone.",
        )
        for endpoint, query in (("files", _BEFORE), ("reclaimable", {}))
        for remote in ({"source": "remote"}, {"server_name": "a.org"})
        for name, value in _OF_DELETIONS
    ),
    ("files", {"from": 100}, _TOKEN),
    ("files", {"from": ""}, _TOKEN),
]


class ErrorsTestCase(MediaStatsTestCase):
    """Each error is a 400 that names the parameter and its legal values."""

    shares_homeserver: ClassVar[bool] = True

    def assert_refused(self, endpoint: str, query: Mapping[str, object]) -> str:
        """Check that the request gets 400; return the text."""
        channel = self.ask(f"{MODULE_PATH}/v1/{endpoint}", query)
        assert (channel.code, channel.json_body["errcode"]) == (
            400,
            "M_INVALID_PARAM",
        ), (query, channel.json_body)
        error: str = channel.json_body["error"]
        return error

    def test_whole_answer(self) -> None:
        channel = self.ask(f"{MODULE_PATH}/v1/files", {"media_type": "*"})
        assert (channel.code, channel.json_body) == (
            400,
            {"errcode": "M_INVALID_PARAM", "error": _MEDIA_TYPE},
        )

    def test_texts(self) -> None:
        for endpoint, query, error in _REFUSED:
            assert self.assert_refused(endpoint, query) == error, query

    @parameterized.expand(_INTEGERS)  # type: ignore[untyped-decorator]
    def test_integer(self, endpoint: str, name: str) -> None:
        range_error = (
            f"Query parameter {name} must be an integer from 0 to 9223372036854775807."
        )
        for text in ("x", "", "1.5", "1e3"):
            error = self.assert_refused(endpoint, {name: text})
            # Older versions of Synapse put the name in quotation marks.
            assert error.replace("'", "") == (
                f"Query parameter {name} must be an integer"
            )
        for value in (-1, -(2**64)):
            # In the words of the built-in endpoint, which depend on its version.
            assert self.assert_refused(endpoint, {name: value}) in (
                f"Query parameter {name} must be a string representing a positive "
                "integer.",
                f"Query parameter {name} must be a positive integer.",
            )
        for value in (2**63, 2**64):
            assert self.assert_refused(endpoint, {name: value}) == range_error
        if (endpoint, name) != ("timeline", "from_ts"):
            largest = {name: 2**63 - 1}
            if (endpoint, name) == ("files", "size_gt"):
                largest |= _BEFORE
            assert self.ask(f"{MODULE_PATH}/v1/{endpoint}", largest).code == 200

    def test_times_of_1970(self) -> None:
        """Synapse takes smaller numbers for seconds."""
        for endpoint, name in (
            ("reclaimable", "before_ts"),
            ("files", "reclaimable_before_ts"),
        ):
            error = self.assert_refused(endpoint, {name: 29_999_999_999})
            assert "from the year 1970" in error
            path = f"{MODULE_PATH}/v1/{endpoint}"
            assert self.ask(path, {name: 30_000_000_000}).code == 200

    @parameterized.expand(_BOOLEANS)  # type: ignore[untyped-decorator]
    def test_boolean(self, endpoint: str, name: str) -> None:
        for value in ("", "yes", "1", "True"):
            assert self.assert_refused(endpoint, {name: value}) == (
                f"Boolean query parameter '{name}' must be one of ['true', 'false']"
            )

    @parameterized.expand(_CHOICES)  # type: ignore[untyped-decorator]
    def test_choice(self, endpoint: str, name: str, legal: list[str]) -> None:
        for value in ("", "x", legal[0].upper()):
            assert self.assert_refused(endpoint, {name: value}) == (
                f"Query parameter '{name}' must be one of {legal}"
            )

    @parameterized.expand([("types",), ("files",)])  # type: ignore[untyped-decorator]
    def test_direction(self, endpoint: str) -> None:
        """The error is that of the built-in endpoint, which depends on its version."""
        for value in ("", "x", "F"):
            builtin = self.ask_builtin({"dir": value}).json_body["error"]
            assert self.assert_refused(endpoint, {"dir": value}) == builtin

    @parameterized.expand(_TEXTS)  # type: ignore[untyped-decorator]
    def test_text(self, endpoint: str, name: str) -> None:
        for value, error in (
            ("", "cannot be an empty string."),
            ("@a\0:test", "cannot contain a NUL character."),
            (f"@{'a' * 507}:test", "cannot be longer than 512 characters."),
        ):
            assert self.assert_refused(endpoint, {name: value}) == (
                f"Query parameter {name} {error}"
            )
        channel = self.ask(f"{MODULE_PATH}/v1/{endpoint}?{name}=%FF")
        assert (channel.code, channel.json_body) == (
            400,
            {
                "errcode": "M_UNKNOWN",
                "error": f"Query parameter '{name}' must be utf-8",
            },
        )
        longest = {name: f"@{'a' * 506}:test"}
        assert self.ask(f"{MODULE_PATH}/v1/{endpoint}", longest).code == 200
