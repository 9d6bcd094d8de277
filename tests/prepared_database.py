"""A database after Synapse's background updates, copied for each test.

In the database that the harness copies, each homeserver would run these updates again.
"""

import functools
import gc
import sqlite3
import tempfile
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from synapse.module_api import LoggingTransaction
from synapse.storage.database import LoggingDatabaseConnection
from synapse.storage.engines import PostgresEngine
from synapse.storage.engines.sqlite import Sqlite3Engine
from synapse.storage.util.sequence import PostgresSequenceGenerator
from tests.unittest import HomeserverTestCase
from tests.utils import (
    POSTGRES_BASE_DB,
    POSTGRES_HOST,
    POSTGRES_PASSWORD,
    POSTGRES_PORT,
    POSTGRES_USER,
)

from tests import server as harness


@functools.cache
def use_prepared_database() -> None:
    """Make all homeservers of the harness copy it from now on."""
    # The harness starts a homeserver only within a test.
    _PrepareDatabase("runTest").debug()
    # On PostgreSQL, each start would run 90 statements that compare sequences with
    # tables.
    PostgresSequenceGenerator.check_consistency = lambda *_, **__: None  # type: ignore[method-assign]
    # All objects of now stay. Older harnesses collect garbage after each test, and
    # would visit all of them.
    gc.freeze()


class _PrepareDatabase(HomeserverTestCase):
    """Starts a homeserver, so that the harness runs the updates, and keeps a copy."""

    def default_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().default_config()
        # Otherwise a folder is made where the tests are started.
        directory = tempfile.TemporaryDirectory(prefix="media-")
        self.addCleanup(directory.cleanup)
        config["media_store_path"] = directory.name
        return config

    def runTest(self) -> None:  # noqa: N802 - unittest's name
        database = self.hs.get_datastores().databases[0]
        if isinstance(database.engine, PostgresEngine):
            ((name,),) = self.get_success(
                database.runInteraction("name", _database_name_txn)
            )
            # PostgreSQL copies a database only while it has no connections.
            database._db_pool.close()  # type: ignore[no-untyped-call]
            harness.POSTGRES_BASE_DB = _copy_postgres(name)  # type: ignore[attr-defined]
        else:
            prepared = sqlite3.connect(":memory:", check_same_thread=False)
            self.get_success(database.runWithConnection(_copy_sqlite, prepared))
            _start_sqlite_with(prepared)


def _database_name_txn(txn: LoggingTransaction) -> list[tuple[Any, ...]]:
    txn.execute("SELECT current_database()")
    return txn.fetchall()


def _copy_postgres(name: str) -> str:
    """Copy a database; return the name of the copy."""
    copy = f"{POSTGRES_BASE_DB}_prepared"
    connection = psycopg2.connect(
        host=POSTGRES_HOST,
        port=POSTGRES_PORT,
        user=POSTGRES_USER,
        password=POSTGRES_PASSWORD,
        dbname="postgres",
    )
    with closing(connection):
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    return copy


def _copy_sqlite(
    connection: LoggingDatabaseConnection, prepared: sqlite3.Connection
) -> None:
    # Twisted's wrapper of a connection passes everything on.
    connection.conn.backup(prepared)  # type: ignore[attr-defined]


def _start_sqlite_with(prepared: sqlite3.Connection) -> None:
    """Fill each new database in memory with a copy."""
    original = Sqlite3Engine.on_new_connection

    def on_new_connection(
        engine: Sqlite3Engine, connection: LoggingDatabaseConnection
    ) -> None:
        was_in_memory = engine._is_in_memory
        if was_in_memory:
            prepared.backup(connection.conn)  # type: ignore[arg-type]
        # Synapse would fill a database in memory once more.
        engine._is_in_memory = False
        try:
            original(engine, connection)
        finally:
            engine._is_in_memory = was_in_memory

    Sqlite3Engine.on_new_connection = on_new_connection  # type: ignore[assignment,method-assign]
