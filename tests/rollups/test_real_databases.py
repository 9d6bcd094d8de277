"""What administrators do with their databases: roles, schemas, dumps, publications.

Answers are exact at every moment, or come from the media itself.
"""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from media_database import (
    LOCAL,
    MEDIA,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    assert_reads_are_exact_txn,
    execute_on_server,
    write_config,
)
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import build, names
from media_stats_module.storage.rollups.status import Status

EXACT = [Status.EXACT, Status.EXACT]

# Of two sources: users in three orders, days, kinds.
ALL_ANSWERS = 10

_MEDIA_TABLES = tuple(MEDIA.names)


def insert_media(connection: Connection, name: str, number: int = 20) -> None:
    """Local and remote files with thumbnails, of some owners and days."""
    values = (name, number)
    connection.execute(
        "INSERT INTO local_media_repository "
        "(media_id, user_id, media_length, created_ts, media_type) "
        "SELECT ? || i, '@user' || mod(i, 3), i, i * 40000000, 'image/png' "
        "FROM generate_series(1::bigint, ?) AS i",
        *values,
    )
    connection.execute(
        "INSERT INTO remote_media_cache "
        "(media_origin, media_id, media_length, created_ts, media_type, filesystem_id) "
        "SELECT mod(i, 2) || '.example', ? || i, i, i * 40000000, 'text/plain', ? || i "
        "FROM generate_series(1::bigint, ?) AS i",
        name,
        *values,
    )
    connection.execute(
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_width, "
        "thumbnail_height, thumbnail_type, thumbnail_method, thumbnail_length) "
        "SELECT ? || i, 1, 1, 'image/png', 'crop', i FROM generate_series(1, ?) AS i",
        *values,
    )


def assert_exact(connection: Connection) -> None:
    """The totals answer, and answer right."""
    assert connection.run(assert_reads_are_exact_txn) == ALL_ANSWERS


def assert_right_or_silent(connection: Connection) -> None:
    """What the totals answer is right."""
    connection.run(assert_reads_are_exact_txn)


def run_as(connection: Connection, role: str, *statements: str) -> None:
    """Run statements in one transaction, as another role with nothing in its path."""

    def run_txn(txn: LoggingTransaction) -> None:
        txn.execute(f"SET LOCAL ROLE {role}")
        txn.execute("SET LOCAL search_path = pg_catalog")
        for statement in statements:
            txn.execute(statement)

    connection.run_once(run_txn)


def objects(connection: Connection) -> list[tuple[Any, ...]]:
    """All that is called as rollups are, in all schemas."""
    return sorted(
        connection.execute(
            """
            SELECT relnamespace::regnamespace::text, relname, oid::bigint FROM pg_class
            WHERE starts_with(relname, 'media_stats')
            UNION ALL
            SELECT pronamespace::regnamespace::text, proname, oid::bigint FROM pg_proc
            WHERE starts_with(proname, 'media_stats')
            UNION ALL
            SELECT '', tgname, oid::bigint FROM pg_trigger
            WHERE starts_with(tgname, 'media_stats')
            """
        )
    )


