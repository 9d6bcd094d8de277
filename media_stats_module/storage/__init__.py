"""SQL, all of it: functions of a transaction and a query, for both databases."""

from media_stats_module.storage.answers import (
    DayUsage,
    File,
    LocalSummary,
    OwnersPage,
    OwnerUsage,
    Reclaimable,
    ReclaimablePart,
    RemoteSummary,
    Summary,
    TypeUsage,
    Usage,
)
from media_stats_module.storage.measurements import Measurements
from media_stats_module.storage.store import MediaStatsStore

__all__ = [
    "DayUsage",
    "File",
    "LocalSummary",
    "Measurements",
    "MediaStatsStore",
    "OwnerUsage",
    "OwnersPage",
    "Reclaimable",
    "ReclaimablePart",
    "RemoteSummary",
    "Summary",
    "TypeUsage",
    "Usage",
]
