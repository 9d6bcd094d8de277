"""A client of a homeserver, on one connection that stays open."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 1800.0


class Asker:
    """Asks as one user."""

    def __init__(self, base_url: str, token: str) -> None:
        """
        Args:
            base_url: the homeserver's URL, such as `http://127.0.0.1:8008`.
            token: the user's access token.
        """
        self._connection = HTTPConnection(urlsplit(base_url).netloc, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> bytes:
        """Ask, and return the body of the answer.

        Raises:
            RuntimeError: the answer is an error.
        """
        return self._ask("GET", path, None)

    def json(self, path: str) -> Any:
        """Ask, and return the answer."""
        return json.loads(self.get(path))

    def upload(self, body: bytes) -> None:
        """Upload a file."""
        self._ask("POST", "/_matrix/media/v3/upload", body)

    def put(self, path: str, content: object) -> None:
        """`PUT` JSON."""
        self._ask("PUT", path, json.dumps(content).encode())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {response.status} {answer!r}")
        return answer
