"""The resources that all endpoints share: admin check, JSON and errors."""

import abc
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any

from synapse.module_api import (
    DirectServeJsonResource,
    JsonDict,
    ModuleApi,
    SynapseRequest,
)
from synapse.module_api.errors import Codes, SynapseError
from twisted.web.resource import Resource

from media_stats_module.endpoints import InvalidParameterError
from media_stats_module.formats import count_rows, encode_json
from media_stats_module.rest._response import ResponseFile, ResponseNotKeptError
from media_stats_module.rest.auth import assert_requester_is_admin
from media_stats_module.storage import (
    DatabaseFailedError,
    QueryTimeoutError,
    QueueFullError,
)
from media_stats_module.synapse_internals import cancellable, delay_cancellation

# Encoding this number of rows takes about 3 ms.
_ROWS_ON_REACTOR = 1_000

_RETRY_AFTER_S = 10

# The errors that `unavailable` explains.
UNAVAILABLE = (
    QueueFullError,
    QueryTimeoutError,
    DatabaseFailedError,
    ResponseNotKeptError,
)

# The headers of Synapse's own answers.
JSON_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-cache, no-store, must-revalidate",
}


class NothingBelow(Resource):
    """Answers 404 `M_UNRECOGNIZED` for every unknown path below it.

    Also with a trailing slash. Twisted's own answer is HTML, without CORS headers.
    """

    def getChild(self, path: bytes, request: SynapseRequest) -> Resource:  # noqa: N802
        return UnrecognizedResource()


class UnrecognizedResource(NothingBelow, DirectServeJsonResource):
    """Answers 404 `M_UNRECOGNIZED` itself, too."""

    async def _async_render(self, request: SynapseRequest) -> tuple[int, JsonDict]:
        raise SynapseError(
            HTTPStatus.NOT_FOUND, "Unrecognized request", Codes.UNRECOGNIZED
        )


class Directory(UnrecognizedResource):
    """A path with other paths below it. It answers 404 itself."""

    def __init__(self, children: dict[bytes, Resource]) -> None:
        """
        Args:
            children: the resources below this path, by path segment.
        """
        super().__init__()
        for segment, resource in children.items():
            self.putChild(segment, resource)


class Endpoint(NothingBelow, DirectServeJsonResource):
    """An endpoint.

    The base class is Synapse's. So errors, CORS headers, `HEAD`, `OPTIONS` and unknown
    methods are answered as in Synapse's own admin API.
    """

    def __init__(self, api: ModuleApi, name: str) -> None:
        super().__init__(canonical_json=False)
        self._api = api
        self._metrics_name = f"{name.capitalize()}MediaStatsResource"

    async def _async_render(self, request: SynapseRequest) -> Any:
        # As Synapse's own resource for many endpoints does.
        request.request_metrics.name = self._metrics_name
        return await super()._async_render(request)

    async def send_json(
        self, request: SynapseRequest, answer: Awaitable[JsonDict]
    ) -> None:
        """Send an answer.

        Args:
            answer: makes the body. Long lists in it are `Rows`.

        Raises:
            TypeError, ValueError: JSON cannot hold the body. Nothing is sent.
        """
        with ResponseFile(request) as file:
            # No variable holds the body: its memory is free while a slow client reads.
            await self._write_json(file, await answer)
            await file.send_with(JSON_HEADERS)

    async def _write_json(self, file: ResponseFile, body: JsonDict) -> None:
        if count_rows(body) <= _ROWS_ON_REACTOR:
            file.write([b"".join(encode_json(body))])
        else:
            # The thread ends soon if the client hangs up. The file is open until then.
            writing = self._api.defer_to_thread(file.write_in_thread, encode_json(body))
            await delay_cancellation(writing, on_cancel=lambda: None)


class AdminResource(Endpoint, abc.ABC):
    """An endpoint that answers `GET`, for server admins only."""

    @cancellable
    async def _async_render_GET(self, request: SynapseRequest) -> None:  # noqa: N802
        await assert_requester_is_admin(self._api, request)
        try:
            await self.respond(request)
        except InvalidParameterError as e:
            raise SynapseError(
                HTTPStatus.BAD_REQUEST, str(e), Codes.INVALID_PARAM
            ) from e
        except UNAVAILABLE as e:
            raise unavailable(request, e) from e

    @abc.abstractmethod
    async def respond(self, request: SynapseRequest) -> None:
        """Send the response to a request of a server admin.

        Raises:
            InvalidParameterError, SynapseError: 4xx, the request is wrong.
        """


def unavailable(request: SynapseRequest, error: Exception) -> SynapseError:
    """Make the error 503, with advice, and set its headers.

    Args:
        request: the request.
        error: one of `UNAVAILABLE`.
    """
    if not isinstance(error, QueryTimeoutError):
        request.responseHeaders.setRawHeaders("Retry-After", [str(_RETRY_AFTER_S)])
    if isinstance(error, ResponseNotKeptError):
        message = str(error)
    elif isinstance(error, DatabaseFailedError):
        message = f"The database cannot answer now: {error.reason}"
    elif isinstance(error, QueueFullError):
        message = (
            "Too many questions about media are waiting for the database. Try again in "
            f"{_RETRY_AFTER_S} seconds."
        )
    else:
        message = (
            "The question took longer than the option query_timeout allows. Ask about "
            "less time with from_ts and until_ts if the endpoint has them, set "
            "rollups: true, or raise query_timeout."
        )
    return SynapseError(HTTPStatus.SERVICE_UNAVAILABLE, message, Codes.UNKNOWN)
