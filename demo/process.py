"""One process of Synapse: the main process or a worker."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from demo.client import Client

_LOG_TAIL_LINES = 40
_STOP_TIMEOUT_S = 30.0


class StartError(Exception):
    """A process of Synapse ended, or gave no answer, when it was started.

    Attributes:
        exit_code: what it ended with, or None if it had to be killed.
        log_tail: the last lines that it logged.
    """

    def __init__(self, what: str, exit_code: int | None, log_tail: str) -> None:
        super().__init__(f"{what}\n{log_tail}")
        self.exit_code = exit_code
        self.log_tail = log_tail


class SynapseProcess:
    """A process that can be started again and again, on the same ports.

    Attributes:
        popen: starts a process; tests have another way.
        name: `main`, or the name of the worker.
        urls: where it listens, in the order of its listeners.
        log_path: the file that it logs to.
    """

    popen: ClassVar[type[subprocess.Popen[bytes]]] = subprocess.Popen

    def __init__(
        self, name: str, arguments: Sequence[str], urls: Sequence[str], log_path: Path
    ) -> None:
        """
        Args:
            name: for errors.
            arguments: for Python.
            urls: of the listeners that `arguments` make it open, at least one.
            log_path: the file that it is to log to.
        """
        self.name = name
        self.urls = tuple(urls)
        self.log_path = log_path
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        # How long the log was when the process was last started.
        self._log_start = 0

    @property
    def client(self) -> Client:
        """A client that asks the first listener."""
        return Client(self.urls[0])

    @property
    def pid(self) -> int | None:
        """The process's ID, while it runs."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        if self.pid is not None:
            raise RuntimeError(f"Synapse's {self.name} process runs already")
        # Or its answers would be taken for those of the process.
        if self._answers():
            raise StartError(f"Somebody else listens at {self.urls[0]}.", None, "")
        # What can be imported here can be imported there.
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = self.popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
                # Ctrl-C is for us, who then stop it in good order.
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
        while not self._answers():
            exit_code = process.poll()
            if exit_code is not None:
                what = f"Synapse's {self.name} process ended with {exit_code}:"
                raise StartError(what, exit_code, self.log_tail())
            if time.monotonic() > deadline:
                self.kill()
                what = f"No answer from Synapse's {self.name} process:"
                raise StartError(what, None, self.log_tail())
            time.sleep(0.1)

    def stop(self) -> None:
        """End the process in good order, if it runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as in a crash, if it runs."""
        self._end(signal.SIGKILL)

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> str:
        """The last lines that were logged since the process was last started."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return b"".join(deque(log, lines)).decode(errors="replace")

    def _answers(self) -> bool:
        try:
            # Synapse answers this on every listener.
            response = self.client.request("GET", "/health", timeout_s=5.0)
        except OSError:
            return False
        return response.status == 200

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
