"""Connections of our own, and transactions on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.synapse_internals import (
    LoggingDatabaseConnection,
    is_postgres_engine,
)

# SQLite's errors on a full disk, and in a folder that may not be written.
_CANNOT_CREATE = (
    "disk I/O error",
    "unable to open database file",
    "attempt to write a readonly database",
)


@contextmanager
def transaction(
    connection: LoggingDatabaseConnection, description: str
) -> Iterator[LoggingTransaction]:
    """Begin a transaction; commit it, or roll it back after an error."""
    with connection.cursor(txn_name=description) as txn:
        try:
            if not is_postgres_engine(connection.engine):
                # Otherwise, each statement would have a snapshot of its own.
                txn.execute("BEGIN")
            yield txn
            connection.commit()
        except BaseException:
            # A lost connection cannot roll back.
            with suppress(connection.engine.module.Error):
                connection.rollback()
            raise


@contextmanager
def autocommitting(
    connection: LoggingDatabaseConnection, description: str
) -> Iterator[LoggingTransaction]:
    """Run statements without a transaction around them."""
    driver: Any = connection.conn
    connection.engine.attempt_to_set_autocommit(driver, True)
    try:
        with connection.cursor(txn_name=description) as txn:
            yield txn
    finally:
        with suppress(connection.engine.module.Error):
            connection.engine.attempt_to_set_autocommit(driver, False)


def open_sqlite_file(driver: Any, path: str) -> Any:
    """Open a file of SQLite for reading, also on a full disk.

    Beside a database like Synapse's, SQLite creates a file, through which all processes
    know each other. Where it cannot, no other process has the database open. Then it is
    read without that file, unless it has changes in its write-ahead log.

    Args:
        driver: the module of the database driver.
        path: the path of the file, absolute.
    """
    uri = f"{Path(path).as_uri()}?mode=ro"
    connection = driver.connect(uri, uri=True)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except driver.OperationalError as error:
        log = Path(f"{os.path.realpath(path)}-wal")
        if str(error) not in _CANNOT_CREATE or (log.exists() and log.stat().st_size):
            raise
        connection.close()
        connection = driver.connect(f"{uri}&immutable=1", uri=True)
    return connection