@pytest.fixture
def role(server: PostgresServer, config_path: Path) -> str:
    """A role without any rights, which may log in."""
    database = yaml.safe_load(config_path.read_text())["database"]["args"]["dbname"]
    name = f"role_of_{database}"
    execute_on_server(server, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    return name


# Roles


def test_another_role_that_may_only_delete(connection: Connection, role: str) -> None:
    insert_media(connection, "a", 100)
    Keeper(connection).round()
    connection.execute(f"GRANT DELETE, SELECT ON {', '.join(_MEDIA_TABLES)} TO {role}")
    run_as(
        connection,
        role,
        "DELETE FROM public.local_media_repository WHERE media_length <= 45",
        "DELETE FROM public.remote_media_cache WHERE media_length <= 30",
        "DELETE FROM public.local_media_repository_thumbnails",
    )
    assert_exact(connection)
    assert connection.execute("SELECT COUNT(*) FROM local_media_repository") == [(55,)]


def test_another_role_that_may_insert_update_and_truncate(
    connection: Connection, role: str
) -> None:
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    rights = "INSERT, UPDATE, SELECT, TRUNCATE"
    connection.execute(f"GRANT {rights} ON {', '.join(_MEDIA_TABLES)} TO {role}")
    run_as(
        connection,
        role,
        "INSERT INTO public.local_media_repository (media_id, user_id, media_length) "
        "VALUES ('b', '@b', 7)",
        "UPDATE public.remote_media_cache SET media_length = media_length + 1",
    )
    assert_exact(connection)
    run_as(connection, role, "TRUNCATE public.remote_media_cache")
    assert keeper.statuses() == [Status.EXACT, Status.BUILDING]
    keeper.round()
    assert_exact(connection)


@pytest.mark.parametrize(
    ("rights", "failing"),
    [
        ("", {"install": "permission denied for table local_media_repository"}),
        # Enough for the triggers, and not for the index.
        (", TRIGGER", {}),
    ],
)
def test_media_tables_of_another_role(
    server: PostgresServer,
    connection: Connection,
    config_path: Path,
    role: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    rights: str,
    failing: dict[str, str],
) -> None:
    """Synapse's role does not own them. One message says what it lacks."""
    caplog.set_level(logging.WARNING, "media_stats_module")
    insert_media(connection, "a")
    connection.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
    connection.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE{rights} "
        f"ON ALL TABLES IN SCHEMA public TO {role}"
    )
    with closing(connect_as(server, config_path, role, tmp_path)) as synapse:
        keeper = Keeper(synapse)
        keeper.round()
        index_fails = {"index": "must be owner of table local_media_repository"}
        assert keeper.failures == failing | index_fails
        before = objects(connection)
        caplog.clear()
        for _ in range(120):
            keeper.wait(60)
        assert keeper.failures == failing | index_fails
        assert objects(connection) == before
        assert caplog.messages == []
        insert_media(connection, "b")
        assert_right_or_silent(synapse)
        if failing:
            assert keeper.statuses() == [Status.OUTDATED] * 2
        else:
            assert_exact(synapse)


def connect_as(
    server: PostgresServer, config_path: Path, role: str, directory: Path
) -> Connection:
    """Connect to the same database as another role."""
    args = yaml.safe_load(config_path.read_text())["database"]["args"]
    directory = directory / role
    directory.mkdir()
    args |= {"user": role, "password": role}
    return Connection(write_config(directory, {"name": "psycopg2", "args": args}))


def test_a_role_that_may_not_create_tables(
    server: PostgresServer,
    connection: Connection,
    config_path: Path,
    role: str,
    tmp_path: Path,
) -> None:
    connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    with closing(connect_as(server, config_path, role, tmp_path)) as synapse:
        keeper = Keeper(synapse)
        keeper.round()
        assert "permission denied for schema public" in keeper.failures["install"]
        assert keeper.statuses() == [Status.ABSENT] * 2
        assert_right_or_silent(synapse)


# Schemas


def test_schema_of_the_user(connection: Connection, role: str) -> None:
    """The search path is `"$user", public`, as PostgreSQL has it by itself."""
    # The name of the role that Synapse has here.
    connection.execute("ALTER SCHEMA public RENAME TO synapse_tests")
    connection.execute("CREATE SCHEMA public")
    insert_media(connection, "a")
    Keeper(connection).round()
    assert_exact(connection)
    assert {schema for schema, *_ in objects(connection)} == {"", "synapse_tests"}
    connection.execute(f"GRANT USAGE ON SCHEMA synapse_tests TO {role}")
    connection.execute(f"GRANT DELETE ON ALL TABLES IN SCHEMA synapse_tests TO {role}")
    run_as(connection, role, "DELETE FROM synapse_tests.remote_media_cache")
    assert_exact(connection)


