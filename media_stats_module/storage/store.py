"""The entry to storage for all other rooms: a question in, an answer out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial, wraps
from typing import Generic, TypeVar

from synapse.module_api import LoggingTransaction

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    NO_LIMIT,
    AppservicesQuestion,
    DuplicatesQuestion,
    FilesPosition,
    FilesQuestion,
    OwnersOrder,
    OwnersQuestion,
    ReclaimableQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesQuestion,
)
from media_stats_module.storage.answers import (
    AppserviceUsage,
    DayUsage,
    DuplicatedFile,
    File,
    OwnerUsage,
    Page,
    Reclaimable,
    Summary,
    TypeUsage,
    Values,
)
from media_stats_module.storage.appservices import (
    get_appservices_page_from_totals_txn,
    get_appservices_page_txn,
)
from media_stats_module.storage.database import Cost, Database
from media_stats_module.storage.duplicates import (
    get_duplicates_page_txn,
    iterate_duplicates_txn,
)
from media_stats_module.storage.files import (
    get_files_page_txn,
    get_page_of_index_txn,
    is_page_of_index,
    iterate_files_txn,
)
from media_stats_module.storage.owners import (
    get_live_owners_page_txn,
    get_owners_page_from_totals_txn,
    iterate_live_owners_txn,
    iterate_owners_from_totals_txn,
)
from media_stats_module.storage.reclaimable import get_reclaimable_txn
from media_stats_module.storage.rollups.maintenance import Maintenance
from media_stats_module.storage.rollups.status import RollupState, get_state_txn
from media_stats_module.storage.sources import (
    MediaTable,
    MediaTables,
    local_media,
)
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
_E = TypeVar("_E")
_M = TypeVar("_M")
_Q = TypeVar("_Q")
_T = TypeVar("_T")
_V = TypeVar("_V")

# A probe reads at most this many rows of an index.
_PROBED_ROWS = 100
_PROBED_START = 1_000

# A list with more rows is an export, for which other questions do not wait.
_ROWS_OF_PAGE = 10_000


class MediaStatsStore:
    """Answers questions, each in one snapshot.

    Attributes:
        has_rollups: whether rollups are on.
        maintenance: installs, builds, applies, checks and removes them.
    """

    def __init__(
        self,
        database: Database,
        config: MediaStatsConfig,
        on_differences: Callable[[str, int], None] = lambda source, number: None,
    ) -> None:
        """
        Args:
            database: the database to read.
            config: the module's options.
            on_differences: called with a source and the number of wrong totals that a
                check found.
        """
        self._database = database
        self._media = MediaTables(
            local_media(count_url_previews=config.count_url_previews)
        )
        self.has_rollups = config.rollups
        self.maintenance = Maintenance(database, self._media, on_differences)

    async def get_users_page(self, question: OwnersQuestion) -> Page[OwnerUsage, int]:
        """One page of the users that have local media, with their usage."""
        return await self._get_owners_page(self._media.local, question)

    async def get_servers_page(self, question: OwnersQuestion) -> Page[OwnerUsage, int]:
        """One page of the servers whose media is cached here, with their usage."""
        return await self._get_owners_page(self._media.remote, question)

    async def get_summary(self, question: SummaryQuestion) -> Summary:
        """The totals of the media store."""
        is_in_totals = question.owner is None and not question.duplicates
        return await self._ask(
            self._if_kept(get_summary_from_totals_txn),
            get_summary_txn,
            self._media,
            question,
            self._costs(
                Cost.WHOLE_TABLE
                if question.owner is None or question.duplicates
                else Cost.ONE_OWNER,
                is_in_totals=is_in_totals,
            ),
        )

    async def get_summary_from_totals(self) -> Summary | None:
        """The totals of the media store, from rollups; None if they cannot answer."""
        return await self._database.read(
            "media_stats_get_summary_from_totals",
            lambda txn, cost: get_summary_from_totals_txn(
                txn, self._media, SummaryQuestion()
            ),
            [Cost.TOTALS],
        )

    async def get_appservices_page(
        self, question: AppservicesQuestion
    ) -> Page[AppserviceUsage, int]:
        """One page of the application services whose users have local media."""
        return await self._ask(
            self._if_kept(get_appservices_page_from_totals_txn),
            get_appservices_page_txn,
            self._media.local,
            question,
            self._costs_of_appservices(question),
        )

    async def get_appservices_from_totals(self) -> Page[AppserviceUsage, int] | None:
        """All application services, from the totals; None if they cannot answer."""
        return await self._database.read(
            "media_stats_get_appservices_from_totals",
            lambda txn, cost: get_appservices_page_from_totals_txn(
                txn, self._media.local, AppservicesQuestion(limit=NO_LIMIT)
            ),
            [Cost.TOTALS],
        )

    async def get_rollup_states(self) -> Mapping[str, RollupState]:
        """The state of the totals, by source."""

        def read(txn: LoggingTransaction, cost: Cost) -> Mapping[str, RollupState]:
            return {
                table.source.value: get_state_txn(txn, table)
                for table in self._media.both
            }

        states = await self._database.read(
            "media_stats_get_state_txn", read, [Cost.PROBES, Cost.TOTALS]
        )
        assert states is not None
        return states

    async def get_days(self, question: TimelineQuestion) -> Sequence[DayUsage]:
        """The media stored now, by the day of its creation."""
        return await self._ask(
            self._if_kept(get_days_from_totals_txn),
            get_days_txn,
            self._table(question.source),
            question,
            self._costs(
                _cost_of_media(question.owner),
                is_in_totals=question.owner is None and question.accounts is None,
            ),
        )

    async def get_types_page(self, question: TypesQuestion) -> Page[TypeUsage, int]:
        """One page of the media types, with their usage."""
        return await self._ask(
            self._if_kept(get_groups_from_totals_txn),
            get_types_page_txn,
            self._table(question.source),
            question,
            self._costs_of_types(question),
        )

    async def get_duplicates_page(
        self, question: DuplicatesQuestion
    ) -> Page[DuplicatedFile, int | None]:
        """One page of the sets of identical files.

        No sets, and None at the end, if this version of Synapse keeps no hashes.
        """
        return await self._ask(
            None,
            get_duplicates_page_txn,
            self._media.of(question.source),
            question,
            [_cost_of_media(question.owner, question.limit)],
        )

    async def get_files_page(
        self, question: FilesQuestion
    ) -> Page[File, FilesPosition | None]:
        """One page of the files themselves."""
        server_name = self._database.server_name
        is_probe = is_page_of_index(question) and question.limit <= _PROBED_ROWS
        return await self._ask(
            partial(get_page_of_index_txn, server_name=server_name),
            partial(get_files_page_txn, server_name=server_name),
            self._media.of(question.source),
            question,
            [
                *([Cost.PROBES] if is_probe else []),
                _cost_of_media(question.owner, question.limit),
            ],
        )

    async def get_reclaimable(
        self, question: ReclaimableQuestion
    ) -> Mapping[int, Reclaimable]:
        """The effect of Synapse's own deletion, by its `before_ts`."""
        return await self._ask(
            None,
            partial(get_reclaimable_txn, server_name=self._database.server_name),
            self._media.of(question.source),
            question,
            [_cost_of_media(question.owner)],
        )

    async def export_users(
        self, question: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> int | None:
        """Call a function with the users of a page of any length, one by one.

        Calls it in another thread, and again if the transaction is retried.

        Returns:
            the number of users on all pages; None if the function stopped reading
            before the end.
        """
        return await self._export_owners(self._media.local, question, write)

    async def export_servers(
        self, question: OwnersQuestion, write: Callable[[Iterator[OwnerUsage]], None]
    ) -> int | None:
        """Export servers; see `export_users`."""
        return await self._export_owners(self._media.remote, question, write)

    async def export_appservices(
        self,
        question: AppservicesQuestion,
        write: Callable[[Iterator[AppserviceUsage]], None],
    ) -> int | None:
        """Export application services; see `export_users`."""
        return await self._export(
            self._if_kept(_one_by_one(get_appservices_page_from_totals_txn)),
            _one_by_one(get_appservices_page_txn),
            self._media.local,
            question,
            self._costs_of_appservices(question),
            write,
        )

    async def export_duplicates(
        self,
        question: DuplicatesQuestion,
        write: Callable[[Iterator[DuplicatedFile]], None],
    ) -> int | None:
        """Export sets of identical files; see `export_users`."""
        return await self._export(
            None,
            iterate_duplicates_txn,
            self._media.of(question.source),
            question,
            [_cost_of_media(question.owner, question.limit)],
            write,
        )

    async def export_types(
        self, question: TypesQuestion, write: Callable[[Iterator[TypeUsage]], None]
    ) -> int | None:
        """Export media types; see `export_users`."""
        return await self._export(
            self._if_kept(_one_by_one(get_groups_from_totals_txn)),
            iterate_types_txn,
            self._table(question.source),
            question,
            self._costs_of_types(question),
            write,
        )

    async def export_files(
        self, question: FilesQuestion, write: Callable[[Iterator[File]], None]
    ) -> FilesPosition | None:
        """Export files; see `export_users`.

        Returns:
            the position of the last one, if there is a next page.
        """
        return await self._export(
            None,
            partial(iterate_files_txn, server_name=self._database.server_name),
            self._media.of(question.source),
            question,
            [_cost_of_media(question.owner, question.limit)],
            write,
        )

    async def _get_owners_page(
        self, table: MediaTable, question: OwnersQuestion
    ) -> Page[OwnerUsage, int]:
        return await self._ask(
            self._if_kept(get_owners_page_from_totals_txn),
            get_live_owners_page_txn,
            table,
            question,
            self._costs_of_owners(question),
        )

    async def _export_owners(
        self,
        table: MediaTable,
        question: OwnersQuestion,
        write: Callable[[Iterator[OwnerUsage]], None],
    ) -> int | None:
        return await self._export(
            self._if_kept(iterate_owners_from_totals_txn),
            iterate_live_owners_txn,
            table,
            question,
            self._costs_of_owners(question),
            write,
        )

    def _table(self, source: Source) -> MediaTable:
        (table,) = self._media.of(source)
        return table

    def _costs_of_owners(self, question: OwnersQuestion) -> list[Cost]:
        is_page_of_index = (
            question.search_term is None
            and question.accounts is None
            and question.order_by is not OwnersOrder.DISPLAYNAME
            and question.limit <= _PROBED_ROWS
            and question.start <= _PROBED_START
        )
        return self._costs(
            _cost_of_media(None, question.limit),
            is_in_totals=not question.has_window,
            is_page_of_index=is_page_of_index,
        )

    def _costs_of_appservices(self, question: AppservicesQuestion) -> list[Cost]:
        # There are few rows, whatever the limit.
        return self._costs(
            Cost.WHOLE_TABLE,
            is_in_totals=not question.has_window,
            is_page_of_index=False,
        )

    def _costs_of_types(self, question: TypesQuestion) -> list[Cost]:
        return self._costs(
            _cost_of_media(question.owner, question.limit),
            is_in_totals=question.grouped
            and question.owner is None
            and question.accounts is None
            and not question.has_window,
        )

    def _costs(
        self, live: Cost, *, is_in_totals: bool, is_page_of_index: bool = True
    ) -> list[Cost]:
        """The costs of the ways to answer: from the totals, if possible; then live."""
        if not (self.has_rollups and is_in_totals):
            return [live]
        probes = [Cost.PROBES] if is_page_of_index else []
        return [*probes, Cost.TOTALS, live]

    def _if_kept(self, from_totals_txn: _T) -> _T | None:
        """The function that asks the totals; None without rollups."""
        return from_totals_txn if self.has_rollups else None

    async def _ask(
        self,
        cheap_txn: Callable[[LoggingTransaction, _M, _Q], _A | None] | None,
        live_txn: Callable[[LoggingTransaction, _M, _Q], _A],
        media: _M,
        question: _Q,
        costs: Sequence[Cost],
    ) -> _A:
        """Answer from totals or from an index if possible, or else from the media.

        Args:
            cheap_txn: answers in milliseconds, or returns None.
            live_txn: always answers.
            media: the table, or both.
            question: the question.
            costs: the costs to try, in rising order.
        """

        def answer(txn: LoggingTransaction, cost: Cost) -> _A | None:
            return _choose_txn(txn, cheap_txn, live_txn, media, question, cost)

        found = await self._database.read(_description(live_txn), answer, costs)
        assert found is not None
        return found

    async def _export(
        self,
        cheap_txn: Callable[[LoggingTransaction, _M, _Q], Values[_V, _E] | None] | None,
        live_txn: Callable[[LoggingTransaction, _M, _Q], Values[_V, _E] | None],
        media: _M,
        question: _Q,
        costs: Sequence[Cost],
        write: Callable[[Iterator[_V]], None],
    ) -> _E | None:
        """Write a list while it is read, from totals or an index if possible.

        Returns:
            the value after the last one; None if not all were written.
        """

        def export(txn: LoggingTransaction, cost: Cost) -> _Written[_V, _E] | None:
            values = _choose_txn(txn, cheap_txn, live_txn, media, question, cost)
            if values is None:
                return None
            written = _Written(values)
            # Closes the cursor in this thread if `write` stops early.
            with closing(values):
                write(iter(written))
            return written

        written = await self._database.read(_description(live_txn), export, costs)
        assert written is not None
        return written.end


def _one_by_one(
    page_txn: Callable[[LoggingTransaction, _M, _Q], Page[_V, _E] | None],
) -> Callable[[LoggingTransaction, _M, _Q], Values[_V, _E] | None]:
    """Make a function that returns a short page return its values one by one."""

    @wraps(page_txn)
    def values_txn(
        txn: LoggingTransaction, media: _M, question: _Q
    ) -> Values[_V, _E] | None:
        page = page_txn(txn, media, question)
        return None if page is None else _values(page)

    return values_txn


def _values(page: Page[_V, _E]) -> Values[_V, _E]:
    yield from page.values
    return page.end


class _Written(Generic[_V, _E]):
    """Values that are written.

    Attributes:
        end: the value after the last one; None until then.
    """

    def __init__(self, values: Values[_V, _E]) -> None:
        self._values = values
        self.end: _E | None = None

    def __iter__(self) -> Iterator[_V]:
        self.end = yield from self._values


def _choose_txn(
    txn: LoggingTransaction,
    cheap_txn: Callable[[LoggingTransaction, _M, _Q], _A | None] | None,
    live_txn: Callable[[LoggingTransaction, _M, _Q], _A],
    media: _M,
    question: _Q,
    cost: Cost,
) -> _A | None:
    """Answer in the cheapest way; None if all ways cost too much."""
    if cheap_txn is None:
        return live_txn(txn, media, question)
    answer = cheap_txn(txn, media, question)
    if answer is None and cost.allows_scan:
        answer = live_txn(txn, media, question)
    return answer


def _cost_of_media(owner: str | None, limit: int = 0) -> Cost:
    if limit > _ROWS_OF_PAGE:
        return Cost.EXPORT
    return Cost.WHOLE_TABLE if owner is None else Cost.ONE_OWNER


def _description(function: Callable[..., object]) -> str:
    """The name of a function's transaction in Synapse's logs and metrics."""
    if isinstance(function, partial):
        function = function.func
    return f"media_stats_{function.__name__}"
