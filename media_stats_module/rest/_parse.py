"""How one query parameter is read and checked, whatever the endpoint.

Where Synapse has a check, its own function checks, in its own words.
"""

import enum
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TypeVar

from synapse.module_api import SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.questions import MAX_INTEGER
from media_stats_module.synapse_internals import (
    parse_direction,
    parse_integer,
    parse_string,
)

_E = TypeVar("_E", bound=enum.Enum)

# A user ID or a server name has at most 255 bytes, a displayname 256 characters (Matrix
# specification; synapse/handlers/profile.py). A longer text is a mistake, and would be
# an enormous search pattern for the database.
MAX_TEXT_LENGTH = 512


def invalid_parameter(message: str) -> SynapseError:
    """Make the error for a parameter that is wrong."""
    return SynapseError(HTTPStatus.BAD_REQUEST, message, Codes.INVALID_PARAM)


def parse_text(request: SynapseRequest, name: str) -> str | None:
    """Read a text in any script; None if it is not given."""
    arguments: Mapping[bytes, Sequence[bytes]] = request.args
    values = arguments.get(name.encode())
    if not values:
        return None
    try:
        text = values[0].decode()
    except UnicodeDecodeError:
        raise invalid_parameter(f"Query parameter {name} must be UTF-8.") from None
    if text == "":
        raise invalid_parameter(f"Query parameter {name} cannot be an empty string.")
    if "\0" in text:
        raise invalid_parameter(
            f"Query parameter {name} cannot contain a NUL character."
        )
    if len(text) > MAX_TEXT_LENGTH:
        raise invalid_parameter(
            f"Query parameter {name} cannot be longer than {MAX_TEXT_LENGTH} "
            "characters."
        )
    return text


def parse_optional_integer(request: SynapseRequest, name: str) -> int | None:
    """Read an integer that is not negative; None if it is not given."""
    value = parse_integer(request, name)
    if value is None:
        return None
    if value < 0:
        # Since 1.110 Synapse's function refuses them. These are the words of before.
        raise invalid_parameter(
            f"Query parameter {name} must be a string representing a positive integer."
        )
    if value > MAX_INTEGER:
        raise invalid_parameter(
            f"Query parameter {name} must be an integer from 0 to {MAX_INTEGER}."
        )
    return value


def parse_integer_or(request: SynapseRequest, name: str, default: int) -> int:
    """Read an integer that is not negative, and has a default."""
    value = parse_optional_integer(request, name)
    return default if value is None else value


def parse_enum(request: SynapseRequest, name: str, default: _E) -> _E:
    """Read one of the values of an enumeration, which has a default."""
    kind = type(default)
    names = [member.value for member in kind]
    return kind(
        parse_string(request, name, default=default.value, allowed_values=names)
    )


def parse_descending(request: SynapseRequest) -> bool:
    """Read `dir`, which has Matrix's words: `f` is forwards and `b` backwards."""
    return parse_direction(request) == "b"


def parse_window(request: SynapseRequest) -> tuple[int | None, int | None]:
    """Read `from_ts` and `until_ts`, which limit when media was created."""
    from_ts = parse_optional_integer(request, "from_ts")
    until_ts = parse_optional_integer(request, "until_ts")
    if until_ts is not None and until_ts <= (from_ts or 0):
        raise invalid_parameter(
            "Query parameter until_ts must be greater than from_ts."
        )
    # Zero is the default in Synapse's documentation, and means no limit.
    return from_ts or None, until_ts
