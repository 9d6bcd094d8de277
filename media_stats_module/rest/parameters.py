"""What is asked: each request's parameters, parsed, checked and frozen.

Parameters are checked in the order in which Synapse's own endpoint checks them, so
that a request that is wrong twice gets the same error from both. Parameters that
are not known are ignored, as Synapse ignores them: published clients send some.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

import attr

# Not in synapse.module_api, which has no way to read query parameters. They are
# older than the oldest Synapse supported here, and what they refuse is refused with
# Synapse's own words.
from synapse.module_api import SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.questions import (
    MAX_INTEGER,
    NO_LIMIT,
    Deletion,
    DeletionRules,
    FilesOrder,
    FilesPosition,
    FilesQuestion,
    Interval,
    OwnersOrder,
    OwnersQuestion,
    ReclaimableQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesOrder,
    TypesQuestion,
)
from media_stats_module.rest.cursors import read_cursor
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256
from media_stats_module.synapse_internals import (
    parse_boolean,
    parse_integer,
    parse_string,
)

# No user ID or server name may be longer than 255 bytes and no displayname longer than
# 256 characters (Matrix specification; synapse/handlers/profile.py). A longer text can
# only be a mistake, and would make the databases compile an enormous search pattern.
MAX_TEXT_LENGTH = 512

# How many files are on a page at most. The next page costs no more than the first.
MAX_FILES = 10_000

# `image/*` or anything without a star; what is stored need not be well-formed.
_MEDIA_TYPE = re.compile(r"[^*]+/\*|[^*]+")

_SHA256 = re.compile("[0-9A-Fa-f]{64}")

# In milliseconds that is December 1970. Synapse takes less for a mistake.
_FIRST_BEFORE_TS = 30_000_000_000


class Format(enum.Enum):
    """What an answer is written in."""

    JSON = "json"
    CSV = "csv"


_E = TypeVar("_E", bound=enum.Enum)

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


def parse_users_query(request: SynapseRequest) -> OwnersQuestion:
    """Read the documented parameters of *Users' media usage statistics*.

    The names, defaults and errors are those of Synapse's Admin API documentation
    (v1.75) and of its implementation. `deactivated` is the module's own.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    query = _parse_owners_query(request, _USERS_ORDER_BY, "user_id")
    return attr.evolve(query, deactivated=parse_boolean(request, "deactivated"))


def parse_servers_query(request: SynapseRequest) -> OwnersQuestion:
    """Read the same parameters for remote servers, which have no displayname.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    return _parse_owners_query(request, _SERVERS_ORDER_BY, "server_name")


def parse_summary_query(request: SynapseRequest) -> SummaryQuestion:
    """Read the parameters of `/v1/summary`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    # Not a list: its parts have no columns in common. Who asks for CSV is told so.
    parse_string(request, "format", allowed_values=[Format.JSON.value])
    source, owner = _parse_owner(request)
    return SummaryQuestion(
        source=source,
        owner=owner,
        duplicates=parse_boolean(request, "duplicates", default=True),
    )


def parse_reclaimable_query(
    request: SynapseRequest, default_before_ts: Sequence[int]
) -> ReclaimableQuestion:
    """Read the parameters of `/v1/reclaimable`.

    Args:
        request: has the parameters.
        default_before_ts: the times to ask about if it names none.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    # Not a list, as the summary.
    parse_string(request, "format", allowed_values=[Format.JSON.value])
    before_ts, rules = _parse_deletion(request, "before_ts")
    source, owner = _parse_optional_source(request)
    return ReclaimableQuestion(
        source=source,
        owner=owner,
        before_ts=default_before_ts if before_ts is None else [before_ts],
        rules=rules,
    )


def parse_timeline_query(request: SynapseRequest) -> TimelineQuestion:
    """Read the parameters of `/v1/timeline`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    source, owner = _parse_source(request)
    from_ts, until_ts = _parse_window(request)
    return TimelineQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        interval=_parse_enum(request, "interval", Interval.DAY),
    )


