"""The paths of the API, and the resources that answer there."""

from collections.abc import Callable
from typing import Any

import attr
from synapse.module_api import JsonDict, ModuleApi
from twisted.web.resource import Resource

from media_stats_module.disk.patient_size import PatientSize
from media_stats_module.endpoints import ENDPOINTS, Document, List, Server
from media_stats_module.rest._base import Directory
from media_stats_module.rest._document import DocumentResource
from media_stats_module.rest._list import ListResource
from media_stats_module.rest.openapi import OpenApiResource
from media_stats_module.rest.rollups import RollupsCheckResource
from media_stats_module.storage import MediaStatsStore
from media_stats_module.synapse_internals import (
    current_time_ms,
    media_settings,
    media_store_path,
)


def make_api(api: ModuleApi, store: MediaStatsStore, path: str) -> Directory:
    """Make the folder of all endpoints.

    Args:
        api: Synapse's module API.
        store: answers the questions.
        path: the option `path`.
    """
    # May read files, so not at each request.
    retention, has_url_previews = media_settings(api)
    server = Server(
        name=api.server_name,
        now_ts=lambda: current_time_ms(api),
        media_retention=lambda: retention,
        url_preview_enabled=lambda: has_url_previews,
        file_system=_file_system(api),
        in_thread=api.defer_to_thread,
    )

    def resource(endpoint: Document[Any] | List[Any, Any]) -> Resource:
        if isinstance(endpoint, List):
            return ListResource(api, store, server, endpoint)
        return DocumentResource(api, store, server, endpoint)

    endpoints = {each.name.encode(): resource(each) for each in ENDPOINTS}
    endpoints[b"rollups"].putChild(b"check", RollupsCheckResource(api, store))
    endpoints[b"openapi.json"] = OpenApiResource(api, path)
    return Directory(endpoints)


def _file_system(api: ModuleApi) -> Callable[[], JsonDict | None]:
    path = media_store_path(api)
    if path is None:
        return lambda: None
    size = PatientSize(path, may_be_empty=api.worker_name is None)

    def get() -> JsonDict | None:
        file_system = size.get()
        return attr.asdict(file_system) if file_system else None

    return get
