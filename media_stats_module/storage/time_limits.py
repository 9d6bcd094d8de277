"""The time limits of statements, in place of those of Synapse's role. PostgreSQL only.

Questions have `query_timeout`. Building, checking and indexing take minutes on large
tables, and have no limit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from synapse.module_api import LoggingTransaction

# PostgreSQL before 17 has no transaction_timeout.
_IS_KNOWN = "current_setting(name, TRUE) IS NOT NULL"


def limit_time_txn(txn: LoggingTransaction, statement_timeout: int) -> None:
    """Limit the time of each statement in the rest of the transaction.

    Args:
        txn: the transaction, which has no limit as a whole.
        statement_timeout: the longest time in milliseconds; 0 for any time.
    """
    txn.execute(
        "SELECT set_config(name, setting, TRUE) FROM (VALUES "
        "('statement_timeout', ?), ('transaction_timeout', '0')) "
        f"AS limits (name, setting) WHERE {_IS_KNOWN}",
        (str(statement_timeout),),
    )


@contextmanager
def no_time_limits(txn: LoggingTransaction) -> Iterator[None]:
    """Run statements that take any time, outside of a transaction."""
    txn.execute(
        "SELECT name, current_setting(name) FROM (VALUES "
        "('statement_timeout'), ('transaction_timeout')) "
        f"AS limits (name) WHERE {_IS_KNOWN}"
    )
    limits = txn.fetchall()
    set_limit = "SELECT set_config(?, ?, FALSE)"
    for name, _ in limits:
        txn.execute(set_limit, (name, "0"))
    try:
        yield
    finally:
        for limit in limits:
            txn.execute(set_limit, limit)
