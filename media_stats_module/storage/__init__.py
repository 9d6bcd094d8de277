"""SQL, all of it, and the one door to it: what is named here is for the other rooms.

`MediaStatsStore` answers questions: of a `SharedDatabase` on a running Synapse, of an
`OfflineDatabase` on the command line. The statements are functions of a transaction and
a question, for PostgreSQL and SQLite.
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
]
