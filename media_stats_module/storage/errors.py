"""The errors of questions and of background work."""

from collections.abc import Iterator
from contextlib import contextmanager

from synapse.module_api import LoggingTransaction

# SQLSTATEs: deadlock_detected and serialization_failure; and lock_not_available.
_CONFLICT_CODES = ("40P01", "40001")
_LOCK_CODES = ("55P03", *_CONFLICT_CODES)


class QueueFullError(Exception):
    """Too many questions that read whole tables are waiting already."""


class QueryTimeoutError(Exception):
    """A statement took longer than the option `query_timeout` allows."""


class DatabaseFailedError(Exception):
    """The database has no room for an answer, or the background work failed.

    Not an error of the database driver: for those, Synapse retries the transaction up
    to five times.

    Attributes:
        is_lock: whether a lock was not free in time. A later try may succeed.
        is_conflict: whether it conflicted with another transaction. It may be retried
            at once.
        reason: the database's error message, on one line.
        name: the kind of error, such as `LockNotAvailable`. There are few kinds.
    """

    def __init__(
        self,
        reason: str,
        *,
        is_lock: bool,
        is_conflict: bool = False,
        name: str = "DatabaseFailed",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name
        self.is_lock = is_lock
        self.is_conflict = is_conflict


@contextmanager
def raising_database_failed(txn: LoggingTransaction) -> Iterator[None]:
    """Raise errors of the database driver as `DatabaseFailedError`."""
    try:
        yield
    except txn.database_engine.module.Error as error:
        raise database_failed(error) from error


def database_failed(error: Exception) -> DatabaseFailedError:
    """Make an error of the database driver a `DatabaseFailedError`."""
    code = getattr(error, "pgcode", None)
    return DatabaseFailedError(
        "; ".join(line.strip() for line in str(error).splitlines() if line),
        is_lock=code in _LOCK_CODES,
        is_conflict=code in _CONFLICT_CODES,
        name=type(error).__name__,
    )
