"""What can go wrong with a question besides its answer."""


class QueueFullError(Exception):
    """Too many questions that read whole tables are waiting already."""


class QueryTimeoutError(Exception):
    """A statement took longer than the option `query_timeout` allows."""


class DatabaseFailedError(Exception):
    """A statement of the module's background work failed.

    It is no error of the database's driver, so Synapse does not run the transaction
    another four times.

    Attributes:
        is_lock: whether a lock was not free in time, which passes by itself.
        is_conflict: whether another transaction was in the way, so that it may be run
            again at once.
        reason: the database's own words, on one line.
    """

    def __init__(
        self, reason: str, *, is_lock: bool, is_conflict: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_lock = is_lock
        self.is_conflict = is_conflict
