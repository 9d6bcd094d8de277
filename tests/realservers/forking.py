"""Forks processes of Synapse from one that has imported it, which saves 2 s each.

That one has imported no part of the module.
"""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import IO, Any
from unittest.mock import patch

from demo.process import SynapseProcess

_PROCESSES = multiprocessing.get_context("forkserver")


def fork_synapse() -> None:
    """Fork the processes of Synapse that are started from now on."""
    SynapseProcess.popen = _Fork  # type: ignore[assignment]


def forking_context() -> ForkServerContext:
    """Starts processes as forks of one that has imported Synapse."""
    _PROCESSES.set_forkserver_preload(
        ["synapse.app.homeserver", "synapse.app.generic_worker"]
    )
    # Otherwise it would not find the modules to import before it forks.
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
        forkserver.ensure_running()
    return _PROCESSES


class _Fork:
    """The part of `subprocess.Popen` that `SynapseProcess` uses."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdout: IO[bytes],
        env: Mapping[str, str],
        **_: Any,
    ) -> None:
        python, option, module, *arguments = command
        assert (python, option) == (sys.executable, "-m"), command
        self._process = forking_context().Process(
            target=_run, args=(module, arguments, stdout.name, dict(env))
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        exit_code = self._process.exitcode
        if exit_code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("synapse", timeout)
        return exit_code


def _run(
    module: str, arguments: Sequence[str], log_path: str, env: Mapping[str, str]
) -> None:
    """Be Synapse, in a forked process."""
    from twisted.internet import reactor

    os.setsid()
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *arguments]
    # Forks must not share the files by which the reactor learns of events.
    reactor.__init__()  # type: ignore[misc]
    importlib.import_module(module).main()
