"""The one way into the database: picks how a question is answered, and asks it."""

from synapse.module_api import LoggingTransaction, ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.query import OwnersQuery
from media_stats_module.storage import live
from media_stats_module.storage.rollups import read
from media_stats_module.storage.rollups.tables import Rollup, all_rollups
from media_stats_module.storage.values import OwnersPage


class MediaStatsStore:
    """Answers queries, each in one transaction off the reactor thread."""

    def __init__(self, api: ModuleApi, config: MediaStatsConfig) -> None:
        self._api = api
        self._local, self._remote = all_rollups(config)
        self._has_rollups = config.rollups

    async def get_users_page(self, query: OwnersQuery) -> OwnersPage:
        """One page of the users that have local media, with their usage."""
        return await self._get_owners_page(self._local, query)

    async def get_servers_page(self, query: OwnersQuery) -> OwnersPage:
        """One page of the servers that cached remote media came from."""
        return await self._get_owners_page(self._remote, query)

    async def _get_owners_page(self, rollup: Rollup, query: OwnersQuery) -> OwnersPage:
        return await self._api.run_db_interaction(
            "media_stats_get_owners_page", self._get_owners_page_txn, rollup, query
        )

    def _get_owners_page_txn(
        self, txn: LoggingTransaction, rollup: Rollup, query: OwnersQuery
    ) -> OwnersPage:
        if self._has_rollups:
            page = read.get_owners_page_txn(txn, rollup, query)
            if page is not None:
                return page
        return live.get_owners_page_txn(txn, rollup.media, query)
