"""`/v1/openapi.json`: the description of the API for machines."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from synapse.module_api import JsonDict, ModuleApi, SynapseRequest

from media_stats_module.rest._base import AdminResource

_DOCUMENT: JsonDict = json.loads(
    (Path(__file__).parent.parent / "openapi.json").read_text(encoding="utf-8")
)

# The path in the document: the default of the option `path`.
_PATH = "/_synapse/client/media_stats"


class OpenApiResource(AdminResource):
    """Shows an OpenAPI 3.1 document with the paths on this server."""

    def __init__(self, api: ModuleApi, path: str) -> None:
        """
        Args:
            api: Synapse's module API.
            path: the option `path`.
        """
        super().__init__(api, "openapi")
        # A reverse proxy may serve Synapse below another path.
        url = urlsplit(api.public_baseurl or "").path.rstrip("/") or "/"
        self._body = {
            **_DOCUMENT,
            "servers": [{"url": url}],
            "paths": {
                re.sub(f"^{_PATH}", path, name): item
                for name, item in _DOCUMENT["paths"].items()
            },
        }

    async def respond(self, request: SynapseRequest) -> None:
        await self.send_json(request, self._answer())

    async def _answer(self) -> JsonDict:
        return self._body
