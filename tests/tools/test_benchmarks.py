"""The benchmark, on next to nothing: that it runs, and finds the answers right."""

import csv
from importlib.util import find_spec
from pathlib import Path

import attr
import pytest

from benchmarks import build, writes
from benchmarks.__main__ import main
from benchmarks.agreement import YES, compare_with_built_in
from benchmarks.options import Size, parse_options
from benchmarks.questions import Question, all_questions
from benchmarks.report import lines
from benchmarks.results import BUILT_IN, HTTP, LIVE, ROLLUPS, SQL, Answer, Results
from benchmarks.timing import take_turns

_SIZE = Size(media=600, users=20, remote=400)
_ANSWER = Answer(
    database="postgres",
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


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is missing")
@pytest.mark.parametrize(
    ("database", "parts"),
    [("postgres", "live,build,rollups"), ("sqlite", "live,rollups,writes")],
)
def test_every_question_is_answered_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, parts: str
) -> None:
    monkeypatch.setattr(build, "_IDLE_S", 0.5)
    monkeypatch.setattr(writes, "_ROWS", 100)
    monkeypatch.setattr(writes, "_UPLOADS", 2)
    times = 10 if database == "sqlite" else 1
    exit_status = main(
        [
            f"--database={database}",
            f"--media={_SIZE.media * times}",
            f"--users={_SIZE.users * times}",
            f"--remote={_SIZE.remote * times}",
            f"--only={parts}",
            "--runs=1",
            f"--out={tmp_path / 'out'}",
            f"--data={tmp_path / 'data'}",
        ]
    )

    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["agrees"] for row in rows if row["agrees"] not in ("", YES)] == []
    assert exit_status == 0
    found = {(row["question"], row["way"], row["level"]) for row in rows}
    for question in all_questions(_SIZE):
        before = [(BUILT_IN, HTTP), (BUILT_IN, SQL)]
        if not question.has_built_in:
            before = [("by hand", SQL)]
        ways = [(way, level) for way in (LIVE, ROLLUPS) for level in (HTTP, SQL)]
        for way, level in before + ways:
            assert (question.name, way, level) in found
    assert all(float(row["median_ms"]) > 0 for row in rows)
    with (tmp_path / "out" / "figures.csv").open(newline="") as file:
        measured = {row["part"] for row in csv.DictReader(file)}
    assert measured == {*parts.split(",")} - {"live", "rollups"}
    assert "users one day" in (tmp_path / "out" / "table.txt").read_text()
    assert (tmp_path / "out" / "ratios.png").stat().st_size > 10_000


def test_wrong_answers_are_found() -> None:
    question = Question(
        name="", endpoint="users", parameters={}, ask=lambda txn, has_rollups: None
    )

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
    # One may have been pushed off the page, and no more.
    assert compare(page(1, 2, 1, total=2), built_in)
    assert not compare(page(1, 2, 1, 1, total=2), built_in)


def test_results_of_other_parts_are_kept(tmp_path: Path) -> None:
    built_in = attr.evolve(_ANSWER, way=BUILT_IN, median_ms=100.0, agrees="")
    Results(tmp_path).add_answers(_ANSWER, built_in)
    other = attr.evolve(_ANSWER, database="sqlite")
    Results(tmp_path).add_answers(other, attr.evolve(_ANSWER, median_ms=4.0))

    results = Results(tmp_path)
    assert results.answers("sqlite", _SIZE) == [other]
    (line,) = lines(results.answers("postgres", _SIZE))
    assert line.ratio(LIVE, HTTP) == 25.0
    assert line.ratio(ROLLUPS, HTTP) is None


def test_slow_questions_are_asked_less_often() -> None:
    asked: list[str] = []
    ways = {"one": lambda: asked.append("one"), "two": lambda: asked.append("two")}
    take_turns(ways, runs=3, time_limit_s=60.0)
    # The first time is to warm up.
    assert asked == ["one", "two", "two", "one"] * 2

    asked.clear()
    take_turns(ways, runs=3, time_limit_s=0.0)
    assert asked == ["one", "two", "two", "one"]


def test_sqlite_gets_a_tenth() -> None:
    options = parse_options(["--media=1000", "--users=50", "--only=writes,live"])
    assert options.sizes["postgres"] == Size(media=1000, users=50, remote=1000)
    assert options.sizes["sqlite"] == Size(media=100, users=5, remote=100)
    assert options.parts == ["live", "writes"]
