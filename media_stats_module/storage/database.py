"""The interface of a database: of a running Synapse, or on one connection."""

import enum
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from synapse.module_api import LoggingTransaction

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Cost(enum.Enum):
    """The cost that an answer may have for the database. Each has its own queue."""

    PROBES = enum.auto()
    """A page of an index of the media, or of the totals."""
    TOTALS = enum.auto()
    """All totals, but not the media."""
    ONE_OWNER = enum.auto()
    """The media of one owner."""
    WHOLE_TABLE = enum.auto()
    """All media."""
    EXPORT = enum.auto()
    """All media, and a list of any length."""

    @property
    def allows_scan(self) -> bool:
        """Whether the media may be read beyond a page of an index."""
        return self not in (Cost.PROBES, Cost.TOTALS)


class Database(Protocol):
    """A homeserver's database."""

    @property
    def server_name(self) -> str:
        """The homeserver's name."""

    def now_ts(self) -> int:
        """The time, in milliseconds since the epoch."""

    async def read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T | None],
        costs: Sequence[Cost],
    ) -> _T | None:
        """Call a function that only reads, in one snapshot; return its result.

        Args:
            description: its name in Synapse's logs and metrics.
            function: called with a transaction and a cost. If it cannot answer at that
                cost, it returns None, and is called again with the next one.
            costs: the costs to try, in rising order.

        Raises:
            QueueFullError: too many questions are waiting.
            QueryTimeoutError: a statement took longer than `query_timeout`.
            DatabaseFailedError: the database has no room to answer.
            CancelledError: the client has hung up; the statement is cancelled.
        """

    async def write(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function in a transaction without a timeout; return its result."""

    async def write_autocommit(
        self, description: str, function: Callable[[LoggingTransaction], None]
    ) -> None:
        """Call a function without a transaction around its statements."""
