"""The benchmark, with very little media: it runs, and finds the answers equal."""

import csv
from pathlib import Path

import attr
import pytest

from benchmarks import background, build, requests, writes
from benchmarks.__main__ import main
from benchmarks.agreement import YES, compare_with_built_in
from benchmarks.options import Size, parse_options
from benchmarks.questions import DASHBOARD, Question, all_questions
from benchmarks.report import lines
from benchmarks.results import (
    BUILT_IN,
    BY_HAND,
    HTTP,
    LIVE,
    ROLLUPS,
    SQL,
    Answer,
    Results,
)
from benchmarks.timing import take_turns

pytestmark = pytest.mark.once

_SIZE = Size(media=600, users=20, remote=400)
_ANSWER = Answer(
    **attr.asdict(_SIZE),
    question="users one day",
    way=LIVE,
    level=HTTP,
    runs=1,
    median_ms=2.0,
    fastest_ms=1.0,
    slowest_ms=3.0,
    agrees=YES,
)


_PARTS = "live,build,rollups,requests,dashboard,background,writes"


def _measure(directory: Path, parts: str, *options: str) -> int:
    """Run the command; return its exit status."""
    return main(
        [
            f"--media={_SIZE.media}",
            f"--users={_SIZE.users}",
            f"--remote={_SIZE.remote}",
            f"--only={parts}",
            "--runs=1",
            f"--out={directory / 'out'}",
            f"--data={directory / 'data'}",
            *options,
        ]
    )


def _read(directory: Path, name: str) -> list[dict[str, str]]:
    with (directory / "out" / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All parts, except those that take long."""
    directory = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(build, "_IDLE_S", 0.5)
        monkeypatch.setattr(requests, "_RUNS", 2)
        monkeypatch.setattr(background, "_OBSERVED_S", 0.5)
        monkeypatch.setattr(writes, "_ROWS", 100)
        monkeypatch.setattr(writes, "_UNMEASURED_UPLOADS", 2)
        monkeypatch.setattr(writes, "_UPLOADS", 2)
        assert _measure(directory, _PARTS) == 0
    return directory


def test_every_question_is_answered_alike(measured: Path) -> None:
    rows = _read(measured, "answers.csv")
    assert [row["agrees"] for row in rows if row["agrees"] not in ("", YES)] == []
    found = {(row["question"], row["way"], row["level"]) for row in rows}
    for question in all_questions(_SIZE):
        for way in (LIVE, ROLLUPS):
            for level in (HTTP, SQL):
                assert (question.name, way, level) in found
        before = (BUILT_IN, HTTP) if question.has_built_in else (BY_HAND, SQL)
        assert (question.name, *before) in found
    assert all(float(row["median_ms"]) > 0 for row in rows)
    assert "users one day" in (measured / "out" / "table.txt").read_text()


def test_all_else_is_measured(measured: Path) -> None:
    parts = {row["part"] for row in _read(measured, "figures.csv")}
    assert parts == {*_PARTS.split(",")} - {"live", "rollups"}


def test_what_everybody_else_notices(tmp_path: Path) -> None:
    assert _measure(tmp_path, "guest", "--cases=3 open the dashboard") == 0
    found = {
        row["name"].removeprefix("3 open the dashboard: "): float(row["value"])
        for row in _read(tmp_path, "figures.csv")
    }
    assert found["answered"] == 3 * len(DASHBOARD)
    for what in ("upload", "login", "sync", "longest lag", "memory"):
        assert found[what] > 0
    assert "3 open the dashboard" in (tmp_path / "out" / "table.txt").read_text()


def test_wrong_answers_are_found() -> None:
    question = Question(name="", endpoint="users", parameters={})

    def page(*counts: int, total: int) -> dict[str, object]:
        users = [
            {
                "user_id": f"@user{number}:example.org",
                "displayname": None,
                "media_count": count,
                "media_length": 10,
            }
            for number, count in enumerate(counts)
        ]
        return {"users": users, "total": total}

    def compare(module: dict[str, object], built_in: dict[str, object]) -> bool:
        pending = {"@user1:example.org": 2}
        return (
            compare_with_built_in(
                question, module, built_in, pending=pending, nobodies=1
            )
            == YES
        )

    built_in = page(1, 4, total=3)
    assert compare(page(1, 2, total=2), built_in)
    assert not compare(page(1, 2, total=3), built_in)
    assert not compare(page(1, 3, total=2), built_in)
    # One may have left the page.
    assert compare(page(1, 2, 1, total=2), built_in)
    assert not compare(page(1, 2, 1, 1, total=2), built_in)


def test_results_of_other_parts_are_kept(tmp_path: Path) -> None:
    built_in = attr.evolve(_ANSWER, way=BUILT_IN, median_ms=100.0, agrees="")
    Results(tmp_path).add_answers(_ANSWER, built_in)
    other = attr.evolve(_ANSWER, media=1)
    Results(tmp_path).add_answers(other, attr.evolve(_ANSWER, median_ms=4.0))

    results = Results(tmp_path)
    assert results.answers(attr.evolve(_SIZE, media=1)) == [other]
    (line,) = lines(results.answers(_SIZE))
    assert line.ratio(LIVE, HTTP) == 25.0
    assert line.ratio(ROLLUPS, HTTP) is None


def test_slow_questions_are_asked_less_often() -> None:
    asked: list[str] = []
    ways = {"one": lambda: asked.append("one"), "two": lambda: asked.append("two")}
    take_turns(ways, runs=3, time_limit_s=60.0)
    # The first time warms up.
    assert asked == ["one", "two", "two", "one"] * 2

    asked.clear()
    take_turns(ways, runs=3, time_limit_s=0.0)
    assert asked == ["one", "two", "two", "one"]


def test_options() -> None:
    options = parse_options(["--media=1000", "--users=50", "--only=writes,live"])
    assert options.size == Size(media=1000, users=50, remote=1000)
    assert options.parts == ["live", "writes"]
