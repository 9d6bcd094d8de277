"""The line in the log at start-up that says where the module answers."""

import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from realservers.postgres import PostgresServer
from realservers.valkey import ValkeyServer
from support import MODULE_PATH, MediaStatsTestCase, modules
from synapse.config.server import parse_listener_def
from synapse.module_api import JsonDict, ModuleApi
from synapse.server import HomeServer
from synapse.storage.schema import SCHEMA_VERSION
from tests.unittest import override_config
from twisted.internet.testing import MemoryReactor

import media_stats_module
from demo.client import Client, Response
from demo.homeserver import Homeserver, Redis
from media_stats_module.announce import Answerer, announcement, who_answers
from media_stats_module.config import MediaStatsConfig
from media_stats_module.module import DOCUMENTED_PATH

# Listeners on Unix sockets came before schema version 78 (Synapse 1.90), after 1.75.
_HAS_SOCKETS = SCHEMA_VERSION >= 78

LOGGER = "media_stats_module.announce"

VERSION = f"Version {media_stats_module.__version__}"
OPTIONS = (
    "options: path: /_synapse/client/media_stats, dashboard: true, "
    "count_url_previews: true, query_timeout: 5m, rollups: false, "
    "rollups_check_interval: 1d, metrics_interval: null"
)


def http(port: int, *names: str, **options: Any) -> JsonDict:
    """A listener as homeserver.yaml has it."""
    resources = [{"names": list(names)}] if names else []
    return {"port": port, "type": "http", "resources": resources, **options}


def said(
    *listeners: JsonDict,
    worker_name: str | None = None,
    synapse_version: str = "1.163.2",
    **options: Any,
) -> str:
    """What is logged by a process with these listeners."""
    parsed = [parse_listener_def(i, listener) for i, listener in enumerate(listeners)]
    is_main = worker_name is None
    config = SimpleNamespace(
        server=SimpleNamespace(listeners=parsed if is_main else ["not this one's"]),
        worker=SimpleNamespace(worker_listeners=[] if is_main else parsed),
        media=SimpleNamespace(can_load_media_repo=True),
    )
    api = SimpleNamespace(
        _hs=SimpleNamespace(config=config),
        worker_name=worker_name,
        worker_app=None if is_main else "synapse.app.generic_worker",
    )
    with patch("media_stats_module.announce.version", return_value=synapse_version):
        return announcement(
            cast(ModuleApi, api), MediaStatsConfig(**options), DOCUMENTED_PATH
        )


def test_main_process() -> None:
    assert said(
        http(8008, "client", "federation", bind_addresses=["::1", "127.0.0.1"]),
        http(9000, bind_addresses=["127.0.0.1"], tls=True),
        {"port": 9100, "type": "metrics", "bind_addresses": ["127.0.0.1"]},
    ) == (
        f"{VERSION}, reachable on the main process at {MODULE_PATH}, on port 8008 "
        f"(::1, 127.0.0.1) and port 9000 (127.0.0.1, TLS); {OPTIONS}; at "
        "/_synapse/admin/v1/statistics/users/media Synapse's own endpoint answers on "
        "port 8008 (::1, 127.0.0.1), the module answers on port 9000 (127.0.0.1, TLS)"
    )


def test_worker() -> None:
    assert said(
        http(8081, "client", bind_addresses=["127.0.0.1"]),
        worker_name="generic1",
    ) == (
        f"{VERSION}, reachable on the worker generic1 at {MODULE_PATH}, on port 8081 "
        f"(127.0.0.1); {OPTIONS}; at {DOCUMENTED_PATH} Synapse answers 404 on port "
        "8081 (127.0.0.1)"
    )


def test_worker_of_an_old_version() -> None:
    assert said(
        http(8081, "client", bind_addresses=["127.0.0.1"]),
        worker_name="generic1",
        synapse_version="1.129.0",
    ).endswith("the module answers on port 8081 (127.0.0.1)")


def test_no_http_listener() -> None:
    assert said(
        {"port": 9100, "type": "metrics", "bind_addresses": ["127.0.0.1"]},
        worker_name="pusher1",
    ) == (
        f"{VERSION}, not reachable on the worker pusher1, which has no HTTP listener; "
        f"{OPTIONS}"
    )
    assert said() == (
        f"{VERSION}, not reachable on the main process, which has no HTTP listener; "
        f"{OPTIONS}"
    )


def test_options() -> None:
    """As homeserver.yaml has them."""
    said_with = said(
        dashboard=False,
        query_timeout=90_000,
        rollups=True,
        rollups_check_interval=1_500,
        metrics_interval=7_200_000,
    )
    assert said_with.endswith(
        "; options: path: /_synapse/client/media_stats, dashboard: false, "
        "count_url_previews: true, query_timeout: 90s, rollups: true, "
        "rollups_check_interval: 1500, metrics_interval: 2h"
    )


@pytest.mark.skipif(not _HAS_SOCKETS, reason="this Synapse has no Unix sockets")
def test_socket() -> None:
    listener = {"path": "/run/synapse.sock", "type": "http", "resources": []}
    assert said(listener).endswith("the module answers on socket /run/synapse.sock")


