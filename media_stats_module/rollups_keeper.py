"""Work that goes on by itself, on the one process that runs background tasks.

Installs the rollups or takes them away, builds them, folds the log of changes, and
checks them from time to time. Nothing is remembered between two rounds but what is in
the database, so a round goes on wherever the last one was cut off.
"""

import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.storage import MediaStatsStore
from media_stats_module.storage.rollups import schema, state, write
from media_stats_module.storage.rollups.tables import Rollup, all_rollups
from media_stats_module.synapse_internals import (
    current_time_ms,
    run_autocommit,
    runs_background_tasks,
)

_P = ParamSpec("_P")
_T = TypeVar("_T")

logger = logging.getLogger(__name__)

# How long to wait between two rounds.
ROUND_MS = 5_000

# Changes to fold in one transaction; 20 to 100 ms.
FOLD_AT_MOST = 5_000
# Rather than fold a longer log than this, build anew.
REBUILD_BEYOND = 1_000_000
# Rows of media to add up in one transaction on SQLite; 40 ms, and an upload waits for
# some of them.
BUILD_AT_MOST = 10_000
# How often to log how far building is.
SAY_EVERY_MS = 10_000


class RollupsKeeper:
    """Keeps rollups as the options say."""

    def __init__(
        self, api: ModuleApi, config: MediaStatsConfig, store: MediaStatsStore
    ) -> None:
        self._api = api
        self._config = config
        self._store = store
        self._rollups = all_rollups(config)

    def start(self) -> None:
        """Begin the rounds, if this is the process for it. Synapse decides which is."""
        if not runs_background_tasks(self._api):
            return
        self._api.looping_background_call(
            self._round, ROUND_MS, desc="media_stats_keep_rollups"
        )

    async def _round(self) -> None:
        try:
            if self._config.rollups:
                await self._keep()
            else:
                await self.remove()
        except Exception:
            # Most often a lock that was not to be had in time.
            logger.warning(
                "Rollups: this round did not finish; the next is in %d s",
                ROUND_MS // 1000,
                exc_info=True,
            )

    async def _keep(self) -> None:
        if not await self._run(schema.is_intact_txn, self._rollups):
            logger.info("Rollups: installing, since not all of what they need is there")
            await self._remove_tables()
            await self._run(schema.install_tables_txn, self._rollups)
            for rollup in self._rollups:
                await self._run(schema.install_triggers_txn, rollup)

        for rollup in self._rollups:
            if await self._run(schema.lacks_time_index_txn, rollup):
                logger.info("Rollups: creating the index %s", rollup.by_time)
                started = current_time_ms(self._api)
                await self._run_autocommit(schema.create_time_index_txn, rollup)
                logger.info(
                    "Rollups: created the index %s in %.1f s",
                    rollup.by_time,
                    (current_time_ms(self._api) - started) / 1000,
                )
            found = await self._run(state.get_state_txn, rollup)
            if found.is_ready and found.unfolded_changes > REBUILD_BEYOND:
                logger.info(
                    "Rollups: %d changes of %s media to fold; building anew instead",
                    found.unfolded_changes,
                    rollup.name,
                )
                await self._build(rollup)
            elif found.is_ready:
                await self._fold(rollup)
            else:
                if found.build_finished_ts is not None:
                    logger.warning(
                        "Rollups: not every change of %s media could be logged",
                        rollup.name,
                    )
                await self._build(rollup)
            if self._is_due(found.checked_ts or found.build_finished_ts):
                await self._store.check_rollup(rollup)

    def _is_due(self, last_ts: int | None) -> bool:
        return (
            last_ts is not None
            and current_time_ms(self._api) - last_ts
            >= self._config.rollups_check_interval
        )

    async def _build(self, rollup: Rollup) -> None:
        started = said = current_time_ms(self._api)
        rows = await self._run(write.estimate_rows_txn, rollup)
        logger.info(
            "Rollups: building the totals of %s media, about %d rows", rollup.name, rows
        )
        await self._run(write.start_build_txn, rollup, started)
        while not await self._run(
            write.build_step_txn,
            rollup,
            most=BUILD_AT_MOST,
            now=lambda: current_time_ms(self._api),
        ):
            now = current_time_ms(self._api)
            if now - said >= SAY_EVERY_MS:
                said = now
                found = await self._run(state.get_state_txn, rollup)
                logger.info(
                    "Rollups: building the totals of %s media: %d %% in %.1f s, "
                    "%d files so far",
                    rollup.name,
                    100 * found.build_progress,
                    (now - started) / 1000,
                    found.media_count,
                )
        found = await self._run(state.get_state_txn, rollup)
        logger.info(
            "Rollups: built the totals of %s media: %d files of %d owners in %.1f s",
            rollup.name,
            found.media_count,
            found.owners,
            (current_time_ms(self._api) - started) / 1000,
        )

    async def _fold(self, rollup: Rollup) -> None:
        while (
            await self._run(write.fold_txn, rollup, most=FOLD_AT_MOST) == FOLD_AT_MOST
        ):
            pass

    async def remove(self) -> None:
        """Take every object of rollups out of the database."""
        if not await self._run(schema.is_present_txn):
            return
        logger.info("Rollups: taking them out of the database")
        for rollup in self._rollups:
            await self._run_autocommit(schema.drop_time_index_txn, rollup)
        await self._remove_tables()
        logger.info("Rollups: taken out of the database")

    async def _remove_tables(self) -> None:
        # The triggers first, each by itself: afterwards nothing waits for the tables.
        for rollup in self._rollups:
            await self._run(schema.remove_triggers_txn, rollup)
        for rollup in self._rollups:
            while not await self._run(write.empty_times_txn, rollup, BUILD_AT_MOST):
                pass
        await self._run(schema.remove_tables_txn, self._rollups)

    async def _run(
        self,
        function: Callable[Concatenate[LoggingTransaction, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        return await self._api.run_db_interaction(
            f"media_stats_{function.__name__}", function, *args, **kwargs
        )

    async def _run_autocommit(
        self, function: Callable[[LoggingTransaction, Rollup], None], rollup: Rollup
    ) -> None:
        await run_autocommit(
            self._api, f"media_stats_{function.__name__}", function, rollup
        )
