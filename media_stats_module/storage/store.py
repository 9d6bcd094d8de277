"""The one way to ask: a question in, an answer out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    FilesQuestion,
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
from media_stats_module.storage.files import (
    get_files_page_txn,
    is_page_of_index,
    iterate_files_txn,
)
from media_stats_module.storage.owners import (
    get_live_owners_page_txn,
    get_owners_page_from_totals_txn,
    iterate_owners_txn,
)
from media_stats_module.storage.reader import Reader
from media_stats_module.storage.reclaimable import get_reclaimable_txn
from media_stats_module.storage.rollups.maintenance import Maintenance
from media_stats_module.storage.sources import MediaTable, MediaTables, local_media
from media_stats_module.storage.summary import (
    get_summary_from_totals_txn,
    get_summary_txn,
)
from media_stats_module.storage.timeline import get_days_from_totals_txn, get_days_txn
from media_stats_module.storage.types import (
    get_groups_from_totals_txn,
    get_types_page_txn,
    iterate_types_txn,
)

_A = TypeVar("_A")
_M = TypeVar("_M")
_Q = TypeVar("_Q")
_V = TypeVar("_V")


class MediaStatsStore:
    """Answers questions, each in one snapshot, off the reactor's thread.

    Totals answer in milliseconds, on Synapse's connections. What they cannot answer
    goes through the lanes of `Reader`.

    Attributes:
        has_rollups: whether totals are kept, and may answer.
        rollups: what installs, builds, applies, checks and removes them.
    """

    def __init__(
        self,
        api: ModuleApi,
        config: MediaStatsConfig,
        on_differences: Callable[[str, int], None] = lambda source, number: None,
    ) -> None:
        """
        Args:
            api: Synapse's module API.
            config: the module's options.
            on_differences: called with a source and the number of wrong totals that a
                check has found.
        """
        self._api = api
        self._reader = Reader(api, config.query_timeout)
        self._media = MediaTables(
            local_media(count_url_previews=config.count_url_previews)
        )
        self.has_rollups = config.rollups
        self.rollups = Maintenance(api, self._media, self._reader, on_differences)

    async def get_users_page(self, question: OwnersQuestion) -> OwnersPage:
        """One page of the users that have local media, with their usage."""
        return await self._get_owners_page(self._media.local, question)

    async def get_servers_page(self, question: OwnersQuestion) -> OwnersPage:
        """One page of the servers that cached remote media came from."""
        return await self._get_owners_page(self._media.remote, question)

    async def get_summary(self, question: SummaryQuestion) -> Summary:
        """What fills the media store."""
        return await self._ask(
            get_summary_from_totals_txn,
            get_summary_txn,
            self._media,
            question,
            is_of_owner=question.owner is not None and not question.duplicates,
        )

    async def get_summary_from_totals(self) -> Summary | None:
        """What fills the media store, from the totals; None if they cannot answer."""
        return await self._ask_totals(
            get_summary_from_totals_txn, self._media, SummaryQuestion()
        )

    async def get_days(self, question: TimelineQuestion) -> Sequence[DayUsage]:
        """How much of the media stored now was created on which day."""
        return await self._ask(
            get_days_from_totals_txn,
            get_days_txn,
            self._table(question.source),
            question,
            is_of_owner=question.owner is not None,
        )

    async def get_types_page(self, question: TypesQuestion) -> TypesPage:
        """One page of the types of the media, with how much there is of each."""
        return await self._ask(
            get_groups_from_totals_txn,
            get_types_page_txn,
            self._table(question.source),
            question,
            is_of_owner=question.owner is not None,
        )

    async def get_files_page(self, question: FilesQuestion) -> FilesPage:
        """One page of the files themselves."""
        return await self._read(
            partial(get_files_page_txn, server_name=self._api.server_name),
            self._media.of(question.source),
            question,
            is_of_owner=question.owner is not None,
            is_page_of_index=is_page_of_index(question),
        )

    async def get_reclaimable(
        self, question: ReclaimableQuestion
    ) -> Mapping[int, Reclaimable]:
        """What Synapse's own deletion would delete, by the time that it is given."""
        return await self._read(
            partial(get_reclaimable_txn, server_name=self._api.server_name),
            self._media.of(question.source),
            question,
            is_of_owner=question.owner is not None,
        )

    async def export_users(
        self, question: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> None:
        """Have all users that are asked for written, by a function that is given them.

        It is called in another thread, and called again if the transaction has to be
        tried again.
        """
        await self._export(iterate_owners_txn, self._media.local, question, write)

    async def export_servers(
        self, question: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> None:
        """The same for servers."""
        await self._export(iterate_owners_txn, self._media.remote, question, write)

    async def export_types(
        self, question: TypesQuestion, write: Callable[[Iterator[TypeUsage]], None]
    ) -> None:
        """The same for media types."""
        media = self._table(question.source)
        await self._export(iterate_types_txn, media, question, write)

    async def export_files(
        self, question: FilesQuestion, write: Callable[[Iterator[File]], None]
    ) -> None:
        """The same for files."""
        iterate_txn = partial(iterate_files_txn, server_name=self._api.server_name)
        await self._export(
            iterate_txn, self._media.of(question.source), question, write
        )

    async def _get_owners_page(
        self, media: MediaTable, question: OwnersQuestion
    ) -> OwnersPage:
        return await self._ask(
            get_owners_page_from_totals_txn, get_live_owners_page_txn, media, question
        )

    def _table(self, source: Source) -> MediaTable:
        (table,) = self._media.of(source)
        return table

    async def _ask(
        self,
        from_totals_txn: Callable[[LoggingTransaction, _M, _Q], _A | None],
        live_txn: Callable[[LoggingTransaction, _M, _Q], _A],
        media: _M,
        question: _Q,
        *,
        is_of_owner: bool = False,
    ) -> _A:
        """Ask the totals, if they are kept; or else the media itself.

        Args:
            from_totals_txn: answers in milliseconds, or gives None.
            live_txn: answers in any case.
            media: the table, or both.
            question: what is asked.
            is_of_owner: whether only one owner's rows have to be read.
        """
        answer = await self._ask_totals(from_totals_txn, media, question)
        if answer is not None:
            return answer
        return await self._read(live_txn, media, question, is_of_owner=is_of_owner)

    async def _ask_totals(
        self,
        from_totals_txn: Callable[[LoggingTransaction, _M, _Q], _A | None],
        media: _M,
        question: _Q,
    ) -> _A | None:
        if not self.has_rollups:
            return None
        return await self._api.run_db_interaction(
            _description(from_totals_txn), from_totals_txn, media, question
        )

    async def _read(
        self,
        read_txn: Callable[[LoggingTransaction, _M, _Q], _A],
        media: _M,
        question: _Q,
        *,
        is_of_owner: bool = False,
        is_page_of_index: bool = False,
    ) -> _A:
        def read() -> Awaitable[_A]:
            return self._reader.run(_description(read_txn), read_txn, media, question)

        if is_page_of_index:
            return await read()
        lane = self._reader.one_owner if is_of_owner else self._reader.whole_tables
        return await lane.run(read)

    async def _export(
        self,
        iterate_txn: Callable[[LoggingTransaction, _M, _Q], Iterator[_V]],
        media: _M,
        question: _Q,
        write: Callable[[Iterator[_V]], None],
    ) -> None:
        def export_txn(txn: LoggingTransaction) -> None:
            write(iterate_txn(txn, media, question))

        def read() -> Awaitable[None]:
            return self._reader.run(_description(iterate_txn), export_txn)

        await self._reader.exports.run(lambda: self._reader.whole_tables.run(read))


def _description(function: Callable[..., object]) -> str:
    """What Synapse's logs and metrics call the transaction of a function."""
    if isinstance(function, partial):
        function = function.func
    return f"media_stats_{function.__name__}"
