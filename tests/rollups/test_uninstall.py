"""The steps of docs/install.md that take rollups out of a database."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from administrator_support import objects
from media_database import Connection, Keeper, execute_txn
from readme import example

# The command and the SQL of test_remove.py.
pytestmark = pytest.mark.once

_MODULE = {
    "module": "media_stats_module.MediaStatsModule",
    "config": {"rollups": True},
}


@pytest.fixture(autouse=True)
def _installed(connection: Connection) -> None:
    """Rollups were on, with the indexes, which come last."""
    connection.execute("INSERT INTO local_media_repository (media_id) VALUES ('a')")
    Keeper(connection).round()
    assert {"media_stats_local_by_time", "media_stats_remote_by_time"} <= {
        name for _, name, _ in objects(connection)
    }


def remove(*config_paths: Path) -> subprocess.CompletedProcess[str]:
    options = [option for path in config_paths for option in ("-c", str(path))]
    return subprocess.run(
        [sys.executable, "-m", "media_stats_module", "remove", *options],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_statements(connection: Connection) -> None:
    """The statements leave nothing."""
    for statement in example("The package is gone, too").split(";\n"):
        if statement.strip():
            connection.run_autocommit(execute_txn, statement)

    assert objects(connection) == []
    connection.execute("INSERT INTO local_media_repository (media_id) VALUES ('b')")


def test_command(connection: Connection, config_path: Path, tmp_path: Path) -> None:
    """With a folder of configuration files, as on Debian."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "modules.yaml").write_text(yaml.safe_dump({"modules": [_MODULE]}))

    # A running Synapse would put everything back.
    refused = remove(config_path, folder)
    assert refused.returncode == 1
    # An old Synapse first warns about one of its libraries, in two lines.
    *_, line = refused.stderr.splitlines()
    assert "rollups: true" in line
    assert objects(connection)

    shutil.rmtree(folder)
    folder.mkdir()
    removed = remove(config_path, folder)
    assert (removed.stdout, removed.returncode) == ("Removed.\n", 0), removed.stderr
    assert objects(connection) == []

    again = remove(config_path, folder)
    assert (again.stdout, again.returncode) == ("There is nothing to remove.\n", 0)
