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
