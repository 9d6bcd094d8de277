"""What every list does the same way: a page of it as JSON, or all of it as CSV."""

import abc
from collections.abc import Callable, Sequence
from typing import TypeVar

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.rest._base import AdminResource
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest.parameters import Format, parse_format

_T = TypeVar("_T")

# The reactor, which serves everybody else, is held up by so many for a millisecond.
_AT_ONCE = 1_000


class ListResource(AdminResource, abc.ABC):
    """One list."""

    async def respond(self, request: SynapseRequest) -> tuple[int, JsonDict] | None:
        if parse_format(request) is Format.JSON:
            return await super().respond(request)
        with CsvFile(request) as file:
            name = await self.export(request, file)
            await file.send(f"{name}.csv")
        return None

    async def bodies(
        self, values: Sequence[_T], to_body: Callable[[_T], JsonDict]
    ) -> list[JsonDict]:
        """What a page says of each of its values; of many, made in another thread."""

        def make() -> list[JsonDict]:
            return [to_body(value) for value in values]

        if len(values) <= _AT_ONCE:
            return make()
        return await self._api.defer_to_thread(make)

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
