"""One table of all answers, and a picture of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    """A question, and how it was answered.

    Attributes:
        question: its name.
        before: who answers without the module, `built-in` or `by hand`; empty if that
            was not measured.
        medians: by way and level, in milliseconds.
        agrees: whether all answers were right.
    """

    question: str
    before: str
    medians: dict[tuple[str, str], float]
    agrees: bool

    def median_before(self, level: str) -> float | None:
        """How long it takes without the module."""
        return self._median(self.before, level)

    def ratio(self, way: str, level: str) -> float | None:
        """How many times as fast the module is."""
        before = self.median_before(level)
        after = self.medians.get((way, level))
        return before / after if before and after else None

    def _median(self, way: str, level: str) -> float | None:
        """How long it takes in a way without the module.

        By hand there is no HTTP, and SQLite does not tell what the statements took.
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


def table(results: Results, database: str, size: Size) -> str:
    """The answers of one data set, as text."""
    rows: list[Sequence[str]] = [_HEADER, _COLUMNS]
    before = ""
    for line in lines(results.answers(database, size)):
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
    figures = results.figures(database, size)
    for figure in figures:
        if figure.part == GUEST:
            continue
        value = f"{figure.value:,.4g} {figure.unit}"
        rows.append((f"{figure.part}: {figure.name}", value))
    aligned = [row for row in rows if len(row) > 2]
    widths = [max(map(len, column)) for column in zip(*aligned, strict=True)]
    widths[0] = max(len(row[0]) for row in rows)
    text = [
        f"{database}: {size.media:,} local files of {size.users:,} users, "
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
    """What everybody else notices of each load, a line for each."""
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
    """Rows of as many cells as lines of text; numbers to the right."""
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


def draw(results: Results, sizes: dict[str, Size], path: Path) -> None:
    """Draw how many times as fast the module is.

    Over HTTP, where Synapse's own endpoint answers too; else the statements alone.

    Args:
        results: what was measured.
        sizes: of the data set of each database.
        path: of the picture.
    """
    # It takes a second to import, and is not needed to measure.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn = {
        database: [
            line for line in lines(results.answers(database, size)) if line.before
        ]
        for database, size in sizes.items()
    }
    drawn = {database: found for database, found in drawn.items() if found}
    if not drawn:
        return
    most = max(map(len, drawn.values()))
    figure, columns = pyplot.subplots(
        1,
        len(drawn),
        figsize=(9 * len(drawn), 0.34 * most + 1.6),
        squeeze=False,
        layout="constrained",
    )
    for axes, (database, found) in zip(columns[0], drawn.items(), strict=True):
        _draw_database(axes, found)
        size = sizes[database]
        axes.set_title(
            f"{'PostgreSQL' if database == 'postgres' else 'SQLite'}: "
            f"{size.media:,} local files of {size.users:,} users,\n"
            f"{size.remote:,} remote files of {size.servers:,} servers"
        )
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _draw_database(axes: Any, found: Sequence[Line]) -> None:
    for offset, way, colour in ((-0.2, LIVE, "#e0a030"), (0.2, ROLLUPS, "#3070b0")):
        ratios = [
            line.ratio(way, HTTP if line.before == BUILT_IN else SQL) for line in found
        ]
        places = [
            place + offset for place, ratio in enumerate(ratios) if ratio is not None
        ]
        lengths = [ratio for ratio in ratios if ratio is not None]
        # From one, so that what is slower goes to the left.
        bars = axes.barh(
            places,
            [length - 1 for length in lengths],
            0.4,
            left=1,
            color=colour,
            label=way,
        )
        axes.bar_label(bars, [f"{_number(ratio)}" for ratio in lengths], fontsize=7)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(found)), [line.question for line in found], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(
        "times as fast as Synapse's own endpoint (users, whole requests),\n"
        "or SQL by hand (the rest, statements alone)"
    )
    axes.margins(x=0.12, y=0.01)
    axes.legend(loc="lower right")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