@pytest.mark.parametrize(
    ("resources", "is_main", "synapse_version", "answerer"),
    [
        (["client"], True, "1.75.0", Answerer.SYNAPSE),
        (["client", "federation"], True, "1.163.2", Answerer.SYNAPSE),
        ([], True, "1.75.0", Answerer.MODULE),
        (["health"], True, "1.163.2", Answerer.MODULE),
        (["federation", "media"], True, "1.163.2", Answerer.MODULE),
        ([], False, "1.75.0", Answerer.MODULE),
        (["client", "federation"], False, "1.129.0", Answerer.MODULE),
        (["media"], False, "1.129.0", Answerer.NOBODY),
        ([], False, "1.130.0rc1", Answerer.NOBODY),
        (["client"], False, "1.130.0", Answerer.NOBODY),
        (["client"], False, "2.0", Answerer.NOBODY),
    ],
)
def test_who_answers(
    resources: list[str], is_main: bool, synapse_version: str, answerer: Answerer
) -> None:
    assert answerer is who_answers(
        resources,
        is_main=is_main,
        has_media_repo=True,
        synapse_version=synapse_version,
    )


def test_a_worker_without_the_media_repository() -> None:
    """It ignores that it is told to serve media."""
    assert Answerer.MODULE is who_answers(
        ["media"], is_main=False, has_media_repo=False, synapse_version="1.129.0"
    )


class AnnounceTest(MediaStatsTestCase):
    module_options: ClassVar[JsonDict] = {"metrics_interval": "1h"}

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["listeners"] = [http(8008, "client", bind_addresses=["127.0.0.1"])]
        return config

    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        with self.assertLogs(LOGGER) as logs:
            homeserver = super().make_homeserver(reactor, clock)
        self.logged = logs.output
        return homeserver

    def test_one_line(self) -> None:
        (line,) = self.logged
        assert line == (
            f"INFO:{LOGGER}:{VERSION}, reachable on the main process at {MODULE_PATH}, "
            f"on port 8008 (127.0.0.1); {OPTIONS.replace('null', '1h')}; at "
            f"{DOCUMENTED_PATH} Synapse's own endpoint answers on port 8008 (127.0.0.1)"
        )

    @override_config({"modules": modules(path="/_synapse/client/other")})
    def test_another_path(self) -> None:
        (line,) = self.logged
        assert " at /_synapse/client/other, on port 8008 " in line
        assert " path: /_synapse/client/other, " in line


class CannotAnnounceTest(AnnounceTest):
    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        with patch("media_stats_module.announce.version", side_effect=KeyError("no")):
            return super().make_homeserver(reactor, clock)

    def test_one_line(self) -> None:
        """It starts all the same."""
        (line,) = self.logged
        assert line.startswith(
            f"WARNING:{LOGGER}:Could not find out from the configuration where the "
            "module answers"
        )
        assert self.users() == {"users": [], "total": 0}

    def test_another_path(self) -> None:
        self.test_one_line()


def test_what_is_said_is_so(tmp_path: Path) -> None:
    """On the processes of a real server of the installed version."""
    with (
        PostgresServer.start(settings={"fsync": "off"}) as postgres,
        ValkeyServer() as valkey,
    ):
        postgres.create_database("synapse")
        homeserver = Homeserver(
            tmp_path,
            module={},
            listeners=[["client"], []],
            workers={"generic1": [["client"], ["media"], []]},
            postgres=postgres.dsn("synapse"),
            redis=Redis(valkey.host, valkey.port),
        )
        with homeserver:
            admin = homeserver.register("admin", admin=True)
            homeserver.client.upload(admin, b"Hello world")

            for process in (homeserver.main, homeserver.workers["generic1"]):
                (line,) = re.findall(rf"{VERSION}, .*", process.log_path.read_text())
                for url in process.urls:
                    ask = partial(Client(url).request, "GET", token=admin.access_token)
                    own = ask(f"{MODULE_PATH}/v1/users")
                    assert own.json()["total"] == 1
                    documented = ask(f"{DOCUMENTED_PATH}?limit=0")
                    assert answerer_said(line, url) is answerer_of(documented), line


def answerer_said(line: str, url: str) -> Answerer:
    """Who answers at the documented path of a listener, by the log."""
    where, _, documented = line.partition(f"; at {DOCUMENTED_PATH} ")
    port = f"port {urlsplit(url).port} (127.0.0.1)"
    assert port in where
    (said,) = (part for part in documented.split(", ") if port in part)
    return next(answerer for answerer in Answerer if said.startswith(answerer.value))


def answerer_of(response: Response) -> Answerer:
    """Who answered when asked for a page of no users, although there is one."""
    if response.status == 404:
        return Answerer.NOBODY
    # By this the built-in leads its clients round and round, and the module ends.
    is_builtin = "next_token" in response.json()
    return Answerer.SYNAPSE if is_builtin else Answerer.MODULE
