"""`/v1/files`: the files themselves."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.questions import Source
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource
from media_stats_module.rest.cursors import write_cursor
from media_stats_module.rest.parameters import parse_files_query
from media_stats_module.storage import File

_FILE = (
    "media_type",
    "upload_name",
    "media_length",
    "created_ts",
    "last_access_ts",
    "quarantined_by",
)
_LOCAL_FILE = ("mxc", "user_id", *_FILE, "safe_from_quarantine", "url_preview")
_REMOTE_FILE = ("mxc", "server_name", *_FILE)


class FilesMediaStatsResource(ListResource):
    """Lists files, for an admin to decide what to delete, say.

    There is no total: counting would read the whole table for every page.
    """

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_files_query(request)
        page = await self._store.get_files_page(query)
        body = self._local_body if query.source is Source.LOCAL else self._remote_body
        answer: JsonDict = {"files": Rows(page.files, body)}
        if page.end:
            answer["next_token"] = write_cursor(query.list_name, page.end)
        return answer

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        query = parse_files_query(request)
        columns, body = (
            (_LOCAL_FILE, self._local_body)
            if query.source is Source.LOCAL
            else (_REMOTE_FILE, self._remote_body)
        )
        await self._store.export_files(query, file.writer(columns, body))
        return "files"

    def _local_body(self, file: File) -> JsonDict:
        return {
            "mxc": f"mxc://{self._api.server_name}/{file.media_id}",
            "user_id": file.user_id,
            **_body(file),
            "safe_from_quarantine": file.safe_from_quarantine,
            "url_preview": file.url_preview,
        }

    def _remote_body(self, file: File) -> JsonDict:
        return {
            "mxc": f"mxc://{file.server_name}/{file.media_id}",
            "server_name": file.server_name,
            **_body(file),
        }


def _body(file: File) -> JsonDict:
    return {
        "media_type": file.media_type,
        "upload_name": file.upload_name,
        "media_length": file.media_length,
        "created_ts": file.created_ts,
        "last_access_ts": file.last_access_ts,
        "quarantined_by": file.quarantined_by,
    }
