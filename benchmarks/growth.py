"""The part `growth`: the cost of answers with ten times the media."""

from collections.abc import Callable, Mapping
from typing import Any

import attr

from benchmarks.context import Context
from benchmarks.questions import Question, all_questions
from benchmarks.site import Asked, Running, Site, median_database_s
from benchmarks.timing import take_turns

_TIMES = 10

# Without rollups: one question for each way to answer.
_LIVE = (
    "users by user_id, first page",
    "users by size, first page",
    "users by displayname, first page",
    "users search, one found",
    "users one day",
    "users 30 days, by size",
    "application services",
    "timeline of local media, by day",
    "types of local media",
    "groups of types of local media",
    "files, largest local",
    "files, largest of the user with most files",
    "summary",
    "summary with duplicates",
    "reclaimable, four ages",
)

# With rollups, also these come from totals, besides users without a time range.
_TOTALS = (
    "users 30 days, by size",
    "users one year, by size",
    "application services",
    "timeline of local media, by day",
    "groups of types of local media",
    "summary",
)


def measure_growth(context: Context) -> None:
    """Ask both data sets in turns; measure the time that PostgreSQL works."""
    size = context.site.size
    small_size = attr.evolve(
        size,
        # Every user has some.
        media=max(size.media // _TIMES, size.users),
        remote=max(size.remote // _TIMES, 1),
    )
    small_site = Site(context.options.data, small_size, context.progress)
    sizes = {"small": small_size.media, "large": size.media}
    with small_site.open():
        for rollups in (False, True):
            with (
                small_site.running(rollups=rollups) as small,
                context.site.running(rollups=rollups) as large,
            ):
                for question in all_questions(size):
                    if _is_asked(question, rollups=rollups):
                        seconds = _ask(context, small, large, question, rollups=rollups)
                        way = "rollups" if rollups else "live"
                        _write_down(context, f"{way}, {question.name}", sizes, seconds)
                if rollups:
                    seconds = {
                        "small": _build_s(small_site, small),
                        "large": _build_s(context.site, large),
                    }
                    name = "building the totals of local media"
                    _write_down(context, name, sizes, seconds)


def _is_asked(question: Question, *, rollups: bool) -> bool:
    if not rollups:
        return question.name in _LIVE
    is_page = question.endpoint == "users" and not question.has_window
    return is_page or question.name in _TOTALS


def _ask(
    context: Context,
    small: Running,
    large: Running,
    question: Question,
    *,
    rollups: bool,
) -> Mapping[str, float]:
    def asking(running: Running) -> Callable[[], Asked]:
        return lambda: running.ask(question.path)

    timed = take_turns(
        {"small": asking(small), "large": asking(large)},
        runs=max(20, context.options.runs) if rollups else context.options.runs,
        time_limit_s=context.options.time_limit_s,
    )
    return {which: median_database_s(each) for which, each in timed.items()}


def _build_s(site: Site, running: Running) -> float:
    found: dict[str, Any] = site.wait_for_rollups(running, applied=True)["local"]
    return float(found["build_finished_ts"] - found["build_started_ts"]) / 1000


def _write_down(
    context: Context,
    name: str,
    sizes: Mapping[str, int],
    seconds: Mapping[str, float],
) -> None:
    for which, media in sizes.items():
        name_of_size = f"{name}, {media:,} files"
        context.figure("growth", name_of_size, seconds[which] * 1000, "ms")
    times = seconds["large"] / seconds["small"]
    context.figure("growth", f"{name}, growth", times, "times")
