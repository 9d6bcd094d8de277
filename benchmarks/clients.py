"""Clients of a homeserver, each in a process of its own, which is killed to hang up.

A process reads its requests from standard input, as JSON.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

_PROJECT = Path(__file__).resolve().parent.parent

_TIMEOUT_S = 1800.0
_PAUSE_S = 0.05
_BODY = b"a" * 10_000


class Client:
    """A client that makes all requests that it is given."""

    def __init__(
        self, base_url: str, token: str, requests: Sequence[str], *, at_once: int
    ) -> None:
        """Start it.

        Args:
            base_url: the homeserver's URL.
            token: the access token.
            requests: each is a method and a path, such as `GET /_matrix/...`.
            at_once: the number of requests at a time.
        """
        self._process = _start(
            "ask",
            base_url=base_url,
            token=token,
            requests=requests,
            at_once=at_once,
        )

    def wait(self, timeout_s: float) -> Sequence[int]:
        """Wait for the answers; hang up if they take too long.

        Returns:
            the status of each answer that came, 0 for one that broke off.
        """
        try:
            answers, _ = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            answers, _ = self._process.communicate()
        return [int(status) for status in answers.split()]


@contextmanager
def neighbours(
    base_url: str, token: str, user: str, password: str
) -> Iterator[dict[str, list[float]]]:
    """Upload, log in and sync all the time.

    Args:
        base_url: the homeserver's URL.
        token: the access token for uploads and syncs.
        user: the user who logs in.
        password: the user's password.

    Yields:
        how long each took, in seconds, when that is over.
    """
    waits: dict[str, list[float]] = {}
    process = _start(
        "live", base_url=base_url, token=token, user=user, password=password
    )
    assert process.stdout is not None
    try:
        # Each has been done once.
        process.stdout.readline()
        yield waits
        # It goes on until the input ends.
        answer, _ = process.communicate(timeout=_TIMEOUT_S)
        waits.update(json.loads(answer))
    finally:
        process.kill()
        process.wait()


def _start(what: str, **arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.clients", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_PROJECT,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(arguments) + "\n")
    process.stdin.flush()
    return process


def _ask(base_url: str, token: str, requests: Sequence[str], at_once: int) -> None:
    printing = threading.Lock()

    def ask(request: str) -> None:
        method, path = request.split(" ", 1)
        try:
            status = _request(base_url, token, method, path)
        except (OSError, HTTPException):
            status = 0
        with printing:
            print(status, flush=True)

    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(ask, requests))


def _request(
    base_url: str,
    token: str | None,
    method: str,
    path: str,
    body: bytes | None = None,
) -> int:
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=_TIMEOUT_S)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        while response.read(1 << 20):
            pass
        return response.status
    finally:
        connection.close()


def _live(base_url: str, token: str, user: str, password: str) -> None:
    stop = threading.Event()
    waits: dict[str, list[float]] = {"upload": [], "login": [], "sync": []}
    numbers = count(1)
    login = json.dumps(
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
    ).encode()

    def sync() -> int:
        # Synapse caches its answer to a request that equals the last one.
        content = {"room": {"timeline": {"limit": next(numbers)}}}
        path = f"/_matrix/client/v3/sync?timeout=0&filter={quote(json.dumps(content))}"
        return _request(base_url, token, "GET", path)

    def repeat(what: str, do: Callable[[], int]) -> None:
        while not stop.wait(_PAUSE_S):
            started = time.perf_counter()
            status = do()
            waits[what].append(time.perf_counter() - started)
            if status != 200:
                raise RuntimeError(f"{what}: {status}")

    upload_path = "/_matrix/media/v3/upload"
    login_path = "/_matrix/client/v3/login"
    threads = [
        threading.Thread(target=repeat, args=arguments)
        for arguments in (
            ("upload", lambda: _request(base_url, token, "POST", upload_path, _BODY)),
            ("login", lambda: _request(base_url, None, "POST", login_path, login)),
            ("sync", sync),
        )
    ]
    for thread in threads:
        thread.start()
    while not all(waits.values()):
        time.sleep(_PAUSE_S)
    print("ready", flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps(waits))


def _main() -> None:
    arguments: dict[str, Any] = json.loads(sys.stdin.readline())
    if sys.argv[1] == "ask":
        _ask(**arguments)
    else:
        _live(**arguments)


if __name__ == "__main__":
    _main()
