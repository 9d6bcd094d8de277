"""The command line of the demo. Standard library only, until Synapse is installed."""

import argparse
import contextlib
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from demo.environment import ensure_synapse
from demo.progress import Progress

_ROOT = Path(__file__).resolve().parent.parent
_NEEDED_MB = 100


def run() -> int:
    """Run the demo; return its exit status."""
    options = _parse_arguments()
    # 0 means a free port.
    port = options.port or None
    if port is not None:
        _check_port(port)
    is_new = not options.directory.exists()
    try:
        _check_directory(options.directory)
        progress = Progress.from_environment()
        ensure_synapse(_ROOT, options.directory, progress)

        from demo.first_look import show

        show(options.directory, port, once=options.once, progress=progress)
    finally:
        if is_new:
            # It is empty unless Synapse was installed into it.
            with contextlib.suppress(OSError):
                options.directory.rmdir()
    return 0


def _check_port(port: int) -> None:
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OverflowError:
        sys.exit(f"There is no port {port}. Choose another --port.")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(f"Port {port} cannot be used ({reason}). Choose another --port.")


def _check_directory(directory: Path) -> None:
    """Create the folder if it is missing, and check that it can be used."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory):
            pass
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        sys.exit(
            f"Folder {directory} cannot be used ({reason}). Choose another --directory."
        )
    # On a full disk, Synapse would end with a traceback.
    free_mb = shutil.disk_usage(directory).free // 10**6
    if free_mb < _NEEDED_MB:
        sys.exit(
            f"Folder {directory} has {free_mb} MB of free space, and the demo needs "
            f"{_NEEDED_MB} MB. Choose another --directory."
        )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 demo",
        description="Start a real Synapse with media_stats_module and some media, and "
        "show what the module says about it. Ctrl-C stops Synapse and removes its "
        "data.",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="stop after printing the tables",
    )
    parser.add_argument(
        "--port",
        type=int,
        help="the port that Synapse listens on (default: a free one)",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=_ROOT / ".demo",
        help="the folder for Synapse's data while it runs, and for an environment with "
        "Synapse if this Python has none (default: .demo in this project)",
    )
    return parser.parse_args()