def test_schema_with_a_name_to_quote(connection: Connection) -> None:
    connection.execute('ALTER SCHEMA public RENAME TO "My ""Synapse"')
    quoted = '"My ""Synapse"'
    connection.run_autocommit(set_search_path_txn, quoted)
    Keeper(connection).round()
    insert_media(connection, "a")
    assert_exact(connection)
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []


def set_search_path_txn(txn: LoggingTransaction, search_path: str) -> None:
    """Set it for the session."""
    txn.execute(f"SET search_path = {search_path}")


def test_schema_that_is_renamed(connection: Connection) -> None:
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    connection.execute("ALTER SCHEMA public RENAME TO renamed")
    connection.execute("CREATE SCHEMA public")
    connection.run_autocommit(set_search_path_txn, "renamed")
    assert_right_or_silent(connection)
    insert_media(connection, "b")
    assert_right_or_silent(connection)
    keeper.round()
    assert_exact(connection)
    insert_media(connection, "c")
    assert_exact(connection)
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []


def test_two_homeservers_in_one_database(
    connect: Callable[[], Connection],
) -> None:
    one, other = connect(), connect()
    one.execute("CREATE SCHEMA other")
    for table in (*_MEDIA_TABLES, "profiles", "users"):
        one.execute(f"CREATE TABLE other.{table} (LIKE public.{table} INCLUDING ALL)")
    one.run_autocommit(set_search_path_txn, "public")
    # It can see the objects of the first, too.
    other.run_autocommit(set_search_path_txn, "other, public")

    insert_media(one, "a", 30)
    insert_media(other, "b", 50)
    Keeper(one).round()
    assert Keeper(other).statuses() == [Status.ABSENT] * 2
    Keeper(other, rollups=False).round()
    assert_exact(one)
    Keeper(other).round()
    insert_media(one, "c", 5)
    insert_media(other, "d", 7)
    other.execute("DELETE FROM local_media_repository WHERE media_length < 10")
    assert_exact(one)
    assert_exact(other)
    Keeper(one).round()
    Keeper(other).round()
    one.run(assert_applied_totals_are_exact_txn)
    other.run(assert_applied_totals_are_exact_txn)

    Keeper(one, rollups=False).round()
    assert {schema for schema, *_ in objects(one)} == {"", "other"}
    insert_media(other, "e", 3)
    assert_exact(other)
    Keeper(other, rollups=False).round()
    assert objects(one) == []


# An administrator's own objects


def test_an_administrators_own_objects_are_left_alone(connection: Connection) -> None:
    for statement in (
        "CREATE TABLE media_stats_mine (a INT)",
        "CREATE TABLE media_stats_other_mine (a INT PRIMARY KEY)",
        "CREATE VIEW media_stats_view AS SELECT user_id FROM local_media_repository",
        "CREATE INDEX media_stats_index ON local_media_repository (media_length)",
        "CREATE SEQUENCE media_stats_numbers",
        "CREATE FUNCTION media_stats_mine() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION media_stats_log_mine() RETURNS TRIGGER LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER media_stats_mine AFTER INSERT ON remote_media_cache "
        "FOR EACH ROW EXECUTE FUNCTION media_stats_log_mine()",
    ):
        connection.execute(statement)
    mine = objects(connection)
    assert Keeper(connection).statuses() == [Status.ABSENT] * 2
    Keeper(connection).round()
    insert_media(connection, "a")
    assert_exact(connection)
    off = Keeper(connection, rollups=False)
    off.round()
    assert off.failures == {}
    assert objects(connection) == mine
    # There is nothing left to do.
    before = off.api.ran.total()
    off.wait(3600)
    assert off.api.ran.total() == before


