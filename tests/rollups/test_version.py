"""The version of the objects in the database increases when they change."""

from hashlib import sha256
from pathlib import Path

import pytest

from media_stats_module.storage.rollups import install, names, status

pytestmark = pytest.mark.once


def test_objects_that_change_have_another_version() -> None:
    """Otherwise databases would keep the old ones.

    If this fails, increase `VERSION`, and put both values here.
    """
    folder = Path(install.__file__).parent
    digest = sha256()
    for name in ("install.sql", "triggers.sql"):
        digest.update((folder / name).read_bytes())
    assert (status.VERSION, digest.hexdigest()) == (
        4,
        "871cd5cd403475e3552b507cbe3567fc1b102a1fd96fd8001ea265bcae758858",
    )


def test_names() -> None:
    """All names that the SQL files create are known, so they are removed, too."""
    folder = Path(install.__file__).parent
    sql = (folder / "install.sql").read_text() + (folder / "triggers.sql").read_text()
    created = {
        kind: [
            words[2].removeprefix("{schema}.").split("(")[0].rstrip(";")
            for words in map(str.split, sql.splitlines())
            if words[:2] == ["CREATE", kind]
        ]
        for kind in ("TABLE", "FUNCTION", "SEQUENCE", "TRIGGER")
    }
    assert sorted(created["TABLE"]) == sorted(names.TABLES)
    assert sorted(created["FUNCTION"]) == sorted(names.FUNCTIONS)
    assert sorted(created["SEQUENCE"]) == sorted(names.SEQUENCES)
    status_sql = (folder / "status.sql").read_text()
    for name in (*names.TABLES, *names.FUNCTIONS, *names.SEQUENCES, *names.TRIGGERS):
        assert f"'{name}'" in status_sql
    on_media = set(created["TRIGGER"]) - {"media_stats_distrust"}
    assert on_media == set(names.TRIGGERS)
