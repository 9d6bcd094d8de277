"""What every endpoint does the same way: refuse who is not an admin, answer JSON."""

import abc
from http import HTTPStatus

from synapse.module_api import (
    DirectServeJsonResource,
    JsonDict,
    ModuleApi,
    SynapseRequest,
)
from synapse.module_api.errors import Codes, SynapseError
from twisted.web.resource import Resource

from media_stats_module.rest.auth import assert_requester_is_admin
from media_stats_module.storage import MediaStatsStore, Usage


class UnrecognizedResource(DirectServeJsonResource):
    """Answers 404 `M_UNRECOGNIZED` as JSON, for itself and everything below it.

    Twisted's own answer for a path that leads nowhere is HTML, without CORS.
    """

    async def _async_render(self, request: SynapseRequest) -> tuple[int, JsonDict]:
        raise SynapseError(
            HTTPStatus.NOT_FOUND, "Unrecognized request", Codes.UNRECOGNIZED
        )

    def getChild(self, path: bytes, request: SynapseRequest) -> Resource:  # noqa: N802
        return self


class Directory(UnrecognizedResource):
    """A path that only holds other paths."""

    def __init__(self, children: dict[bytes, Resource]) -> None:
        """
        Args:
            children: the resources below this path by their path segment.
        """
        super().__init__()
        for segment, resource in children.items():
            self.putChild(segment, resource)


class Endpoint(DirectServeJsonResource):
    """One endpoint, and nothing below it.

    Errors, CORS headers, `HEAD`, `OPTIONS` and other methods are as on Synapse's own
    admin API, since the base class is Synapse's own. Synapse's request metrics are
    labelled with the name of the subclass.
    """

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        # Byte for byte what Synapse's admin API sends.
        super().__init__(canonical_json=True)
        self._api = api
        self._store = store

    def getChild(self, path: bytes, request: SynapseRequest) -> Resource:  # noqa: N802
        # Not even with a trailing slash.
        return UnrecognizedResource()


class AdminResource(Endpoint, abc.ABC):
    """One question: `GET`, server admins only."""

    async def _async_render_GET(  # noqa: N802
        self, request: SynapseRequest
    ) -> tuple[int, JsonDict] | None:
        await assert_requester_is_admin(self._api, request)
        return await self.respond(request)

    async def respond(self, request: SynapseRequest) -> tuple[int, JsonDict] | None:
        """Respond to a request that a server admin made, in JSON if nothing else.

        Returns:
            status and body; None if the response has been sent.

        Raises:
            SynapseError: 4xx, for a request that cannot be answered.
        """
        return HTTPStatus.OK, await self.answer(request)

    @abc.abstractmethod
    async def answer(self, request: SynapseRequest) -> JsonDict:
        """Answer a request that a server admin made.

        Raises:
            SynapseError: 4xx, for a request that cannot be answered.
        """


def usage_body(usage: Usage) -> JsonDict:
    """An amount of files, as every answer puts it."""
    return {"media_count": usage.media_count, "media_length": usage.media_length}