def parse_types_query(request: SynapseRequest) -> TypesQuestion:
    """Read the parameters of `/v1/types`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    source, owner = _parse_source(request)
    from_ts, until_ts = _parse_window(request)
    return TypesQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        grouped=parse_boolean(request, "group", default=False),
        order_by=_parse_enum(request, "order_by", TypesOrder.MEDIA_TYPE),
        descending=_parse_descending(request),
        start=_parse_integer(request, "from", 0),
        limit=_parse_limit(request),
    )


def parse_files_query(request: SynapseRequest) -> FilesQuestion:
    """Read the parameters of `/v1/files`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    sha256 = _parse_sha256(request)
    source, owner = (
        _parse_source(request) if sha256 is None else _parse_optional_source(request)
    )
    from_ts, until_ts = _parse_window(request)
    deactivated = parse_boolean(request, "deactivated")
    if deactivated is not None and source is not Source.LOCAL:
        raise _invalid(
            "Query parameter deactivated is about users of this server, and "
            "goes with source=local only."
        )
    query = FilesQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        media_type=_parse_media_type(request),
        min_length=_parse_optional_integer(request, "min_length"),
        sha256=sha256,
        deletion=_parse_files_deletion(request),
        quarantined=parse_boolean(request, "quarantined"),
        deactivated=deactivated,
        order_by=_parse_enum(request, "order_by", FilesOrder.MEDIA_ID),
        descending=_parse_descending(request),
        limit=_parse_files_limit(request),
    )
    return attr.evolve(query, after=_parse_cursor(request, query))


