"""The API: one file describes one endpoint. No HTTP, no SQL.

`rest` shows an endpoint as JSON or CSV, the command line as a table, too. Nothing here
imports Synapse: the command line could show its help only seconds later.
"""

from typing import Any

from media_stats_module.endpoints._description import (
    Columns,
    Document,
    Endpoint,
    JsonDict,
    List,
    Server,
)
from media_stats_module.endpoints.appservices import APPSERVICES
from media_stats_module.endpoints.duplicates import DUPLICATES
from media_stats_module.endpoints.files import FILES
from media_stats_module.endpoints.parameters import (
    Arguments,
    Boolean,
    Checks,
    InvalidParameterError,
    Parameter,
    read_parameters,
)
from media_stats_module.endpoints.reclaimable import RECLAIMABLE
from media_stats_module.endpoints.rollups import ROLLUPS
from media_stats_module.endpoints.servers import SERVERS
from media_stats_module.endpoints.summary import SUMMARY
from media_stats_module.endpoints.timeline import TIMELINE
from media_stats_module.endpoints.types import TYPES
from media_stats_module.endpoints.users import USERS

__all__ = [
    "ENDPOINTS",
    "Arguments",
    "Boolean",
    "Checks",
    "Columns",
    "Document",
    "Endpoint",
    "InvalidParameterError",
    "JsonDict",
    "List",
    "Parameter",
    "Server",
    "read_parameters",
]

ENDPOINTS: tuple[Document[Any] | List[Any, Any], ...] = (
    USERS,
    SERVERS,
    SUMMARY,
    RECLAIMABLE,
    TIMELINE,
    TYPES,
    FILES,
    APPSERVICES,
    DUPLICATES,
    ROLLUPS,
)
