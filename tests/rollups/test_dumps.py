"""`pg_dump` and `pg_restore` in every way: restored totals are rebuilt first."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from administrator_support import objects
from media_database import (
    MEDIA,
    Connection,
    Keeper,
    assert_reads_are_exact_txn,
    execute_on_server,
    execute_txn,
    write_config,
)
from realservers.postgres import PostgresServer, client_program

from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

_ALL_ANSWERS = 10

_KEPT = (*MEDIA.table_names, "profiles", "users")

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
    """Run one of PostgreSQL's own programs; return its complaints."""
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
    # pg_restore goes on after an error, and reports it.
    assert finished.returncode == 0 or program == "pg_restore", finished.stderr
    return finished.stderr


class Databases:
    """Makes, dumps and restores databases, and connects to them."""

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

    def dump(self, name: str, *options: str) -> Path:
        """A dump of a database."""
        path = self._directory / "dump"
        run(self._server, "pg_dump", "-Fc", *options, "-f", str(path), name)
        return path

    def restore_elsewhere(self, name: str, dump: Path) -> str:
        """Restore a dump, with Synapse's tables in a schema of another name."""
        script = self._directory / "dump.sql"
        run(self._server, "pg_restore", "-f", str(script), str(dump))
        moved = script.read_text().replace("public.", "elsewhere.")
        script.write_text(f"CREATE SCHEMA elsewhere;\n{moved}")
        return run(self._server, "psql", "-q", "-d", name, "-f", str(script))

    def restore(self, name: str, dump: Path, *options: str) -> str:
        """Restore a part of a dump; return the complaints of pg_restore."""
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
    """Put some media into the totals, and some into the change log."""
    upload(connection, "a", 10)
    Keeper(connection).round()
    upload(connection, "b", 5)
    connection.execute("DELETE FROM local_media_repository WHERE media_length = 2")
    assert connection.run(assert_reads_are_exact_txn) == _ALL_ANSWERS


def assert_is_put_right(connection: Connection) -> None:
    """Check that answers are exact at once, and from totals after the next round."""
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


_ONE_TABLE = "--table=local_media_repository"


@pytest.mark.parametrize(
    ("statement", "are_ours_emptied", "options"),
    [
        ("TRUNCATE", True, ()),
        ("TRUNCATE", True, (_NO_TRIGGERS,)),
        ("TRUNCATE", False, ()),
        ("TRUNCATE", False, (_NO_TRIGGERS,)),
        # Afterwards, the totals are empty, and so those of the dump can be added.
        ("DELETE FROM", False, ()),
        ("DELETE FROM", False, (_NO_TRIGGERS,)),
        ("DELETE FROM", False, (_NO_TRIGGERS, _ONE_TABLE)),
    ],
)
def test_data_restored_into_emptied_tables(
    databases: Databases,
    statement: str,
    are_ours_emptied: bool,
    options: Sequence[str],
) -> None:
    """The tables are the same ones, so the totals seem to belong to them."""
    name, connection = databases.create()
    fill(connection)
    dump = databases.dump(name)
    upload(connection, "c", 4)
    for (table,) in connection.execute(
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = CAST('public' AS regnamespace)"
    ):
        if are_ours_emptied or not table.startswith("media_stats"):
            connection.execute(f"{statement} {table}")
    Keeper(connection).round()
    databases.restore(name, dump, "--data-only", *options)
    assert connection.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert_is_put_right(connection)


def test_database_that_is_a_copy(databases: Databases) -> None:
    """`CREATE DATABASE ... TEMPLATE`, like a copy of a file system, keeps all OIDs."""
    name, source = databases.create()
    fill(source)
    source.close()
    _, copy = databases.create(name)
    upload(copy, "c", 4)
    assert_is_put_right(copy)


def test_synapse_runs_between_schema_and_data(databases: Databases) -> None:
    """The module builds the totals of empty tables in between."""
    name, source = databases.create()
    fill(source)
    dump = databases.dump(name)
    restored, target = databases.create("template0")
    databases.restore(restored, dump, "--schema-only")
    Keeper(target).round()
    databases.restore(restored, dump, "--data-only")
    assert target.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
    assert_is_put_right(target)


