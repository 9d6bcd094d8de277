"""`/v1/users` and `/v1/servers`: whose the media is, and how much of it."""

from synapse.module_api import JsonDict, ModuleApi, SynapseRequest

from media_stats_module.query import (
    OwnersQuery,
    parse_servers_query,
    parse_users_query,
)
from media_stats_module.rest._base import AdminResource
from media_stats_module.storage import MediaStatsStore, OwnersPage


class UsersMediaStatsResource(AdminResource):
    """Lists the users that have local media: the documented endpoint of Synapse."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        super().__init__(api)
        self._store = store

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_users_query(request)
        page = await self._store.get_users_page(query)
        users = [
            {
                "user_id": usage.owner,
                "displayname": usage.displayname,
                "media_count": usage.media_count,
                "media_length": usage.media_length,
            }
            for usage in page.owners
        ]
        return {"users": users, **_totals(query, page)}


class ServersMediaStatsResource(AdminResource):
    """Lists the servers that cached remote media came from."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        super().__init__(api)
        self._store = store

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_servers_query(request)
        page = await self._store.get_servers_page(query)
        servers = [
            {
                "server_name": usage.owner,
                "media_count": usage.media_count,
                "media_length": usage.media_length,
            }
            for usage in page.owners
        ]
        return {"servers": servers, **_totals(query, page)}


def _totals(query: OwnersQuery, page: OwnersPage) -> JsonDict:
    """What every page says of the whole list."""
    totals: JsonDict = {"total": page.total}
    next_start = query.start + len(page.owners)
    # An empty page has no next one, or a client would ask for it for ever.
    if page.owners and next_start < page.total:
        totals["next_token"] = next_start
    return totals
