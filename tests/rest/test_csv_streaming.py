"""A long CSV from a real process, for clients that read slowly or hang up.

Only a real connection shows that Synapse waits for the client, and that nobody else
waits.
"""

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import attr
import pytest
from realservers.deployment import wait_until
from support import MODULE_PATH

from demo.client import Account
from demo.homeserver import Homeserver

# A slow connection; test_csv.py tests the content.
pytestmark = pytest.mark.once

# More than sockets hold: 20 MB in all.
_FILES = 60_000
_NAME = "x" * 250

_PATH = f"{MODULE_PATH}/v1/files"


@attr.s(frozen=True, auto_attribs=True, kw_only=True)
class Server:
    """A homeserver with many files.

    Attributes:
        homeserver: on SQLite, and so with one connection to its database.
        admin: a server admin.
        filled_at: the length of the log when the files were there. Before, Synapse may
            have found the database locked.
    """

    homeserver: Homeserver
    admin: Account
    filled_at: int

    @contextmanager
    def asking(self) -> Iterator[socket.socket]:
        """A connection that has asked for all files, and reads nothing."""
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            url = urlsplit(self.homeserver.base_url)
            connection.connect((url.hostname, url.port))
            connection.settimeout(60)
            connection.sendall(
                f"GET {_PATH}?format=csv HTTP/1.1\r\nHost: {url.netloc}\r\n"
                f"Authorization: Bearer {self.admin.access_token}\r\n\r\n".encode()
            )
            yield connection

    def temporary_files(self) -> list[str]:
        """The open files of Synapse that have no name."""
        folder = Path(f"/proc/{self.homeserver.main.pid}/fd")
        found = []
        for link in folder.iterdir():
            try:
                name = os.readlink(link)
            except FileNotFoundError:
                continue
            if name.endswith("(deleted)"):
                found.append(name)
        return found

    def assert_healthy(self) -> None:
        """Check that Synapse still answers, and logged no error."""
        page = self.homeserver.client.request(
            "GET", f"{_PATH}?limit=1", token=self.admin.access_token
        )
        assert page.status == 200
        log = self.homeserver.log_path.read_text()[self.filled_at :]
        assert "Traceback" not in log
        assert "ERROR" not in log


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("csv")
    with Homeserver(directory, server_name="example.org", module={}) as homeserver:
        admin = homeserver.register("admin", admin=True)
        connection = sqlite3.connect(directory / "homeserver.db", timeout=30)
        with connection:
            connection.executemany(
                "INSERT INTO local_media_repository (media_id, media_type, "
                "media_length, created_ts, upload_name, user_id) "
                "VALUES (?, 'image/png', 1, 1, ?, '@admin:example.org')",
                ((f"id{index:06}", _NAME) for index in range(_FILES)),
            )
        connection.close()
        filled_at = len(homeserver.log_path.read_text())
        yield Server(homeserver=homeserver, admin=admin, filled_at=filled_at)


def test_a_client_that_reads_slowly(server: Server) -> None:
    with server.asking() as connection:
        # The answer has begun, and the client reads no further.
        assert connection.recv(1, socket.MSG_PEEK) == b"H"
        # Neither the process nor its one connection to the database waits for that.
        server.assert_healthy()

        response = HTTPResponse(connection)
        response.begin()
        lines = 0
        length = 0
        while piece := response.read(1 << 16):
            lines += piece.count(b"\n")
            length += len(piece)
        assert lines == 1 + _FILES
        assert length == int(response.headers["Content-Length"])
    server.assert_healthy()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("waits", [True, False], ids=["while sent", "while written"])
def test_a_client_that_goes_away(server: Server, waits: bool) -> None:
    before = server.temporary_files()
    with server.asking() as connection:
        wait_until(lambda: server.temporary_files() != before)
        if waits:
            assert connection.recv(1) == b"H"
            assert server.temporary_files() != before
    wait_until(lambda: server.temporary_files() == before)
    server.assert_healthy()
