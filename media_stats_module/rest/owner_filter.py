"""The parameters that choose whose media an answer is about."""

from synapse.module_api import SynapseRequest

from media_stats_module.questions import Source
from media_stats_module.rest._parse import invalid_parameter, parse_enum, parse_text
from media_stats_module.synapse_internals import parse_string

_EACH_FOR_ONE_SOURCE = "user is for local media and server_name for remote media."


def parse_source(request: SynapseRequest) -> tuple[Source, str | None]:
    """Read `source`, `user` and `server_name`. A user or a server implies the source.

    Returns:
        where the media is from, and its owner: a user, a server or None for all.

    Raises:
        SynapseError: 400, they are wrong or contradict each other.
    """
    owner_source, owner = parse_owner(request)
    source = parse_enum(request, "source", owner_source or Source.LOCAL)
    if owner_source not in (None, source):
        raise invalid_parameter(
            f"Query parameter source={source.value} does not go with {owner}: "
            f"{_EACH_FOR_ONE_SOURCE}"
        )
    return source, owner


def parse_optional_source(
    request: SynapseRequest,
) -> tuple[Source | None, str | None]:
    """Read the same, where an answer can be about both sources.

    Returns:
        where the media is from, None for both; and its owner, None for all.

    Raises:
        SynapseError: 400, they are wrong or contradict each other.
    """
    if parse_string(request, "source") is None:
        return parse_owner(request)
    return parse_source(request)


def parse_owner(request: SynapseRequest) -> tuple[Source | None, str | None]:
    """Read `user` and `server_name`.

    The name is not `user_id`: application services send that to say for whom they act.

    Returns:
        where the media is from, and its owner; None and None for all media.

    Raises:
        SynapseError: 400, one is wrong or both are given.
    """
    user = parse_text(request, "user")
    server_name = parse_text(request, "server_name")
    if user is None:
        return (None if server_name is None else Source.REMOTE), server_name
    if server_name is not None:
        raise invalid_parameter(
            "Query parameters user and server_name do not go together: "
            f"{_EACH_FOR_ONE_SOURCE}"
        )
    # Nobody has a localpart for a user ID. The answer would be about no media.
    if not user.startswith("@") or ":" not in user:
        raise invalid_parameter(
            "Query parameter user must be a complete user ID, such as "
            "@user:example.org."
        )
    return Source.LOCAL, user
