"""The page waits for the issuer of access tokens, and nobody else waits with it.

Synapse asks the issuer once, for all clients. The page needs no token, so any stranger
can load it.
"""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import synapse
from realservers.deployment import wait_until
from support import MODULE_PATH

from demo.homeserver import Homeserver

pytestmark = [
    pytest.mark.once,
    pytest.mark.any_database,
    pytest.mark.skipif(
        not (Path(synapse.__path__[0]) / "api" / "auth" / "mas.py").exists(),
        reason="This version of Synapse cannot delegate authentication so.",
    ),
]

_METADATA_PATH = "/_matrix/client/v1/auth_metadata"

_TROUBLE = re.compile(r" - (ERROR|CRITICAL) - |Traceback")


class SlowIssuer(http.server.ThreadingHTTPServer):
    """An issuer that answers when a test lets it.

    Attributes:
        may_answer: whether it answers.
        asked: the number of Synapse's requests.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.may_answer = threading.Event()
        self.asked = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    server: SlowIssuer

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.may_answer.wait()
        url = f"http://127.0.0.1:{self.server.server_port}/"
        body = json.dumps(
            {
                "issuer": url,
                "token_endpoint": f"{url}token",
                "account_management_uri": url,
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def issuer() -> Iterator[SlowIssuer]:
    with SlowIssuer() as issuer:
        thread = threading.Thread(
            target=issuer.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        yield issuer
        issuer.may_answer.set()
        issuer.shutdown()
        thread.join()


@pytest.fixture
def homeserver(issuer: SlowIssuer, tmp_path: Path) -> Iterator[Homeserver]:
    overrides = {
        "enable_registration": False,
        "password_config": {"enabled": False},
        "matrix_authentication_service": {
            "enabled": True,
            "endpoint": f"http://127.0.0.1:{issuer.server_port}/",
            "secret": "secret",
        },
    }
    with Homeserver(tmp_path, module={}, overrides=overrides) as homeserver:
        yield homeserver


@contextmanager
def opening_page(homeserver: Homeserver) -> Iterator[None]:
    """Ask for the page, and hang up in the end."""
    netloc = urlsplit(homeserver.base_url).netloc
    with closing(HTTPConnection(netloc)) as connection:
        connection.request("GET", f"{MODULE_PATH}/")
        yield


def test_only_the_page_gives_up(homeserver: Homeserver, issuer: SlowIssuer) -> None:
    client = homeserver.client
    with ThreadPoolExecutor() as clients:
        with opening_page(homeserver):
            wait_until(lambda: issuer.asked == 1)
            # It waits for the answer to Synapse's request.
            signing_in = clients.submit(client.request, "GET", _METADATA_PATH)
        # That page was closed, and this one gives up.
        page = client.request("GET", f"{MODULE_PATH}/")
        assert page.status == 200
        issuer.may_answer.set()
        metadata = signing_in.result()
    assert metadata.status == 200, metadata.body
    assert metadata.json()["issuer"].endswith(f":{issuer.server_port}/")
    assert issuer.asked == 1

    page = client.request("GET", f"{MODULE_PATH}/")
    policy = page.headers["Content-Security-Policy"]
    assert f"'self' http://127.0.0.1:{issuer.server_port};" in policy
    lines = homeserver.log_path.read_text().splitlines()
    assert [line for line in lines if _TROUBLE.search(line)] == []
