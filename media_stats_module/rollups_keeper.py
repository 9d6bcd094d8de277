"""The background work on rollups: install, build, apply, check, remove.

It runs on the process that runs background tasks. Between two rounds it remembers only
the failures and the waiting times, so each round continues from the database's state.
"""

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

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
    StepFailure,
)
from media_stats_module.synapse_internals import (
    call_at_shutdown,
    current_time_ms,
    runs_background_tasks,
)

logger = logging.getLogger(__name__)

ROUND_MS = 5_000

# The longest wait after a failed step. The first is a round; each doubles the last.
_LONGEST_WAIT_S = 60 * 60.0
# The longest wait after a lock was not free, which it soon will be.
_LONGEST_WAIT_FOR_LOCK_S = 60.0


@attr.define
class _Retry:
    """The time of the next try of a step, by a monotonic clock.

    Attributes:
        wait: the wait after the next failure, in seconds.
        next: the time from which the step may run.
    """

    wait: float = ROUND_MS / 1000
    next: float = 0.0

    def postpone(self, now: float, longest: float = _LONGEST_WAIT_S) -> float:
        """Set the next try, double the wait after it, and return this wait."""
        wait = min(self.wait, longest)
        self.next = now + wait
        self.wait = min(2 * wait, _LONGEST_WAIT_S)
        return wait


class RollupsKeeper:
    """Runs the background work on rollups, by the options."""

    def __init__(
        self,
        api: ModuleApi,
        config: MediaStatsConfig,
        maintenance: Maintenance,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """
        Args:
            api: Synapse's module API.
            config: the module's options.
            maintenance: does the steps.
            clock: returns the time in seconds, monotonic.
        """
        self._clock = clock or monotonic
        self._api = api
        self._config = config
        self._maintenance = maintenance
        self._retries: dict[str, _Retry] = {}
        # The next time that a change that was not logged, or an altered table, may
        # cause a rebuild.
        self._rebuilds: dict[MediaTable, _Retry] = {}
        self._checks_due: set[MediaTable] = set()
        self._is_installed = False
        self._nothing_to_remove = False

    def start(self) -> None:
        """Begin the rounds, if this process runs background tasks."""
        if not runs_background_tasks(self._api):
            return
        self._maintenance.failures = {}
        call_at_shutdown(self._api, self._maintenance.stop)
        if not self._config.rollups:
            self._loop(self._remove_round)
            return
        self._loop(self._keep_round)
        # Creating an index takes minutes; changes must be applied meanwhile.
        self._loop(self._index_round)

    def _loop(self, work: Callable[[], Awaitable[None]]) -> None:
        self._api.looping_background_call(
            work, ROUND_MS, desc=f"media_stats{work.__name__}"
        )

    async def _keep_round(self) -> None:
        self._is_installed = await self._try("install", self._maintenance.install)
        for table in self._maintenance.media.both:
            source = table.source.value
            await self._try(source, self._keep, table)
            if table in self._checks_due:
                await self._try(f"check {source}", self._check, table)

    async def _index_round(self) -> None:
        # Triggers first: none can be created while an index is being created.
        if self._is_installed:
            await self._try("index", self._maintenance.create_missing_indexes)

    async def _remove_round(self) -> None:
        if not self._nothing_to_remove:
            await self._try("remove", self._remove)

    async def _remove(self) -> None:
        if await self._maintenance.is_present():
            await self._maintenance.remove()
        self._nothing_to_remove = True

    async def _keep(self, table: MediaTable) -> None:
        """Build the totals of a source, or apply its change log."""
        state = await self._maintenance.get_state(table)
        rebuild = self._rebuilds.get(table)
        if state.status is Status.EXACT:
            if rebuild and self._clock() >= rebuild.next + rebuild.wait:
                del self._rebuilds[table]
            if state.unapplied_changes > REBUILD_BEYOND:
                await self._maintenance.build(table)
            else:
                await self._maintenance.apply(table)
            if self._is_check_due(state):
                self._checks_due.add(table)
        elif state.status is Status.BUILDING:
            if state.build_finished_ts is not None:
                # If no change at all can be logged, a rebuild for each costs too much.
                rebuild = self._rebuilds.setdefault(table, _Retry())
                if self._clock() < rebuild.next:
                    raise DatabaseFailedError(
                        "another change was not logged (PostgreSQL's log says why), or "
                        "a table was altered again",
                        is_lock=False,
                        name="ChangeNotLogged",
                    )
                logger.warning(
                    "Rollups: a change of %s media was not logged, or a table was "
                    "altered. Rebuilding the totals; the next such rebuild is in %d s "
                    "at the earliest.",
                    table.source.value,
                    rebuild.postpone(self._clock()),
                )
            await self._maintenance.build(table)

    async def _check(self, table: MediaTable) -> None:
        """Check the totals of a source."""
        await self._maintenance.check(table)
        self._checks_due.remove(table)

    def _is_check_due(self, state: RollupState) -> bool:
        last_ts = state.checked_ts or state.build_finished_ts or 0
        elapsed = current_time_ms(self._api) - last_ts
        # A negative time: the clock was set back.
        return elapsed < 0 or elapsed >= self._config.rollups_check_interval

    async def _try(
        self, step: str, work: Callable[..., Awaitable[None]], *args: MediaTable
    ) -> bool:
        """Run a step, unless it must wait after a failure; return whether it ran."""
        retry = self._retries.setdefault(step, _Retry())
        if self._clock() < retry.next:
            return False
        try:
            await work(*args)
        except Exception as error:
            if not self._maintenance.is_stopped:
                self._wait(step, retry, error)
            return False
        del self._retries[step]
        if self._failures.pop(step, None) is not None:
            logger.info("Rollups: %s: works again", step)
        return True

    def _wait(self, step: str, retry: _Retry, error: Exception) -> None:
        """Postpone a failed step; log the failure if it is of a new kind."""
        # The database's error message says enough; other errors need the traceback.
        is_known = isinstance(error, DatabaseFailedError)
        is_lock = isinstance(error, DatabaseFailedError) and error.is_lock
        name = type(error).__name__
        if isinstance(error, DatabaseFailedError):
            name = error.name
        failure = StepFailure(str(error) or name, name)
        wait = retry.postpone(
            self._clock(), _LONGEST_WAIT_FOR_LOCK_S if is_lock else _LONGEST_WAIT_S
        )
        before = self._failures.get(step)
        if before is None or before.name != failure.name:
            # Synapse's own work on its tables ends soon, as a rule.
            logger.log(
                logging.INFO if is_lock else logging.WARNING,
                "Rollups: %s: failed; tried again in %d s, then less often: %s",
                step,
                wait,
                failure.reason,
                exc_info=None if is_known else error,
            )
        self._failures[step] = failure

    @property
    def _failures(self) -> dict[str, StepFailure]:
        assert self._maintenance.failures is not None
        return self._maintenance.failures
