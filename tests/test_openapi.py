"""The OpenAPI document says what the code does: routes, parameters, every example."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attr
from openapi_spec_validator import OpenAPIV31SpecValidator
from parameterized import parameterized  # type: ignore[import-untyped]
from readme import answers_shown
from support import (
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
    Thumbnail,
)
from synapse.module_api import JsonDict
from tests.server import FakeChannel
from twisted.web.resource import Resource

import media_stats_module
from media_stats_module.storage._synapse import MEDIA_HAVE_SHA256

DOCUMENT: JsonDict = json.loads(
    (Path(media_stats_module.__file__).parent / "openapi.json").read_text()
)
_RESPONSES = DOCUMENT["components"]["responses"]

# In 2025: the first of July, of August and of September.
_JULY = 1_751_328_000_000
_AUGUST = 1_754_006_400_000
_SEPTEMBER = 1_756_684_800_000


@attr.s(auto_attribs=True, frozen=True)
class Example:
    """An example of an answer, with the request that it answers."""

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


def answers() -> Iterator[Example]:
    """The examples of what is answered when nothing is wrong."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
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


def operations() -> list[str]:
    """The paths that can be asked."""
    return [path for path, item in DOCUMENT["paths"].items() if "get" in item]


class OpenApiTestCase(MediaStatsTestCase):
    """A server with the media of the examples."""

    server_name: ClassVar[str] = "example.org"
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def prepare(self, *args: Any) -> None:
        super().prepare(*args)
        self.insert_local_media(
            LocalMedia(
                media_id="GCmhgzMPRjqgpODLsNQzVuHZ",
                user_id="@alice:example.org",
                media_type="image/jpeg",
                media_length=2_500_000,
                created_ts=_JULY + 36_000_000,
                last_access_ts=_SEPTEMBER + 1_000,
                upload_name="beach.jpg",
                sha256="a" * 64,
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
                sha256="a" * 64,
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

    def build(self) -> None:
        """Have the totals built, at a time that can be stated."""
        self.run_round()
        self.execute(
            "UPDATE media_stats_state SET build_started_ts = 1767225600000, "
            "build_finished_ts = 1767225600420"
        )

    def request(
        self, method: str, path: str, query: str, token: str | None = None
    ) -> FakeChannel:
        return self.make_request(
            method.upper(),
            f"{MODULE_PATH}{path}?{query}",
            access_token=self.admin_token if token is None else token or None,
        )

    def assert_answers(self, example: Example, channel: FakeChannel) -> None:
        if example.media_type == "text/csv":
            assert channel.result["body"].decode() == example.value
            return
        expected = example.value
        if not MEDIA_HAVE_SHA256 and "duplicates" in expected:
            expected = {**expected, "duplicates": None}
        assert channel.json_body == expected


class ExamplesTest(OpenApiTestCase):
    @parameterized.expand(  # type: ignore[untyped-decorator]
        [(example.name, example) for example in answers()]
    )
    def test_answer(self, name: str, example: Example) -> None:
        self.build()
        channel = self.request(example.method, example.path, example.query)
        assert channel.code == 200, channel.result
        self.assert_answers(example, channel)

    def test_errors(self) -> None:
        _, ordinary = self.make_user("ordinary")
        asked = 0
        for name, status, token in (
            ("BadRequest", 400, None),
            ("Unauthorized", 401, ""),
            ("Forbidden", 403, ordinary),
            ("NotInstalled", 404, None),
        ):
            method = "post" if name == "NotInstalled" else "get"
            for example in examples_of(_RESPONSES[name], method, ""):
                channel = self.request(method, example.path, example.query, token)
                assert channel.code == status, example
                self.assert_answers(example, channel)
                asked += 1
        assert asked == sum(
            len(answer["content"]["application/json"]["examples"])
            for answer in _RESPONSES.values()
        )


class ParametersTest(OpenApiTestCase):
    """Parameters of the document are those of the code, which is asked."""

    @parameterized.expand(operations())  # type: ignore[untyped-decorator]
    def test_legal_values(self, path: str) -> None:
        for name, parameter in parameters(path).items():
            schema = parameter["schema"]
            values = list(schema.get("enum", []))
            values += [parameter[key] for key in ("example",) if key in parameter]
            # So long a timeline would have too many parts.
            bounds = ("default",) if path == "/v1/timeline" else ("default", "maximum")
            values += [schema[key] for key in bounds if key in schema]
            for value in values:
                text = value if isinstance(value, str) else json.dumps(value)
                channel = self.request("get", path, f"{name}={text}")
                assert channel.code == 200, (name, text, channel.result)
            if "default" in schema:
                given = json.dumps(schema["default"]).strip('"')
                answer = self.request("get", path, f"{name}={given}")
                assert (
                    answer.result["body"]
                    == self.request("get", path, "").result["body"]
                ), name

    @parameterized.expand(operations())  # type: ignore[untyped-decorator]
    def test_illegal_values(self, path: str) -> None:
        """They are refused for the parameters that there are, and for no other."""
        everywhere = {name for other in operations() for name in parameters(other)}
        documented = parameters(path)
        for name in everywhere:
            # NUL is in no text, and no number, cursor or word either.
            channel = self.request("get", path, f"{name}=%00")
            wanted = 400 if name in documented else 200
            assert channel.code == wanted, (name, channel.result)


class DocumentTest(MediaStatsTestCase):
    module_options: ClassVar[JsonDict] = {"path": "/_synapse/client/elsewhere"}

    def test_served(self) -> None:
        path = "/_synapse/client/elsewhere/v1/openapi.json"
        assert self.ask(path).json_body == {
            **DOCUMENT,
            "servers": [{"url": "/_synapse/client/elsewhere"}],
        }
        assert self.ask(path, token="").code == 401

    def test_routes(self) -> None:
        """What the document has and what the module serves are the same."""
        served: dict[str, set[str]] = {}

        def walk(resource: Resource, path: str) -> None:
            for method in ("GET", "POST", "PUT", "DELETE"):
                if path and hasattr(resource, f"_async_render_{method}"):
                    served.setdefault(path, set()).add(method.lower())
            for segment, child in resource.children.items():
                walk(child, f"{path}/{segment.decode()}")

        resource = self.hs._module_web_resources["/_synapse/client/elsewhere"]
        walk(resource.children[b"v1"], "/v1")
        # The folder itself answers 404.
        served.pop("/v1", None)
        assert served == {path: set(item) for path, item in DOCUMENT["paths"].items()}


def test_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_version() -> None:
    assert DOCUMENT["info"]["version"] == media_stats_module.__version__


def test_every_example_is_asked() -> None:
    """No example is where the tests above do not look."""
    found = json.dumps(DOCUMENT).count('"x-query"')
    errors = sum(
        len(answer["content"]["application/json"]["examples"])
        for answer in _RESPONSES.values()
    )
    assert found == len(list(answers())) + errors


def test_readme() -> None:
    """The answers in the README are those of the examples."""
    known = {
        (f"{example.path}?{example.query}".rstrip("?")): example.value
        for example in answers()
        if example.media_type == "application/json"
    }
    shown = answers_shown()
    assert len(shown) >= 6
    assert {request: known.get(request) for request in shown} == shown
