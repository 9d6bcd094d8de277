"""How far the command is: a line on the terminal, and nothing elsewhere."""

from time import monotonic
from typing import TextIO

_EVERY_S = 1.0


class Progress:
    """Says how many files were seen, how fast, and about how long it still takes."""

    def __init__(self, stream: TextIO, expected: int) -> None:
        """
        Args:
            stream: a terminal, or something else.
            expected: about how many files and rows there are.
        """
        self._stream = stream if stream.isatty() else None
        self._expected = expected
        self._seen = 0
        self._started = self._shown = monotonic()

    def add(self, number: int) -> None:
        """Count the files and rows seen since the last call."""
        self._seen += number
        now = monotonic()
        if self._stream is None or now < self._shown + _EVERY_S:
            return
        self._shown = now
        rate = self._seen / (now - self._started)
        line = f"{self._seen:,} files, {rate:,.0f}/s"
        left = self._expected - self._seen
        if left > 0 and rate > 0:
            line += f", about {left / rate / 60:.0f} min left"
        self._stream.write(f"\r{line:<60}")
        self._stream.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._stream is not None:
            self._stream.write("\r" + " " * 60 + "\r")
            self._stream.flush()
