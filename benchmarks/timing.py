"""Measures times, in turns."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median
from typing import Generic, TypeVar

import attr

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")

# A first run that is shorter does not count: it fills caches. A longer one would cost
# too much.
_WARM_UP_S = 1.0


@attr.frozen
class Timed(Generic[_T]):
    """The results of runs, and their times.

    Attributes:
        results: the result of each run that counts.
        seconds: the time of each run that counts.
    """

    results: Sequence[_T]
    seconds: Sequence[float]

    @property
    def result(self) -> _T:
        """The result of the last run."""
        return self.results[-1]

    @property
    def median(self) -> float:
        """The median in seconds."""
        return median(self.seconds)


def take_turns(
    ways: Mapping[_K, Callable[[], _T]], *, runs: int, time_limit_s: float
) -> dict[_K, Timed[_T]]:
    """Run some functions again and again, in turns, every other time backwards.

    Args:
        ways: the functions.
        runs: the most runs of each.
        time_limit_s: the time for the runs of one. Each is run at least once.
    """
    seconds: dict[_K, list[float]] = {way: [] for way in ways}
    results: dict[_K, list[_T]] = {way: [] for way in ways}
    spent = dict.fromkeys(ways, 0.0)
    for turn in range(runs + 1):
        for way in list(ways)[:: 1 if turn % 2 == 0 else -1]:
            took = seconds[way]
            if took and (len(took) == runs or spent[way] + median(took) > time_limit_s):
                continue
            started = time.perf_counter()
            result = ways[way]()
            elapsed = time.perf_counter() - started
            spent[way] += elapsed
            if turn > 0 or elapsed > _WARM_UP_S:
                took.append(elapsed)
                results[way].append(result)
    return {way: Timed(results[way], seconds[way]) for way in ways}
