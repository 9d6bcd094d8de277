"""What every list does the same way: a page of it as JSON, or all of it as CSV."""

import abc
from http import HTTPStatus

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.auth import assert_requester_is_admin
from media_stats_module.query import Format, parse_format
from media_stats_module.rest._base import Endpoint
from media_stats_module.rest._csv import CsvFile


class ListResource(Endpoint, abc.ABC):
    """One list: `GET`, server admins only."""

    async def _async_render_GET(  # noqa: N802
        self, request: SynapseRequest
    ) -> tuple[int, JsonDict] | None:
        await assert_requester_is_admin(self._api, request)
        if parse_format(request) is Format.JSON:
            return HTTPStatus.OK, await self.answer(request)
        with CsvFile(request) as file:
            name = await self.export(request, file)
            await file.send(f"{name}.csv")
        return None

    @abc.abstractmethod
    async def answer(self, request: SynapseRequest) -> JsonDict:
        """Answer a request that a server admin made, with a page.

        Raises:
            SynapseError: 4xx, for a request that cannot be answered.
        """

    @abc.abstractmethod
    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        """Write the list to a file, all of it unless the request has a limit.

        Returns:
            what the list is called.

        Raises:
            SynapseError: 4xx, for a request that cannot be answered.
        """


def page_totals(start: int, length: int, total: int) -> JsonDict:
    """What every page says of the whole list.

    Args:
        start: how many are before the page.
        length: how many are on it.
        total: how many are on all pages.
    """
    totals: JsonDict = {"total": total}
    # An empty page has no next one, or a client would ask for it for ever.
    if length and start + length < total:
        totals["next_token"] = start + length
    return totals
