"""docs/statements.sql and statements-sqlite.sql have the statements that are sent."""

import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.append(str(_DOCS))

from statements import record  # noqa: E402
from statements_format import format_sql  # noqa: E402


def test_statements_are_current() -> None:
    for name, text in record().items():
        assert (_DOCS / name).read_text() == text, "run python docs/statements.py"


def test_layout() -> None:
    assert format_sql("SELECT a,b FROM t -- c\n WHERE x IN (1, 2)") == (
        "SELECT a, b\nFROM t\nWHERE x IN (1, 2)"
    )
    columns = ", ".join(f"column_{number}" for number in range(10))
    (first, *lines, last) = format_sql(f"SELECT {columns} FROM t").splitlines()
    assert (first, last) == ("SELECT", "FROM t")
    assert lines == [f"    column_{number}," for number in range(9)] + ["    column_9"]
