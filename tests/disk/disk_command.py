"""Runs the command `disk` in this process."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from media_stats_module.__main__ import main
from media_stats_module.disk import second_look


def _no_pause(seconds: float) -> None:
    """Synapse deletes nothing meanwhile."""


def run_disk(
    config_path: Path, *arguments: str, pause: Callable[[float], None] = _no_pause
) -> bytes:
    """Run the command; return its output.

    Args:
        config_path: homeserver.yaml.
        arguments: the options.
        pause: replaces the pause in which Synapse completes a deletion.
    """
    with (
        tempfile.TemporaryFile("w+") as file,
        patch.object(sys, "stdout", file),
        patch.object(second_look, "sleep", pause),
    ):
        assert main(["disk", "-c", str(config_path), *arguments]) == 0
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return os.read(file.fileno(), 1 << 24)


def names_in_list(
    config_path: Path,
    root: Path,
    *arguments: str,
    pause: Callable[[float], None] = _no_pause,
) -> list[str]:
    """The paths or URIs in a list; paths are relative to the media store."""
    printed = run_disk(config_path, "--null", "--list", *arguments, pause=pause)
    lines = os.fsdecode(printed).split("\0")
    assert lines.pop() == ""
    return [line.split("\t", 2)[2].removeprefix(f"{root}/") for line in lines]
