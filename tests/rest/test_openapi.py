"""The OpenAPI document says what the code does: routes, parameters, every example."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch
from urllib.parse import urlencode

import attr
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from readme import answers_shown
from support import (
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
    Thumbnail,
    headers,
)
from synapse.module_api import JsonDict, SynapseRequest
from synapse.module_api.errors import SynapseError
from tests.server import FakeChannel
from tests.utils import USE_POSTGRES_FOR_TESTS
from twisted.web.resource import Resource

import media_stats_module
from media_stats_module.module import DOCUMENTED_PATH
from media_stats_module.storage.errors import QueryTimeoutError, QueueFullError
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256

DOCUMENT: JsonDict = json.loads(
    (Path(media_stats_module.__file__).parent / "openapi.json").read_text()
)
_RESPONSES = DOCUMENT["components"]["responses"]
_ERROR = DOCUMENT["components"]["schemas"]["Error"]

# In 2025: the first of July, of August and of September.
_JULY = 1_751_328_000_000
_AUGUST = 1_754_006_400_000
_SEPTEMBER = 1_756_684_800_000

_NEW_YEAR = 1_767_225_600_000

_SHA256 = "a" * 64


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


def operations() -> Iterator[tuple[str, str, JsonDict]]:
    """Path, method and description of what can be asked."""
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & {"get", "post"}:
            yield path, method, item[method]


def answers() -> Iterator[Example]:
    """The examples of what is answered when nothing is wrong."""
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
    """The paths of what has parameters, or could have."""
    return [path for path, method, _ in operations() if method == "get"]


def all_parameters() -> Iterator[tuple[str, str, JsonDict]]:
    """Path, name and description of each parameter."""
    for path in questions():
        for name, parameter in parameters(path).items():
            yield path, name, parameter


def where(path: str) -> str:
    """What is asked on a server for a path of the document."""
    (server,) = DOCUMENT["paths"][path].get("servers", DOCUMENT["servers"])
    return f"{server['url']}{path}"


def as_text(value: object) -> str:
    """A parameter's value in a query string."""
    return value if isinstance(value, str) else json.dumps(value)


def validator(schema: JsonDict) -> Draft202012Validator:
    """Validates what is described by a part of the document."""
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


