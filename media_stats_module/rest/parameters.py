"""The query parameters of each endpoint, read and checked: a request, as a question.

Parameters are checked in the order of Synapse's own endpoint. So a request with two
mistakes gets the same error from both. Unknown parameters are ignored, as in Synapse:
published clients send some.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import attr
from synapse.module_api import SynapseRequest

from media_stats_module.questions import (
    NO_LIMIT,
    AccountFilter,
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
from media_stats_module.rest._parse import (
    invalid_parameter,
    parse_descending,
    parse_enum,
    parse_integer_or,
    parse_optional_integer,
    parse_text,
    parse_window,
)
from media_stats_module.rest.cursors import read_cursor
from media_stats_module.rest.deletion import parse_deletion, parse_files_deletion
from media_stats_module.rest.formats import Format, parse_format
from media_stats_module.rest.owner_filter import (
    parse_optional_source,
    parse_owner,
    parse_source,
)
from media_stats_module.synapse_internals import parse_boolean, parse_string

# How many files are on a page at most. The next page costs no more than the first.
MAX_FILES = 10_000

# `image/*`, or anything without a star: stored types need not be well-formed.
_MEDIA_TYPE = re.compile(r"[^*]+/\*|[^*]+")

_SHA256 = re.compile("[0-9A-Fa-f]{64}")

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


def parse_users_question(request: SynapseRequest) -> OwnersQuestion:
    """Read the documented parameters of *Users' media usage statistics*.

    Names, defaults and errors are those of Synapse's Admin API documentation (v1.75)
    and of its implementation. `deactivated` is the module's own.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    question = _parse_owners_question(request, _USERS_ORDER_BY, "user_id")
    return attr.evolve(question, accounts=_parse_accounts(request))


def parse_servers_question(request: SynapseRequest) -> OwnersQuestion:
    """Read the same parameters for remote servers, which have no displayname.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    return _parse_owners_question(request, _SERVERS_ORDER_BY, "server_name")


def parse_summary_question(request: SynapseRequest) -> SummaryQuestion:
    """Read the parameters of `/v1/summary`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    # A summary is no list. A client that asks for CSV learns that there is none.
    parse_string(request, "format", allowed_values=[Format.JSON.value])
    source, owner = parse_owner(request)
    return SummaryQuestion(
        source=source,
        owner=owner,
        duplicates=parse_boolean(request, "duplicates", default=False),
    )


def parse_reclaimable_question(
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
    before_ts, rules = parse_deletion(request, "before_ts")
    source, owner = parse_optional_source(request)
    return ReclaimableQuestion(
        source=source,
        owner=owner,
        before_ts=default_before_ts if before_ts is None else [before_ts],
        rules=rules,
    )


def parse_timeline_question(request: SynapseRequest) -> TimelineQuestion:
    """Read the parameters of `/v1/timeline`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    source, owner = parse_source(request)
    from_ts, until_ts = parse_window(request)
    return TimelineQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        interval=parse_enum(request, "interval", Interval.DAY),
    )


def parse_types_question(request: SynapseRequest) -> TypesQuestion:
    """Read the parameters of `/v1/types`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    source, owner = parse_source(request)
    from_ts, until_ts = parse_window(request)
    return TypesQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        grouped=parse_boolean(request, "group", default=False),
        order_by=parse_enum(request, "order_by", TypesOrder.MEDIA_TYPE),
        descending=parse_descending(request),
        start=parse_integer_or(request, "from", 0),
        limit=_parse_limit(request),
    )


def parse_files_question(request: SynapseRequest) -> FilesQuestion:
    """Read the parameters of `/v1/files`.

    Raises:
        SynapseError: 400, naming the parameter and what it should be.
    """
    sha256 = _parse_sha256(request)
    source, owner = (
        parse_source(request) if sha256 is None else parse_optional_source(request)
    )
    from_ts, until_ts = parse_window(request)
    accounts = _parse_accounts(request)
    if accounts is not None and source is not Source.LOCAL:
        raise invalid_parameter(
            "Query parameter deactivated is about users of this server, and "
            "goes with source=local only."
        )
    question = FilesQuestion(
        source=source,
        owner=owner,
        from_ts=from_ts,
        until_ts=until_ts,
        media_type=_parse_media_type(request),
        min_length=parse_optional_integer(request, "min_length"),
        sha256=sha256,
        deletion=parse_files_deletion(request),
        quarantined=parse_boolean(request, "quarantined"),
        accounts=accounts,
        order_by=parse_enum(request, "order_by", FilesOrder.MEDIA_ID),
        descending=parse_descending(request),
        limit=_parse_files_limit(request),
    )
    return attr.evolve(question, after=_parse_cursor(request, question))


def _parse_owners_question(
    request: SynapseRequest, orders: Mapping[str, OwnersOrder], default_order: str
) -> OwnersQuestion:
    order_by = parse_string(
        request, "order_by", default=default_order, allowed_values=list(orders)
    )
    start = parse_integer_or(request, "from", 0)
    limit = _parse_limit(request)
    from_ts, until_ts = parse_window(request)
    return OwnersQuestion(
        order_by=orders[order_by],
        start=start,
        limit=limit,
        from_ts=from_ts,
        until_ts=until_ts,
        search_term=parse_text(request, "search_term"),
        descending=parse_descending(request),
    )


def _parse_accounts(request: SynapseRequest) -> AccountFilter | None:
    deactivated = parse_boolean(request, "deactivated")
    return None if deactivated is None else AccountFilter(deactivated=deactivated)


def _parse_media_type(request: SynapseRequest) -> str | None:
    text = parse_text(request, "media_type")
    if text is None:
        return None
    # As the databases do it: they change the case of ASCII letters only, and remove
    # spaces only.
    media_type = text.split(";")[0].strip(" ").encode().lower().decode()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise invalid_parameter(
            "Query parameter media_type must be a media type, such as image/png, or "
            "image/* for all types that begin with image/."
        )
    return media_type


def _parse_sha256(request: SynapseRequest) -> str | None:
    text = parse_text(request, "sha256")
    if text is None:
        return None
    if not _SHA256.fullmatch(text):
        raise invalid_parameter("Query parameter sha256 must be 64 hexadecimal digits.")
    # As Synapse writes it.
    return text.lower()


def _parse_cursor(
    request: SynapseRequest, question: FilesQuestion
) -> FilesPosition | None:
    token = parse_string(request, "from")
    if token is None:
        return None
    with suppress(ValueError):
        position = read_cursor(question.list_name, token)
        if question.can_end_at(position):
            return position
    raise invalid_parameter(
        "Query parameter from must be the next_token of a page of this list, in the "
        "same order."
    )


def _parse_limit(request: SynapseRequest) -> int:
    is_page = parse_format(request) is Format.JSON
    return parse_integer_or(request, "limit", 100 if is_page else NO_LIMIT)


def _parse_files_limit(request: SynapseRequest) -> int:
    limit = _parse_limit(request)
    # A larger page would be in memory. The client gets the token of the next page.
    most = MAX_FILES if parse_format(request) is Format.JSON else NO_LIMIT
    return min(limit, most)
