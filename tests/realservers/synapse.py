"""A real Synapse of one process on SQLite, with the module."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from realservers.ports import free_port

_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 60.0

_PASSWORD = "correct horse"


class SynapseServer:
    """A running server with an admin, which exposes its metrics.

    Attributes:
        server_name: what its users' names end with.
        admin: the admin's user ID.
        port: the port of Synapse's own APIs for clients and admins.
        bare_port: the port of a listener that has nothing but what modules register.
        metrics: where its metrics are, as `host:port`.
        log_path: the file that it logs to.
    """

    server_name = "metrics.example"
    admin = "@admin:metrics.example"

    def __init__(self, directory: Path, module_options: Mapping[str, object]) -> None:
        """Start a server and wait until it answers.

        Args:
            directory: holds its configuration, data and log.
            module_options: the module's `config` block.
        """
        self.port, self.bare_port, metrics_port = free_port(), free_port(), free_port()
        self.metrics = f"127.0.0.1:{metrics_port}"
        self.log_path = directory / "homeserver.log"
        self._config = directory / "homeserver.yaml"
        local = {"bind_addresses": ["127.0.0.1"]}
        # JSON is YAML.
        self._config.write_text(
            json.dumps(
                {
                    "server_name": self.server_name,
                    "report_stats": False,
                    "enable_metrics": True,
                    "signing_key_path": str(directory / "signing.key"),
                    "media_store_path": str(directory / "media"),
                    "pid_file": str(directory / "homeserver.pid"),
                    "macaroon_secret_key": "secret",
                    "registration_shared_secret": "shared secret",
                    "trusted_key_servers": [],
                    "database": {
                        "name": "sqlite3",
                        "args": {"database": str(directory / "homeserver.db")},
                    },
                    "listeners": [
                        {
                            "port": self.port,
                            "type": "http",
                            "resources": [{"names": ["client"]}],
                            **local,
                        },
                        {
                            "port": self.bare_port,
                            "type": "http",
                            "resources": [],
                            **local,
                        },
                        {"port": metrics_port, "type": "metrics", **local},
                    ],
                    "modules": [
                        {
                            "module": "media_stats_module.MediaStatsModule",
                            "config": dict(module_options),
                        }
                    ],
                }
            )
        )
        self._run("synapse.app.homeserver", "-c", str(self._config), "--generate-keys")
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", self._config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the test run, which then stops the server itself.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
            self._token = self._log_in_as_admin()
        except BaseException:
            self.stop()
            raise

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> Any:
        """Ask as the admin; return the JSON of the answer, which must be a success."""
        request = Request(
            self._url(port) + path, body, dict(headers or {}), method=method
        )
        request.add_header("Authorization", f"Bearer {self._token}")
        with urlopen(request, timeout=60) as response:
            return json.load(response)

    def upload(self, content: bytes) -> None:
        """Upload a file as the admin."""
        path = "/_matrix/media/v3/upload?filename=file.txt"
        self.request("POST", path, content, headers={"Content-Type": "text/plain"})

    def exposition(self) -> str:
        """The metrics, as Prometheus gets them."""
        url = f"http://{self.metrics}/_synapse/metrics"
        with urlopen(url, timeout=60) as response:
            text: bytes = response.read()
        return text.decode()

    def stop(self) -> None:
        """Stop the server."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "SynapseServer":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _url(self, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.port}"

    def _run(self, module: str, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", module, *arguments],
            check=True,
            capture_output=True,
            timeout=120,
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                urlopen(f"{self._url()}/health", timeout=5).close()
                return
            except (URLError, OSError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = self.log_path.read_text(errors="replace")
                    raise RuntimeError(f"Synapse did not start:\n{log}") from error
            time.sleep(0.1)

    def _log_in_as_admin(self) -> str:
        user = ["-u", "admin", "-p", _PASSWORD, "-a"]
        script = "synapse._scripts.register_new_matrix_user"
        self._run(script, "-c", str(self._config), *user, self._url())
        login = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": "admin"},
            "password": _PASSWORD,
        }
        url = f"{self._url()}/_matrix/client/v3/login"
        with urlopen(url, json.dumps(login).encode(), timeout=60) as response:
            token: str = json.load(response)["access_token"]
        return token
