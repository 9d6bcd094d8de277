"""The part `growth`: ten times the media, of as many users, and what a page costs."""

from collections.abc import Callable

import attr

from benchmarks.context import Context
from benchmarks.questions import all_questions
from benchmarks.site import Asked, Running, Site, median_database_s
from benchmarks.timing import take_turns

_TIMES = 10


def measure_growth(context: Context) -> None:
    """Ask both data sets in turns, with rollups; of both, how long PostgreSQL works."""
    size = context.site.size
    small_size = attr.evolve(
        size,
        # Every user has some.
        media=max(size.media // _TIMES, size.users),
        remote=max(size.remote // _TIMES, 1),
    )
    small_site = Site(context.options.data, small_size, context.progress)
    questions = [
        question
        for question in all_questions(size)
        if question.endpoint == "users" and not question.has_window
    ]
    with (
        small_site.open(),
        small_site.running(rollups=True) as small,
        context.site.running(rollups=True) as large,
    ):
        for question in questions:
            timed = take_turns(
                {
                    "small": _asking(small, question.path),
                    "large": _asking(large, question.path),
                },
                runs=max(20, context.options.runs),
                time_limit_s=context.options.time_limit_s,
            )
            context.figure(
                "growth",
                f"{question.name}, beside {small_size.media:,} files",
                median_database_s(timed["large"]) / median_database_s(timed["small"]),
                "times",
            )


def _asking(running: Running, path: str) -> Callable[[], Asked]:
    return lambda: running.ask(path)
