"""Why a question has no answer."""


class QueueFullError(Exception):
    """Too many questions wait for the database already."""


class QueryTimeoutError(Exception):
    """A statement took longer than the option `query_timeout`."""
