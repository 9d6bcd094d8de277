"""The part `dashboard`: the cost of loading the page, request by request."""

from collections.abc import Callable, Sequence

from benchmarks.context import Context
from benchmarks.questions import (
    DASHBOARD,
    DASHBOARD_OF_SMALL_STORE,
    MODULE_PATH,
    SMALL_STORE,
)
from benchmarks.site import Asked, Running, median_database_s
from benchmarks.timing import take_turns


def measure_dashboard(context: Context) -> None:
    """Measure without rollups and with them."""
    size = context.site.size
    is_small = size.media + size.remote <= SMALL_STORE
    for rollups in (False, True):
        how = "with rollups" if rollups else "live"
        with context.site.running(rollups=rollups) as running:
            if is_small:
                paths = [*DASHBOARD, *DASHBOARD_OF_SMALL_STORE]
                _measure(context, running, paths, how)
            else:
                _measure(context, running, DASHBOARD, how)
                clicks = f"{how}, after a click"
                _measure(context, running, DASHBOARD_OF_SMALL_STORE, clicks)


def _measure(
    context: Context, running: Running, paths: Sequence[str], how: str
) -> None:
    request_s = database_s = 0.0
    for path in paths:
        timed = take_turns(
            {path: _asking(running, path)},
            runs=context.options.runs,
            time_limit_s=context.options.time_limit_s,
        )[path]
        name = path.removeprefix(f"{MODULE_PATH}/")
        context.figure("dashboard", f"{how}, {name}", timed.median * 1000, "ms")
        request_s += timed.median
        database_s += median_database_s(timed)
    context.figure("dashboard", f"{how}, all", request_s * 1000, "ms")
    name = f"{how}, all, of that the database"
    context.figure("dashboard", name, database_s * 1000, "ms")


def _asking(running: Running, path: str) -> Callable[[], Asked]:
    return lambda: running.ask(path)
