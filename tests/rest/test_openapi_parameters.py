"""The parameters in the OpenAPI document are those of the code: names and values."""

from typing import Any
from urllib.parse import urlencode

from openapi_support import (
    ERROR,
    OpenApiTestCase,
    all_parameters,
    as_text,
    parameters,
    questions,
    validator,
)
from support import MODULE_PATH
from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.module import DOCUMENTED_PATH

# Synapse's own endpoint, and its additional parameters here.
_DOCUMENTED = (f"{MODULE_PATH}/v1/users", DOCUMENTED_PATH)
_ADDITIONAL = ("appservice", "has_account", "deactivated", "erased", "format")


class Asked(dict[bytes, list[bytes]]):
    """The parameters of a request; remembers which names are read."""

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


class ParametersTest(OpenApiTestCase):
    """Compares the document's parameters with those that the code accepts."""

    def test_names(self) -> None:
        """A request reads these parameters, and no others."""
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
                "GET", path, access_token=self.admin_token, request=Request
            )
            assert channel.code == 200, (path, channel.result)
            names = {name.decode() for name in asked[-1].names}
            # Synapse itself reads these before the module.
            assert names - {"access_token"} == parameters(path).keys(), path

    def test_legal_values(self) -> None:
        for path, name, parameter in all_parameters():
            schema = parameter["schema"]
            values = list(schema.get("enum", []))
            if schema["type"] == "boolean":
                values += [True, False]
            # So long a timeline would have too many parts.
            bounds = (
                ["minimum"] if path.endswith("/v1/timeline") else ["minimum", "maximum"]
            )
            values += [schema[bound] for bound in bounds if bound in schema]
            if schema["type"] == "string" and "maxLength" in schema:
                start = parameter["example"]
                values += [start + "\N{SNOWMAN}" * (schema["maxLength"] - len(start))]
            values += [parameter[key] for key in ("example",) if key in parameter]
            others: JsonDict = {}
            if path.endswith("/v1/files") and name in ("size_gt", "keep_profiles"):
                others["reclaimable_before_ts"] = 10**12
            for value in values:
                query = urlencode({**others, name: as_text(value)})
                channel = self.request("get", path, query)
                assert channel.code == 200, (path, query, channel.result)
            if "default" in schema:
                query = urlencode({**others, name: as_text(schema["default"])})
                channel = self.request("get", path, query)
                nothing = self.request("get", path, urlencode(others))
                assert channel.result["body"] == nothing.result["body"], (path, name)

    def test_defaults_go_with_everything(self) -> None:
        """Clients made from the document send the defaults with every request."""
        for path in questions():
            found = parameters(path)
            defaults = {
                name: as_text(parameter["schema"]["default"])
                for name, parameter in found.items()
                if "default" in parameter["schema"]
            }
            nothing = self.request("get", path, "")
            channel = self.request("get", path, urlencode(defaults))
            assert channel.result["body"] == nothing.result["body"], path
            for name, parameter in found.items():
                if "example" not in parameter:
                    continue
                query = {**defaults, name: as_text(parameter["example"])}
                if path.endswith("/v1/files") and name in ("size_gt", "keep_profiles"):
                    query["reclaimable_before_ts"] = str(10**12)
                channel = self.request("get", path, urlencode(query))
                assert channel.code == 200, (path, query, channel.result)

    def test_illegal_values(self) -> None:
        for path, name, parameter in all_parameters():
            schema = parameter["schema"]
            # No text has a NUL, and no number, cursor or word has one.
            values = ["\0"]
            if schema["type"] == "integer":
                values += [str(schema["minimum"] - 1), str(schema["maximum"] + 1), "x"]
            if schema["type"] == "boolean":
                values += ["True", "1", ""]
            values += [f"{value}x" for value in schema.get("enum", [])]
            if "maxLength" in schema:
                start = parameter["example"]
                values += [start + "x" * (schema["maxLength"] + 1 - len(start))]
            if "minLength" in schema:
                values += [""]
            for value in values:
                channel = self.request("get", path, urlencode({name: value}))
                if path in _DOCUMENTED and name in _ADDITIONAL:
                    # Ignored there, as unknown parameters are.
                    nothing = self.request("get", path, "")
                    assert channel.result["body"] == nothing.result["body"], value
                    continue
                assert channel.code == 400, (path, name, value, channel.result)
                body = channel.json_body
                assert body["errcode"] == "M_INVALID_PARAM", (path, name, value, body)
                assert validator(ERROR).is_valid(body)

    def test_other_parameters_are_ignored(self) -> None:
        everywhere = {name for _, name, _ in all_parameters()}
        everywhere |= {"orderby", "Limit", "from-ts", "é"}
        for path in questions():
            query = dict.fromkeys(everywhere - parameters(path).keys(), "\0")
            channel = self.request("get", path, urlencode(query))
            assert channel.code == 200, (path, channel.result)
            nothing = self.request("get", path, "")
            assert channel.result["body"] == nothing.result["body"], path
