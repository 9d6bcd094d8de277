"""`python -m benchmarks`: measure, and show what was measured."""

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
from benchmarks.report import draw, lines, table
from benchmarks.requests import measure_requests
from benchmarks.results import Results
from benchmarks.site import Site
from benchmarks.writes import measure_writes
from demo.progress import Progress

_MEASURE: dict[str, Callable[[Context], None]] = {
    # Done before any part.
    "load": lambda context: None,
    "live": measure_live,
    "dashboard": measure_dashboard,
    "guest": measure_guest,
}

# On PostgreSQL only, as rollups are.
_MEASURE_ROLLUPS: dict[str, Callable[[Context], None]] = {
    "build": measure_build,
    "rollups": measure_rollups,
    "requests": measure_requests,
    "growth": measure_growth,
    "background": measure_background,
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
    for database, size in options.sizes.items():
        site = Site(options.data, database, size, progress)
        context = Context(
            options=options, site=site, results=results, progress=progress
        )
        with site.open():
            measures = _MEASURE | (_MEASURE_ROLLUPS if site.is_postgres else {})
            for part in options.parts:
                if part in measures:
                    measures[part](context)

    tables = [table(results, *found) for found in options.sizes.items()]
    text = "\n\n".join(tables) + "\n"
    (options.out / "table.txt").write_text(text)
    print(text, end="")
    draw(results, options.sizes, options.out / "ratios.png")
    progress.say(f"written to {options.out}")
    agree = all(
        line.agrees
        for found in options.sizes.items()
        for line in lines(results.answers(*found))
    )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
