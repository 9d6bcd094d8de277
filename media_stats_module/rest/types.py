"""`/v1/types`: how much media there is of each type."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.query import parse_types_query
from media_stats_module.rest._base import AdminResource, page_totals


class TypesMediaStatsResource(AdminResource):
    """Lists the media types that there are, or a few groups of them."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_types_query(request)
        page = await self._store.get_types_page(query)
        name = "group" if query.grouped else "media_type"
        types = [
            {
                name: usage.media_type,
                "media_count": usage.media_count,
                "media_length": usage.media_length,
            }
            for usage in page.types
        ]
        return {"types": types, **page_totals(query.start, len(types), page.total)}
