"""SQL, all of it: functions of a transaction and a query, for both databases."""

from media_stats_module.storage.measurements import Measurements
from media_stats_module.storage.store import MediaStatsStore
from media_stats_module.storage.values import (
    DayUsage,
    File,
    LocalSummary,
    OwnersPage,
    OwnerUsage,
    RemoteSummary,
    Summary,
    TypeUsage,
    Usage,
)

__all__ = [
    "DayUsage",
    "File",
    "LocalSummary",
    "Measurements",
    "MediaStatsStore",
    "OwnerUsage",
    "OwnersPage",
    "RemoteSummary",
    "Summary",
    "TypeUsage",
    "Usage",
]
