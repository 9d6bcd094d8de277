"""Lists that have a total and are paged by offset: users, servers and types."""

import abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

import attr
from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.questions import OwnersQuestion, TypesQuestion
from media_stats_module.rest._base import JSON_HEADERS
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows, encode_json, encode_rows
from media_stats_module.rest._list import ListResource
from media_stats_module.rest._response import ResponseFile

_Q = TypeVar("_Q", OwnersQuestion, TypesQuestion)
_T = TypeVar("_T")

# With a higher limit, rows are written as the database gives them. All in memory, they
# would make Python's garbage collector stop Synapse for a tenth of a second per 100,000
# rows.
_LARGEST_PAGE_IN_MEMORY = 1_000


@attr.frozen
class Page(Generic[_T]):
    """A page of a list.

    Attributes:
        values: what is on the page.
        total: how many there are on all pages.
    """

    values: Sequence[_T]
    total: int


class CountedListResource(ListResource, abc.ABC, Generic[_Q, _T]):
    """A list with a total.

    Attributes:
        name: the key of the rows in the answer, and the name of the CSV file.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def parse(self, request: SynapseRequest) -> _Q:
        """Read the parameters."""

    @abc.abstractmethod
    async def get_page(self, question: _Q) -> Page[_T]:
        """Ask storage for a page."""

    @abc.abstractmethod
    async def export_rows(
        self, question: _Q, write: Callable[[Iterable[_T]], None]
    ) -> None:
        """Have storage call a function with what would be on the page."""

    @abc.abstractmethod
    def columns(self, question: _Q) -> Sequence[str]:
        """The keys of a row, in order."""

    @abc.abstractmethod
    def to_row(self, question: _Q) -> Callable[[_T], JsonDict]:
        """The function that makes a row."""

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        question = self.parse(request)
        writer = file.writer(self.columns(question), self.to_row(question))
        await self.export_rows(question, writer)
        return self.name

    async def answer(self, request: SynapseRequest) -> JsonDict:
        question = self.parse(request)
        page = await self.get_page(question)
        return {
            self.name: Rows(page.values, self.to_row(question)),
            **_totals(question, len(page.values), page.total),
        }

    async def respond_json(self, request: SynapseRequest) -> None:
        question = self.parse(request)
        if question.limit <= _LARGEST_PAGE_IN_MEMORY:
            await super().respond_json(request)
            return
        to_row = self.to_row(question)
        written = 0

        def rows(values: Iterable[_T]) -> Iterator[JsonDict]:
            nonlocal written
            written = 0
            for value in values:
                yield to_row(value)
                written += 1

        with ResponseFile(request) as file:
            await self.export_rows(
                question,
                lambda values: file.write_in_thread(self._begin(rows(values))),
            )
            file.append(self._end(await self._totals_after(question, written)))
            await file.send_with(JSON_HEADERS)

    def _begin(self, rows: Iterable[JsonDict]) -> Iterator[bytes]:
        yield f'{{"{self.name}":'.encode()
        yield from encode_rows(rows)

    def _end(self, totals: JsonDict) -> bytes:
        # The object goes on.
        return b"," + b"".join(encode_json(totals))[1:]

    async def _totals_after(self, question: _Q, written: int) -> JsonDict:
        """The totals of a page, when its rows are written."""
        if 0 < written < question.limit:
            # The list ends here.
            total = question.start + written
        else:
            total = (await self.get_page(attr.evolve(question, limit=0))).total
        return _totals(question, written, total)


def _totals(
    question: OwnersQuestion | TypesQuestion, length: int, total: int
) -> JsonDict:
    """The part of a page that is about the whole list.

    Args:
        question: what was asked.
        length: how many rows are on the page.
        total: how many rows are on all pages.
    """
    totals: JsonDict = {"total": total}
    # After an empty page there is no next one, or a client would ask for ever.
    if length and question.start + length < total:
        totals["next_token"] = question.start + length
    return totals
