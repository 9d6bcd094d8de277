"""Lets the background work take longer than the time limits of Synapse's role.

Building, checking and indexing take minutes on large tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from synapse.module_api import LoggingTransaction

# PostgreSQL before 17 has no transaction_timeout.
_LIMITS_SQL = """
    (VALUES ('statement_timeout'), ('transaction_timeout')) AS limits (name)
    WHERE current_setting(name, TRUE) IS NOT NULL
"""


def lift_time_limits_txn(txn: LoggingTransaction) -> None:
    """Let the rest of the transaction take any time. PostgreSQL only."""
    txn.execute(f"SELECT set_config(name, '0', TRUE) FROM {_LIMITS_SQL}")


@contextmanager
def no_time_limits(txn: LoggingTransaction) -> Iterator[None]:
    """Run statements that take any time, outside of a transaction. PostgreSQL only."""
    txn.execute(f"SELECT name, current_setting(name) FROM {_LIMITS_SQL}")
    limits = txn.fetchall()
    set_limit = "SELECT set_config(?, ?, FALSE)"
    for name, _ in limits:
        txn.execute(set_limit, (name, "0"))
    try:
        yield
    finally:
        for limit in limits:
            txn.execute(set_limit, limit)