@pytest.mark.parametrize("name", [names.STATE, names.DAYS, names.LOG_IS_FULL])
def test_an_administrators_own_table_of_the_same_name(
    connection: Connection, name: str
) -> None:
    """It is in the way, and stays."""
    insert_media(connection, "a")
    connection.execute(f"CREATE TABLE {name} (mine INT)")
    keeper = Keeper(connection)
    for _ in range(10):
        keeper.wait(60)
        assert_right_or_silent(connection)
    assert keeper.failures == {"install": f'relation "{name}" already exists'}
    assert Status.EXACT not in keeper.statuses()
    off = Keeper(connection, rollups=False)
    off.round()
    assert off.failures == {}
    assert connection.execute(f"SELECT mine FROM {name}") == []


def test_a_view_on_one_of_ours(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """It blocks the removal, which is tried again ever more rarely."""
    caplog.set_level(logging.WARNING, "media_stats_module")
    insert_media(connection, "a")
    Keeper(connection).round()
    connection.execute("CREATE VIEW mine AS SELECT owner FROM media_stats_owners")
    off = Keeper(connection, rollups=False)
    for _ in range(4 * 60):
        off.wait(60)
    (message,) = caplog.messages
    for words in ("remove: failed", "media_stats_owners", "view mine depends on"):
        assert words in message
    assert "view mine depends on" in off.failures["remove"]
    assert 5 <= off.api.ran["media_stats_remove_tables_txn"] <= 15
    connection.execute("DROP VIEW mine")
    off.wait(2 * 3600)
    assert off.failures == {}
    assert objects(connection) == []


# Publications


def test_publication_for_all_tables(connection: Connection) -> None:
    for table in _MEDIA_TABLES:
        # Synapse's own tables need it, too.
        connection.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
    connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    keeper = Keeper(connection)
    keeper.round()
    insert_media(connection, "a")
    connection.execute("DELETE FROM local_media_repository WHERE media_length = 3")
    assert_exact(connection)
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)
    connection.execute("INSERT INTO media_stats_missed (source) VALUES ('local')")
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)
    connection.run(build.start_build_txn, LOCAL, 1)
    keeper.round()
    keeper.check()
    assert keeper.failures == {}
    assert_exact(connection)
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []


# Times


@pytest.mark.parametrize("is_before", [True, False])
def test_times_of_every_kind(connection: Connection, is_before: bool) -> None:
    """Also such as Synapse does not write, before and after the triggers are there."""
    if not is_before:
        Keeper(connection).round()
    day = 86_400_000
    times = [None, 0, -1, -day, -day - 1, 1 - day, 1, day - 1, day, 1_700_000_000]
    times += [1_700_000_000_000, 1_700_000_000_000_000, 2**63 - 1, -(2**63)]
    for number, created_ts in enumerate(times):
        connection.execute(
            "INSERT INTO local_media_repository "
            "(media_id, user_id, media_length, created_ts) VALUES (?, '@a', 1, ?)",
            f"a{number}",
            created_ts,
        )
    if is_before:
        Keeper(connection).round()
    assert_exact(connection)
    connection.execute("DELETE FROM local_media_repository WHERE created_ts < 0")
    assert_exact(connection)
    Keeper(connection).round()
    connection.run(assert_applied_totals_are_exact_txn)


# Options


def test_options_that_differ_between_processes(
    connection: Connection, connect: Callable[[], Connection]
) -> None:
    """The totals answer where they belong to the options, and nowhere else."""
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts, url_cache) VALUES ('a', '@a', 1, 1, 'https://a')"
    )
    uploads_only = Keeper(connection, count_url_previews=False)
    uploads_only.round()
    assert uploads_only.statuses() == EXACT
    connection.run(assert_reads_are_exact_txn, uploads_only.rollups.media)
    worker = Keeper(connect(), count_url_previews=True)
    assert worker.statuses() == [Status.OUTDATED, Status.EXACT]
    assert_right_or_silent(connection)
    # It becomes the process for background tasks.
    worker.round()
    assert worker.statuses() == EXACT
    assert_exact(connection)
    assert uploads_only.statuses() == [Status.OUTDATED, Status.EXACT]
