"""The results, stored at once, so an interrupted run is not lost.

Two CSV files. A new measurement replaces the old one of the same; the rest stays.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import attr

from benchmarks.options import Size

BUILT_IN = "built-in"
BY_HAND = "by hand"
LIVE = "live"
ROLLUPS = "rollups"

# A part whose figures are a table of their own: `load: what others notice`.
GUEST = "guest"

HTTP = "http"
SQL = "sql"


@attr.frozen(kw_only=True)
class Answer:
    """The time of an answer.

    Attributes:
        media: rows of the data set, as the next two.
        users: likewise.
        remote: likewise.
        question: its name.
        way: the way to answer.
        level: `http` for a whole request, `sql` for its statements alone, as PostgreSQL
            tells.
        runs: the number of measurements.
        median_ms: the median time.
        fastest_ms: the shortest time.
        slowest_ms: the longest time.
        agrees: `yes` if the answer equals another one, or the difference.
        digest: the answer's digest; equal answers have equal ones.
    """

    media: int = attr.ib(converter=int)
    users: int = attr.ib(converter=int)
    remote: int = attr.ib(converter=int)
    question: str
    way: str
    level: str
    runs: int = attr.ib(converter=int)
    median_ms: float = attr.ib(converter=float)
    fastest_ms: float = attr.ib(converter=float)
    slowest_ms: float = attr.ib(converter=float)
    agrees: str = ""
    digest: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """The fields that identify a measurement."""
        return (*attr.astuple(self)[:3], self.question, self.way, self.level)


@attr.frozen(kw_only=True)
class Figure:
    """Any other result.

    Attributes:
        media: rows of the data set, as the next two.
        users: likewise.
        remote: likewise.
        part: the part of the benchmark.
        name: its name.
        value: the number.
        unit: its unit.
    """

    media: int = attr.ib(converter=int)
    users: int = attr.ib(converter=int)
    remote: int = attr.ib(converter=int)
    part: str
    name: str
    value: float = attr.ib(converter=float)
    unit: str

    @property
    def key(self) -> tuple[object, ...]:
        """The fields that identify a measurement."""
        return (*attr.astuple(self)[:3], self.part, self.name)


_R = TypeVar("_R", Answer, Figure)


class _Table(Generic[_R]):
    """Rows in a file."""

    def __init__(self, path: Path, kind: type[_R]) -> None:
        self._path = path
        self._columns = [field.name for field in attr.fields(kind)]
        self._rows: dict[tuple[object, ...], _R] = {}
        if path.exists():
            with path.open(newline="") as file:
                for cells in csv.DictReader(file):
                    arguments: dict[str, Any] = cells
                    row = kind(**arguments)
                    self._rows[row.key] = row

    def __iter__(self) -> Iterator[_R]:
        return iter(self._rows.values())

    def add(self, *rows: _R) -> None:
        for row in rows:
            self._rows[row.key] = row
        written = self._path.with_suffix(".new")
        with written.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self._columns)
            writer.writerows(attr.astuple(row) for row in self._rows.values())
        written.replace(self._path)


class Results:
    """All results, in a folder.

    Attributes:
        folder: the folder of the files.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._answers = _Table(folder / "answers.csv", Answer)
        self._figures = _Table(folder / "figures.csv", Figure)

    def add_answers(self, *answers: Answer) -> None:
        """Store the times of answers."""
        self._answers.add(*answers)

    def add_figure(
        self, size: Size, part: str, name: str, value: float, unit: str
    ) -> None:
        """Store a figure."""
        self._figures.add(
            Figure(
                **attr.asdict(size),
                part=part,
                name=name,
                value=float(f"{value:.4g}"),
                unit=unit,
            )
        )

    def answers(self, size: Size) -> list[Answer]:
        """The answers about one data set."""
        return [row for row in self._answers if _is_about(row, size)]

    def figures(self, size: Size) -> list[Figure]:
        """The figures about one data set."""
        return [row for row in self._figures if _is_about(row, size)]

    def digest(self, size: Size, question: str, way: str) -> str | None:
        """The digest of an answer over HTTP, if it was measured."""
        for answer in self.answers(size):
            if (answer.question, answer.way, answer.level) == (question, way, HTTP):
                return answer.digest
        return None


def _is_about(row: Answer | Figure, size: Size) -> bool:
    return (row.media, row.users, row.remote) == attr.astuple(size)
