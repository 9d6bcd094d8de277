"""`/v1/files`: the files themselves."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.cursor import write_cursor
from media_stats_module.query import Source, parse_files_query
from media_stats_module.rest._base import AdminResource
from media_stats_module.storage import File


class FilesMediaStatsResource(AdminResource):
    """Lists files, for an admin to decide what to delete, say.

    There is no total: counting would read the whole table for every page.
    """

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_files_query(request)
        page = await self._store.get_files_page(query)
        body = self._local_body if query.source is Source.LOCAL else self._remote_body
        answer: JsonDict = {"files": [body(file) for file in page.files]}
        if page.end:
            answer["next_token"] = write_cursor(query.list_name, page.end)
        return answer

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
