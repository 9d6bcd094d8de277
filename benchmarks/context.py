"""What every part of the benchmark has at hand."""

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
    """What is being measured.

    Attributes:
        options: of the command line.
        site: the homeserver and its data set.
        results: where to write down what is measured.
        progress: is told what takes long.
    """

    options: Options
    site: Site
    results: Results
    progress: Progress

    def questions(self) -> Sequence[Question]:
        """Those that are to be asked."""
        return [
            question
            for question in all_questions(self.site.size)
            if fnmatchcase(question.name, self.options.cases)
        ]

    def say(self, text: str) -> None:
        """Tell what is going on."""
        self.progress.say(text)

    def figure(self, part: str, name: str, value: float, unit: str) -> None:
        """Write down what was measured, and tell."""
        self.results.add_figure(self.site.size, part, name, value, unit)
        self.say(f"{name}: {value:.4g} {unit}")


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """The columns of the results that say how long something took."""
    return {
        "median_ms": round(median(seconds) * 1000, 3),
        "fastest_ms": round(min(seconds) * 1000, 3),
        "slowest_ms": round(max(seconds) * 1000, 3),
    }
