"""The OpenAPI document is valid and complete, and has the paths that are served."""

from typing import ClassVar

from openapi_support import (
    DOCUMENT,
    RESPONSES,
    all_parameters,
    answers,
    operations,
    validator,
)
from readme import answers_shown
from support import MODULE_PATH, MediaStatsTestCase
from synapse.module_api import JsonDict
from tests.unittest import override_config
from twisted.web.resource import Resource

import media_stats_module
from media_stats_module.module import DOCUMENTED_PATH

_ELSEWHERE = "/_synapse/client/elsewhere"


class DocumentTest(MediaStatsTestCase):
    module_options: ClassVar[JsonDict] = {"path": _ELSEWHERE}

    def test_served(self) -> None:
        path = f"{_ELSEWHERE}/v1/openapi.json"
        body = self.ask(path).json_body
        served = {name.replace(_ELSEWHERE, MODULE_PATH) for name in body["paths"]}
        assert served == set(DOCUMENT["paths"])
        assert DOCUMENTED_PATH in served
        assert path in body["paths"]
        assert {**body, "paths": DOCUMENT["paths"]} == DOCUMENT
        assert self.ask(path, token="").code == 401

    @override_config({"public_baseurl": "https://example.org/synapse/"})
    def test_path_of_the_server(self) -> None:
        """A client finds Synapse below the path of `public_baseurl`."""
        body = self.ask(f"{_ELSEWHERE}/v1/openapi.json").json_body
        assert body["servers"] == [{"url": "/synapse"}]

    def test_routes(self) -> None:
        """Document and module have the same paths."""
        served: dict[str, set[str]] = {}

        def walk(resource: Resource, path: str) -> None:
            for method in ("GET", "POST", "PUT", "DELETE"):
                if path and hasattr(resource, f"_async_render_{method}"):
                    served.setdefault(path, set()).add(method.lower())
            for segment, child in resource.children.items():
                walk(child, f"{path}/{segment.decode()}")

        resource = self.hs._module_web_resources[_ELSEWHERE]
        walk(resource.children[b"v1"], f"{MODULE_PATH}/v1")
        # The folder itself answers 404.
        served.pop(f"{MODULE_PATH}/v1", None)
        # The documented path, besides the module's path.
        served[DOCUMENTED_PATH] = served[f"{MODULE_PATH}/v1/users"]
        wanted: dict[str, set[str]] = {}
        for path, method, _ in operations():
            wanted.setdefault(path, set()).add(method)
        assert served == wanted


def test_valid() -> None:
    # The import takes a second.
    from openapi_spec_validator import OpenAPIV31SpecValidator

    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_examples_fit_their_schemas() -> None:
    for answer in (
        *RESPONSES.values(),
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
                answer = RESPONSES[answer["$ref"].rpartition("/")[2]]
            content = answer["content"]["application/json"]
            # The document is its own example.
            assert content.get("examples") or path.endswith("/v1/openapi.json"), status


def test_what_each_endpoint_can_answer() -> None:
    for path, _, operation in operations():
        assert operation["responses"].keys() >= {"200", "401", "403", "503"}, path


def test_what_is_required_is_described() -> None:
    def assert_described(part: object) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("required"), list):
                assert set(part["required"]) <= set(part["properties"]), part
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                assert_described(inner)

    assert_described(DOCUMENT)


def test_objects_are_closed() -> None:
    """Answers have no keys that are not described."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for part in (schema, *schema.get("oneOf", ())):
            if part.get("type") == "object":
                assert part["additionalProperties"] is False, name


def test_version() -> None:
    assert DOCUMENT["info"]["version"] == media_stats_module.__version__


def test_readme() -> None:
    """The answers in the README are those of the examples."""
    known = {
        f"{example.path}?{example.query}".rstrip("?").removeprefix(
            MODULE_PATH
        ): example.value
        for example in answers()
        if example.media_type == "application/json"
    }
    shown = answers_shown()
    assert shown
    assert {request: known.get(request) for request in shown} == shown
