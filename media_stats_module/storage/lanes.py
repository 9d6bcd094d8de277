"""The queues in front of the database. They limit how many questions run at a time.

Each question waits in the lane of its cost, outside of Synapse's pool. A lane's turns,
the questions that it runs at a time, depend on the size of the pool:

| connections | probes     | totals | one owner  | whole tables |
| ----------- | ---------- | ------ | ---------- | ------------ |
| 10 and more | 1          | 1      | 1          | 2            |
| 5 to 9      | 1 together         || 1 together              ||
| 1 to 4      | 1          | 1 together, on a connection of our own |||

Exports also wait for each other, so they take at most one of the two turns for whole
tables.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from synapse.module_api import make_deferred_yieldable
from twisted.internet.defer import DeferredSemaphore

from media_stats_module.storage.database import Cost
from media_stats_module.storage.errors import QueueFullError
from media_stats_module.synapse_internals import PreserveLoggingContext

_T = TypeVar("_T")

# Loading the dashboard asks about ten questions.
_MOST_WAITING = 30
_MOST_WAITING_EXPORTS = 4
# Probes and questions to the totals end soon.
_MOST_WAITING_SHORT = 100

# Connections of a pool. Synapse's documentation suggests 10, Twisted's default is 5.
_LARGE_POOL = 10
_SMALL_POOL = 5


class Lane:
    """A queue in front of the database that runs some questions at a time."""

    def __init__(self, turns: int, most_waiting: int) -> None:
        self._turns = DeferredSemaphore(turns)
        self._most_waiting = most_waiting

    async def run(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """Await a function when it is its turn.

        Raises:
            QueueFullError: too many are waiting already.
            CancelledError: the client has hung up meanwhile.
        """
        if not self._turns.tokens and len(self._turns.waiting) >= self._most_waiting:
            raise QueueFullError
        await make_deferred_yieldable(self._turns.acquire())
        try:
            return await function()
        finally:
            # This resumes the next question, which has its own log context.
            with PreserveLoggingContext():
                self._turns.release()


class Lanes:
    """All lanes of a process.

    Attributes:
        have_own_connection: whether all questions but probes run on a connection of our
            own, because Synapse's pool is too small to share.
    """

    def __init__(self, connections: int | None) -> None:
        """
        Args:
            connections: the most connections of Synapse's pool; None if questions take
                none of them, as on SQLite.
        """
        if connections is None:
            connections = _LARGE_POOL
        self.have_own_connection = connections < _SMALL_POOL
        self._exports = Lane(1, _MOST_WAITING_EXPORTS)
        probes = Lane(1, _MOST_WAITING_SHORT)
        whole_table = Lane(2 if connections >= _LARGE_POOL else 1, _MOST_WAITING)
        totals = one_owner = whole_table
        if connections >= _LARGE_POOL:
            totals = Lane(1, _MOST_WAITING_SHORT)
            one_owner = Lane(1, _MOST_WAITING)
        elif connections >= _SMALL_POOL:
            totals = probes
        self._lanes = {
            Cost.PROBES: probes,
            Cost.TOTALS: totals,
            Cost.ONE_OWNER: one_owner,
            Cost.WHOLE_TABLE: whole_table,
        }

    async def run(self, cost: Cost, function: Callable[[], Awaitable[_T]]) -> _T:
        """Await a function when it is the turn of a question of that cost.

        Raises:
            QueueFullError: too many are waiting already.
            CancelledError: the client has hung up meanwhile.
        """
        if cost is Cost.EXPORT:
            return await self._exports.run(
                lambda: self._lanes[Cost.WHOLE_TABLE].run(function)
            )
        return await self._lanes[cost].run(function)
