"""Prints the demo's steps, with the time since its start. Standard library only."""

import contextlib
import os
import sys
import time

_STARTED = "MEDIA_STATS_DEMO_STARTED"
_WIDTH = 78
_DETAIL_EVERY_S = 3.0


class Progress:
    """Writes to standard error; standard output is for the result."""

    def __init__(self, started: float) -> None:
        """
        Args:
            started: the time at which the demo was started, in seconds since the epoch.
        """
        self._started = started
        self._detail_at = 0.0
        self._has_detail = False

    @classmethod
    def from_environment(cls) -> "Progress":
        """Continue from the process before this one, if there was one."""
        return cls(float(os.environ.get(_STARTED) or time.time()))

    def to_environment(self) -> dict[str, str]:
        """The environment for a process that continues from here."""
        return {**os.environ, _STARTED: str(self._started)}

    def say(self, text: str) -> None:
        """Write a line."""
        self._clear_detail()
        self._write(f"{self._elapsed()} {text}\n")

    def say_detail(self, text: str) -> None:
        """Write the detail of the current step.

        On a terminal, the next call overwrites it. Elsewhere it is a line, written at
        most every few seconds.
        """
        line = f"{self._elapsed()}   {text}"[:_WIDTH]
        if sys.stderr.isatty():
            self._clear_detail()
            self._write(line)
            self._has_detail = True
        elif time.monotonic() >= self._detail_at + _DETAIL_EVERY_S:
            self._detail_at = time.monotonic()
            self._write(line + "\n")

    def _elapsed(self) -> str:
        return f"[{time.time() - self._started:4.0f} s]"

    def _clear_detail(self) -> None:
        if self._has_detail:
            self._write("\r" + " " * _WIDTH + "\r")
            self._has_detail = False

    def _write(self, text: str) -> None:
        # The terminal may be closed, and cleaning up must go on.
        with contextlib.suppress(OSError):
            print(text, end="", file=sys.stderr, flush=True)
