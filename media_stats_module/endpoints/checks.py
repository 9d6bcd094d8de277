"""Checks of single values, with the error texts of the newest Synapse.

The command line uses them, to report an error before it imports Synapse.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from media_stats_module.endpoints.parameters import Checks, InvalidParameterError

_Given = Mapping[bytes, Sequence[bytes]]


def _integer(given: _Given, name: str) -> int | None:
    values = given.get(name.encode())
    if not values:
        return None
    try:
        value = int(values[0])
    except ValueError:
        raise InvalidParameterError(
            f"Query parameter {name} must be an integer"
        ) from None
    if value < 0:
        raise InvalidParameterError(
            f"Query parameter {name} must be a positive integer."
        )
    return value


def _boolean(given: _Given, name: str) -> bool | None:
    values = given.get(name.encode())
    if not values:
        return None
    if values[0] not in (b"true", b"false"):
        raise InvalidParameterError(
            f"Boolean query parameter {name!r} must be one of ['true', 'false']"
        )
    return values[0] == b"true"


def _string(
    given: _Given,
    name: str,
    *,
    allowed_values: Sequence[str] | None = None,
    encoding: str = "ascii",
) -> str | None:
    values = given.get(name.encode())
    if not values:
        return None
    try:
        text = values[0].decode(encoding)
    except UnicodeDecodeError:
        raise InvalidParameterError(
            f"Query parameter {name!r} must be {encoding}"
        ) from None
    if allowed_values is not None and text not in allowed_values:
        raise InvalidParameterError(
            f"Query parameter {name!r} must be one of {list(allowed_values)}"
        )
    return text


PLAIN_CHECKS = Checks(
    integer=_integer,
    boolean=_boolean,
    string=_string,
    direction=partial(_string, allowed_values=("b", "f")),
)