def parse_format(request: SynapseRequest) -> Format:
    """Read what a list is to be written in: `format`, or else the header `Accept`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    accepted = Format.CSV if _prefers_csv(request) else Format.JSON
    return _parse_enum(request, "format", accepted)


def _prefers_csv(request: SynapseRequest) -> bool:
    """Whether the client would rather have CSV than JSON (RFC 9110, section 12.5.1).

    It has to name CSV. A client that takes anything gets JSON, as ever.
    """
    qualities: dict[str, float] = {}
    # Bytes, since a header need not be text.
    for header in request.requestHeaders.getRawHeaders(b"Accept", []):
        for media_range in header.decode("latin-1").split(","):
            media_type, *parameters = media_range.lower().split(";")
            quality = 1.0
            for parameter in parameters:
                name, _, value = parameter.partition("=")
                if name.strip() == "q":
                    with suppress(ValueError):
                        quality = float(value)
            qualities[media_type.strip()] = quality
    return qualities.get("text/csv", 0.0) > qualities.get("application/json", 0.0)


def _parse_owners_query(
    request: SynapseRequest, orders: Mapping[str, OwnersOrder], default_order: str
) -> OwnersQuestion:
    order_by = parse_string(
        request, "order_by", default=default_order, allowed_values=list(orders)
    )
    start = _parse_integer(request, "from", 0)
    limit = _parse_limit(request)
    from_ts, until_ts = _parse_window(request)
    return OwnersQuestion(
        order_by=orders[order_by],
        start=start,
        limit=limit,
        from_ts=from_ts,
        until_ts=until_ts,
        search_term=_parse_text(request, "search_term"),
        descending=_parse_descending(request),
    )


def _parse_window(request: SynapseRequest) -> tuple[int | None, int | None]:
    from_ts = _parse_optional_integer(request, "from_ts")
    until_ts = _parse_optional_integer(request, "until_ts")
    if until_ts is not None and until_ts <= (from_ts or 0):
        raise _invalid("Query parameter until_ts must be greater than from_ts.")
    # Zero is the documented default and asks for everything.
    return from_ts or None, until_ts


def _parse_source(request: SynapseRequest) -> tuple[Source, str | None]:
    """Where the media is from and whose it is; the owner alone says where from."""
    owner_source, owner = _parse_owner(request)
    source = _parse_enum(request, "source", owner_source or Source.LOCAL)
    if owner_source not in (None, source):
        raise _invalid(
            f"Query parameter source={source.value} does not go with {owner}: "
            "user_id is for local media and server_name for remote media."
        )
    return source, owner


def _parse_optional_source(
    request: SynapseRequest,
) -> tuple[Source | None, str | None]:
    """The same, but without a source or an owner it is about all media."""
    owner_source, owner = _parse_owner(request)
    if parse_string(request, "source") is None:
        return owner_source, owner
    return _parse_source(request)


def _parse_deletion(
    request: SynapseRequest, name: str
) -> tuple[int | None, DeletionRules]:
    """What a deletion is told, with the checks and the words of Synapse's own API.

    Args:
        request: has the parameters.
        name: of the parameter that is Synapse's `before_ts`.

    Returns:
        the time, if there is one, and the rest.
    """
    before_ts = parse_integer(request, name)
    size_gt = parse_integer(request, "size_gt", default=0)
    keep_profiles = parse_boolean(request, "keep_profiles", default=True)
    # Newer versions of Synapse refuse negative integers while they parse them.
    if before_ts is not None and before_ts < 0:
        raise _invalid(f"Query parameter {name} must be a positive integer.")
    if before_ts is not None and before_ts < _FIRST_BEFORE_TS:
        raise _invalid(
            f"Query parameter {name} you provided is from the year 1970. Double check "
            "that you are providing a timestamp in milliseconds."
        )
    if size_gt < 0:
        raise _invalid(
            "Query parameter size_gt must be a string representing a positive integer."
        )
    for parameter, value in ((name, before_ts), ("size_gt", size_gt)):
        if value is not None and value > MAX_INTEGER:
            raise _invalid(
                f"Query parameter {parameter} must be an integer up to {MAX_INTEGER}."
            )
    return before_ts, DeletionRules(size_gt=size_gt, keep_profiles=keep_profiles)


def _parse_files_deletion(request: SynapseRequest) -> Deletion | None:
    before_ts, rules = _parse_deletion(request, "reclaimable_before_ts")
    if before_ts is not None:
        return Deletion(
            before_ts=before_ts,
            size_gt=rules.size_gt,
            keep_profiles=rules.keep_profiles,
        )
    for name in ("size_gt", "keep_profiles"):
        # It would look as if the files were chosen by it.
        if parse_string(request, name) is not None:
            raise _invalid(
                f"Query parameter {name} goes with reclaimable_before_ts only."
            )
    return None


def _parse_sha256(request: SynapseRequest) -> str | None:
    text = parse_string(request, "sha256")
    if text is None:
        return None
    if not _SHA256.fullmatch(text):
        raise _invalid("Query parameter sha256 must be 64 hexadecimal digits.")
    if not MEDIA_HAVE_SHA256:
        raise _invalid(
            "Query parameter sha256 needs Synapse 1.128 or later: this version keeps "
            "no hashes."
        )
    # As Synapse writes it.
    return text.lower()


def _parse_owner(request: SynapseRequest) -> tuple[Source | None, str | None]:
    user_id = _parse_text(request, "user_id")
    server_name = _parse_text(request, "server_name")
    if user_id is None:
        return (None if server_name is None else Source.REMOTE), server_name
    if server_name is not None:
        raise _invalid(
            "Query parameters user_id and server_name do not go together: "
            "user_id is for local media and server_name for remote media."
        )
    # Else a localpart, which is nobody's user ID, would look like a user without media.
    if not user_id.startswith("@") or ":" not in user_id:
        raise _invalid(
            "Query parameter user_id must be a complete user ID, such as "
            "@user:example.org."
        )
    return Source.LOCAL, user_id


def _parse_media_type(request: SynapseRequest) -> str | None:
    text = _parse_text(request, "media_type")
    if text is None:
        return None
    # As the databases do it: ASCII letters only, and only spaces around.
    media_type = text.split(";")[0].strip(" ").encode().lower().decode()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise _invalid(
            "Query parameter media_type must be a media type, such as image/png, or "
            "image/* for all that begin so."
        )
    return media_type


def _parse_cursor(
    request: SynapseRequest, query: FilesQuestion
) -> FilesPosition | None:
    token = parse_string(request, "from")
    if token is None:
        return None
    with suppress(ValueError):
        position = read_cursor(query.list_name, token)
        if query.can_end_at(position):
            return position
    raise _invalid(
        "Query parameter from must be the next_token of a page of this list, in the "
        "same order."
    )


def _parse_text(request: SynapseRequest, name: str) -> str | None:
    text = parse_string(request, name, encoding="utf-8")
    if text is None:
        return None
    if text == "":
        raise _invalid(f"Query parameter {name} cannot be an empty string.")
    if "\0" in text:
        raise _invalid(f"Query parameter {name} cannot contain a NUL character.")
    if len(text) > MAX_TEXT_LENGTH:
        raise _invalid(
            f"Query parameter {name} cannot be longer than {MAX_TEXT_LENGTH} "
            "characters."
        )
    return text


def _parse_limit(request: SynapseRequest) -> int:
    is_page = parse_format(request) is Format.JSON
    return _parse_integer(request, "limit", 100 if is_page else NO_LIMIT)


def _parse_files_limit(request: SynapseRequest) -> int:
    limit = _parse_limit(request)
    # Who asks for more gets a page of so many, and the token of the next. A whole list
    # is not held in memory.
    most = MAX_FILES if parse_format(request) is Format.JSON else NO_LIMIT
    return min(limit, most)


def _parse_descending(request: SynapseRequest) -> bool:
    # Matrix's own words for the direction: forwards and backwards.
    return parse_string(request, "dir", default="f", allowed_values=("f", "b")) == "b"


def _parse_enum(request: SynapseRequest, name: str, default: _E) -> _E:
    kind = type(default)
    names = [member.value for member in kind]
    return kind(
        parse_string(request, name, default=default.value, allowed_values=names)
    )


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
