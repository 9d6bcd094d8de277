"""The options of the command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import attr

from benchmarks.dataset import JOINED, MEMBERS, REMOTE_MEMBERS

_PROJECT = Path(__file__).resolve().parent.parent

# In the order in which they run: rollups are built once, and parts that change the data
# come last. A missing data set is loaded first.
PARTS = (
    "load",
    "live",
    "build",
    "rollups",
    "requests",
    "dashboard",
    "growth",
    "background",
    "guest",
    "writes",
)


@attr.frozen
class Size:
    """The size of a data set.

    Attributes:
        media: rows of local media.
        users: the users who have it.
        remote: rows of cached remote media.
    """

    media: int
    users: int
    remote: int

    @property
    def servers(self) -> int:
        """The number of servers of remote media."""
        return max(1, min(5_000, self.remote // 20))

    @property
    def rooms(self) -> int:
        """The number of rooms."""
        return 1 + self.memberships // MEMBERS

    @property
    def memberships(self) -> int:
        """The number of members of all rooms together."""
        return self.users * JOINED * (1 + REMOTE_MEMBERS)

    @property
    def name(self) -> str:
        """The name in files and databases."""
        return f"media_{self.media}_{self.users}_{self.remote}"


@attr.frozen(kw_only=True)
class Options:
    """The things to measure, and the ways to do it.

    Attributes:
        size: the size of the data set.
        parts: some of `PARTS`.
        cases: a pattern, such as `users *`, for the names of the questions to ask, and
            of the loads.
        runs: the most times to ask each.
        time_limit_s: the time for one question in one way. It is asked at least once.
        out: the folder of the results.
        data: the folder of data sets, which are kept for the next time.
    """

    size: Size
    parts: Sequence[str]
    cases: str
    runs: int
    time_limit_s: float
    out: Path
    data: Path


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Synapse's own endpoint and the module side by side.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--media", type=_number, default=1_000_000, help="local files")
    parser.add_argument(
        "--users", type=_number, help="who have them (default: media / 100)"
    )
    parser.add_argument(
        "--remote", type=_number, help="cached remote files (default: as many as media)"
    )
    parser.add_argument(
        "--only",
        type=_parts,
        default=",".join(PARTS),
        help="which parts to run; the results of the others are kept",
    )
    parser.add_argument(
        "--cases", default="*", help="which questions or loads, such as 'users *day*'"
    )
    parser.add_argument("--runs", type=_number, default=5, help="of each question")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="for all runs of one question in one way",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=_PROJECT / "benchmarks" / "results",
        help="folder for the results",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=_PROJECT / ".bench",
        help="folder for the data sets, which are used again",
    )
    found = parser.parse_args(arguments)
    size = Size(
        found.media,
        found.users or max(1, found.media // 100),
        found.media if found.remote is None else found.remote,
    )
    return Options(
        size=size,
        parts=found.only,
        cases=found.cases,
        runs=found.runs,
        time_limit_s=found.time_limit,
        out=found.out,
        data=found.data,
    )


def _number(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be more than nothing")
    return number


def _parts(text: str) -> Sequence[str]:
    wanted = text.split(",")
    for part in wanted:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(
                f"there is no {part!r}; there are {', '.join(PARTS)}"
            )
    return [part for part in PARTS if part in wanted]
