"""All SQL. Other rooms use only the names that are imported here.

`MediaStatsStore` answers questions: from a `SharedDatabase` on a running Synapse, from
an `OfflineDatabase` on the command line. Each statement is in a function of a
transaction and a question, for PostgreSQL and SQLite.
"""

from media_stats_module.storage.answers import (
    AppserviceUsage,
    DayUsage,
    DeletedFiles,
    DuplicatedFile,
    File,
    LocalSummary,
    OwnerUsage,
    Page,
    Reclaimable,
    ReclaimablePart,
    RemoteSummary,
    Summary,
    TypeUsage,
    Usage,
)
from media_stats_module.storage.connections import open_sqlite_file
from media_stats_module.storage.disk import DiskRow, DiskRows, ThumbnailName
from media_stats_module.storage.errors import (
    DatabaseFailedError,
    QueryTimeoutError,
    QueueFullError,
)
from media_stats_module.storage.offline_database import OfflineDatabase, finish
from media_stats_module.storage.rollups.maintenance import (
    REBUILD_BEYOND,
    Maintenance,
    StepFailure,
)
from media_stats_module.storage.rollups.status import RollupState, Status
from media_stats_module.storage.shared_database import SharedDatabase
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.store import MediaStatsStore

__all__ = [
    "REBUILD_BEYOND",
    "AppserviceUsage",
    "DatabaseFailedError",
    "DayUsage",
    "DeletedFiles",
    "DiskRow",
    "DiskRows",
    "DuplicatedFile",
    "File",
    "LocalSummary",
    "Maintenance",
    "MediaStatsStore",
    "MediaTable",
    "OfflineDatabase",
    "OwnerUsage",
    "Page",
    "QueryTimeoutError",
    "QueueFullError",
    "Reclaimable",
    "ReclaimablePart",
    "RemoteSummary",
    "RollupState",
    "SharedDatabase",
    "Status",
    "StepFailure",
    "Summary",
    "ThumbnailName",
    "TypeUsage",
    "Usage",
    "finish",
    "open_sqlite_file",
]
