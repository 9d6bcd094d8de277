"""SQL, all of it: functions of a transaction and a query, for both databases."""

from media_stats_module.storage.store import MediaStatsStore
from media_stats_module.storage.values import OwnersPage, OwnerUsage

__all__ = ["MediaStatsStore", "OwnerUsage", "OwnersPage"]
