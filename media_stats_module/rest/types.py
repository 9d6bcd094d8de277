"""`/v1/types`: how much media there is of each type."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource, page_totals
from media_stats_module.rest.parameters import parse_types_query
from media_stats_module.storage import TypeUsage


class TypesMediaStatsResource(ListResource):
    """Lists the media types that there are, or a few groups of them."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_types_query(request)
        page = await self._store.get_types_page(query)
        body = _group if query.grouped else _type
        totals = page_totals(query.start, len(page.types), page.total)
        return {"types": Rows(page.types, body), **totals}

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        query = parse_types_query(request)
        name, body = ("group", _group) if query.grouped else ("media_type", _type)
        columns = (name, "media_count", "media_length")
        await self._store.export_types(query, file.writer(columns, body))
        return "types"


def _type(usage: TypeUsage) -> JsonDict:
    return {
        "media_type": usage.media_type,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }


def _group(usage: TypeUsage) -> JsonDict:
    return {
        "group": usage.media_type,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }
