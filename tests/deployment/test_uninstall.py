"""What docs/install.md says about taking rollups out of a database."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml
from readme import example
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer
from support import MODULE_PATH

from demo.homeserver import Homeserver

# Everything that carries one of our names.
_OBJECTS = r"""
    SELECT relname FROM pg_class WHERE relname LIKE 'media\_stats\_%'
    UNION ALL
    SELECT proname FROM pg_proc WHERE proname LIKE 'media\_stats\_%'
    UNION ALL
    SELECT tgname FROM pg_trigger WHERE tgname LIKE 'media\_stats\_%'
"""


class Abandoned:
    """A homeserver that has been stopped while it kept rollups."""

    def __init__(self, directory: Path, postgres: PostgresServer) -> None:
        postgres.create_database("synapse")
        self._dsn = postgres.dsn("synapse")
        self.homeserver = self._new(directory, {"rollups": True})
        with self.homeserver:
            admin = self.homeserver.register("admin", admin=True)
            self.homeserver.client.upload(admin, b"some bytes")

            def is_exact() -> bool:
                answer = self.homeserver.client.request(
                    "GET", f"{MODULE_PATH}/v1/rollups", token=admin.access_token
                )
                rollups = answer.json()["rollups"].values()
                # The indexes come last.
                return all(r["status"] == "exact" for r in rollups) and {
                    "media_stats_local_by_time",
                    "media_stats_remote_by_time",
                } <= set(self.objects())

            wait_until(is_exact)

    def _new(self, directory: Path, module: dict[str, object]) -> Homeserver:
        return Homeserver(directory, module=module, postgres=self._dsn)

    def objects(self) -> list[str]:
        """The names of what rollups have added to the database."""
        return [name for (name,) in self.execute(_OBJECTS)]

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(**self._dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def remove(self, *config_paths: Path) -> subprocess.CompletedProcess[str]:
        options = [option for path in config_paths for option in ("-c", str(path))]
        return subprocess.run(
            [sys.executable, "-m", "media_stats_module", "remove", *options],
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture
def abandoned(tmp_path: Path) -> Iterator[Abandoned]:
    with PostgresServer.start(settings={"fsync": "off"}) as postgres:
        yield Abandoned(tmp_path / "synapse", postgres)


def test_statements(abandoned: Abandoned) -> None:
    """They leave nothing."""
    assert abandoned.objects()

    for statement in example("The package is gone, too").split(";\n"):
        if statement.strip():
            abandoned.execute(statement)

    assert abandoned.objects() == []
    abandoned.execute("INSERT INTO local_media_repository (media_id) VALUES ('a')")


def test_command(abandoned: Abandoned, tmp_path: Path) -> None:
    """With a folder of configuration files, as on Debian."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    config = yaml.safe_load(abandoned.homeserver.config_path.read_text())
    modules = folder / "modules.yaml"
    modules.write_text(yaml.safe_dump({"modules": config.pop("modules")}))
    main = tmp_path / "homeserver.yaml"
    main.write_text(yaml.safe_dump(config))

    # That Synapse would put everything back.
    refused = abandoned.remove(main, folder)
    assert refused.returncode == 1
    # An old Synapse warns about one of its libraries, in two lines before.
    *_, line = refused.stderr.splitlines()
    assert "rollups: true" in line
    assert abandoned.objects()

    shutil.rmtree(folder)
    folder.mkdir()
    removed = abandoned.remove(main, folder)
    assert (removed.stdout, removed.returncode) == ("Removed.\n", 0), removed.stderr
    assert abandoned.objects() == []

    again = abandoned.remove(main, folder)
    assert (again.stdout, again.returncode) == ("There is nothing to remove.\n", 0)
