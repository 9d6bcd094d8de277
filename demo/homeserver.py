"""A real Synapse in a directory: its configuration, its processes, its accounts."""

import base64
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import attr
import yaml

from demo.client import Account, Client
from demo.process import SynapseProcess, free_port

_HOST = "127.0.0.1"
_MODULE = "media_stats_module.MediaStatsModule"

# Since this version, workers find the main process in `instance_map`; soon after,
# Synapse refused the older options for that.
_WORKERS_READ_INSTANCE_MAP = (1, 84)

# The names of Synapse's own resources on a listener.
Resources = Sequence[str]


@attr.frozen
class Redis:
    """The Redis (or Valkey) through which Synapse's processes talk."""

    host: str
    port: int


class Homeserver:
    """Synapse, as the main process alone or with workers.

    Everything it writes is in one directory. If a homeserver was there before, its
    data is used again.

    Attributes:
        directory: holds the configuration, the logs, the media and, if it is SQLite,
            the database.
        config_path: its homeserver.yaml, written anew at every start.
        main: the main process.
        workers: the workers, by name.
    """

    def __init__(
        self,
        directory: Path,
        *,
        server_name: str = "localhost",
        module: Mapping[str, object] | None = None,
        port: int | None = None,
        listeners: Sequence[Resources] = (("client",),),
        workers: Mapping[str, Sequence[Resources]] | None = None,
        postgres: Mapping[str, object] | None = None,
        redis: Redis | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        """
        Args:
            directory: is created if it is not there.
            server_name: the part of user IDs behind the colon.
            module: the options of `media_stats_module`, such as `{"rollups": True}`;
                None leaves the module out.
            port: of the main process's first listener. All other ports, and this one
                by default, are free ones.
            listeners: of the main process. Each is a list of resources, which may be
                empty.
            workers: the listeners of each generic worker, by its name. Workers need
                `postgres` and `redis`.
            postgres: the keyword arguments with which psycopg2 connects to an empty
                database, or to one that the homeserver has used before; None is
                SQLite.
            redis: the Redis of the workers and the main process.
            overrides: options that replace those in homeserver.yaml.
        """
        if workers and (postgres is None or redis is None):
            raise ValueError("Workers need PostgreSQL and Redis")
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_path = self.directory / "homeserver.yaml"
        self._server_name = server_name
        self._module = module
        self._postgres = postgres
        self._redis = redis
        self._overrides = overrides or {}
        self._registration_secret = secrets.token_urlsafe(32)
        self._replication_secret = secrets.token_urlsafe(32)
        self._macaroon_secret = secrets.token_urlsafe(32)

        self._listeners = [_listener(resources) for resources in listeners]
        if port is not None:
            self._listeners[0]["port"] = port
        self.main = SynapseProcess(
            "main",
            ["-m", "synapse.app.homeserver", "-c", str(self.config_path)],
            [_url(listener) for listener in self._listeners],
            self.directory / "main.log",
        )
        self._worker_listeners: dict[str, list[dict[str, Any]]] = {}
        self.workers: dict[str, SynapseProcess] = {}
        for name, worker in (workers or {}).items():
            self._worker_listeners[name] = [
                _listener(resources) for resources in worker
            ]
            self.workers[name] = SynapseProcess(
                name,
                [
                    *("-m", "synapse.app.generic_worker"),
                    *("-c", str(self.config_path)),
                    *("-c", str(self._worker_config_path(name))),
                ],
                [_url(listener) for listener in self._worker_listeners[name]],
                self.directory / f"{name}.log",
            )
        if self.workers:
            self._listeners.append(_listener(["replication"]))

    @property
    def base_url(self) -> str:
        """The URL of the main process's first listener."""
        return self.main.urls[0]

    @property
    def client(self) -> Client:
        """A client of it."""
        return self.main.client

    @property
    def log_path(self) -> Path:
        """The log of the main process."""
        return self.main.log_path

    def start(self, timeout_s: float = 120.0) -> None:
        """Start all processes, and wait until all answer.

        Args:
            timeout_s: the longest time to wait in all.

        Raises:
            StartError: one of them does not. None is then running.
        """
        deadline = time.monotonic() + timeout_s
        self._write_config()
        try:
            # It prepares the database, without which workers refuse to start.
            self.main.launch()
            self.main.wait_until_ready(timeout_s)
            for worker in self.workers.values():
                worker.launch()
            for worker in self.workers.values():
                worker.wait_until_ready(deadline - time.monotonic())
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End all processes in good order."""
        for process in self._processes():
            process.stop()

    def kill(self) -> None:
        """End all processes as in a crash."""
        for process in self._processes():
            process.kill()

    def restart(self, timeout_s: float = 120.0) -> None:
        """Stop and start all processes. Their ports stay the same."""
        self.stop()
        self.start(timeout_s)

    def register(
        self,
        localpart: str,
        *,
        admin: bool = False,
        displayname: str | None = None,
        password: str | None = None,
    ) -> Account:
        """Register a user, and log them in; see `Client.register`."""
        return self.client.register(
            localpart,
            shared_secret=self._registration_secret,
            admin=admin,
            displayname=displayname,
            password=password,
        )

    def __enter__(self) -> "Homeserver":
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _processes(self) -> list[SynapseProcess]:
        return [*self.workers.values(), self.main]

    def _worker_config_path(self, name: str) -> Path:
        return self.directory / f"{name}.yaml"

    def _write_config(self) -> None:
        key_path = self.directory / "signing.key"
        if not key_path.exists():
            _write_signing_key(key_path)
        config = {**self._config(key_path), **self._overrides}
        _write_yaml(self.config_path, config)
        for name in self.workers:
            _write_yaml(self._worker_config_path(name), self._worker_config(name))

    def _config(self, key_path: Path) -> dict[str, Any]:
        config: dict[str, Any] = {
            "server_name": self._server_name,
            "public_baseurl": self.base_url,
            "listeners": self._listeners,
            "database": self._database(),
            "media_store_path": str(self.directory / "media"),
            "signing_key_path": str(key_path),
            "registration_shared_secret": self._registration_secret,
            "macaroon_secret_key": self._macaroon_secret,
            "report_stats": False,
            # No other server can reach it, and its passwords protect nothing for long.
            "trusted_key_servers": [],
            "bcrypt_rounds": 4,
            "rc_login": {
                limit: {"per_second": 1000, "burst_count": 1000}
                for limit in ("address", "account", "failed_attempts")
            },
        }
        if self._module is not None:
            config["modules"] = [{"module": _MODULE, "config": dict(self._module)}]
        if self._redis is not None:
            config["redis"] = {"enabled": True, **attr.asdict(self._redis)}
        if self.workers:
            config["worker_replication_secret"] = self._replication_secret
            if _synapse_version() >= _WORKERS_READ_INSTANCE_MAP:
                main = {"host": _HOST, "port": self._replication_port()}
                config["instance_map"] = {"main": main}
        return config

    def _worker_config(self, name: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "worker_app": "synapse.app.generic_worker",
            "worker_name": name,
            "worker_listeners": self._worker_listeners[name],
        }
        if _synapse_version() < _WORKERS_READ_INSTANCE_MAP:
            config["worker_replication_host"] = _HOST
            config["worker_replication_http_port"] = self._replication_port()
        return config

    def _replication_port(self) -> int:
        port: int = self._listeners[-1]["port"]
        return port

    def _database(self) -> dict[str, Any]:
        if self._postgres is None:
            path = self.directory / "homeserver.db"
            return {"name": "sqlite3", "args": {"database": str(path)}}
        return {
            "name": "psycopg2",
            "args": {**self._postgres, "cp_min": 1, "cp_max": 5},
        }


def _listener(resources: Resources) -> dict[str, Any]:
    """A listener on a free port, as homeserver.yaml has it."""
    return {
        "type": "http",
        "port": free_port(),
        "bind_addresses": [_HOST],
        "resources": [{"names": list(resources)}] if resources else [],
    }


def _url(listener: Mapping[str, Any]) -> str:
    return f"http://{_HOST}:{listener['port']}"


def _write_signing_key(path: Path) -> None:
    # Any 32 bytes are an Ed25519 key; Synapse wants them named, in unpadded base 64.
    seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    path.touch(mode=0o600)
    path.write_text(f"ed25519 a_{secrets.token_hex(2)} {seed}\n")


def _write_yaml(path: Path, content: object) -> None:
    # It contains secrets.
    path.touch(mode=0o600)
    with path.open("w") as file:
        yaml.safe_dump(content, file, sort_keys=False)


def _synapse_version() -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version("matrix-synapse"))
    assert found is not None
    return int(found[1]), int(found[2])
