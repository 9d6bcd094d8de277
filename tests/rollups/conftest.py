"""One PostgreSQL for all of these tests, with a database of Synapse's for each."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
import yaml
from media_database import Connection, execute_on_server, write_config
from realservers.postgres import PostgresServer

_TEMPLATE = "synapse_template"
_SETTINGS = {"fsync": "off", "max_wal_size": "64MB"}

_numbers = count()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Synapse's harness, an hour passes each time the keeper reads its clock."""
    hours = count()
    monkeypatch.setattr(
        "media_stats_module.rollups_keeper.monotonic", lambda: next(hours) * 3600.0
    )


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A server with a template that has Synapse's tables."""
    memory = "/dev/shm"
    in_memory = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    with tempfile.TemporaryDirectory(
        prefix="postgres-", dir=memory if in_memory else None
    ) as directory:
        path = Path(directory)
        with PostgresServer.start(path, _SETTINGS) as postgres:
            postgres.create_database(_TEMPLATE)
            args = {"name": "psycopg2", "args": postgres.dsn(_TEMPLATE)}
            with closing(Connection(write_config(path, args))) as connection:
                connection.create_tables()
            yield postgres


@pytest.fixture
def config_path(server: PostgresServer, tmp_path: Path) -> Path:
    """The homeserver.yaml of a database with Synapse's tables."""
    name = f"synapse_{next(_numbers)}"
    # In half the time of the default, if nothing is written to a disk.
    execute_on_server(
        server, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY"
    )
    return write_config(tmp_path, {"name": "psycopg2", "args": server.dsn(name)})


@pytest.fixture
def connect(config_path: Path) -> Iterator[Callable[[], Connection]]:
    """Makes connections to that database."""
    connections: list[Connection] = []

    def make() -> Connection:
        connections.append(Connection(config_path))
        return connections[-1]

    yield make
    for connection in connections:
        connection.close()


@pytest.fixture
def connection(connect: Callable[[], Connection]) -> Connection:
    """A connection to that database."""
    return connect()


@pytest.fixture
def role(server: PostgresServer, config_path: Path) -> str:
    """A role without any rights, which may log in."""
    database = yaml.safe_load(config_path.read_text())["database"]["args"]["dbname"]
    name = f"role_of_{database}"
    execute_on_server(server, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    return name
