"""Transactions on a connection of our own."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.synapse_internals import (
    LoggingDatabaseConnection,
    is_postgres_engine,
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
