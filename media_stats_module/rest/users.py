"""`/v1/users`: local media per user, the documented endpoint of Synapse."""

from synapse.module_api import JsonDict, ModuleApi, SynapseRequest

from media_stats_module.query import parse_users_query
from media_stats_module.rest._base import AdminResource
from media_stats_module.storage import MediaStatsStore


class UsersMediaStatsResource(AdminResource):
    """Lists the users that have local media, with the number and size of it."""

    def __init__(self, api: ModuleApi, store: MediaStatsStore) -> None:
        super().__init__(api)
        self._store = store

    async def answer(self, request: SynapseRequest) -> JsonDict:
        query = parse_users_query(request)
        page = await self._store.get_users_page(query)

        response: JsonDict = {
            "users": [
                {
                    "user_id": user.user_id,
                    "displayname": user.displayname,
                    "media_count": user.media_count,
                    "media_length": user.media_length,
                }
                for user in page.users
            ],
            "total": page.total,
        }
        next_start = query.start + len(page.users)
        # An empty page has no next one, or a client would ask for it for ever.
        if page.users and next_start < page.total:
            response["next_token"] = next_start
        return response
