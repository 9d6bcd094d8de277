"""The parts of the OpenAPI document, and a server with the media of its examples."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import attr
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from support import LocalMedia, MediaStatsTestCase, RemoteMedia, Thumbnail, headers
from synapse.module_api import JsonDict
from tests.server import FakeChannel

import media_stats_module
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256

DOCUMENT: JsonDict = json.loads(
    (Path(media_stats_module.__file__).parent / "openapi.json").read_text()
)
RESPONSES = DOCUMENT["components"]["responses"]
ERROR = DOCUMENT["components"]["schemas"]["Error"]

# In 2025: the first of July, of August and of September.
_JULY = 1_751_328_000_000
_AUGUST = 1_754_006_400_000
_SEPTEMBER = 1_756_684_800_000

_NEW_YEAR = 1_767_225_600_000

_SHA256 = "a" * 64


@attr.s(auto_attribs=True, frozen=True)
class Example:
    """An example of an answer, with its request."""

    name: str
    method: str
    path: str
    query: str
    media_type: str
    value: Any


def examples_of(answer: JsonDict, method: str, path: str) -> Iterator[Example]:
    """The examples of an answer in the document."""
    for media_type, content in answer["content"].items():
        for name, example in content.get("examples", {}).items():
            where = example.get("x-path", path)
            yield Example(
                f"{where} {name}",
                method,
                where,
                example["x-query"],
                media_type,
                example["value"],
            )


def operations() -> Iterator[tuple[str, str, JsonDict]]:
    """The operations: path, method and description."""
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & {"get", "post"}:
            yield path, method, item[method]


def answers() -> Iterator[Example]:
    """The examples of successful answers."""
    for path, method, operation in operations():
        yield from examples_of(operation["responses"]["200"], method, path)


def parameters(path: str) -> dict[str, JsonDict]:
    """The parameters of a `GET`, by name."""
    found = {}
    for parameter in DOCUMENT["paths"][path]["get"].get("parameters", []):
        if "$ref" in parameter:
            name = parameter["$ref"].rpartition("/")[2]
            parameter = DOCUMENT["components"]["parameters"][name]
        found[parameter["name"]] = parameter
    return found


def questions() -> list[str]:
    """The paths that have parameters."""
    return [path for path, method, _ in operations() if method == "get"]


def all_parameters() -> Iterator[tuple[str, str, JsonDict]]:
    """Path, name and description of each parameter."""
    for path in questions():
        for name, parameter in parameters(path).items():
            yield path, name, parameter


def as_text(value: object) -> str:
    """A parameter's value in a query string."""
    return value if isinstance(value, str) else json.dumps(value)


def validator(schema: JsonDict) -> Draft202012Validator:
    """Make a validator for a part of the document."""
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


class OpenApiTestCase(MediaStatsTestCase):
    """A server with the media of the examples."""

    server_name: ClassVar[str] = "example.org"
    # Then the module answers at the documented path.
    serves_admin_api: ClassVar[bool] = False

    def prepare(self, *args: Any) -> None:
        super().prepare(*args)
        # Ages count from now.
        at_new_year = patch(
            "media_stats_module.rest.api.current_time_ms", lambda _: _NEW_YEAR
        )
        at_new_year.start()
        self.addCleanup(at_new_year.stop)
        self.insert_local_media(
            LocalMedia(
                media_id="GCmhgzMPRjqgpODLsNQzVuHZ",
                user_id="@alice:example.org",
                media_type="image/jpeg",
                media_length=2_500_000,
                created_ts=_JULY + 36_000_000,
                last_access_ts=_SEPTEMBER + 1_000,
                upload_name="beach.jpg",
                sha256=_SHA256,
            ),
            LocalMedia(
                media_id="KdjRqOyIfwRSdhTvmqFwXvLA",
                user_id="@alice:example.org",
                media_type="image/png",
                media_length=40_000,
                created_ts=_SEPTEMBER + 90_000_000,
                url_cache="https://example.com/",
            ),
            LocalMedia(
                media_id="PqtEwbFmWAYkzUXvJcOBnRsL",
                user_id="@bob:example.org",
                media_type="video/mp4",
                media_length=70_000_000,
                created_ts=_AUGUST + 5_000,
                upload_name="talk.mp4",
                quarantined_by="@admin:example.org",
            ),
            LocalMedia(
                media_id="TnVyKxGdSlRzHcAeMwPjQoBu",
                user_id="@carol:example.org",
                media_type="image/jpeg",
                media_length=2_500_000,
                created_ts=_AUGUST + 7_200_000,
                sha256=_SHA256,
            ),
            LocalMedia(
                media_id="WbXcLkNfJmGtRzVaYpQsDeHo",
                user_id="@carol:example.org",
                media_length=None,
                created_ts=_SEPTEMBER,
            ),
        )
        self.insert_remote_media(
            RemoteMedia(
                media_origin="matrix.example.com",
                media_id="AbcdefGhijklmnop",
                media_type="image/webp",
                media_length=300_000,
                created_ts=_AUGUST,
                last_access_ts=_AUGUST + 60_000,
            ),
            RemoteMedia(
                media_origin="matrix.example.com",
                media_id="BcdefghIjklmnopq",
                media_type="audio/ogg",
                media_length=900_000,
                created_ts=_SEPTEMBER + 1,
                last_access_ts=_SEPTEMBER + 1,
            ),
            RemoteMedia(
                media_origin="chat.example.net:8448",
                media_id="CdefghiJklmnopqr",
                media_type="image/jpeg",
                media_length=600_000,
                created_ts=_AUGUST + 1,
                last_access_ts=_AUGUST + 1,
            ),
        )
        self.insert_thumbnails(
            Thumbnail(
                media_id="GCmhgzMPRjqgpODLsNQzVuHZ",
                thumbnail_width=320,
                thumbnail_length=20_000,
            ),
            Thumbnail(
                media_origin="matrix.example.com",
                media_id="AbcdefGhijklmnop",
                thumbnail_width=320,
                thumbnail_length=10_000,
            ),
        )
        self.insert_profiles({"@alice:example.org": "Alice", "@bob:example.org": "Bob"})
        # Bob has no account.
        self._insert(
            "users",
            [
                {"name": "@alice:example.org", "appservice_id": None, "deactivated": 0},
                {
                    "name": "@carol:example.org",
                    "appservice_id": "discord",
                    "deactivated": 1,
                },
            ],
        )

    def request(
        self, method: str, path: str, query: str, token: str | None = None
    ) -> FakeChannel:
        return self.make_request(
            method.upper(),
            f"{path}?{query}",
            access_token=self.admin_token if token is None else token or None,
        )

    def assert_answers(self, example: Example, channel: FakeChannel) -> None:
        for name, header in DOCUMENT["components"]["headers"].items():
            sent = headers(channel).getRawHeaders(name)
            assert sent == [header["schema"]["const"]], (example, name)
        if example.media_type == "text/csv":
            csv = example.value
            if not MEDIA_HAVE_SHA256 and example.path.endswith("/v1/duplicates"):
                csv = csv.splitlines(keepends=True)[0]
            elif not MEDIA_HAVE_SHA256:
                csv = csv.replace(_SHA256, "")
            assert channel.result["body"].decode() == csv, example
            return
        expected = example.value
        if not MEDIA_HAVE_SHA256 and "duplicates" in expected:
            expected = (
                {"duplicates": [], "total": None}
                if example.path.endswith("/v1/duplicates")
                else {**expected, "duplicates": None}
            )
        expected_text = json.dumps(expected)
        if not MEDIA_HAVE_SHA256:
            expected_text = expected_text.replace(f'"{_SHA256}"', "null")
        # The order of the keys is documented, too.
        assert json.dumps(channel.json_body) == expected_text, example
