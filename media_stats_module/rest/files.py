"""`/v1/files`: the files themselves."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource
from media_stats_module.rest.cursors import write_cursor
from media_stats_module.rest.parameters import parse_files_question
from media_stats_module.storage import File

# The same for local and remote files, which can be in one list.
_FILE = (
    "mxc",
    "user_id",
    "server_name",
    "media_type",
    "upload_name",
    "media_length",
    "created_ts",
    "last_access_ts",
    "quarantined_by",
    "safe_from_quarantine",
    "url_preview",
    "sha256",
)


class FilesMediaStatsResource(ListResource):
    """Lists files: the largest, oldest or least recently read ones, for example.

    There is no total: to count the files would read the whole table for each page.
    """

    async def answer(self, request: SynapseRequest) -> JsonDict:
        question = parse_files_question(request)
        page = await self._store.get_files_page(question)
        answer: JsonDict = {"files": Rows(page.files, self._body)}
        if page.end:
            answer["next_token"] = write_cursor(question.list_name, page.end)
        return answer

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        question = parse_files_question(request)
        await self._store.export_files(question, file.writer(_FILE, self._body))
        return "files"

    def _body(self, file: File) -> JsonDict:
        server_name = file.server_name or self._api.server_name
        return {
            "mxc": f"mxc://{server_name}/{file.media_id}",
            "user_id": file.user_id,
            "server_name": server_name,
            "media_type": file.media_type,
            "upload_name": file.upload_name,
            "media_length": file.media_length,
            "created_ts": file.created_ts,
            "last_access_ts": file.last_access_ts,
            "quarantined_by": file.quarantined_by,
            "safe_from_quarantine": file.safe_from_quarantine,
            "url_preview": file.url_preview,
            "sha256": file.sha256,
        }
