"""Rules of the API that the OpenAPI document cannot express."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

# Refused although each value is legal: a cursor of another list, or a window with too
# many buckets.
_KNOWN_LATER = ("from must be the next_token", "The timeline would have more than")

# Filters of users of this server.
_OF_ACCOUNTS = ("appservice", "has_account", "deactivated", "erased")

# These and others go with local media only.
_OF_LOCAL_MEDIA = (
    *_OF_ACCOUNTS,
    "size_gt",
    "keep_profiles",
    "url_preview",
    "without_owner",
)

_ADDITIONAL = {*_OF_ACCOUNTS, "format"}


@schemathesis.hook
def before_call(
    context: HookContext, case: Case[Any], kwargs: dict[str, object]
) -> None:
    """Remove parameters that contradict each other.

    Otherwise, most requests would be refused for that alone.
    """
    query = case.query
    if "user" in query and "server_name" in query:
        # Changes from request to request.
        query.pop(("user", "server_name")[len(query) % 2])
    if "user" in query or "server_name" in query:
        query.pop("source", None)
    if "server_name" in query or query.get("source") == "remote":
        for name in _OF_LOCAL_MEDIA:
            query.pop(name, None)
    if case.path.endswith("/files") and (
        "reclaimable_before_ts" not in query
        or ("sha256" in query and not query.keys() & {"source", "user"})
    ):
        query.pop("size_gt", None)
        query.pop("keep_profiles", None)
    from_ts, until_ts = (str(query.get(name)) for name in ("from_ts", "until_ts"))
    numbers = from_ts.isdecimal() and until_ts.isdecimal()
    if numbers and int(from_ts) >= int(until_ts):
        query.pop("from_ts")


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Whether a failed check is a real failure."""
    if isinstance(failure, AcceptedNegativeData):
        # On the documented endpoint, additions with unknown values are ignored.
        is_documented = case.path.endswith(("/users", "/users/media"))
        return not (is_documented and case.query.keys() & _ADDITIONAL)
    if not isinstance(failure, RejectedPositiveData):
        return True
    error = response.json()["error"]
    return not any(reason in error for reason in _KNOWN_LATER)
