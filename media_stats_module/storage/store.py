"""The one way into the database: picks how a question is answered, and asks it."""

from synapse.module_api import ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.query import OwnersQuery
from media_stats_module.storage import live
from media_stats_module.storage._synapse import REMOTE_MEDIA, MediaTable, local_media
from media_stats_module.storage.values import OwnersPage


class MediaStatsStore:
    """Answers queries, each in one transaction off the reactor thread."""

    def __init__(self, api: ModuleApi, config: MediaStatsConfig) -> None:
        self._api = api
        self._local_media = local_media(count_url_previews=config.count_url_previews)

    async def get_users_page(self, query: OwnersQuery) -> OwnersPage:
        """One page of the users that have local media, with their usage."""
        return await self._get_owners_page(self._local_media, query)

    async def get_servers_page(self, query: OwnersQuery) -> OwnersPage:
        """One page of the servers that cached remote media came from."""
        return await self._get_owners_page(REMOTE_MEDIA, query)

    async def _get_owners_page(
        self, media: MediaTable, query: OwnersQuery
    ) -> OwnersPage:
        return await self._api.run_db_interaction(
            "media_stats_get_owners_page", live.get_owners_page_txn, media, query
        )
