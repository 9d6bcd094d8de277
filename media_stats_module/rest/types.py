"""`/v1/types`: how much media there is of each type."""

from collections.abc import Callable, Iterable, Sequence

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.questions import TypesQuestion
from media_stats_module.rest._counted_list import CountedListResource, Page
from media_stats_module.rest.parameters import parse_types_question
from media_stats_module.storage import TypeUsage


class TypesMediaStatsResource(CountedListResource[TypesQuestion, TypeUsage]):
    """Lists the media types, or a few groups of them."""

    name = "types"

    def parse(self, request: SynapseRequest) -> TypesQuestion:
        return parse_types_question(request)

    async def get_page(self, question: TypesQuestion) -> Page[TypeUsage]:
        page = await self._store.get_types_page(question)
        return Page(page.types, page.total)

    async def export_rows(
        self, question: TypesQuestion, write: Callable[[Iterable[TypeUsage]], None]
    ) -> None:
        await self._store.export_types(question, write)

    def columns(self, question: TypesQuestion) -> Sequence[str]:
        return (_key(question), "media_count", "media_length")

    def to_row(self, question: TypesQuestion) -> Callable[[TypeUsage], JsonDict]:
        key = _key(question)
        return lambda usage: {
            key: usage.media_type,
            "media_count": usage.media_count,
            "media_length": usage.media_length,
        }


def _key(question: TypesQuestion) -> str:
    return "group" if question.grouped else "media_type"
