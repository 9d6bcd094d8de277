"""Whatever is asked over HTTP, the answer is one that the OpenAPI document announces.

schemathesis makes up requests from the document, some that it allows and some that it
does not, and sends them to a real Synapse. How many can be set: `EXAMPLES=1000`.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from realservers.postgres import PostgresServer

import media_stats_module
from demo.client import Account
from demo.homeserver import Homeserver

_DOCUMENT = Path(media_stats_module.__file__).parent / "openapi.json"
_PATH = "/_synapse/client/media_stats"
_EXAMPLES = os.environ.get("EXAMPLES", "20")

# Not `negative_data_rejection`: like Synapse, the module ignores parameters that it
# does not know. Not `positive_data_acceptance`: parameters that are right by themselves
# can contradict each other.
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)


@pytest.fixture(params=["sqlite", "postgres"])
def homeserver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homeserver]:
    """A server with media: live on SQLite, with rollups on PostgreSQL."""
    if request.param == "sqlite":
        with _filled(tmp_path, {"rollups": False}, None) as homeserver:
            yield homeserver
        return
    with PostgresServer.start(tmp_path / "postgres") as server:
        server.create_database("synapse")
        with _filled(tmp_path, {"rollups": True}, server.dsn("synapse")) as homeserver:
            yield homeserver


def _filled(
    directory: Path,
    module: Mapping[str, object],
    postgres: Mapping[str, object] | None,
) -> Homeserver:
    return Homeserver(
        directory / "synapse",
        server_name="example.org",
        module=module,
        postgres=postgres,
    )


def _wait_for_rollups(homeserver: Homeserver, admin: Account) -> None:
    """Until they are built, if there are to be any."""
    for _ in range(120):
        state = homeserver.client.request(
            "GET", f"{_PATH}/v1/rollups", token=admin.access_token
        ).json()
        phases = {rollup["phase"] for rollup in state["rollups"].values()}
        if phases == ({"ready"} if state["enabled"] else set()):
            return
        time.sleep(0.5)
    raise AssertionError(state)


def test_no_answer_that_is_not_announced(homeserver: Homeserver) -> None:
    admin = homeserver.register("admin", admin=True, displayname="Ünïcode \N{SNOWMAN}")
    for media_type in ("image/png", "text/plain; charset=utf-8", "=x"):
        homeserver.client.upload(admin, b"content", media_type=media_type, name="a,b")
    homeserver.client.upload(homeserver.register("other"), b"", media_type="image/gif")
    _wait_for_rollups(homeserver, admin)

    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(_DOCUMENT)),
            *("--url", f"{homeserver.base_url}{_PATH}"),
            *("--header", f"Authorization: Bearer {admin.access_token}"),
            *("--checks", ",".join(_CHECKS)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--mode", "all"),
            *("--max-examples", _EXAMPLES),
            *("--seed", "1"),
            "--no-color",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3600,
        check=False,
    )
    # Seen with `pytest -rP`: how many requests there were.
    sys.stdout.write(finished.stdout)
    assert finished.returncode == 0, finished.stdout
    assert re.search(r"[1-9][0-9]{2,} generated", finished.stdout), finished.stdout
    log = homeserver.log_path.read_text()
    assert "Traceback" not in log
