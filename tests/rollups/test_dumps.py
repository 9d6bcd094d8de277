"""`pg_dump` and `pg_restore`, in every way: totals of elsewhere are never believed."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from media_database import (
    MEDIA,
    Connection,
    Keeper,
    assert_reads_are_exact_txn,
    execute_on_server,
    write_config,
)
from realservers.postgres import PostgresServer, client_program

from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

_ALL_ANSWERS = 10

_KEPT = (*MEDIA.names, "profiles", "users")

Restore = Callable[..., None]


@pytest.fixture(scope="module")
def small(server: PostgresServer) -> str:
    """A database that has Synapse's media tables, and no other table of Synapse's."""
    name = "synapse_small"
    execute_on_server(server, f"CREATE DATABASE {name} TEMPLATE synapse_template")
    run(
        server,
        "psql",
        *("-d", name, "-q", "-v", "ON_ERROR_STOP=1", "-c"),
        f"""
        DO $$
        DECLARE name TEXT;
        BEGIN
            FOR name IN SELECT relname FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                    AND relname NOT IN ({", ".join(f"'{name}'" for name in _KEPT)})
            LOOP
                EXECUTE 'DROP TABLE ' || quote_ident(name) || ' CASCADE';
            END LOOP;
        END $$
        """,
    )
    return name


def run(server: PostgresServer, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's own programs; return what it complains about."""
    finished = subprocess.run(
        [*client_program(program), *arguments],
        env={
            **os.environ,
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGPASSWORD": server.password,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # pg_restore goes on after an error, and says so.
    assert finished.returncode == 0 or program == "pg_restore", finished.stderr
    return finished.stderr


class Databases:
    """Makes databases and connections to them, and dumps and restores them."""

    def __init__(self, server: PostgresServer, template: str, directory: Path) -> None:
        self._server = server
        self._template = template
        self._directory = directory
        self._made = 0
        self.connections: list[Connection] = []

    def create(self, template: str | None = None) -> tuple[str, Connection]:
        """A new database: its name, and a connection to it."""
        self._made += 1
        name = f"{self._directory.name}_{self._made}".replace("-", "_").lower()
        execute_on_server(
            self._server,
            f"CREATE DATABASE {name} TEMPLATE {template or self._template}",
        )
        return name, self.connect(name)

    def connect(self, name: str) -> Connection:
        """A connection to a database."""
        args = self._server.dsn(name)
        path = write_config(self._directory, {"name": "psycopg2", "args": args})
        self.connections.append(Connection(path))
        return self.connections[-1]

    def dump(self, name: str) -> Path:
        """A dump of a database."""
        path = self._directory / "dump"
        run(self._server, "pg_dump", "-Fc", "-f", str(path), name)
        return path

    def restore(self, name: str, dump: Path, *options: str) -> str:
        """Restore a part of a dump; return what pg_restore complains about."""
        return run(self._server, "pg_restore", "-d", name, *options, str(dump))


@pytest.fixture
def databases(
    server: PostgresServer, small: str, tmp_path: Path
) -> Iterator[Databases]:
    made = Databases(server, small, tmp_path)
    yield made
    for connection in made.connections:
        connection.close()


def upload(connection: Connection, name: str, number: int) -> None:
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT ? || i, '@a', i, i FROM generate_series(1::bigint, ?) AS i",
        name,
        number,
    )
    connection.execute("UPDATE local_media_repository SET media_type = 'image/png'")


def fill(connection: Connection) -> None:
    """Some media in the totals, and some in the change log."""
    upload(connection, "a", 10)
    Keeper(connection).round()
    upload(connection, "b", 5)
    connection.execute("DELETE FROM local_media_repository WHERE media_length = 2")
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


def assert_is_put_right(connection: Connection) -> None:
    """Whatever answers is right at once, and after the next round the totals answer."""
    connection.run(assert_reads_are_exact_txn)
    upload(connection, "later", 3)
    connection.run(assert_reads_are_exact_txn)
    keeper = Keeper(connection)
    keeper.round()
    assert keeper.failures == {}
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS
    upload(connection, "at last", 3)
    connection.execute("DELETE FROM local_media_repository WHERE media_length = 1")
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS
    keeper.check()


_NO_TRIGGERS = "--disable-triggers"


@pytest.mark.parametrize(
    "parts",
    [
        [()],
        [("--schema-only",), ("--data-only",)],
        [("--schema-only",), ("--data-only", _NO_TRIGGERS)],
        [("--section=pre-data",), ("--section=data",), ("--section=post-data",)],
        [("--section=pre-data",), ("--section=post-data",), ("--section=data",)],
        [
            ("--section=pre-data",),
            ("--section=post-data",),
            ("--section=data", "--data-only", _NO_TRIGGERS),
        ],
    ],
    ids=lambda parts: " ".join(option for part in parts for option in part) or "all",
)
def test_restored_into_a_new_database(
    databases: Databases, parts: Sequence[Sequence[str]]
) -> None:
    name, source = databases.create()
    fill(source)
    dump = databases.dump(name)
    restored, target = databases.create("template0")
    for options in parts:
        databases.restore(restored, dump, *options)
    assert target.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert Status.EXACT not in Keeper(target).statuses()
    assert_is_put_right(target)
    # The old one goes on.
    assert source.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


def test_restored_over_what_is_there(databases: Databases) -> None:
    name, connection = databases.create()
    fill(connection)
    dump = databases.dump(name)
    upload(connection, "c", 4)
    connection.execute("DELETE FROM local_media_repository WHERE media_length = 4")
    databases.restore(name, dump, "--clean", "--if-exists")
    assert connection.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert_is_put_right(connection)


@pytest.mark.parametrize("options", [(), (_NO_TRIGGERS,)], ids=["", _NO_TRIGGERS])
@pytest.mark.parametrize("are_ours_emptied", [True, False])
def test_data_restored_into_emptied_tables(
    databases: Databases, options: Sequence[str], are_ours_emptied: bool
) -> None:
    """The tables are the same ones, so that the totals seem to belong to them."""
    name, connection = databases.create()
    fill(connection)
    dump = databases.dump(name)
    upload(connection, "c", 4)
    for (table,) in connection.execute(
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = CAST('public' AS regnamespace)"
    ):
        if are_ours_emptied or not table.startswith("media_stats"):
            connection.execute(f"TRUNCATE {table}")
    databases.restore(name, dump, "--data-only", *options)
    assert connection.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert_is_put_right(connection)


def test_database_that_is_a_copy(databases: Databases) -> None:
    """`CREATE DATABASE ... TEMPLATE`, as of a whole file system: OIDs are the same."""
    name, source = databases.create()
    fill(source)
    source.close()
    _, copy = databases.create(name)
    upload(copy, "c", 4)
    assert_is_put_right(copy)


def test_synapse_runs_between_schema_and_data(databases: Databases) -> None:
    """The module has built the totals of nothing by then."""
    name, source = databases.create()
    fill(source)
    dump = databases.dump(name)
    restored, target = databases.create("template0")
    databases.restore(restored, dump, "--schema-only")
    Keeper(target).round()
    databases.restore(restored, dump, "--data-only")
    assert target.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert_is_put_right(target)
