"""Runs each command of docs/disk-full.md and docs/disk.md, as it is there."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from disk_media import local_path
from readme import PAGES, commands_in

from demo.homeserver import Homeserver

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_SEPARATOR = "----\n"

# Replaces programs that are not here: the command in the container, and a listing.
_PROGRAMS = {
    "python": f'exec {sys.executable} "$@"',
    "python3": f'exec {sys.executable} "$@"',
    "docker": 'case "$*" in "exec synapse "*) shift 2; exec "$@";; '
    '"compose run --rm --entrypoint python3 synapse "*) shift 6; exec python3 "$@";; '
    "*) exit 1; esac",
    "kubectl": 'while test "$1" != --; do shift; done; shift; exec "$@"',
    "aws": "echo 2026-11-01 10:00:00 3 local_content/aa/bb/cccc",
}


def _run(page: str, directory: Path, homeserver: Homeserver, token: str) -> list[str]:
    """Run all commands; return the output of each."""
    (text,) = (path.read_text() for path in PAGES if path.name == page)
    programs = directory / "bin"
    programs.mkdir()
    for name, script in _PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/sh -e\n{script}\n")
        (programs / name).chmod(0o755)
    # One shell, since a command may set variables for the next.
    script = f"\necho {_SEPARATOR}".join(["set -eu\n", *commands_in(text)])
    for written, meant in (
        ("http://localhost:8008", homeserver.base_url),
        ("/etc/matrix-synapse/homeserver.yaml", str(homeserver.config_path)),
        ("/data/homeserver.yaml", str(homeserver.config_path)),
        ("/conf/homeserver.yaml", str(homeserver.config_path)),
        ("/var/lib/matrix-synapse", str(homeserver.directory)),
        ("/var/lib/postgresql /var/log", str(directory)),
    ):
        script = script.replace(written, meant)
    printed = subprocess.check_output(
        ["sh", "-c", script],
        cwd=directory,
        env={
            "PATH": f"{programs}:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TOKEN": token,
        },
        text=True,
    )
    return [part for part in printed.split(_SEPARATOR) if part]


def test_disk_full(tmp_path: Path) -> None:
    with Homeserver(tmp_path / "synapse", module={}) as homeserver:
        admin = homeserver.register("admin", admin=True)
        kept = homeserver.client.upload(admin, b"kept").rpartition("/")[2]
        large = homeserver.client.upload(admin, b"x" * (11 << 20)).rpartition("/")[2]
        media = homeserver.directory / "media"
        remote = media / "remote_content/s.example/aa/bb/cccc"
        remote.parent.mkdir(parents=True)
        remote.write_bytes(b"remote")
        database = homeserver.directory / "homeserver.db"
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.executescript(
                """
                UPDATE local_media_repository SET created_ts = 1;
                INSERT INTO remote_media_cache
                    (media_origin, media_id, media_length, created_ts,
                    last_access_ts, filesystem_id)
                VALUES ('s.example', 'id', 6, 1, 1, 'aabbcccc');
                """
            )
        printed = _run("disk-full.md", tmp_path, homeserver, admin.access_token)

        # The output before anything was deleted.
        assert sum("local uploads" in part for part in printed) == 4
        assert any("@admin:localhost" in part for part in printed)
        assert any("s.example" in part for part in printed)
        assert any("Bytes, from the database to the disk:" in part for part in printed)
        # The files that Synapse then deleted.
        assert not remote.exists()
        assert not (media / local_path(large)).exists()
        assert (media / local_path(kept)).exists()


def test_disk(tmp_path: Path) -> None:
    provider = {"module": "some.Provider", "config": {}}
    homeserver = Homeserver(tmp_path / "synapse", module={})
    with homeserver:
        admin = homeserver.register("admin", admin=True)
        homeserver.client.upload(admin, b"kept")
    database = homeserver.directory / "homeserver.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        # Text that is not UTF-8.
        connection.execute(
            "INSERT INTO local_media_repository (media_id, media_length, created_ts) "
            "VALUES (CAST(X'61616262FFE9' AS TEXT), 1, 1)"
        )
        connection.execute(
            "INSERT INTO remote_media_cache (media_origin, media_length) "
            "VALUES (CAST(X'FE' AS TEXT), 1), (CAST(X'FF' AS TEXT), 1), (X'FF', 1)"
        )
    # Not started again, since there is no such provider.
    with homeserver.config_path.open("a") as file:
        file.write(f"media_storage_providers: [{provider}]\n")

    first, *_, last = _run("disk.md", tmp_path, homeserver, admin.access_token)
    assert "some.Provider: its files are not known" in first
    assert "some.Provider:\nkind" in last
    assert str(homeserver.directory / "media") in first
