"""The background work on rollups: install, build, apply, check, remove.

It runs on the one process that runs background tasks. Between two rounds it remembers
only how long to wait after a failure, so a round goes on from what is in the database.
"""

import logging
from collections.abc import Awaitable, Callable

import attr
from synapse.module_api import ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.storage import (
    REBUILD_BEYOND,
    DatabaseFailedError,
    Maintenance,
    MediaTable,
    RollupState,
    Status,
)
from media_stats_module.synapse_internals import current_time_ms, runs_background_tasks

logger = logging.getLogger(__name__)

ROUND_MS = 5_000

# A step that fails is tried again after a round, then after twice as long, up to this.
_LONGEST_WAIT_MS = 60 * 60 * 1000
# A lock is free again soon.
_LONGEST_WAIT_FOR_LOCK_MS = 60 * 1000


@attr.define
class _Retry:
    """When a step that failed is tried again.

    Attributes:
        wait_ms: how long to wait after the next failure.
        next_ts: when the step may be tried, in milliseconds since the epoch.
    """

    wait_ms: int = ROUND_MS
    next_ts: int = 0


class RollupsKeeper:
    """Keeps rollups as the options say."""

    def __init__(
        self, api: ModuleApi, config: MediaStatsConfig, rollups: Maintenance
    ) -> None:
        self._api = api
        self._config = config
        self._rollups = rollups
        self._retries: dict[str, _Retry] = {}
        self._nothing_to_remove = False
        # Checks that could not be written down count, too.
        self._checked_ts: dict[MediaTable, int] = {}

    def start(self) -> None:
        """Begin the rounds, if this is the process for them. Synapse decides that."""
        if not runs_background_tasks(self._api):
            return
        self._rollups.failures = {}
        if not self._config.rollups:
            self._loop(self._remove_round)
            return
        self._loop(self._keep_round)
        # Creating an index takes minutes, in which changes have to be applied.
        self._loop(self._index_round)

    def _loop(self, work: Callable[[], Awaitable[None]]) -> None:
        self._api.looping_background_call(
            work, ROUND_MS, desc=f"media_stats{work.__name__}"
        )

    async def _keep_round(self) -> None:
        await self._try("install", self._rollups.install)
        for table in self._rollups.media.both:

            async def keep(table: MediaTable = table) -> None:
                await self._keep(table)

            await self._try(table.source.value, keep)

    async def _index_round(self) -> None:
        await self._try("index", self._rollups.create_missing_indexes)

    async def _remove_round(self) -> None:
        if not self._nothing_to_remove:
            await self._try("remove", self._remove)

    async def _remove(self) -> None:
        if await self._rollups.is_present():
            await self._rollups.remove()
        self._nothing_to_remove = True

    async def _keep(self, table: MediaTable) -> None:
        """Build the totals of a source, or apply its change log and check them."""
        state = await self._rollups.get_state(table)
        if state.status is Status.EXACT:
            if state.unapplied_changes > REBUILD_BEYOND:
                await self._rollups.build(table)
            else:
                await self._rollups.apply(table)
            if self._is_check_due(table, state):
                self._checked_ts[table] = current_time_ms(self._api)
                await self._rollups.check(table)
        elif state.status is Status.BUILDING:
            if state.build_finished_ts is not None:
                logger.warning(
                    "Rollups: a change of %s media was not logged", table.source.value
                )
            await self._rollups.build(table)

    def _is_check_due(self, table: MediaTable, state: RollupState) -> bool:
        last_ts = max(
            state.checked_ts or state.build_finished_ts or 0,
            self._checked_ts.get(table, 0),
        )
        elapsed = current_time_ms(self._api) - last_ts
        return elapsed >= self._config.rollups_check_interval

    async def _try(self, step: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do a step, unless it has failed too recently."""
        retry = self._retries.setdefault(step, _Retry())
        if current_time_ms(self._api) < retry.next_ts:
            return
        try:
            await work()
        except Exception as error:
            self._wait(step, retry, error)
            return
        del self._retries[step]
        if self._failures.pop(step, None) is not None:
            logger.info("Rollups: %s: works again", step)

    def _wait(self, step: str, retry: _Retry, error: Exception) -> None:
        is_lock = isinstance(error, DatabaseFailedError) and error.is_lock
        longest = _LONGEST_WAIT_FOR_LOCK_MS if is_lock else _LONGEST_WAIT_MS
        wait_ms = min(retry.wait_ms, longest)
        retry.next_ts = current_time_ms(self._api) + wait_ms
        retry.wait_ms = min(2 * wait_ms, _LONGEST_WAIT_MS)
        reason = str(error) or type(error).__name__
        if self._failures.get(step) != reason:
            # A failure of the database is explained by its own words.
            is_known = isinstance(error, DatabaseFailedError)
            logger.warning(
                "Rollups: %s: failed, and will be tried again in %d s and later: %s",
                step,
                wait_ms // 1000,
                reason,
                exc_info=None if is_known else error,
            )
        self._failures[step] = reason

    @property
    def _failures(self) -> dict[str, str]:
        assert self._rollups.failures is not None
        return self._rollups.failures
