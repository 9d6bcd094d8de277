"""What every list does in the same way: a page as JSON, or the whole list as CSV."""

import abc

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.rest._base import AdminResource
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest.formats import Format, parse_format


class ListResource(AdminResource, abc.ABC):
    """An endpoint that answers with a list."""

    async def respond(self, request: SynapseRequest) -> None:
        if parse_format(request) is Format.JSON:
            await super().respond(request)
            return
        with CsvFile(request) as file:
            name = await self.export(request, file)
            await file.send(f"{name}.csv")

    @abc.abstractmethod
    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        """Write the list to a file: all of it, unless the request has a limit.

        Returns:
            the name of the list.

        Raises:
            SynapseError: 4xx, the request is wrong.
        """


def page_totals(start: int, length: int, total: int) -> JsonDict:
    """Make the part of a page that is about the whole list.

    Args:
        start: how many rows are before the page.
        length: how many rows are on the page.
        total: how many rows are on all pages.
    """
    totals: JsonDict = {"total": total}
    # After an empty page there is no next one, or a client would ask for ever.
    if length and start + length < total:
        totals["next_token"] = start + length
    return totals
