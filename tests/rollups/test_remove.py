"""`python -m media_stats_module remove`, beside a server.

test_uninstall.py runs it in a real process.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from administrator_support import objects
from media_database import Connection, Keeper, write_config
from synapse.module_api import LoggingTransaction

from media_stats_module.__main__ import main
from media_stats_module.storage import offline_database

Remove = Callable[[Path], tuple[int, str]]


@pytest.fixture
def remove(capsys: pytest.CaptureFixture[str]) -> Remove:
    """Runs the command in this process; returns the exit status and the output."""

    def run(config_path: Path) -> tuple[int, str]:
        status = main(["remove", "-c", str(config_path)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_removes_everything_and_can_be_repeated(
    config_path: Path, connection: Connection, remove: Remove
) -> None:
    Keeper(connection).round()
    names = [name for _, name, _ in objects(connection)]
    assert "media_stats_local_by_time" in names

    assert remove(config_path) == (0, "Removed.\n")
    assert objects(connection) == []
    connection.execute("INSERT INTO local_media_repository (media_id) VALUES ('a')")

    assert remove(config_path) == (0, "There is nothing to remove.\n")


def test_removes_what_an_unfinished_installation_left(
    config_path: Path, connection: Connection, remove: Remove
) -> None:
    Keeper(connection).round()
    connection.execute("DROP TABLE media_stats_state, media_stats_changes")
    assert remove(config_path) == (0, "Removed.\n")
    assert objects(connection) == []


def test_waits_for_a_lock(
    config_path: Path,
    connection: Connection,
    connect: Callable[[], Connection],
    remove: Remove,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gives up with the reason, and removes the rest another time."""
    monkeypatch.setattr(offline_database, "_ATTEMPTS", 3)
    Keeper(connection).round()

    def lock_and_remove(txn: LoggingTransaction) -> tuple[int, str]:
        txn.execute("LOCK TABLE remote_media_cache IN ROW EXCLUSIVE MODE")
        return remove(config_path)

    status, said = connect().run_once(lock_and_remove)
    assert status == 1
    assert "lock timeout" in said
    assert remove(config_path) == (0, "Removed.\n")
    assert objects(connection) == []


def test_sqlite_has_no_rollups(tmp_path: Path, remove: Remove) -> None:
    path = tmp_path / "s.db"
    path.touch()
    database = {"name": "sqlite3", "args": {"database": str(path)}}
    config_path = write_config(tmp_path, database)
    assert remove(config_path) == (0, "There is nothing to remove.\n")


_LOADED = """
server_name: a
report_stats: false
modules:
  - {module: media_stats_module.MediaStatsModule, config: {rollups: true}}
"""
_DOWN = """
server_name: a
report_stats: false
database: {name: psycopg2, args: {host: 127.0.0.1, port: 1}}
"""


@pytest.mark.parametrize(
    ("homeserver_yaml", "reason"),
    [
        ("database: [", "the configuration: "),
        ("report_stats: false", "the configuration: "),
        (_LOADED, "still says `rollups: true`"),
        (_DOWN, "database: "),
    ],
)
def test_says_why_it_cannot(
    tmp_path: Path, homeserver_yaml: str, reason: str, remove: Remove
) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_text(homeserver_yaml)
    status, said = remove(path)
    assert status == 1
    assert reason in said
    assert "Traceback" not in said
