"""What is asked: each request's parameters, parsed, checked and frozen.

Parameters are checked in the order in which Synapse's own endpoint checks them, so
that a request that is wrong twice gets the same error from both. Parameters that
are not known are ignored, as Synapse ignores them: published clients send some.
"""

import enum
from collections.abc import Mapping
from http import HTTPStatus

import attr

# Not in synapse.module_api, which has no way to read query parameters. The two are
# older than the oldest Synapse supported here, and what they refuse is refused with
# Synapse's own words.
from synapse.http.servlet import parse_integer, parse_string
from synapse.module_api import SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

# Both databases store and compare 64-bit signed integers; one more is an error there.
MAX_INTEGER = 2**63 - 1

# No user ID may be longer than 255 bytes and no displayname longer than 256
# characters (Matrix specification; synapse/handlers/profile.py). A longer term can
# only be a mistake, and would make the databases compile an enormous pattern.
MAX_SEARCH_TERM_LENGTH = 512


class OwnersOrder(enum.Enum):
    """By what a list of owners is sorted. Ties are broken by the owner's name."""

    OWNER = enum.auto()
    DISPLAYNAME = enum.auto()
    MEDIA_LENGTH = enum.auto()
    MEDIA_COUNT = enum.auto()


_USERS_ORDER_BY = {
    "media_length": OwnersOrder.MEDIA_LENGTH,
    "media_count": OwnersOrder.MEDIA_COUNT,
    "user_id": OwnersOrder.OWNER,
    "displayname": OwnersOrder.DISPLAYNAME,
}
_SERVERS_ORDER_BY = {
    "media_length": OwnersOrder.MEDIA_LENGTH,
    "media_count": OwnersOrder.MEDIA_COUNT,
    "server_name": OwnersOrder.OWNER,
}


@attr.s(auto_attribs=True, frozen=True, slots=True, kw_only=True)
class OwnersQuery:
    """One page of those who have media: users of this server, or remote servers.

    Attributes:
        order_by: the sort key. Users without a displayname come last in its order,
            whatever the direction.
        descending: whether the largest key comes first. Ties stay in ascending order.
        start: how many owners to skip.
        limit: how many owners to return at most.
        from_ts: count only media created at or after this time, in milliseconds
            since the epoch.
        until_ts: count only media created at or before this time, likewise.
        search_term: list only users whose localpart or displayname contains this,
            or whose user ID it is, or servers whose name contains it, ignoring case.
    """

    order_by: OwnersOrder = OwnersOrder.OWNER
    descending: bool = False
    start: int = 0
    limit: int = 100
    from_ts: int | None = None
    until_ts: int | None = None
    search_term: str | None = None


def parse_users_query(request: SynapseRequest) -> OwnersQuery:
    """Read the documented parameters of *Users' media usage statistics*.

    The names, defaults and errors are those of Synapse's Admin API documentation
    (v1.75) and of its implementation.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    return _parse_owners_query(request, _USERS_ORDER_BY, "user_id")


def parse_servers_query(request: SynapseRequest) -> OwnersQuery:
    """Read the same parameters for remote servers, which have no displayname.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    return _parse_owners_query(request, _SERVERS_ORDER_BY, "server_name")


def _parse_owners_query(
    request: SynapseRequest, orders: Mapping[str, OwnersOrder], default_order: str
) -> OwnersQuery:
    order_by = parse_string(
        request, "order_by", default=default_order, allowed_values=list(orders)
    )
    start = _parse_integer(request, "from", 0)
    limit = _parse_integer(request, "limit", 100)
    from_ts = _parse_optional_integer(request, "from_ts")
    until_ts = _parse_optional_integer(request, "until_ts")
    if until_ts is not None and until_ts <= (from_ts or 0):
        raise _invalid("Query parameter until_ts must be greater than from_ts.")

    return OwnersQuery(
        order_by=orders[order_by],
        start=start,
        limit=limit,
        # Zero is the documented default and asks for everything.
        from_ts=from_ts or None,
        until_ts=until_ts,
        search_term=_parse_search_term(request),
        descending=_parse_descending(request),
    )


def _parse_search_term(request: SynapseRequest) -> str | None:
    search_term = parse_string(request, "search_term", encoding="utf-8")
    if search_term is None:
        return None
    if search_term == "":
        raise _invalid("Query parameter search_term cannot be an empty string.")
    if "\0" in search_term:
        raise _invalid("Query parameter search_term cannot contain a NUL character.")
    if len(search_term) > MAX_SEARCH_TERM_LENGTH:
        raise _invalid(
            "Query parameter search_term cannot be longer than "
            f"{MAX_SEARCH_TERM_LENGTH} characters."
        )
    return search_term


def _parse_descending(request: SynapseRequest) -> bool:
    # Matrix's own words for the direction: forwards and backwards.
    return parse_string(request, "dir", default="f", allowed_values=("f", "b")) == "b"


def _parse_integer(request: SynapseRequest, name: str, default: int) -> int:
    value = _parse_optional_integer(request, name)
    return default if value is None else value


def _parse_optional_integer(request: SynapseRequest, name: str) -> int | None:
    value = parse_integer(request, name)
    # Synapse refuses negative integers itself only since 1.110.
    if value is not None and not 0 <= value <= MAX_INTEGER:
        raise _invalid(
            f"Query parameter {name} must be an integer from 0 to {MAX_INTEGER}."
        )
    return value


def _invalid(message: str) -> SynapseError:
    return SynapseError(HTTPStatus.BAD_REQUEST, message, Codes.INVALID_PARAM)
