"""Lists with a total, paged by offset."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from media_stats_module.endpoints._description import (
    Answer,
    Columns,
    JsonDict,
    List,
    Server,
    Write,
)
from media_stats_module.endpoints.parameters import Integer, Parameters

if TYPE_CHECKING:
    from media_stats_module.storage import MediaStatsStore, Page


class _PagedQuestion(Protocol):
    """A question for a page: skips `start` rows, and returns at most `limit`."""

    @property
    def start(self) -> int: ...
    @property
    def limit(self) -> int: ...


_Q = TypeVar("_Q", bound=_PagedQuestion)
_V = TypeVar("_V")

FROM = Integer(name="from", help="how many rows to skip", attribute="start", default=0)


def counted_list(
    *,
    name: str,
    help: str,
    parameters: Parameters,
    question: Callable[..., _Q],
    get_page: "Callable[[MediaStatsStore, _Q], Coroutine[Any, Any, Page[_V]]]",
    export: """Callable[
        [MediaStatsStore, _Q, Write[_V]], Coroutine[Any, Any, int | None]
    ]""",
    columns: Callable[[_Q], Columns[_V]],
    is_documented: bool = False,
) -> List[_Q, _V]:
    """Describe a list whose pages have a total."""

    async def answer(
        store: "MediaStatsStore", server: Server, question: _Q
    ) -> Answer[_V]:
        page = await get_page(store, question)
        more = totals(question, len(page.values), page.total)
        return Answer(page.values, more)

    return List(
        name=name,
        help=help,
        parameters=parameters,
        question=question,
        key=name,
        get_page=answer,
        export=lambda store, server, question, write: export(store, question, write),
        columns=lambda server, question: columns(question),
        get_more=totals,
        is_documented=is_documented,
    )


def totals(question: _PagedQuestion, length: int, total: int) -> JsonDict:
    """The part of an answer about the whole list: `total` and `next_token`.

    Args:
        question: the question.
        length: the number of rows on the page.
        total: the number of rows on all pages.
    """
    answer: JsonDict = {"total": total}
    # An empty page has no next one, or a client would ask for ever.
    if length and question.start + length < total:
        answer["next_token"] = question.start + length
    return answer
