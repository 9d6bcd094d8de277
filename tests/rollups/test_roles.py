"""Other roles of PostgreSQL that write media, or own its tables: answers stay exact."""

import logging
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from administrator_support import (
    MEDIA_TABLES,
    assert_exact,
    assert_right_or_silent,
    insert_media,
    objects,
    run_as,
)
from media_database import Connection, Keeper, write_config
from realservers.postgres import PostgresServer

from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once


def test_another_role_that_may_only_delete(connection: Connection, role: str) -> None:
    insert_media(connection, "a", 100)
    Keeper(connection).round()
    connection.execute(f"GRANT DELETE, SELECT ON {', '.join(MEDIA_TABLES)} TO {role}")
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
    connection.execute(f"GRANT {rights} ON {', '.join(MEDIA_TABLES)} TO {role}")
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
        # Enough for the triggers, but not for the index.
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
    """Synapse's role does not own them. One message says which rights it lacks."""
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
        if failing:
            # There are no triggers, which come first.
            index_fails = {}
        assert keeper.failures == failing | index_fails
        before = objects(connection)
        caplog.clear()
        for _ in range(40):
            keeper.wait(180)
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


def test_functions_that_stay_with_a_superuser(
    server: PostgresServer,
    connection: Connection,
    config_path: Path,
    role: str,
    tmp_path: Path,
) -> None:
    """A superuser restored a dump, and gave Synapse's role the tables only."""
    insert_media(connection, "a")
    Keeper(connection).round()
    give_tables(connection, role)
    with closing(connect_as(server, config_path, role, tmp_path)) as synapse:
        assert Keeper(synapse).statuses() == [Status.OUTDATED] * 2
        for rollups, step in ((True, "install"), (False, "remove")):
            keeper = Keeper(synapse, rollups=rollups)
            keeper.round()
            assert keeper.failures[step].startswith("must be owner of function ")
        # Nothing runs with the superuser's rights any more.
        assert (
            synapse.execute(
                "SELECT 1 FROM pg_trigger WHERE CAST(tgfoid AS REGPROC)::TEXT LIKE ? "
                "AND tgrelid = 'local_media_repository'::REGCLASS",
                "media_stats_log%",
            )
            == []
        )
        insert_media(synapse, "b")


def give_tables(connection: Connection, role: str) -> None:
    """Make a role the owner of all tables."""
    connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    for (table,) in connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    ):
        connection.execute(f"ALTER TABLE {table} OWNER TO {role}")


@pytest.mark.parametrize(
    "change",
    [
        *(
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; "
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
            for table in (names.OWNERS, names.CHANGES)
        ),
        "ALTER TABLE media_stats_changes SET UNLOGGED",
    ],
)
def test_tables_that_are_altered_and_so_not_used(
    server: PostgresServer,
    connection: Connection,
    config_path: Path,
    role: str,
    tmp_path: Path,
    change: str,
) -> None:
    """Rows are hidden, or a crash would lose them."""
    give_tables(connection, role)
    with closing(connect_as(server, config_path, role, tmp_path)) as synapse:
        insert_media(synapse, "a")
        keeper = Keeper(synapse)
        keeper.round()
        connection.execute(change)
        assert keeper.statuses() == [Status.OUTDATED] * 2
        insert_media(synapse, "b")
        keeper.round()
        assert_exact(synapse)


@pytest.mark.parametrize(
    "kinds", ["'table', 'sequence'", "'table', 'sequence', 'function'"]
)
def test_an_event_trigger_that_gives_new_objects_to_a_group(
    server: PostgresServer,
    connection: Connection,
    config_path: Path,
    role: str,
    tmp_path: Path,
    kinds: str,
) -> None:
    """Synapse's role is a member of the group, which owns Synapse's tables, too."""
    group = f"group_of_{role}"
    connection.execute(f"CREATE ROLE {group}")
    connection.execute(f"GRANT {group} TO {role}")
    give_tables(connection, group)
    connection.execute(f"GRANT ALL ON SCHEMA public TO {role}")
    connection.execute(
        f"""
        CREATE FUNCTION give() RETURNS EVENT_TRIGGER LANGUAGE plpgsql AS $$
        DECLARE new RECORD;
        BEGIN
            FOR new IN SELECT * FROM pg_event_trigger_ddl_commands()
                WHERE starts_with(command_tag, 'CREATE') AND object_type IN ({kinds})
            LOOP
                EXECUTE 'ALTER ' || new.object_type || ' ' || new.object_identity
                    || ' OWNER TO {group}';
            END LOOP;
        END $$
        """
    )
    connection.execute(
        "CREATE EVENT TRIGGER give ON ddl_command_end EXECUTE FUNCTION give()"
    )
    with closing(connect_as(server, config_path, role, tmp_path)) as synapse:
        insert_media(synapse, "a")
        keeper = Keeper(synapse)
        keeper.round()
        assert keeper.failures == {}
        insert_media(synapse, "b")
        assert_exact(synapse)
        off = Keeper(synapse, rollups=False)
        off.round()
        assert off.failures == {}
    assert objects(connection) == []


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
