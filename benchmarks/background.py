"""The part `background`: the work of the database without requests."""

import time

from benchmarks.context import Context

_OBSERVED_S = 60.0


def measure_background(context: Context) -> None:
    """Measure with rollups, without and with gauges for Prometheus."""
    for gauges in (False, True):
        with context.site.running(rollups=True, gauges=gauges) as running:
            assert running.log is not None
            running.log.begin()
            time.sleep(_OBSERVED_S)
            seconds = running.log.seconds()
            name = "with gauges" if gauges else "without gauges"
            busy_ms = seconds / _OBSERVED_S * 60_000
            context.figure("background", name, busy_ms, "ms per minute")
