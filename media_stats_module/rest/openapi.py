"""`/v1/openapi.json`: the description of the API for machines."""

import json
from pathlib import Path

from synapse.module_api import JsonDict, ModuleApi, SynapseRequest

from media_stats_module.rest._base import AdminResource
from media_stats_module.storage import MediaStatsStore

_DOCUMENT: JsonDict = json.loads(
    (Path(__file__).parent.parent / "openapi.json").read_text(encoding="utf-8")
)


class OpenApiResource(AdminResource):
    """Shows an OpenAPI 3.1 document with the path of the API on this server."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore, path: str) -> None:
        """
        Args:
            api: Synapse's module API.
            store: for the other resources.
            path: where the API is served.
        """
        super().__init__(api, store, "openapi")
        self._body = {**_DOCUMENT, "servers": [{"url": path}]}

    async def respond(self, request: SynapseRequest) -> None:
        await self.send_json(request, self._answer())

    async def _answer(self) -> JsonDict:
        return self._body
