"""The part `growth`: ten times the media of as many users, and what an answer costs."""

from collections.abc import Callable

import attr

from benchmarks.context import Context
from benchmarks.questions import all_questions
from benchmarks.site import Asked, Running, Site, median_database_s
from benchmarks.timing import take_turns

_TIMES = 10

# Without rollups: one of each way to answer. With them, all pages of users from totals.
_LIVE = (
    "users by user_id, first page",
    "users by size, first page",
    "users by displayname, first page",
    "users search, one found",
    "users one day",
    "users 30 days, by size",
    "timeline of local media, by day",
    "types of local media",
    "files, largest local",
    "summary",
    "reclaimable, four ages",
)


def measure_growth(context: Context) -> None:
    """Ask both data sets in turns; of both, how long PostgreSQL works."""
    size = context.site.size
    small_size = attr.evolve(
        size,
        # Every user has some.
        media=max(size.media // _TIMES, size.users),
        remote=max(size.remote // _TIMES, 1),
    )
    small_site = Site(context.options.data, small_size, context.progress)
    with small_site.open():
        for rollups in (False, True):
            with (
                small_site.running(rollups=rollups) as small,
                context.site.running(rollups=rollups) as large,
            ):
                _measure(context, small, large, small_size.media, rollups=rollups)


def _measure(
    context: Context, small: Running, large: Running, media: int, *, rollups: bool
) -> None:
    for question in all_questions(context.site.size):
        if rollups:
            is_asked = question.endpoint == "users" and not question.has_window
        else:
            is_asked = question.name in _LIVE
        if not is_asked:
            continue
        timed = take_turns(
            {
                "small": _asking(small, question.path),
                "large": _asking(large, question.path),
            },
            runs=max(20, context.options.runs) if rollups else context.options.runs,
            time_limit_s=context.options.time_limit_s,
        )
        way = "rollups" if rollups else "live"
        context.figure(
            "growth",
            f"{way}, {question.name}, beside {media:,} files",
            median_database_s(timed["large"]) / median_database_s(timed["small"]),
            "times",
        )


def _asking(running: Running, path: str) -> Callable[[], Asked]:
    return lambda: running.ask(path)
