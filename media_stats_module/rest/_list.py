"""What every list does in the same way: a page as JSON, or the whole list as CSV."""

import abc

from synapse.module_api import SynapseRequest

from media_stats_module.rest._base import AdminResource
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest.formats import Format, parse_format


class ListResource(AdminResource, abc.ABC):
    """An endpoint that answers with a list."""

    async def respond(self, request: SynapseRequest) -> None:
        if parse_format(request) is Format.JSON:
            await self.respond_json(request)
            return
        with CsvFile(request) as file:
            name = await self.export(request, file)
            await file.send(f"{name}.csv")

    async def respond_json(self, request: SynapseRequest) -> None:
        """Send a page of the list."""
        await super().respond(request)

    @abc.abstractmethod
    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        """Write the list to a file: all of it, unless the request has a limit.

        Returns:
            the name of the list.

        Raises:
            SynapseError: 4xx, the request is wrong.
        """
