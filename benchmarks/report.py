"""The table of all answers."""

from collections.abc import Sequence

import attr

from benchmarks.options import Size
from benchmarks.results import (
    BUILT_IN,
    BY_HAND,
    GUEST,
    HTTP,
    LIVE,
    ROLLUPS,
    SQL,
    Answer,
    Figure,
    Results,
)

_HEADER = ("", "HTTP", "", "", "", "", "SQL", "", "", "", "")
_COLUMNS = (
    "median in ms, and how many times as fast",
    *("before", "live", "x", "rollups", "x") * 2,
)


@attr.frozen
class Line:
    """A question, and the times of its answers.

    Attributes:
        question: its name.
        before: the way without the module, `built-in` or `by hand`; empty if it was not
            measured.
        medians: the medians by way and level, in milliseconds.
        agrees: whether all answers were right.
    """

    question: str
    before: str
    medians: dict[tuple[str, str], float]
    agrees: bool

    def median_before(self, level: str) -> float | None:
        """The time without the module."""
        return self._median(self.before, level)

    def ratio(self, way: str, level: str) -> float | None:
        """How many times faster the module is."""
        before = self.median_before(level)
        after = self.medians.get((way, level))
        return before / after if before and after else None

    def _median(self, way: str, level: str) -> float | None:
        """The time of a way without the module.

        Statements by hand have no HTTP.
        """
        other = SQL if level == HTTP else HTTP
        found = self.medians.get((way, level))
        return self.medians.get((way, other)) if found is None else found


def lines(answers: Sequence[Answer]) -> list[Line]:
    """The answers of one data set, by question."""
    found = []
    for question in dict.fromkeys(answer.question for answer in answers):
        of_question = [answer for answer in answers if answer.question == question]
        medians = {(row.way, row.level): row.median_ms for row in of_question}
        before = next((way for way, _ in medians if way in (BUILT_IN, BY_HAND)), "")
        agrees = all(answer.agrees in ("", "yes") for answer in of_question)
        found.append(Line(question, before, medians, agrees))
    return found


def table(results: Results, size: Size) -> str:
    """The answers of one data set, as text."""
    rows: list[Sequence[str]] = [_HEADER, _COLUMNS]
    before = ""
    for line in lines(results.answers(size)):
        if line.before != before:
            before = line.before
            rows.append((f"before: {before}", *[""] * 10))
        cells = [f"  {line.question}" + ("" if line.agrees else " (ANSWERS DIFFER)")]
        for level in (HTTP, SQL):
            cells.append(_number(line.median_before(level)))
            for way in (LIVE, ROLLUPS):
                cells.append(_number(line.medians.get((way, level))))
                cells.append(_number(line.ratio(way, level)))
        rows.append(cells)
    figures = results.figures(size)
    for figure in figures:
        if figure.part == GUEST:
            continue
        value = f"{figure.value:,.4g} {figure.unit}"
        rows.append((f"{figure.part}: {figure.name}", value))
    aligned = [row for row in rows if len(row) > 2]
    widths = [max(map(len, column)) for column in zip(*aligned, strict=True)]
    widths[0] = max(len(row[0]) for row in rows)
    text = [
        f"{size.media:,} local files of {size.users:,} users, "
        f"{size.remote:,} remote files of {size.servers:,} servers"
    ]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) if len(row) > 2 else cell
            for cell, width in zip(row[1:], widths[1:], strict=False)
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text + _loads(figures))


def _loads(figures: Sequence[Figure]) -> list[str]:
    """The delays of other requests under each load, a line for each."""
    loads: dict[str, dict[str, str]] = {}
    for figure in figures:
        if figure.part == GUEST:
            load, _, what = figure.name.rpartition(": ")
            column = f"{what}, {figure.unit}" if figure.unit else what
            loads.setdefault(load, {})[column] = _number(figure.value)
    columns = dict.fromkeys(name for cells in loads.values() for name in cells)
    rows = [["", *columns]]
    for load, cells in loads.items():
        rows.append([load, *(cells.get(name, "") for name in columns)])
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [
                cell.rjust(width)
                for cell, width in zip(row[1:], widths[1:], strict=True)
            ]
        ).rstrip()
        for row in rows
    ]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
