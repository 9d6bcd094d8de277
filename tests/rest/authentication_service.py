"""The HTTP endpoints of Matrix Authentication Service that Synapse uses.

Synapse asks it over a real port, as it asks a real service.
"""

import http.server
import json
import threading
from typing import Any
from urllib.parse import parse_qs

from realservers.running import RunningServer


class AuthenticationService(RunningServer):
    """A running service that issues any token.

    Attributes:
        secret: Synapse must send it.
        port: its port on 127.0.0.1.
        tokens: the answer about each token (RFC 7662). All others are not active.
    """

    secret = "secret_of_the_service"

    def __init__(self) -> None:
        """Start the service."""
        self.tokens: dict[str, dict[str, Any]] = {}
        self._server = _Server(self)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL of the service."""
        return f"http://127.0.0.1:{self.port}/"

    def issue(self, token: str, username: str, *scopes: str) -> str:
        """Issue a token of a user with these scopes; return it."""
        self.tokens[token] = {
            "active": True,
            "username": username,
            "sub": f"subject_of_{username}",
            "scope": " ".join(scopes),
            "expires_in": 300,
        }
        return token

    def stop(self) -> None:
        """Stop the service, unless it is stopped."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    # Synapse keeps its connections open, and a thread waits for each.
    daemon_threads = True
    block_on_close = False

    def __init__(self, service: AuthenticationService) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = parse_qs(body.decode())
        if self.path != "/oauth2/introspect":
            self._answer(404, {})
        elif service.secret not in (
            # Synapse's two kinds of delegation send the secret differently.
            self.headers.get("Authorization", "").removeprefix("Bearer "),
            *form.get("client_secret", []),
        ):
            self._answer(401, {})
        else:
            (token,) = form["token"]
            self._answer(200, service.tokens.get(token, {"active": False}))

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the output of the tests clean."""

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
