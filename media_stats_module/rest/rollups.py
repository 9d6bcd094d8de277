"""`/v1/rollups`: how far the totals are; below it a check whether they are right."""

from http import HTTPStatus

import attr
from synapse.module_api import JsonDict, ModuleApi, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.rest._base import AdminResource, Endpoint
from media_stats_module.rest.auth import assert_requester_is_admin
from media_stats_module.storage import MediaStatsStore


class RollupsResource(AdminResource):
    """Shows whether rollups are on, and how far each of them is."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        super().__init__(api, store)
        self.putChild(b"check", RollupsCheckResource(api, store))

    async def answer(self, request: SynapseRequest) -> JsonDict:
        states = await self._store.get_rollup_states()
        return {
            "enabled": self._store.has_rollups,
            "rollups": {
                name: {**attr.asdict(state), "phase": state.phase.value}
                for name, state in states.items()
            },
        }


class RollupsCheckResource(Endpoint):
    """Compares the totals with the media, now. `POST`: what it finds is kept."""

    async def _async_render_POST(  # noqa: N802
        self, request: SynapseRequest
    ) -> tuple[int, JsonDict]:
        await assert_requester_is_admin(self._api, request)
        if not await self._store.get_rollup_states():
            raise SynapseError(
                HTTPStatus.NOT_FOUND,
                "There are no rollups to check: they are not installed",
                Codes.NOT_FOUND,
            )
        found = await self._store.check_rollups()
        return HTTPStatus.OK, {
            "differences": {
                name: differences and attr.asdict(differences)
                for name, differences in found.items()
            }
        }
