"""Writes the reference in docs/api.md from openapi.json.

Run it with `python docs/api_reference.py`. A test compares the two files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).parent
_OPENAPI = _DOCS.parent / "media_stats_module" / "openapi.json"
_PAGE = _DOCS / "api.md"

_BEGIN = "<!-- Written by docs/api_reference.py from openapi.json; change that. -->\n"
_END = "<!-- End of what docs/api_reference.py writes. -->\n"

# The default of the option `path`.
_PREFIX = "/_synapse/client/media_stats"

_METHODS = ("get", "post")

# Count and bytes, the most frequent object, in one row.
_USAGE = "Usage"
_SMALL_OBJECT = re.compile(r"\{(\s+\"media_[a-z]+\": [0-9]+,?){1,2}\s+\}")


def main() -> None:
    _PAGE.write_text(with_reference(_PAGE.read_text()))


def with_reference(page: str) -> str:
    """The page with the reference from the current openapi.json."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document = json.loads(_OPENAPI.read_text())
    return f"{before}{_BEGIN}\n{Reference(document).to_markdown()}\n{_END}{after}"


class Reference:
    """The endpoints of an OpenAPI document, as Markdown."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def to_markdown(self) -> str:
        """All endpoints, in the document's order."""
        return "\n".join(
            self._operation(method.upper(), path.removeprefix(_PREFIX), operation)
            if path.startswith(_PREFIX)
            else self._elsewhere(method.upper(), path, operation)
            for path, item in self._document["paths"].items()
            for method, operation in item.items()
            if method in _METHODS
        )

    def _elsewhere(self, method: str, path: str, operation: Mapping[str, Any]) -> str:
        """An endpoint that is the same as one above, at a fixed path."""
        heading = f"### `{method} {path}`"
        return "\n".join([heading, "", operation["description"], ""])

    def _operation(self, method: str, path: str, operation: Mapping[str, Any]) -> str:
        lines = [f"### `{method} {path}`", "", f"{operation['summary']}.", ""]
        if "description" in operation:
            lines += [operation["description"], ""]
        lines += self._parameters(operation.get("parameters", ()))
        content = operation["responses"]["200"].get("content", {})
        if "application/json" in content:
            lines += self._answer(method, path, content["application/json"])
        others = [
            self._status(status, response)
            for status, response in operation["responses"].items()
            # The page has the others in a table.
            if status not in ("200", "400", "401", "403", "503")
        ]
        return "\n".join([*lines, *(line for other in others for line in other)])

    def _parameters(self, parameters: Any) -> Iterator[str]:
        if not parameters:
            return
        yield "| parameter | meaning | values | default |"
        yield "| --- | --- | --- | --- |"
        for parameter in map(self._resolve, parameters):
            schema = parameter["schema"]
            default = f"`{_text(schema['default'])}`" if "default" in schema else ""
            yield (
                f"| `{parameter['name']}` | {_cell(parameter['description'])} "
                f"| {_values(schema)} | {default} |"
            )
        yield ""

    def _answer(
        self, method: str, path: str, content: Mapping[str, Any]
    ) -> Iterator[str]:
        for example in list(content.get("examples", {}).values())[:1]:
            query = example.get("x-query")
            yield f"`{method} {path}{'?' + query if query else ''}`"
            yield ""
            yield "```json"
            text = json.dumps(example["value"], indent=2, ensure_ascii=False)
            yield _SMALL_OBJECT.sub(_on_one_line, text)
            yield "```"
            yield ""
        rows = list(dict.fromkeys(self._fields("", content["schema"], {})))
        if rows:
            yield "| field | type | meaning |"
            yield "| --- | --- | --- |"
            yield from rows
            yield ""

    def _fields(
        self, prefix: str, schema: Mapping[str, Any], shown: dict[str, str]
    ) -> Iterator[str]:
        """A row for each field of an object, and of the objects in it.

        Args:
            prefix: the path of the object, such as `users[].`.
            schema: the schema of the object.
            shown: the paths of the schemas that have been shown, by reference.
        """
        schema = self._resolve(schema)
        for branch in schema.get("oneOf", ()):
            yield from self._fields(prefix, branch, shown)
        for name, field in schema.get("properties", {}).items():
            path = f"{prefix}{name}"
            reference = field.get("$ref", "")
            is_usage = reference.endswith(f"/{_USAGE}")
            resolved = self._resolve(field)
            kind = "count and bytes" if is_usage else _type(resolved)
            meaning = (field if is_usage else resolved).get("description", "")
            if reference in shown and not is_usage:
                meaning = f"{meaning} The same fields as `{shown[reference]}`.".strip()
            yield f"| `{path}` | {kind} | {_cell(meaning)} |"
            if is_usage or reference in shown:
                continue
            if reference and "properties" in resolved:
                shown[reference] = path
            if "items" in resolved:
                yield from self._fields(f"{path}[].", resolved["items"], shown)
            else:
                yield from self._fields(f"{path}.", resolved, shown)

    def _status(self, status: str, response: Mapping[str, Any]) -> Iterator[str]:
        yield f"Status {status}: {self._resolve(response)['description']}"
        yield ""

    def _resolve(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference. Keys beside it take precedence."""
        if "$ref" not in part:
            return part
        target: Any = self._document
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        beside = {key: value for key, value in part.items() if key != "$ref"}
        return {**self._resolve(target), **beside}


def _on_one_line(found: re.Match[str]) -> str:
    return re.sub(r"\s+", " ", found[0]).replace("{ ", "{").replace(" }", "}")


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return str(_type(schema))


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind is None:
        return "object or null" if "oneOf" in schema else "any"
    return str(kind)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
