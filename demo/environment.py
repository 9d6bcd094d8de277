"""Installs Synapse if Python does not have it. Standard library only.

The environment is kept in the demo's folder, and the demo starts again in it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from demo.progress import Progress
from demo.signals import SIGNALS

# Lines in which pip says its current step.
_STEPS_OF_PIP = ("Collecting", "Downloading", "Processing", "Building", "Installing")
_LOG_TAIL_LINES = 15


class InstallError(Exception):
    """A command failed."""


def ensure_synapse(project: Path, directory: Path, progress: Progress) -> None:
    """Return if Synapse is installed, else start the demo again in its environment.

    Args:
        project: the folder of this project.
        directory: holds the environment, which later runs use again.
        progress: called with every step.
    """
    if _has_synapse():
        return
    environment = directory.resolve() / "environment"
    if Path(sys.prefix) == environment:
        sys.exit(f"{environment} is broken. Remove it and try again.")
    python = environment / "bin" / "python"
    # Written last: without it, the installation was interrupted.
    complete = environment / "complete"
    with _alone_in(directory, progress):
        if not (complete.exists() and python.exists()):
            log_path = directory / "install.log"
            try:
                _install(project, environment, log_path, progress)
                complete.touch()
            except BaseException as error:
                _remove(environment)
                if isinstance(error, InstallError):
                    sys.exit(str(error))
                log_path.unlink(missing_ok=True)
                raise
            log_path.unlink(missing_ok=True)
    # Until the new process has its handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    os.execve(
        python,
        [str(python), str(project / "demo"), *sys.argv[1:]],
        progress.to_environment(),
    )


@contextlib.contextmanager
def _alone_in(directory: Path, progress: Progress) -> Iterator[None]:
    """Wait until no other demo installs there."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("Waiting for another demo, which installs Synapse")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _has_synapse() -> bool:
    try:
        version("matrix-synapse")
    except PackageNotFoundError:
        return False
    return True


def _install(
    project: Path, environment: Path, log_path: Path, progress: Progress
) -> None:
    progress.say(
        "Installing Synapse, only this first time. This downloads about 40 MB, uses "
        "250 MB of disk, and takes one to two minutes"
    )
    progress.say(f"Creating a Python environment in {environment}")
    log_path.unlink(missing_ok=True)
    _run(
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        log_path,
        progress,
        hint="On Debian and Ubuntu, the package python3-venv is needed.",
    )
    pip = [
        *(str(environment / "bin" / "python"), "-m", "pip"),
        *("--disable-pip-version-check", "install"),
    ]
    # Alone and without retries, so that a machine without a network fails at once.
    _run(
        [*pip, "--retries", "0", "--timeout", "10", "setuptools>=77"],
        log_path,
        progress,
        hint="pip could not get a package from its index. Is there a network?",
    )
    progress.say("Installing Synapse and the module with pip")
    _run(
        [*pip, "--no-build-isolation", "--editable", f"{project}[demo]"],
        log_path,
        progress,
    )


def _remove(environment: Path) -> None:
    """Remove a folder in which a killed process may still write for a moment."""
    for _ in range(20):
        shutil.rmtree(environment, ignore_errors=True)
        if not environment.exists():
            return
        time.sleep(0.1)


def _run(
    command: Sequence[str], log_path: Path, progress: Progress, *, hint: str = ""
) -> None:
    """Run a command to its end.

    Args:
        command: the command.
        log_path: the file to which its output is appended.
        progress: called with the lines of pip.
        hint: a likely reason if it fails.

    Raises:
        InstallError: it failed.
    """
    # A signal that ends the demo waits until the process can be ended, too.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # Ctrl-C reaches the demo, which then ends all processes.
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        assert process.stdout is not None
        with log_path.open("a") as log:
            for line in process.stdout:
                log.write(line)
                lines.append(line)
                if line.strip().startswith(_STEPS_OF_PIP):
                    progress.say_detail(line.strip())
        exit_code = process.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if exit_code != 0:
        tail = "".join(lines[-_LOG_TAIL_LINES:])
        raise InstallError(
            f"{tail}\nThis failed: {' '.join(command)}\n"
            f"All of its output is in {log_path}. {hint}".rstrip()
        )
