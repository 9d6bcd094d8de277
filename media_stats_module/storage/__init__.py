"""SQL, all of it: functions of a transaction and a question, for both databases."""

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
from media_stats_module.storage.store import MediaStatsStore

__all__ = [
    "DayUsage",
    "File",
    "LocalSummary",
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
