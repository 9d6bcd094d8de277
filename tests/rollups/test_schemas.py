"""Schemas of PostgreSQL: others than `public`, renamed, or of two homeservers."""

from collections.abc import Callable

import pytest
from administrator_support import (
    MEDIA_TABLES,
    assert_exact,
    assert_right_or_silent,
    insert_media,
    objects,
    run_as,
)
from media_database import Connection, Keeper, assert_applied_totals_are_exact_txn
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once


def test_schema_of_the_user(connection: Connection, role: str) -> None:
    """The search path is `"$user", public`, PostgreSQL's default."""
    # The name of Synapse's role here.
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


def test_tables_that_are_moved_one_by_one(connection: Connection) -> None:
    """Functions are no tables, so they stay behind."""
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    connection.execute("CREATE SCHEMA synapse")
    for (table,) in connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    ):
        connection.execute(f"ALTER TABLE {table} SET SCHEMA synapse")
    connection.run_autocommit(set_search_path_txn, "synapse")
    insert_media(connection, "b")
    assert_right_or_silent(connection)
    keeper.round()
    assert_exact(connection)
    assert {schema for schema, *_ in objects(connection)} == {"", "synapse"}
    Keeper(connection, rollups=False).round()
    assert objects(connection) == []


def test_two_homeservers_in_one_database(
    connect: Callable[[], Connection],
) -> None:
    one, other = connect(), connect()
    one.execute("CREATE SCHEMA other")
    for table in (*MEDIA_TABLES, "profiles", "users"):
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
