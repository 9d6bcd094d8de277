"""What runs the transactions of the store: on a real Synapse, or on one connection."""

import enum
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from synapse.module_api import LoggingTransaction

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Cost(enum.Enum):
    """What an answer may cost the database. Each has a queue of its own."""

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
        """Whether more may be read than a page of an index, or the totals."""
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
        """Call a function that only reads, in one snapshot; return what it returns.

        Args:
            description: what Synapse's logs and metrics call it.
            function: is given a transaction, and what it may cost. It returns None if
                that is too little, and is called again with the last cost.
            costs: what it may cost, in rising order.

        Raises:
            QueueFullError: too many questions are waiting.
            QueryTimeoutError: a statement took longer than `query_timeout`.
            CancelledError: the client has hung up. The database has stopped.
        """

    async def write(
        self,
        description: str,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        """Call a function in a transaction, without a limit; return what it returns."""

    async def write_autocommit(
        self, description: str, function: Callable[[LoggingTransaction], None]
    ) -> None:
        """Call a function without a transaction around its statements."""
