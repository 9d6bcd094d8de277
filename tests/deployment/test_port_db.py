"""From SQLite to PostgreSQL by Synapse's own `synapse_port_db`, and then rollups."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer
from support import MODULE_PATH

from demo.client import Account
from demo.homeserver import Homeserver

# Another of Synapse's scripts; test_dumps.py tests copies of tables.
pytestmark = pytest.mark.once

_TIMEOUT_S = 300


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer.start(tmp_path / "postgres", {"fsync": "off"}) as postgres:
        postgres.create_database("synapse")
        yield postgres


def port(homeserver: Homeserver, server: PostgresServer, directory: Path) -> None:
    """Copy the database of a stopped homeserver, as Synapse documents it."""
    snapshot = directory / "snapshot.db"
    config = yaml.safe_load(homeserver.config_path.read_text())
    config["database"] = {"name": "psycopg2", "args": server.dsn("synapse")}
    # It waits between two of those on PostgreSQL, about sixty in all.
    config["background_updates"] = {"sleep_duration_ms": 1}
    config_path = directory / "postgres.yaml"
    config_path.write_text(yaml.safe_dump(config))
    shutil.copy(homeserver.directory / "homeserver.db", snapshot)
    run(
        "synapse_port_db",
        *("--sqlite-database", str(snapshot)),
        *("--postgres-config", str(config_path)),
    )


def run(script: str, *args: str) -> None:
    """Run one of Synapse's own commands."""
    finished = subprocess.run(
        [sys.executable, "-m", f"synapse._scripts.{script}", *args],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]


def finish_background_updates(homeserver: Homeserver) -> None:
    """`synapse_port_db` waits for them, and cannot always do them."""
    run(
        "update_synapse_database",
        *("--database-config", str(homeserver.config_path)),
        "--run-background-updates",
    )


class Asked:
    """The questions of an admin to a homeserver."""

    def __init__(self, homeserver: Homeserver, admin: Account) -> None:
        self._homeserver = homeserver
        self._admin = admin

    def counts(self) -> dict[str, int]:
        """The number of each user's files."""
        users = self._request("GET", "users")["users"]
        return {user["user_id"]: user["media_count"] for user in users}

    def wait_until_exact(self) -> None:
        """Wait until the totals answer."""
        wait_until(
            lambda: (
                {
                    rollup["status"]
                    for rollup in self._request("GET", "rollups")["rollups"].values()
                }
                == {"exact"}
            )
        )

    def differences(self) -> list[int]:
        """The differences that the check on demand finds."""
        found = self._request("POST", "rollups/check")["differences"]
        return [n for source in ("local", "remote") for n in found[source].values()]

    def _request(self, method: str, path: str) -> Any:
        answer = self._homeserver.client.request(
            method, f"{MODULE_PATH}/v1/{path}", token=self._admin.access_token
        )
        assert answer.status == 200, answer.body
        return answer.json()


def test_totals_are_exact_after_synapse_port_db(
    server: PostgresServer, tmp_path: Path
) -> None:
    """Also if the new database was used before, and had rollups of its own.

    Then `synapse_port_db` adds the old media to the new one.
    """
    directory = tmp_path / "synapse"
    module = {"rollups": True}
    with Homeserver(directory, module={}) as on_sqlite:
        admin = on_sqlite.register("admin", admin=True)
        asked = Asked(on_sqlite, admin)
        for content in (b"one", b"two"):
            on_sqlite.client.upload(admin, content)
        assert asked.counts() == {admin.user_id: 2}
    with Homeserver(
        tmp_path / "attempt", module=module, postgres=server.dsn("synapse")
    ) as attempt:
        other = attempt.register("other", admin=True)
        attempt.client.upload(other, b"on PostgreSQL before")
        Asked(attempt, other).wait_until_exact()

    finish_background_updates(on_sqlite)
    finish_background_updates(attempt)
    port(on_sqlite, server, tmp_path)

    on_postgres = Homeserver(directory, module=module, postgres=server.dsn("synapse"))
    with on_postgres:
        asked = Asked(on_postgres, admin)
        ported = {admin.user_id: 2, other.user_id: 1}
        assert asked.counts() == ported
        asked.wait_until_exact()
        assert asked.counts() == ported
        on_postgres.client.upload(admin, b"later")
        assert asked.counts()[admin.user_id] == 3
        assert not any(asked.differences())
