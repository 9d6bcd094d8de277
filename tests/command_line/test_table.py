"""Texts and sizes in a table."""

import pytest

from media_stats_module.formats.table import list_table

pytestmark = [pytest.mark.once, pytest.mark.any_database]


def test_a_long_text_is_cut() -> None:
    text = list_table(("upload_name",), [{"upload_name": "a" * 10_000}])
    assert text.splitlines()[1] == "a" * 252 + "..."


def test_a_user_id_is_whole() -> None:
    user_id = "@" + "a" * 250 + ":b.c"
    assert list_table(("user_id",), [{"user_id": user_id}]).endswith(user_id)


@pytest.mark.parametrize("column", ["media_length", "duplicate_length"])
def test_lengths_have_units(column: str) -> None:
    assert list_table((column,), [{column: 3 * 1024}]).endswith("3.0 KiB")