# Parts that a dump can leave out, which must be noticed

_LEFT_OUT = [
    ("--no-comments",),
    ("--no-privileges",),
    ("--no-owner",),
    ("--no-comments", "--no-privileges", "--no-owner"),
    *((f"--exclude-table={table}", "--no-comments") for table in names.TABLES),
    ("--exclude-table=media_stats_*", "--no-comments"),
]


@pytest.mark.parametrize("options", _LEFT_OUT, ids=" ".join)
def test_restored_without_something(
    databases: Databases, options: Sequence[str]
) -> None:
    name, source = databases.create()
    fill(source)
    dump = databases.dump(name, *options)
    for is_on in (True, False):
        restored, target = databases.create("template0")
        databases.restore(restored, dump)
        assert target.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
        assert Status.EXACT not in Keeper(target).statuses()
        if is_on:
            assert_is_put_right(target)
        assert_goes_without_a_trace(target)


def assert_goes_without_a_trace(connection: Connection) -> None:
    keeper = Keeper(connection, rollups=False)
    keeper.round()
    assert keeper.failures == {}
    assert objects(connection) == []
    upload(connection, "without rollups", 1)


@pytest.mark.parametrize("options", [(), ("--no-comments",)], ids=" ".join)
def test_restored_into_another_schema(
    databases: Databases, options: Sequence[str]
) -> None:
    name, source = databases.create()
    fill(source)
    dump = databases.dump(name, *options)
    for is_on in (True, False):
        restored, target = databases.create("template0")
        databases.restore_elsewhere(restored, dump)
        target.run_autocommit(execute_txn, "SET search_path = elsewhere")
        assert target.execute("SELECT COUNT(*) FROM local_media_repository") == [(13,)]
        assert Status.EXACT not in Keeper(target).statuses()
        if is_on:
            assert_is_put_right(target)
        assert_goes_without_a_trace(target)


@pytest.mark.parametrize("has_comments", [True, False])
def test_version_1(databases: Databases, has_comments: bool) -> None:
    """Its mark was a comment on each object."""
    for is_on in (True, False):
        _, connection = databases.create()
        version_1 = Path(__file__).with_name("version_1.sql").read_text()
        connection.execute(version_1.replace("%", "%%"))
        for kind, name in objects_of_version_1(connection):
            if has_comments:
                comment = "IS 'media_stats_module rollups 1'"
                connection.execute(f"COMMENT ON {kind} {name} {comment}")
        upload(connection, "a", 13)
        assert Status.EXACT not in Keeper(connection).statuses()
        if is_on:
            assert_is_put_right(connection)
        assert_goes_without_a_trace(connection)


def objects_of_version_1(connection: Connection) -> list[tuple[str, str]]:
    return [
        (kind, name)
        for kind, name in connection.execute(
            """
            SELECT CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'SEQUENCE' END, relname
            FROM pg_class
            WHERE relkind IN ('r', 'S') AND starts_with(relname, 'media_stats')
            UNION ALL
            SELECT 'FUNCTION', proname FROM pg_proc
            WHERE starts_with(proname, 'media_stats')
            """
        )
    ]


def test_triggers_that_cannot_be_taken_off_are_not_gone(
    databases: Databases, server: PostgresServer
) -> None:
    """Here, a role lacks the right. The command must not say that they are gone."""
    name, connection = databases.create()
    Keeper(connection).round()
    role = f"role_of_{name}"
    execute_on_server(server, f"CREATE ROLE {role}")
    connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    connection.run_autocommit(execute_txn, f"SET ROLE {role}")
    keeper = Keeper(connection, rollups=False)
    keeper.round()
    assert "permission denied for table" in keeper.failures["remove"]
    connection.run_autocommit(execute_txn, "RESET ROLE")
    assert objects(connection)
