"""`python3 demo`: a real Synapse with the module and some media, for a first look.

It needs only Python. Synapse is installed into an environment of its own, so before
that, only the standard library may be imported.
"""

import sys
from os.path import abspath, dirname


def main() -> int:
    # An older Python would fail at the imports below with a traceback.
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("Python 3.10 or later is needed.")
    # `python3 demo` puts this folder on the path, and not the folder above it.
    sys.path[0] = dirname(dirname(abspath(__file__)))
    from demo.signals import end_on_signals

    # First, so that Ctrl-C never ends in a traceback.
    end_on_signals()
    from demo.command import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
