"""The part `background`: how long the database works while nobody asks anything."""

import time

from benchmarks.context import Context

_OBSERVED_S = 60.0


def measure_background(context: Context) -> None:
    """With rollups; without gauges for Prometheus, and with them."""
    for gauges in (False, True):
        with context.site.running(rollups=True, gauges=gauges) as running:
            assert running.log is not None
            running.log.begin()
            time.sleep(_OBSERVED_S)
            seconds = running.log.seconds()
            name = "with gauges" if gauges else "without gauges"
            busy_ms = seconds / _OBSERVED_S * 60_000
            context.figure("background", name, busy_ms, "ms per minute")
