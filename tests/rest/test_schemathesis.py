"""Any request over HTTP gets an answer that the OpenAPI document describes.

schemathesis makes requests from the document, legal and illegal ones, and sends them to
a real Synapse. `EXAMPLES=1000` makes more of them.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from media_database import Connection
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer

from demo.client import Account
from demo.homeserver import Homeserver

# Other tests check the answers.
pytestmark = pytest.mark.once

_PATH = "/_synapse/client/media_stats"
_TESTS = Path(__file__).parent
_EXAMPLES = os.environ.get("EXAMPLES", "10")

# Synapse's log about each request.
_REQUEST = re.compile(r'Processed request: .* (\d{3}) "[A-Z]+ /_synapse/\S*v1/')

_REMOTE_MEDIA = """
    INSERT INTO remote_media_cache (media_origin, media_id, media_type, media_length,
        created_ts, last_access_ts, quarantined_by, upload_name, filesystem_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@pytest.fixture
def homeserver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homeserver]:
    """Live answers on SQLite, rollups on PostgreSQL."""
    if request.param == "sqlite":
        with _started(tmp_path, {"rollups": False}) as homeserver:
            yield homeserver
        return
    with PostgresServer.start(settings={"fsync": "off"}) as postgres:
        postgres.create_database("synapse")
        database = postgres.dsn("synapse")
        with _started(tmp_path, {"rollups": True}, database) as homeserver:
            yield homeserver


@contextmanager
def _started(
    directory: Path,
    module: Mapping[str, object],
    postgres: Mapping[str, object] | None = None,
) -> Iterator[Homeserver]:
    with Homeserver(
        directory / "synapse",
        server_name="example.org",
        module=module,
        # The module answers at the documented path, too.
        listeners=[["client"], []],
        postgres=postgres,
    ) as homeserver:
        yield homeserver


@pytest.fixture
def admin(homeserver: Homeserver) -> Account:
    """The admin; there is media, and the rollups, if any, are built."""
    admin = homeserver.register("admin", admin=True, displayname="Ünïcode \N{SNOWMAN}")
    for media_type in ("image/png", "text/plain; charset=utf-8", "=x"):
        homeserver.client.upload(admin, b"content", media_type=media_type, name="a,b")
    homeserver.client.upload(homeserver.register("other"), b"", media_type="image/gif")

    connection = Connection(homeserver.config_path)
    for number, quarantined_by in enumerate([None, None, admin.user_id]):
        origin, media_id = f"server{number % 2}.example:8448", f"media{number}"
        row = (origin, media_id, "image/PNG", number, number, number, quarantined_by)
        connection.execute(_REMOTE_MEDIA, *row, None, media_id)
    connection.close()

    def are_ready() -> bool:
        path = f"{_PATH}/v1/rollups"
        token = admin.access_token
        state = homeserver.client.request("GET", path, token=token).json()
        found = {rollup["status"] for rollup in state["rollups"].values()}
        return found == ({"exact"} if state["enabled"] else set())

    wait_until(are_ready)
    return admin


@pytest.mark.parametrize(
    ("homeserver", "phases", "least"),
    [
        # Whether a parameter is legal does not depend on the database.
        ("sqlite", "examples,fuzzing", 100),
        ("postgres", "examples,coverage,fuzzing", 1000),
    ],
    indirect=["homeserver"],
)
def test_every_answer_is_announced(
    homeserver: Homeserver, admin: Account, phases: str, least: int, tmp_path: Path
) -> None:
    # In a process of its own: it does not work in one that has imported Synapse.
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", _TESTS / "schemathesis.toml"),
            *("run", f"{homeserver.main.urls[1]}{_PATH}/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {admin.access_token}"),
            *("--phases", phases),
            *("--max-examples", _EXAMPLES),
            *("--seed", "1"),
            "--no-color",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3600,
        check=False,
    )
    log = homeserver.log_path.read_text()
    statuses = Counter(_REQUEST.findall(log))
    # `pytest -rP` shows both.
    sys.stdout.write(f"{finished.stdout}\n{statuses}\n")
    assert finished.returncode == 0, finished.stdout
    assert "Traceback" not in log
    # So many requests cover everything.
    assert statuses.total() > least
    assert statuses["200"] > least * 0.3
    assert statuses.keys() <= {"200", "400", "401", "404", "405"}
