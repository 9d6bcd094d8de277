"""Processes of servers: Synapse's here; tests start others in the same way."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, ClassVar

from demo.client import Client

_LOG_TAIL_LINES = 40
_STOP_TIMEOUT_S = 30.0

# A UDP socket for each port that was returned, so that no other process returns it.
_reservations: list[socket.socket] = []


class StartError(Exception):
    """A server ended, or did not answer, when it was started.

    Attributes:
        exit_code: its exit status, or None if it had to be killed.
        log_tail: the last lines that it logged.
    """

    def __init__(self, what: str, exit_code: int | None, log_tail: str) -> None:
        super().__init__(f"{what}\n{log_tail}")
        self.exit_code = exit_code
        self.log_tail = log_tail


class ServerProcess:
    """A process that can be started again and again, on the same ports.

    Attributes:
        popen: starts a process; tests have another way.
        log_path: the file that it logs to.
    """

    popen: ClassVar[type[subprocess.Popen[bytes]]] = subprocess.Popen

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        answers: Callable[[], bool],
        *,
        directory: Path | None = None,
    ) -> None:
        """
        Args:
            name: its name in errors.
            command: starts the server in the foreground.
            log_path: the file for its output.
            answers: whether the server answers. May raise OSError if it does not.
            directory: its working directory; by default, that of this process.
        """
        self.log_path = log_path
        self._name = name
        self._command = command
        self._answers = answers
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        # The length of the log at the last start of the process.
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process's ID, while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def start(self, timeout_s: float = 60.0) -> None:
        """Start the process, and wait until it answers.

        Raises:
            StartError: it does not. It is then no longer running.
        """
        self.launch()
        try:
            self.wait_until_ready(timeout_s)
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        if self.pid is not None:
            raise RuntimeError(f"{self._name} runs already")
        try:
            with self.log_path.open("ab") as log, ThreadPoolExecutor(1) as thread:
                self._log_start = log.tell()
                # A signal may end this thread at any time. The process would run on,
                # and we would not know it.
                thread.submit(self._open, log).result()
        except BaseException:
            self.kill()
            raise

    def _open(self, log: IO[bytes]) -> None:
        # The process can import the same modules as this one.
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        self._process = self.popen(
            self._command,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": path},
            # Ctrl-C reaches only us, and we stop it in good order.
            start_new_session=True,
        )

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until the process answers.

        Raises:
            StartError: it does not. It is then no longer running.
        """
        process = self._process
        assert process is not None, "not launched"
        deadline = time.monotonic() + timeout_s
        while not self._is_ready():
            exit_code = process.poll()
            if exit_code is not None:
                what = f"{self._name} ended with {exit_code}:"
                raise StartError(what, exit_code, self.log_tail())
            if time.monotonic() > deadline:
                self.kill()
                what = f"No answer from {self._name}:"
                raise StartError(what, None, self.log_tail())
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process in good order, if it runs."""
        self.end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as in a crash, if it runs."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals) -> None:
        """End the process with a signal, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines of the log since the last start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return b"".join(deque(log, lines)).decode(errors="replace")

    def _is_ready(self) -> bool:
        try:
            return self._answers()
        except OSError:
            return False


class SynapseProcess(ServerProcess):
    """The main process or a worker of Synapse.

    Attributes:
        urls: its URLs, in the order of its listeners.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], urls: Sequence[str], log_path: Path
    ) -> None:
        """
        Args:
            name: `main`, or the name of the worker.
            arguments: the arguments for Python.
            urls: the URLs of its listeners, at least one.
            log_path: the file for its output.
        """
        self.urls = tuple(urls)
        super().__init__(
            f"Synapse's {name} process",
            [sys.executable, *arguments],
            log_path,
            lambda: is_healthy(self.client),
        )

    @property
    def client(self) -> Client:
        """A client of the first listener."""
        return Client(self.urls[0])

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        # Otherwise, another server's answers would be taken for those of the process.
        if self.pid is None and self._is_ready():
            raise StartError(f"Somebody else listens at {self.urls[0]}.", None, "")
        super().launch()


def is_healthy(client: Client) -> bool:
    """Whether Synapse answers, as it does on every listener."""
    return client.request("GET", "/health", timeout_s=5.0).status == 200


def free_port() -> int:
    """A TCP port on 127.0.0.1 that no process listens on now.

    No process gets it twice, or the port of another process that runs this code.
    """
    # The system may return one port twice before a process listens there.
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reservations.append(reservation)
        return port
