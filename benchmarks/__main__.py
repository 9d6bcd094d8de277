"""`python -m benchmarks`: measure, and print the results."""

import sys
import time
from collections.abc import Callable

from benchmarks.background import measure_background
from benchmarks.build import measure_build
from benchmarks.context import Context
from benchmarks.dashboard import measure_dashboard
from benchmarks.growth import measure_growth
from benchmarks.guest import measure_guest
from benchmarks.options import parse_options
from benchmarks.reads import measure_live, measure_rollups
from benchmarks.report import lines, table
from benchmarks.requests import measure_requests
from benchmarks.results import Results
from benchmarks.site import Site
from benchmarks.writes import measure_writes
from demo.progress import Progress

_MEASURE: dict[str, Callable[[Context], None]] = {
    # Runs before any part.
    "load": lambda context: None,
    "live": measure_live,
    "build": measure_build,
    "rollups": measure_rollups,
    "requests": measure_requests,
    "dashboard": measure_dashboard,
    "growth": measure_growth,
    "background": measure_background,
    "guest": measure_guest,
    "writes": measure_writes,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        the exit status: 0 if the answers agree where they should.
    """
    options = parse_options(arguments)
    progress = Progress(time.time())
    results = Results(options.out)
    site = Site(options.data, options.size, progress)
    context = Context(options=options, site=site, results=results, progress=progress)
    with site.open():
        for part in options.parts:
            _MEASURE[part](context)

    text = table(results, options.size) + "\n"
    (options.out / "table.txt").write_text(text)
    print(text, end="")
    progress.say(f"written to {options.out}")
    agree = all(line.agrees for line in lines(results.answers(options.size)))
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
