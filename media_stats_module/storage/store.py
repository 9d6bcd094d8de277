"""The one way into the database: picks how a question is answered, and asks it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.metrics import differences_found
from media_stats_module.questions import (
    FilesQuestion,
    MediaQuestion,
    OwnersQuestion,
    ReclaimableQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesQuestion,
)
from media_stats_module.storage.answers import (
    DayUsage,
    File,
    FilesPage,
    OwnersPage,
    OwnerUsage,
    Reclaimable,
    Summary,
    TypesPage,
    TypeUsage,
)
from media_stats_module.storage.files import get_files_page_txn, iterate_files_txn
from media_stats_module.storage.measurements import Measurements, measure_txn
from media_stats_module.storage.owners import (
    get_kept_owners_page_txn,
    get_owners_page_txn,
    iterate_owners_txn,
)
from media_stats_module.storage.reclaimable import get_reclaimable_txn
from media_stats_module.storage.rollups import schema, write
from media_stats_module.storage.rollups.check import Differences, check_txn
from media_stats_module.storage.rollups.state import (
    RollupState,
    get_state_txn,
    write_check_txn,
)
from media_stats_module.storage.rollups.tables import Rollup, all_rollups
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.summary import get_summary_txn
from media_stats_module.storage.timeline import get_days_txn, get_kept_days_txn
from media_stats_module.storage.types import get_types_page_txn, iterate_types_txn
from media_stats_module.synapse_internals import SnapshotReader, current_time_ms

_P = ParamSpec("_P")
_Q = TypeVar("_Q")
_T = TypeVar("_T")

logger = logging.getLogger(__name__)


class MediaStatsStore:
    """Answers queries, each in one snapshot off the reactor thread.

    What totals can tell is told in a transaction as Synapse's own. All else may have to
    read every file there is.
    """

    def __init__(self, api: ModuleApi, config: MediaStatsConfig) -> None:
        self._api = api
        self._snapshots = SnapshotReader(api)
        self._local, self._remote = all_rollups(config)
        self.has_rollups = config.rollups
        """Whether totals are kept, and may answer."""
        if config.rollups:
            # Prometheus sees a counter rise only from a value that it has seen.
            for rollup in (self._local, self._remote):
                differences_found.labels(api.server_name, rollup.name)

    async def get_users_page(self, query: OwnersQuestion) -> OwnersPage:
        """One page of the users that have local media, with their usage."""
        return await self._get_owners_page(self._local, query)

    async def get_servers_page(self, query: OwnersQuestion) -> OwnersPage:
        """One page of the servers that cached remote media came from."""
        return await self._get_owners_page(self._remote, query)

    async def get_summary(self, query: SummaryQuestion) -> Summary:
        """What fills the media store."""
        return await self._snapshots.run(
            "media_stats_get_summary",
            get_summary_txn,
            self._local,
            self._remote,
            query,
            has_rollups=self.has_rollups,
        )

    async def get_days(self, query: TimelineQuestion) -> Sequence[DayUsage]:
        """The days on which media was created, and how much."""
        return await self._from_totals_or_media(
            "media_stats_get_days",
            get_kept_days_txn,
            partial(get_days_txn, has_rollups=self.has_rollups),
            self._rollup(query),
            query,
        )

    async def get_types_page(self, query: TypesQuestion) -> TypesPage:
        """One page of the types of the media, with how much there is of each."""
        return await self._snapshots.run(
            "media_stats_get_types_page",
            get_types_page_txn,
            self._rollup(query).media,
            query,
        )

    async def get_files_page(self, query: FilesQuestion) -> FilesPage:
        """One page of the files themselves."""
        return await self._snapshots.run(
            "media_stats_get_files_page",
            get_files_page_txn,
            self._tables(query.source),
            query,
            server_name=self._api.server_name,
        )

    async def get_reclaimable(
        self, query: ReclaimableQuestion
    ) -> Mapping[int, Reclaimable]:
        """What Synapse's own deletion would delete, by the time that it is told."""
        return await self._snapshots.run(
            "media_stats_get_reclaimable",
            get_reclaimable_txn,
            self._tables(query.source),
            query,
            server_name=self._api.server_name,
        )

    async def export_users(
        self, query: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> None:
        """Have all users that are asked for written, by a function that is given them.

        It is called in another thread, and called again if the transaction has to be
        tried again.
        """
        await self._export(
            write,
            iterate_owners_txn,
            self._local,
            query,
            has_rollups=self.has_rollups,
        )

    async def export_servers(
        self, query: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> None:
        """The same for servers."""
        await self._export(
            write,
            iterate_owners_txn,
            self._remote,
            query,
            has_rollups=self.has_rollups,
        )

    async def export_types(
        self, query: TypesQuestion, write: Callable[[Iterator[TypeUsage]], None]
    ) -> None:
        """The same for media types."""
        media = self._rollup(query).media
        await self._export(write, iterate_types_txn, media, query)

    async def export_files(
        self, query: FilesQuestion, write: Callable[[Iterator[File]], None]
    ) -> None:
        """The same for files."""
        await self._export(
            write,
            iterate_files_txn,
            self._tables(query.source),
            query,
            server_name=self._api.server_name,
        )

    async def measure(self, *, with_summary: bool) -> Measurements:
        """What the metrics show.

        Args:
            with_summary: whether to add up the media, which is the costly part.
        """
        # The rest is short, and asked for every minute.
        run = self._snapshots.run if with_summary else self._api.run_db_interaction
        return await run(
            "media_stats_measure",
            measure_txn,
            self._local,
            self._remote,
            has_rollups=self.has_rollups,
            with_summary=with_summary,
        )

    async def get_rollup_states(self) -> Mapping[str, RollupState]:
        """The state of the totals by source of media; none if not installed."""
        return await self._api.run_db_interaction(
            "media_stats_get_rollup_states", self._get_rollup_states_txn
        )

    async def check_rollups(self) -> Mapping[str, Differences | None]:
        """Check all totals, one after the other."""
        return {
            rollup.name: await self.check_rollup(rollup)
            for rollup in (self._local, self._remote)
        }

    async def check_rollup(self, rollup: Rollup) -> Differences | None:
        """Compare totals with the media; have them built anew if they differ.

        Returns:
            what was found; None if the totals are not ready to be checked.
        """
        started_ts = current_time_ms(self._api)
        differences = await self._snapshots.run("media_stats_check", check_txn, rollup)
        if differences is None:
            return None
        now_ts = current_time_ms(self._api)
        await self._api.run_db_interaction(
            "media_stats_write_check",
            write_check_txn,
            rollup,
            differences.total,
            now_ts,
        )
        if not differences.total:
            logger.info(
                "Rollups: the totals of %s media are right; checked in %.1f s",
                rollup.name,
                (now_ts - started_ts) / 1000,
            )
            return differences
        logger.error(
            "Rollups: the totals of %s media are wrong: %d owners and %d days, by %d "
            "files and %d bytes. They will be built anew.",
            rollup.name,
            differences.owners,
            differences.days,
            differences.media_count,
            differences.media_length,
        )
        differences_found.labels(self._api.server_name, rollup.name).inc(
            differences.total
        )
        await self._api.run_db_interaction(
            "media_stats_start_build", write.start_build_txn, rollup, now_ts
        )
        return differences

    async def _export(
        self,
        write: Callable[[Iterator[_T]], None],
        iterate_txn: Callable[Concatenate[LoggingTransaction, _P], Iterator[_T]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> None:
        def export_txn(txn: LoggingTransaction) -> None:
            write(iterate_txn(txn, *args, **kwargs))

        await self._snapshots.run(f"media_stats_{iterate_txn.__name__}", export_txn)

    def _rollup(self, query: MediaQuestion) -> Rollup:
        return self._local if query.source is Source.LOCAL else self._remote

    def _tables(self, source: Source | None) -> list[MediaTable]:
        """The media that is from there; None stands for all."""
        local = [self._local.media] * (source is not Source.REMOTE)
        remote = [self._remote.media] * (source is not Source.LOCAL)
        return local + remote

    def _get_rollup_states_txn(
        self, txn: LoggingTransaction
    ) -> Mapping[str, RollupState]:
        rollups = (self._local, self._remote)
        if not schema.is_intact_txn(txn, rollups):
            return {}
        return {rollup.name: get_state_txn(txn, rollup) for rollup in rollups}

    async def _get_owners_page(
        self, rollup: Rollup, query: OwnersQuestion
    ) -> OwnersPage:
        return await self._from_totals_or_media(
            "media_stats_get_owners_page",
            get_kept_owners_page_txn,
            partial(get_owners_page_txn, has_rollups=self.has_rollups),
            rollup,
            query,
        )

    async def _from_totals_or_media(
        self,
        description: str,
        kept_txn: Callable[[LoggingTransaction, Rollup, _Q], _T | None],
        any_txn: Callable[[LoggingTransaction, Rollup, _Q], _T],
        rollup: Rollup,
        query: _Q,
    ) -> _T:
        """Ask the totals, if they are kept; or else whoever may have to read for long.

        Args:
            description: what it is for, in the logs.
            kept_txn: answers soon, or gives None.
            any_txn: answers in any case.
            rollup: the media to count.
            query: what is asked.
        """
        if self.has_rollups:
            answer = await self._api.run_db_interaction(
                description, kept_txn, rollup, query
            )
            if answer is not None:
                return answer
        return await self._snapshots.run(description, any_txn, rollup, query)
