"""`/v1/users` and `/v1/servers`: whose the media is, and how much of it."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.query import parse_servers_query, parse_users_query
from media_stats_module.rest._base import AdminResource, page_totals


class UsersMediaStatsResource(AdminResource):
    """Lists the users that have local media: the documented endpoint of Synapse."""

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
        totals = page_totals(query.start, len(users), page.total)
        return {"users": users, **totals}


class ServersMediaStatsResource(AdminResource):
    """Lists the servers that cached remote media came from."""

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
        return {
            "servers": servers,
            **page_totals(query.start, len(servers), page.total),
        }
