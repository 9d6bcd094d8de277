"""Runs the command `disk` in this process."""

import os
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from media_stats_module.__main__ import main
from media_stats_module.disk import second_look

# No deletion takes longer in tests.
_DELETION_S = 1.0


def run_disk(config_path: Path, *arguments: str) -> bytes:
    """Run the command; return its output."""
    with (
        tempfile.TemporaryFile("w+") as file,
        patch.object(sys, "stdout", file),
        patch.object(second_look, "DELETION_S", _DELETION_S),
    ):
        assert main(["disk", "-c", str(config_path), *arguments]) == 0
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return os.read(file.fileno(), 1 << 24)


def names_in_list(config_path: Path, root: Path, *arguments: str) -> list[str]:
    """The paths or URIs in a list; paths are relative to the media store."""
    printed = run_disk(config_path, "--null", "--list", *arguments)
    lines = os.fsdecode(printed).split("\0")
    assert lines.pop() == ""
    return [line.split("\t", 2)[2].removeprefix(f"{root}/") for line in lines]
