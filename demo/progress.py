"""Lines that say what is going on, and since when. Standard library only."""

import os
import sys
import time

_STARTED = "MEDIA_STATS_DEMO_STARTED"


class Progress:
    """Tells what is going on, on standard error: standard output is for the result."""

    def __init__(self, started: float) -> None:
        """
        Args:
            started: when all this began, in seconds since the epoch.
        """
        self._started = started

    @classmethod
    def from_environment(cls) -> "Progress":
        """Go on from where the process left off that has become this one, if any."""
        return cls(float(os.environ.get(_STARTED) or time.time()))

    def to_environment(self) -> dict[str, str]:
        """The environment for a process that goes on from here."""
        return {**os.environ, _STARTED: str(self._started)}

    def say(self, text: str) -> None:
        """Write a line."""
        elapsed = time.time() - self._started
        print(f"[{elapsed:4.0f} s] {text}", file=sys.stderr, flush=True)