class Asked(dict[bytes, list[bytes]]):
    """The parameters of a request, which remember the names of those asked for."""

    def __init__(self, parameters: dict[bytes, list[bytes]]) -> None:
        super().__init__(parameters)
        self.names: set[bytes] = set()

    def __getitem__(self, name: bytes) -> list[bytes]:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        assert isinstance(name, bytes)
        self.names.add(name)
        return super().__contains__(name)

    def get(self, name: bytes, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


class OpenApiTestCase(MediaStatsTestCase):
    """A server with the media of the examples."""

    server_name: ClassVar[str] = "example.org"
    # So that the module answers at the documented path.
    serves_admin_api: ClassVar[bool] = False

    def prepare(self, *args: Any) -> None:
        super().prepare(*args)
        # Ages count from now.
        at_new_year = patch(
            "media_stats_module.rest.reclaimable.current_time_ms", lambda _: _NEW_YEAR
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

    def request(
        self, method: str, path: str, query: str, token: str | None = None
    ) -> FakeChannel:
        return self.make_request(
            method.upper(),
            f"{where(path)}?{query}",
            access_token=self.admin_token if token is None else token or None,
        )

    def assert_answers(self, example: Example, channel: FakeChannel) -> None:
        for name, header in DOCUMENT["components"]["headers"].items():
            sent = headers(channel).getRawHeaders(name)
            assert sent == [header["schema"]["const"]], (example, name)
        if example.media_type == "text/csv":
            csv = example.value
            if not MEDIA_HAVE_SHA256:
                csv = csv.replace(_SHA256, "")
            assert channel.result["body"].decode() == csv, example
            return
        expected = example.value
        if not MEDIA_HAVE_SHA256 and "duplicates" in expected:
            expected = {**expected, "duplicates": None}
        expected_text = json.dumps(expected)
        if not MEDIA_HAVE_SHA256:
            expected_text = expected_text.replace(f'"{_SHA256}"', "null")
        # The order of the keys is documented, too.
        assert json.dumps(channel.json_body) == expected_text, example


class AnswersTest(OpenApiTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": bool(USE_POSTGRES_FOR_TESTS)}

    def build(self) -> None:
        """Have the totals built, at a time that can be stated."""
        self.run_round()
        self.execute(
            "UPDATE media_stats_state SET build_started_ts = 1767225600000, "
            "build_finished_ts = 1767225600420"
        )

    def test_answers(self) -> None:
        if USE_POSTGRES_FOR_TESTS:
            self.build()
        # The check last: it leaves its time behind.
        for example in sorted(answers(), key=lambda example: example.method):
            if not USE_POSTGRES_FOR_TESTS and example.path.startswith("/v1/rollups"):
                continue
            channel = self.request(example.method, example.path, example.query)
            assert channel.code == 200, (example, channel.result)
            self.assert_answers(example, channel)


# What fails, and how, where an example's request alone does not.
_FAILURES: dict[str, tuple[str, Exception]] = {
    "queue_full": ("storage.MediaStatsStore.get_users_page", QueueFullError()),
    "timeout": ("storage.MediaStatsStore.get_users_page", QueryTimeoutError()),
    # As Synapse's `MasDelegatedAuth` has it.
    "authentication_service": (
        "rest.auth.is_requester_admin",
        SynapseError(503, "Unable to introspect the access token"),
    ),
}


class ErrorsTest(OpenApiTestCase):
    def failing(self, case: str) -> AbstractContextManager[object]:
        if case not in _FAILURES:
            return nullcontext()
        name, error = _FAILURES[case]
        return patch(f"media_stats_module.{name}", side_effect=error)

    def test_errors(self) -> None:
        _, ordinary = self.make_user("ordinary")
        asked = 0
        tokens = {"missing": "", "unknown": "no_such_token", "forbidden": ordinary}
        for name, status in (
            ("BadRequest", 400),
            ("Unauthorized", 401),
            ("Forbidden", 403),
            ("NotInstalled", 404),
            ("Unavailable", 503),
            ("AuthenticationUnavailable", 503),
        ):
            method = "post" if name == "NotInstalled" else "get"
            for example in examples_of(_RESPONSES[name], method, ""):
                case = example.name.split()[-1]
                with self.failing(case):
                    channel = self.request(
                        method, example.path, example.query, tokens.get(case)
                    )
                assert channel.code == status, example
                self.assert_answers(example, channel)
                asked += 1
        assert asked == sum(
            len(answer["content"]["application/json"]["examples"])
            for answer in _RESPONSES.values()
        )


class ParametersTest(OpenApiTestCase):
    """Parameters of the document are those of the code, which is asked."""

    def test_names(self) -> None:
        """A request is asked for these parameters, and for no other."""
        asked: list[Asked] = []

        class Request(SynapseRequest):
            @property
            def args(self) -> Any:
                return asked[-1] if asked else None

            @args.setter
            def args(self, parameters: Any) -> None:
                if parameters is not None:
                    asked.append(Asked(parameters))

        for path in questions():
            channel = self.make_request(
                "GET", where(path), access_token=self.admin_token, request=Request
            )
            assert channel.code == 200, (path, channel.result)
            names = {name.decode() for name in asked[-1].names}
            # What Synapse itself looks for before the module is asked.
            assert names - {"access_token"} == parameters(path).keys(), path

    def test_legal_values(self) -> None:
        for path, name, parameter in all_parameters():
            schema = parameter["schema"]
            values = list(schema.get("enum", []))
            if schema["type"] == "boolean":
                values += [True, False]
            # So long a timeline would have too many parts.
            bounds = ["minimum"] if path == "/v1/timeline" else ["minimum", "maximum"]
            values += [schema[bound] for bound in bounds if bound in schema]
            if schema["type"] == "string" and "maxLength" in schema:
                start = parameter["example"]
                values += [start + "\N{SNOWMAN}" * (schema["maxLength"] - len(start))]
            values += [parameter[key] for key in ("example",) if key in parameter]
            for value in values:
                query = urlencode({name: as_text(value)})
                channel = self.request("get", path, query)
                assert channel.code == 200, (path, query, channel.result)
            if "default" in schema:
                channel = self.request(
                    "get", path, f"{name}={as_text(schema['default'])}"
                )
                nothing = self.request("get", path, "")
                assert channel.result["body"] == nothing.result["body"], (path, name)

    def test_illegal_values(self) -> None:
        for path, name, parameter in all_parameters():
            schema = parameter["schema"]
            # NUL is in no text, and no number, cursor or word either.
            values = ["\0"]
            if schema["type"] == "integer":
                values += [str(schema["minimum"] - 1), str(schema["maximum"] + 1), "x"]
            if schema["type"] == "boolean":
                values += ["True", "1", ""]
            values += [f"{value}x" for value in schema.get("enum", [])]
            if "maxLength" in schema:
                start = parameter["example"]
                values += [start + "x" * (schema["maxLength"] + 1 - len(start)), ""]
            for value in values:
                channel = self.request("get", path, urlencode({name: value}))
                assert channel.code == 400, (path, name, value, channel.result)
                body = channel.json_body
                assert body["errcode"] == "M_INVALID_PARAM", (path, name, value, body)
                assert validator(_ERROR).is_valid(body)

    def test_other_parameters_are_ignored(self) -> None:
        everywhere = {name for _, name, _ in all_parameters()}
        for path in questions():
            query = dict.fromkeys(everywhere - parameters(path).keys(), "\0")
            channel = self.request("get", path, urlencode(query))
            assert channel.code == 200, (path, channel.result)


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
        # Once more, beside the module's path.
        documented = DOCUMENTED_PATH.removeprefix("/_synapse/admin")
        assert where(documented) == DOCUMENTED_PATH
        served[documented] = served["/v1/users"]
        wanted: dict[str, set[str]] = {}
        for path, method, _ in operations():
            wanted.setdefault(path, set()).add(method)
        assert served == wanted


def test_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_examples_fit_their_schemas() -> None:
    for answer in (
        *_RESPONSES.values(),
        *(operation["responses"]["200"] for _, _, operation in operations()),
    ):
        for content in answer["content"].values():
            for example in content.get("examples", {}).values():
                validator(content["schema"]).validate(example["value"])
    for _, _, parameter in all_parameters():
        if "example" in parameter:
            validator(parameter["schema"]).validate(parameter["example"])


def test_every_answer_has_an_example() -> None:
    for path, _, operation in operations():
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                answer = _RESPONSES[answer["$ref"].rpartition("/")[2]]
            content = answer["content"]["application/json"]
            # The document has itself for an example.
            assert content.get("examples") or path == "/v1/openapi.json", status


def test_what_each_endpoint_can_answer() -> None:
    for path, _, operation in operations():
        assert operation["responses"].keys() >= {"200", "401", "403", "503"}, path


def test_objects_are_closed() -> None:
    """Nothing is answered that is not described."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for part in (schema, *schema.get("oneOf", ())):
            if part.get("type") == "object":
                assert part["additionalProperties"] is False, name


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
    assert shown
    assert {request: known.get(request) for request in shown} == shown
