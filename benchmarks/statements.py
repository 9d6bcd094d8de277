"""The time that PostgreSQL works for a request, from its own log."""

import re
from collections import defaultdict
from pathlib import Path

# For the connections whose statements are read from the log.
OPTIONS = "-c log_min_duration_statement=0"

_DURATION = re.compile(r"duration: ([0-9.]+) ms")
_PROCESS = re.compile(r"\[([0-9]+)\]")
_IS_ABOUT_MEDIA = re.compile(r"media_stats_|local_media_repository|remote_media_cache")


class StatementLog:
    """The log of a server."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def begin(self) -> None:
        """Skip the log until now."""
        self._position = self._path.stat().st_size

    def seconds(self) -> float:
        """The time of the statements that were logged since `begin()`.

        Only of connections with a statement about media: Synapse uses others for the
        access token and for its own work.
        """
        with self._path.open("rb") as log:
            log.seek(self._position)
            text = log.read().decode(errors="replace")
        milliseconds: defaultdict[str, float] = defaultdict(float)
        about_media = set()
        process = ""
        for line in text.splitlines():
            duration = _DURATION.search(line)
            if duration:
                found = _PROCESS.search(line)
                process = found[1] if found else ""
                milliseconds[process] += float(duration[1])
            # A statement can have several lines.
            if _IS_ABOUT_MEDIA.search(line):
                about_media.add(process)
        return sum(milliseconds[process] for process in about_media) / 1000
