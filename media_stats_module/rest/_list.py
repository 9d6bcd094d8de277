"""An endpoint that answers with a list: a page as JSON, or the whole list as CSV."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from synapse.module_api import JsonDict, ModuleApi, SynapseRequest
from synapse.module_api.errors import SynapseError

from media_stats_module.endpoints import (
    Arguments,
    InvalidParameterError,
    List,
    Server,
    read_parameters,
)
from media_stats_module.formats import Rows, encode_csv, encode_json, encode_rows
from media_stats_module.rest._accept import prefers_csv
from media_stats_module.rest._arguments import SYNAPSE_CHECKS
from media_stats_module.rest._base import JSON_HEADERS, AdminResource
from media_stats_module.rest._response import ResponseFile
from media_stats_module.storage import MediaStatsStore

# With a higher limit, rows are written as the database returns them. All in memory,
# they would make Python's garbage collector stop Synapse for 0.1 s per 100,000 rows.
_LARGEST_PAGE_IN_MEMORY = 100


# The errors that the checks of parameters raise.
_REFUSALS = (InvalidParameterError, SynapseError)


class ListResource(AdminResource):
    """Serves a `List`."""

    def __init__(
        self,
        api: ModuleApi,
        store: MediaStatsStore,
        server: Server,
        endpoint: List[Any, Any],
    ) -> None:
        super().__init__(api, endpoint.name)
        self._store = store
        self._server = server
        self._endpoint = endpoint

    async def respond(self, request: SynapseRequest) -> None:
        is_documented = self._endpoint.is_documented
        is_csv = prefers_csv(request, is_documented=is_documented)
        arguments = Arguments(
            given=request.args,
            checks=SYNAPSE_CHECKS,
            is_export=is_csv,
            ignored=_REFUSALS if is_documented else (),
        )
        values = read_parameters(self._endpoint.parameters, arguments)
        question = self._endpoint.question(**values)
        if is_csv:
            await self._send_csv(request, question)
        elif self._endpoint.has_limit and question.limit > _LARGEST_PAGE_IN_MEMORY:
            await self._send_long_page(request, question)
        else:
            await self.send_json(request, self._get_page(question))

    async def _send_csv(self, request: SynapseRequest, question: Any) -> None:
        endpoint = self._endpoint
        columns = endpoint.columns(self._server, question)
        with ResponseFile(request) as file:
            # Written within the reading transaction: all rows are of one snapshot, and
            # never all in memory.
            await endpoint.export(
                self._store,
                self._server,
                question,
                lambda values: file.write_in_thread(encode_csv(columns, values)),
            )
            await file.send_with(_csv_headers(endpoint.name, file.length))

    async def _get_page(self, question: Any) -> JsonDict:
        endpoint = self._endpoint
        page = await endpoint.get_page(self._store, self._server, question)
        columns = endpoint.columns(self._server, question)
        more = endpoint.get_more(question, len(page.values), page.end)
        return {endpoint.key: Rows(page.values, columns), **more}

    async def _send_long_page(self, request: SynapseRequest, question: Any) -> None:
        """Send a page as JSON, written row by row within the transaction."""
        endpoint = self._endpoint
        columns = endpoint.columns(self._server, question)
        written = 0

        def counted(values: Iterable[Any]) -> Iterator[Any]:
            nonlocal written
            # A retried transaction begins again.
            written = 0
            for value in values:
                yield value
                written += 1

        def body(values: Iterable[Any]) -> Iterator[bytes]:
            yield f'{{"{endpoint.key}":'.encode()
            yield from encode_rows(columns, counted(values))

        with ResponseFile(request) as file:
            end = await endpoint.export(
                self._store,
                self._server,
                question,
                lambda values: file.write_in_thread(body(values)),
            )
            if request._disconnected:
                return
            more = endpoint.get_more(question, written, end)
            # Continues the object that `body` began.
            file.append(b"," + b"".join(encode_json(more))[1:] if more else b"}")
            await file.send_with(JSON_HEADERS)


def _csv_headers(name: str, length: int) -> Mapping[str, str]:
    return {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        # Names the file that a browser saves.
        "Content-Disposition": f'attachment; filename="{name}.csv"',
        # Shows a client that a file is cut off.
        "Content-Length": str(length),
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "X-Content-Type-Options": "nosniff",
    }
