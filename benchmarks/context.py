"""The values that every part of the benchmark uses."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from statistics import median

import attr

from benchmarks.options import Options
from benchmarks.questions import Question, all_questions
from benchmarks.results import Results
from benchmarks.site import Site
from demo.progress import Progress


@attr.frozen(kw_only=True)
class Context:
    """The homeserver, the options and the results of a run.

    Attributes:
        options: the options of the command line.
        site: the homeserver and its data set.
        results: the store of the results.
        progress: called with each step.
    """

    options: Options
    site: Site
    results: Results
    progress: Progress

    def questions(self) -> Sequence[Question]:
        """The questions to ask."""
        return [
            question
            for question in all_questions(self.site.size)
            if fnmatchcase(question.name, self.options.cases)
        ]

    def say(self, text: str) -> None:
        """Print the progress."""
        self.progress.say(text)

    def figure(self, part: str, name: str, value: float, unit: str) -> None:
        """Store a figure, and print it."""
        self.results.add_figure(self.site.size, part, name, value, unit)
        self.say(f"{name}: {value:.4g} {unit}")


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """The columns of the results for durations."""
    return {
        "median_ms": round(median(seconds) * 1000, 3),
        "fastest_ms": round(min(seconds) * 1000, 3),
        "slowest_ms": round(max(seconds) * 1000, 3),
    }
