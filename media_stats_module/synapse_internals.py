"""What the module needs of Synapse that the module API does not give.

Nothing else in this package reaches behind the module API, but for what the SQL relies
on (storage/_synapse.py) and the command that runs without Synapse (__main__.py). Each
function says why it is here. A new version of Synapse can break these, so the tests run
all of them on every version supported.
"""

from collections.abc import Callable
from typing import Any, TypeVar

# The headers of Synapse's own answers, for one that is not JSON.
from synapse.http.server import set_cors_headers

# Synapse's own parsers of query parameters, so that errors are in its own words. They
# are where they were in the oldest Synapse supported here.
from synapse.http.servlet import parse_boolean, parse_integer, parse_string
from synapse.module_api import LoggingTransaction, ModuleApi, SynapseRequest

__all__ = [
    "current_time_ms",
    "is_requester_admin",
    "parse_boolean",
    "parse_integer",
    "parse_string",
    "run_autocommit",
    "runs_background_tasks",
    "set_cors_headers",
    "synapse_config",
]

_A = TypeVar("_A")
_T = TypeVar("_T")


async def is_requester_admin(api: ModuleApi, request: SynapseRequest) -> bool:
    """Whether the requester is a server admin, by Synapse's own rule.

    No public call is right: `ModuleApi.is_user_admin` reads the admin flag in the
    database, which means nothing when Matrix Authentication Service issues the tokens.
    There the token's scope decides, and only the requester knows it.

    Raises:
        InvalidClientCredentialsError: 401, no token or one that is not valid.
    """
    requester = await api.get_user_by_req(request)
    return bool(await api._auth.is_server_admin(requester))


def current_time_ms(api: ModuleApi) -> int:
    """The time as Synapse tells it, in milliseconds since the epoch.

    In the module API only of late, as `get_current_time_msec`.
    """
    return int(api._clock.time_msec())


def runs_background_tasks(api: ModuleApi) -> bool:
    """Whether this is the process for work that must go on once.

    In the module API since Synapse 1.90. Before, only `looping_background_call` knows,
    and says on the other processes, in a warning, that it does nothing.
    """
    runs_here = getattr(api, "should_run_background_tasks", None)
    return runs_here is None or bool(runs_here())


def synapse_config(api: ModuleApi) -> Any:
    """All of Synapse's configuration. The module API gives the module's own alone."""
    return api._hs.config


async def run_autocommit(
    api: ModuleApi,
    description: str,
    function: Callable[[LoggingTransaction, _A], _T],
    argument: _A,
) -> _T:
    """Run a function in the database without a transaction around its statements.

    `ModuleApi.run_db_interaction` always has one. PostgreSQL creates and drops an index
    without blocking uploads only outside of a transaction; Synapse's own background
    updates do it so.
    """
    result: _T = await api._store.db_pool.runInteraction(
        description, function, argument, db_autocommit=True
    )
    return result
