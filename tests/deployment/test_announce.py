"""The line in the log at start-up."""

import json
import re
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from support import MODULE_PATH, MediaStatsTestCase, modules
from synapse.config.server import parse_listener_def
from synapse.module_api import JsonDict, ModuleApi
from synapse.server import HomeServer
from synapse.storage.schema import SCHEMA_VERSION
from tests.unittest import override_config
from twisted.internet.testing import MemoryReactor

import media_stats_module
from media_stats_module import announce
from media_stats_module.config import MediaStatsConfig

# Listeners on Unix sockets came before schema version 78 (Synapse 1.90), after 1.75.
_HAS_SOCKETS = SCHEMA_VERSION >= 78

_LOGGER = "media_stats_module.announce"
_LOCALHOST = {"type": "http", "bind_addresses": ["127.0.0.1"], "resources": []}
_METRICS = {"port": 9100, "type": "metrics", "bind_addresses": ["127.0.0.1"]}


def where(
    caplog: pytest.LogCaptureFixture,
    *listeners: JsonDict,
    worker_name: str | None = None,
) -> str:
    """The place in the log line of a process with these listeners."""
    parsed = [parse_listener_def(i, listener) for i, listener in enumerate(listeners)]
    is_main = worker_name is None
    config = SimpleNamespace(
        server=SimpleNamespace(listeners=parsed if is_main else ["not this one's"]),
        worker=SimpleNamespace(worker_listeners=[] if is_main else parsed),
    )
    api = SimpleNamespace(
        _hs=SimpleNamespace(config=config),
        worker_name=worker_name,
        worker_app=None if is_main else "synapse.app.generic_worker",
    )
    with caplog.at_level("INFO", _LOGGER):
        announce.announce(cast(ModuleApi, api), MediaStatsConfig())
    found = re.search(r"reachable at (.*); options", caplog.messages[-1])
    assert found
    return found[1]


def test_listeners(caplog: pytest.LogCaptureFixture) -> None:
    one, two = {**_LOCALHOST, "port": 8008}, {**_LOCALHOST, "port": 9000}
    assert (
        where(caplog, one, _METRICS, two)
        == f"{MODULE_PATH} on port 8008 and port 9000 of the main process"
    )
    assert (
        where(caplog, one, worker_name="generic1")
        == f"{MODULE_PATH} on port 8008 of the worker generic1"
    )
    assert (
        where(caplog, _METRICS, worker_name="pusher1")
        == f"{MODULE_PATH} on no HTTP listener of the worker pusher1"
    )


@pytest.mark.skipif(not _HAS_SOCKETS, reason="this Synapse has no Unix sockets")
def test_socket(caplog: pytest.LogCaptureFixture) -> None:
    listener = {"path": "/run/synapse.sock", "type": "http", "resources": []}
    assert "on socket /run/synapse.sock of" in where(caplog, listener)


class AnnounceTest(MediaStatsTestCase):
    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["listeners"] = [{**_LOCALHOST, "port": 8008}]
        return config

    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        with self.assertLogs(_LOGGER) as logs:
            homeserver = super().make_homeserver(reactor, clock)
        self.logged = logs.output
        return homeserver

    @override_config(
        {"modules": modules(path="/_synapse/client/other", query_timeout="90s")}
    )
    def test_options(self) -> None:
        """All options, with the defaults, as homeserver.yaml could have them."""
        (line,) = self.logged
        said, _, options = line.partition("; options: ")
        assert said == (
            f"INFO:{_LOGGER}:Version {media_stats_module.__version__}, reachable at "
            "/_synapse/client/other on port 8008 of the main process"
        )
        parsed = json.loads(options)
        assert parsed["path"] == "/_synapse/client/other"
        assert parsed["query_timeout"] == 90_000
        assert parsed["dashboard"] is True
        assert parsed["metrics_interval"] is None

    def test_synapse_starts_without_it(self) -> None:
        with (
            patch.object(announce, "synapse_config", side_effect=KeyError("no")),
            self.assertLogs(_LOGGER) as logs,
        ):
            announce.announce(self.hs.get_module_api(), MediaStatsConfig())
        warning, line = logs.output
        assert warning.startswith(f"WARNING:{_LOGGER}:Cannot read where")
        assert f"reachable at {MODULE_PATH}; options: " in line
