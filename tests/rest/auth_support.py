"""Asks the module and Synapse's own endpoint as any user, and compares the answers."""

import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from support import MODULE_PATH, MediaStatsTestCase
from synapse.module_api import JsonDict
from synapse.server import HomeServer
from tests.server import FakeChannel
from twisted.internet.testing import MemoryReactor

from media_stats_module.module import DOCUMENTED_PATH

# Synapse reads application services from files.
APPSERVICES = {
    "ordinary": "bridge",
    "whose_sender_is_admin": "admin_bridge",
}

WRONG_PARAMETERS: list[dict[str, object]] = [
    {"limit": "many"},
    {"limit": -1},
    {"from": "start"},
    {"from": -1},
    {"from_ts": "yesterday"},
    {"from_ts": 10, "until_ts": 5},
    {"order_by": "size"},
    {"dir": "up"},
    {"search_term": ""},
]


class AuthTestCase(MediaStatsTestCase):
    """Asks the module and Synapse's own endpoint, and compares."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["app_service_config_files"] = [
            str(self._write_appservice(name, sender))
            for name, sender in APPSERVICES.items()
        ]
        return config

    def prepare(self, reactor: MemoryReactor, clock: Any, hs: HomeServer) -> None:
        super().prepare(reactor, clock, hs)
        self.make_user("bridge")
        self.make_user("admin_bridge", admin=True)

    def ask_both(
        self,
        *,
        token: str = "",
        query: dict[str, object] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> tuple[int, JsonDict]:
        """Ask both; return status and body, which must be equal."""
        module = self._get(f"{MODULE_PATH}/v1/users", token, query, headers)
        builtin = self._get(DOCUMENTED_PATH, token, query, headers)

        assert (module.code, module.json_body) == (builtin.code, builtin.json_body)
        return module.code, module.json_body

    def assert_both(
        self,
        code: int,
        errcode: str | None = None,
        *,
        token: str = "",
        query: dict[str, object] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> JsonDict:
        """Check that both answer with this status and `errcode`; return the body."""
        actual_code, body = self.ask_both(token=token, query=query, headers=headers)

        assert (actual_code, body.get("errcode")) == (code, errcode)
        return body

    def assert_refused_whatever_is_asked(
        self, code: int, errcode: str, *, token: str
    ) -> None:
        """Check that the answer is the same for right and wrong parameters."""
        body = self.assert_both(code, errcode, token=token)
        for query in WRONG_PARAMETERS:
            assert body == self.assert_both(code, errcode, token=token, query=query)

    def _get(
        self,
        path: str,
        token: str,
        query: dict[str, object] | None,
        headers: list[tuple[str, str]] | None,
    ) -> FakeChannel:
        channel = self.make_request(
            "GET",
            f"{path}?{urlencode(query)}" if query else path,
            access_token=token or None,
            custom_headers=headers,
            await_result=False,
        )
        # The harness waits in its own time, but other threads need real time.
        deadline = time.monotonic() + 60
        while not channel.is_finished():
            assert time.monotonic() < deadline, "timed out"
            # An old harness sends a piece of an answer every tenth of a second.
            self.reactor.advance(0.1)
            time.sleep(0.001)
        return channel

    def _write_appservice(self, name: str, sender: str) -> Path:
        registration = {
            "id": name,
            "url": None,
            "as_token": f"token_of_{name}",
            "hs_token": f"homeserver_token_of_{name}",
            "sender_localpart": sender,
            "namespaces": {"users": [{"regex": "@.*", "exclusive": False}]},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
            yaml.safe_dump(registration, file)
        path = Path(file.name)
        self.addCleanup(path.unlink)
        return path
