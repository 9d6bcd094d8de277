"""A configuration that is wrong: one line that names the file and the fault."""

import os
import sys
from pathlib import Path

import pytest

from media_stats_module.__main__ import main

# Parses files.
pytestmark = [pytest.mark.once, pytest.mark.any_database]

_NAME = b"server_name: a.org\n"
_EMPTY = "empty, or not a mapping"
_DATABASE = "`database` must be a mapping"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", _EMPTY),
        (b"# nothing\n", _EMPTY),
        (b"- a\n- b\n", _EMPTY),
        (b"report_stats: false\n", "there is no server_name"),
        (b"server_name: [a]\n", "there is no server_name"),
        (_NAME + b"name: \xe9\n", "can't decode byte 0xe9"),
        (_NAME + b"name: \0\n", "character #x0000"),
        (_NAME + b"modules: [\n", "line 3"),
        (_NAME + b"deep: " + b"[" * 5_000, "recursion"),
        (_NAME + b"day: 2026-13-45\n", "month"),
        (_NAME + b"time: !!timestamp x\n", "NoneType"),
        (_NAME, "there is no `database`"),
        (_NAME + b"database: sqlite3\n", _DATABASE),
        (_NAME + b"database: {name: sqlite3, args: [a]}\n", _DATABASE),
        (_NAME + b'database: {name: psycopg2, args: {host: "\\0"}}\n', _DATABASE),
        (_NAME + b"databases: {main: 5}\n", _DATABASE),
        (_NAME + b"database: {name: mysql}\n", "database type 'mysql'"),
        (
            _NAME + b"database: {name: sqlite3, args: {database: /nowhere}}\n",
            "no database file /nowhere",
        ),
        (_NAME + b"modules: 5\n", "modules: must be a list"),
        (
            _NAME
            + b"modules: [{module: media_stats_module.MediaStatsModule, config: 5}]\n",
            "media_stats_module.MediaStatsModule: must be a mapping",
        ),
    ],
)
def test_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, fault: str
) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_bytes(content)
    _assert_fails(path, fault, capsys)


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ("media_store_path: 5", "media_store_path: must be the path of a folder"),
        ('media_store_path: "\\0"', "media_store_path: must be the path of a folder"),
        ('media_store_path: "\\ud800"', "media_store_path: must be the path"),
        ("backup_media_store_path: [a]", "backup_media_store_path: must be the path"),
        ("unused_expiration_time: a", "unused_expiration_time: must be a duration"),
        ("media_storage_providers: 5", "media_storage_providers: must be a list"),
        ("media_storage_providers: [5]", "media_storage_providers: must have a module"),
        (
            "media_storage_providers: [{module: file_system, config: {directory: 5}}]",
            "media_storage_providers: config: directory: must be the path of a folder",
        ),
        ("media_retention: 5", "media_retention: must be a mapping"),
        (
            "media_retention: {local_media_lifetime: a}",
            "media_retention: local_media_lifetime: must be a duration",
        ),
    ],
)
def test_option_about_media(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, fault: str
) -> None:
    database = tmp_path / "homeserver.db"
    database.touch()
    path = tmp_path / "homeserver.yaml"
    path.write_text(
        "server_name: a.org\n"
        f"database: {{name: sqlite3, args: {{database: {database}}}}}\n{option}\n"
    )
    command = "reclaimable" if "retention" in option else "disk"
    _assert_fails(path, fault, capsys, command)


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_fails(tmp_path / "nothing", "No such file", capsys)
    _assert_fails(tmp_path, _EMPTY, capsys)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Nobody writes to it.
    _assert_fails(pipe, _EMPTY, capsys)


def test_closed_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["summary", "-c", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().out == ""


def test_database_file_without_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "homeserver.db"
    path = tmp_path / "homeserver.yaml"
    path.write_bytes(
        _NAME + f"database: {{name: sqlite3, args: {{database: {database}}}}}".encode()
    )
    for content, fault in ((b"", "no such table"), (b"a" * 999, "not a database")):
        database.write_bytes(content)
        _assert_fails(path, fault, capsys)


def _assert_fails(
    path: Path,
    fault: str,
    capsys: pytest.CaptureFixture[str],
    command: str = "summary",
) -> None:
    assert main([command, "-c", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("media_stats_module: ")
    assert str(path) in line
    assert fault in line
