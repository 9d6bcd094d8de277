"""`python3 demo`: a real Synapse with the module and some media, for a first look.

Needs Python and nothing else: whatever is missing goes into an environment of its own.
So nothing but the standard library is imported here, before that is done.
"""

import argparse
import signal
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    # An older Python would stumble over the imports below, less politely.
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("Python 3.10 or later is needed.")
    # `python3 demo` puts this folder here, not the one that the folder is in.
    sys.path[0] = str(_ROOT)
    from demo.environment import ensure_synapse
    from demo.progress import Progress

    options = _parse_arguments()
    options.directory.mkdir(parents=True, exist_ok=True)
    # Ended by whatever means, it is to clean up. What a shell runs in the background
    # would otherwise ignore SIGINT.
    for means in (signal.SIGINT, signal.SIGTERM):
        signal.signal(means, signal.default_int_handler)
    try:
        progress = Progress.from_environment()
        ensure_synapse(_ROOT, options.directory, progress)

        from demo.first_look import show

        show(options.directory, options.port, once=options.once, progress=progress)
    except KeyboardInterrupt:
        return 130
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 demo",
        description="Start a real Synapse with media_stats_module and some media, and "
        "show what the module says about it. Ctrl-C ends it and removes its data.",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="end after showing the module's answer",
    )
    parser.add_argument(
        "--port", type=int, help="where Synapse listens (default: a free port)"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=_ROOT / ".demo",
        help="where Synapse is installed, unless Python has it, and where it keeps "
        "its data while it runs (default: .demo in this project)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
