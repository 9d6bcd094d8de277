"""How long things take, when they take turns."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median
from typing import Generic, TypeVar

import attr

_K = TypeVar("_K", bound=Hashable)
_T = TypeVar("_T")

# A first run of less is not counted: it fills caches. A longer one would cost too much.
_WARM_UP_S = 1.0


@attr.frozen
class Timed(Generic[_T]):
    """What something returned, and how long it took each time.

    Attributes:
        results: of each run that counts.
        seconds: likewise.
    """

    results: Sequence[_T]
    seconds: Sequence[float]

    @property
    def result(self) -> _T:
        """Of the last run."""
        return self.results[-1]

    @property
    def median(self) -> float:
        """In seconds."""
        return median(self.seconds)


def take_turns(
    ways: Mapping[_K, Callable[[], _T]], *, runs: int, time_limit_s: float
) -> dict[_K, Timed[_T]]:
    """Run each of some functions again and again, in turns, every other time backwards.

    Args:
        ways: the functions.
        runs: how often to run each, at most.
        time_limit_s: after how long to stop running one. Each is run once.
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
