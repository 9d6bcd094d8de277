"""Who imports whom in the package: the picture in CONTRIBUTING.md, held by a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import media_stats_module

pytestmark = pytest.mark.once

PACKAGE = Path(media_stats_module.__file__).parent

# The rooms that each room may import. Another room's inner files are never imported:
# storage is one door, `media_stats_module.storage`.
ALLOWED = {
    "__init__": {"module"},
    "__main__": {"config", "questions", "storage", "synapse_internals"},
    "announce": {"__init__", "config", "synapse_internals"},
    "config": set(),
    "endpoints": {"questions", "storage"},
    "module": {
        "announce",
        "config",
        "prometheus",
        "questions",
        "rest",
        "rollups_keeper",
        "storage",
        "synapse_internals",
    },
    "prometheus": {"config", "questions", "storage", "synapse_internals"},
    "questions": set(),
    "rest": {"endpoints", "storage", "synapse_internals"},
    "rollups_keeper": {"config", "storage", "synapse_internals"},
    "storage": {"config", "questions", "synapse_internals"},
    "synapse_internals": set(),
}


def room(path: Path) -> str:
    """The room that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[list[str]]:
    """The modules of the package that a file imports, without the package's name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            package, *parts = node.module.split(".")
            if package == PACKAGE.name:
                yield from [parts] if parts else ([alias.name] for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                package, *parts = alias.name.split(".")
                if package == PACKAGE.name:
                    # The package itself, for its version.
                    yield parts or ["__init__"]


def test_arrows_go_one_way() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for parts in imports(path):
            here, there = room(path), parts[0]
            if here == there:
                continue
            found.add((here, there))
            assert there in ALLOWED[here], f"{path} imports {'.'.join(parts)}"
            if there == "storage":
                assert parts == ["storage"], f"{path} goes around the door of storage"
    # Nothing is allowed that is not needed.
    assert found == {
        (here, there) for here, all_of in ALLOWED.items() for there in all_of
    }


def test_sql_is_in_storage_alone() -> None:
    for path in PACKAGE.rglob("*.py"):
        if room(path) != "storage":
            text = path.read_text(encoding="utf-8")
            assert "SELECT " not in text, path
            assert ".execute(" not in text, path
