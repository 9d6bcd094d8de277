"""`/v1/users` and `/v1/servers`: whose the media is, and how much of it."""

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource, page_totals
from media_stats_module.rest.parameters import parse_servers_query, parse_users_query
from media_stats_module.storage import OwnerUsage

_USER = ("user_id", "displayname", "media_count", "media_length")
_SERVER = ("server_name", "media_count", "media_length")


class UsersMediaStatsResource(ListResource):
    """Lists the users that have local media: the documented endpoint of Synapse."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_users_query(request)
        page = await self._store.get_users_page(query)
        totals = page_totals(query.start, len(page.owners), page.total)
        return {"users": Rows(page.owners, _user), **totals}

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        query = parse_users_query(request)
        await self._store.export_users(query, file.writer(_USER, _user))
        return "users"


class ServersMediaStatsResource(ListResource):
    """Lists the servers that cached remote media came from."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_servers_query(request)
        page = await self._store.get_servers_page(query)
        totals = page_totals(query.start, len(page.owners), page.total)
        return {"servers": Rows(page.owners, _server), **totals}

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        query = parse_servers_query(request)
        await self._store.export_servers(query, file.writer(_SERVER, _server))
        return "servers"


def _user(usage: OwnerUsage) -> JsonDict:
    return {
        "user_id": usage.owner,
        "displayname": usage.displayname,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }


def _server(usage: OwnerUsage) -> JsonDict:
    return {
        "server_name": usage.owner,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }
