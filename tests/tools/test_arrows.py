"""The imports between the rooms of the package, as in CONTRIBUTING.md."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import media_stats_module

pytestmark = pytest.mark.once

PACKAGE = Path(media_stats_module.__file__).parent

# The rooms that each room may import. A room never imports inner files of storage, only
# `media_stats_module.storage`.
ALLOWED = {
    "__init__": {"module"},
    "__main__": {"disk", "endpoints", "errors", "formats", "offline", "storage"},
    "announce": {"__init__", "config", "synapse_internals"},
    "config": set(),
    "disk": {"errors", "formats", "storage", "synapse_internals"},
    "endpoints": {"questions", "storage"},
    "errors": set(),
    "formats": {"endpoints"},
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
    "offline": {"config", "endpoints", "errors", "storage", "synapse_internals"},
    "prometheus": {"config", "disk", "questions", "storage", "synapse_internals"},
    "questions": set(),
    "rest": {"disk", "endpoints", "formats", "storage", "synapse_internals"},
    "rollups_keeper": {"config", "storage", "synapse_internals"},
    "storage": {"config", "questions", "synapse_internals"},
    "synapse_internals": set(),
}


def room(path: Path) -> str:
    """The room of a file."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[list[str]]:
    """The package's modules that a file imports, without the package's name."""
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
    # Nothing is allowed without need.
    assert found == {
        (here, there) for here, all_of in ALLOWED.items() for there in all_of
    }


@pytest.mark.parametrize("name", ["endpoints", "formats", "rest", "storage"])
def test_no_circles_in_a_room(name: str) -> None:
    """Inside a room, too, files and folders import each other one way only."""
    folder = PACKAGE / name
    inner: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        here, *_ = path.relative_to(folder).with_suffix("").parts
        # The door names the inner files.
        if here != "__init__":
            inner[here] = inner.get(here, set()) | {
                below[0]
                for first, *below in imports(path)
                if first == name and below and below[0] != here
            }
    TopologicalSorter(inner).prepare()


def test_sql_is_in_storage_alone() -> None:
    for path in PACKAGE.rglob("*.py"):
        if room(path) != "storage":
            text = path.read_text(encoding="utf-8")
            assert "SELECT " not in text, path
            assert ".execute(" not in text, path


def test_what_reaches_behind_the_module_api() -> None:
    """As synapse_internals.py says: itself, and the tables and types that SQL relies
    on.
    """
    behind = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("synapse.")
        and not str(node.module).startswith("synapse.module_api")
    }
    assert behind == {
        "synapse_internals.py",
        "storage/dialect.py",
        "storage/sources.py",
    }
