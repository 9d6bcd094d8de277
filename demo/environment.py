"""Sees to it that Synapse can be imported. Standard library only.

Where Python has no Synapse, an environment is made that has it, and Python starts again
in there.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from demo.progress import Progress

_STILL_EVERY_S = 10


def ensure_synapse(project: Path, directory: Path, progress: Progress) -> None:
    """Return if Synapse is installed, else start the demo again where it is.

    Args:
        project: the folder of this project.
        directory: where to make the environment, which is used again the next time.
        progress: is told about every step.
    """
    if _has_synapse():
        return
    environment = directory.resolve() / "environment"
    if Path(sys.prefix) == environment:
        sys.exit(f"{environment} is broken. Remove it and try again.")
    python = environment / "bin" / "python"
    # Written last, so that what was interrupted is not taken for whole.
    complete = environment / "complete"
    if not (complete.exists() and python.exists()):
        _install(project, environment, directory / "install.log", progress)
        complete.touch()
    os.execve(
        python,
        [str(python), str(project / "demo"), *sys.argv[1:]],
        progress.to_environment(),
    )


def _has_synapse() -> bool:
    try:
        version("matrix-synapse")
    except PackageNotFoundError:
        return False
    return True


def _install(
    project: Path, environment: Path, log_path: Path, progress: Progress
) -> None:
    log_path.unlink(missing_ok=True)
    progress.say(f"Making a Python environment in {environment}")
    _run(
        [sys.executable, "-m", "venv", "--clear", str(environment)], log_path, progress
    )
    progress.say("Installing Synapse and the module there: a minute or two")
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install"]
    _run(
        [*pip, "--disable-pip-version-check", "--editable", f"{project}[demo]"],
        log_path,
        progress,
    )


def _run(command: Sequence[str], log_path: Path, progress: Progress) -> None:
    """Run a command to its end, and end with it if it fails."""
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    while True:
        try:
            exit_code = process.wait(_STILL_EVERY_S)
            break
        except subprocess.TimeoutExpired:
            progress.say("... still at it")
    if exit_code != 0:
        log_text = log_path.read_text(errors="replace")
        sys.exit(f"{log_text}\nThis failed: {' '.join(command)}")
