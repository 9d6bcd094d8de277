"""A module for Synapse that measures how late its event loop is.

In an idle Synapse, the longest lag is that of garbage collection, so there is the 99th
percentile, too.
"""

import json
import time
from pathlib import Path

from synapse.module_api import ModuleApi
from twisted.internet import reactor
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import Request

PATH = "/_synapse/client/benchmark_event_loop"

_INTERVAL_S = 0.005


class EventLoopModule(Resource):
    """Answers with the lag and the most memory since the last request."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, config: object, api: ModuleApi) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lags_ms: list[float] = []
        api.register_web_resource(PATH, self)
        self._wait()

    def _wait(self) -> None:
        due = time.perf_counter() + _INTERVAL_S
        IReactorTime(reactor).callLater(_INTERVAL_S, self._tick, due)

    def _tick(self, due: float) -> None:
        self._lags_ms.append((time.perf_counter() - due) * 1000)
        self._wait()

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 - Twisted's name
        """Answer, and begin again."""
        lags_ms = sorted(self._lags_ms) or [0.0]
        self._lags_ms = []
        answer = {
            "longest_ms": lags_ms[-1],
            "percentile_99_ms": lags_ms[len(lags_ms) * 99 // 100],
            "most_mib": _most_mib(),
        }
        # Linux then forgets the most memory.
        Path("/proc/self/clear_refs").write_text("5")
        return json.dumps(answer).encode()


def _most_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("Linux does not tell")
