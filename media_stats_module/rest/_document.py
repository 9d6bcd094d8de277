"""An endpoint that answers with an object."""

from typing import Any

from synapse.module_api import ModuleApi, SynapseRequest

from media_stats_module.endpoints import Arguments, Document, Server, read_parameters
from media_stats_module.rest._accept import refuse_csv
from media_stats_module.rest._arguments import SYNAPSE_CHECKS
from media_stats_module.rest._base import AdminResource
from media_stats_module.storage import MediaStatsStore


class DocumentResource(AdminResource):
    """Serves a `Document`."""

    def __init__(
        self,
        api: ModuleApi,
        store: MediaStatsStore,
        server: Server,
        endpoint: Document[Any],
    ) -> None:
        super().__init__(api, endpoint.name)
        self._store = store
        self._server = server
        self._endpoint = endpoint

    async def respond(self, request: SynapseRequest) -> None:
        if self._endpoint.parameters:
            refuse_csv(request)
        arguments = Arguments(given=request.args, checks=SYNAPSE_CHECKS)
        values = read_parameters(self._endpoint.parameters, arguments)
        question = self._endpoint.question(**values)
        answer = self._endpoint.answer(self._store, self._server, question)
        await self.send_json(request, answer)
