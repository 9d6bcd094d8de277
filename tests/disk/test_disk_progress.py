"""The line on a terminal about the command's progress."""

import io
from unittest.mock import patch

import pytest

from media_stats_module.disk import progress
from media_stats_module.disk.progress import Progress

pytestmark = [pytest.mark.once, pytest.mark.any_database]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal() -> None:
    terminal = Terminal()
    seconds = iter((0.0, 0.5, 10.0, 11.0))
    with patch.object(progress, "monotonic", lambda: next(seconds)):
        line = Progress(terminal, expected=13_000)
        line.add(1_000)
        assert terminal.getvalue() == ""
        line.add(1_000)
    assert terminal.getvalue().strip() == "2,000 files, 200/s, about 1 min left"
    line.end()
    assert terminal.getvalue().endswith("\r" + " " * 60 + "\r")


def test_elsewhere() -> None:
    """Logs and mails of cron do not get it."""
    file = io.StringIO()
    line = Progress(file, expected=1)
    with patch.object(progress, "_EVERY_S", 0.0):
        line.add(1_000)
    line.end()
    assert file.getvalue() == ""
