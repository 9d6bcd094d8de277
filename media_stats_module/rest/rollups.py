"""`/v1/rollups/check`: compares the totals with the media."""

from http import HTTPStatus

import attr
from synapse.module_api import JsonDict, ModuleApi, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.rest._base import UNAVAILABLE, Endpoint, unavailable
from media_stats_module.rest.auth import assert_requester_is_admin
from media_stats_module.storage import MediaStatsStore
from media_stats_module.synapse_internals import cancellable


class RollupsCheckResource(Endpoint):
    """Compares the totals with the media now. `POST`, because it stores the result."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        super().__init__(api, "check")
        self._store = store

    @cancellable
    async def _async_render_POST(  # noqa: N802
        self, request: SynapseRequest
    ) -> None:
        await assert_requester_is_admin(self._api, request)
        try:
            await self.send_json(request, self._check())
        except UNAVAILABLE as e:
            raise unavailable(request, e) from e

    async def _check(self) -> JsonDict:
        if not self._store.has_rollups:
            raise SynapseError(
                HTTPStatus.NOT_FOUND,
                "There are no totals to check: the option rollups is off.",
                Codes.NOT_FOUND,
            )
        found = {
            table.source.value: await self._store.maintenance.check(table)
            for table in self._store.maintenance.media.both
        }
        return {
            "differences": {
                source: differences and attr.asdict(differences)
                for source, differences in found.items()
            }
        }
