"""How pytest-xdist shares out the tests among its processes."""

from typing import Any

import pytest
from xdist.scheduler import (  # type: ignore[import-untyped]
    LoadScopeScheduling,
)

# What takes longest, the longest first: in the end nobody waits for one of them.
_LONGEST = (
    "dashboard/",
    "tools/test_benchmarks.py",
    "rest/test_schemathesis.py",
    "tools/test_demo.py",
    "tools/test_packaging.py",
    "deployment/test_port_db.py",
    "deployment/",
    "rollups/",
)


def start_longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests, in each process alike."""

    def rank(item: pytest.Item) -> int:
        _, _, path = item.nodeid.partition("/")
        ranks = (n for n, start in enumerate(_LONGEST) if path.startswith(start))
        return next(ranks, len(_LONGEST))

    items.sort(key=rank)


class ScheduleByServers(LoadScopeScheduling):  # type: ignore[misc]
    """Keeps tests that share a server in one process, in the order of the tests.

    Methods of a class may share a homeserver of Synapse's harness. Functions share the
    servers of their file, and those of `dashboard/` one browser. Those of schemathesis
    share nothing.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        path, *names = nodeid.split("::")
        if len(names) > 1:
            return f"{path}::{names[0]}"
        if path.endswith("/test_schemathesis.py"):
            return nodeid
        folder, _, _ = path.rpartition("/")
        return folder if folder.endswith("/dashboard") else path
