"""The signals that end the demo. Standard library only."""

import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """End the demo when a signal comes, in good order."""
    for number in SIGNALS:
        # Under `nohup`, SIGHUP stays ignored.
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, _end)
    # The process before this one has blocked them.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _end(number: int, frame: object) -> None:
    """End the demo. The `finally` blocks on the way out clean up."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)
