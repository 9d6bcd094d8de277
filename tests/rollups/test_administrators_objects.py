"""Objects that an administrator adds to the database: tables, views, publications."""

import logging

import pytest
from administrator_support import (
    MEDIA_TABLES,
    assert_exact,
    assert_right_or_silent,
    insert_media,
    objects,
)
from media_database import (
    LOCAL,
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
)

from media_stats_module.storage.rollups import build, names
from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once


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
    connection.execute(
        "CREATE TABLE media_stats_copy (LIKE media_stats_days INCLUDING ALL)"
    )
    off = Keeper(connection, rollups=False)
    off.round()
    assert off.failures == {}
    connection.execute("DROP TABLE media_stats_copy")
    assert objects(connection) == mine
    # A second round has nothing to do.
    before = off.api.ran.total()
    off.wait(3600)
    assert off.api.ran.total() == before


@pytest.mark.parametrize("name", [names.STATE, names.DAYS, names.LOG_LIMIT])
def test_an_administrators_own_table_of_the_same_name(
    connection: Connection, name: str
) -> None:
    """An administrator's table with one of our names prevents installing, and stays."""
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


def test_an_administrators_own_index_of_the_same_name(connection: Connection) -> None:
    connection.execute(
        "CREATE INDEX media_stats_local_by_time "
        "ON local_media_repository (media_length)"
    )
    keeper = Keeper(connection)
    keeper.round()
    in_the_way = 'relation "media_stats_local_by_time" already exists'
    assert keeper.failures == {"index": in_the_way}
    Keeper(connection, rollups=False).round()
    assert [name for _, name, _ in objects(connection)] == ["media_stats_local_by_time"]


def test_a_view_on_one_of_ours(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A view on a table of ours prevents removal, which is retried ever more rarely."""
    caplog.set_level(logging.WARNING, "media_stats_module")
    insert_media(connection, "a")
    Keeper(connection).round()
    connection.execute("CREATE VIEW mine AS SELECT owner FROM media_stats_owners")
    off = Keeper(connection, rollups=False)
    for _ in range(60):
        off.wait(240)
    (message,) = caplog.messages
    for words in ("remove: failed", "media_stats_owners", "view mine depends on"):
        assert words in message
    assert "view mine depends on" in off.failures["remove"]
    assert 5 <= off.api.ran["media_stats_remove_objects_txn"] <= 15
    connection.execute("DROP VIEW mine")
    off.wait(2 * 3600)
    assert off.failures == {}
    assert objects(connection) == []


def test_publication_for_all_tables(connection: Connection) -> None:
    for table in MEDIA_TABLES:
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
    connection.execute("SELECT nextval('media_stats_missed_local')")
    keeper.round()
    connection.run(assert_applied_totals_are_exact_txn)
    connection.run(build.start_build_txn, LOCAL, 1)
    keeper.round()
    keeper.check()
    assert keeper.failures == {}
    assert_exact(connection)
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []
