"""JSON or CSV: which of them a client asks for."""

import enum
from contextlib import suppress

from synapse.module_api import SynapseRequest

from media_stats_module.synapse_internals import parse_string_from_args


class Format(enum.Enum):
    """The format of a list."""

    JSON = "json"
    CSV = "csv"


def parse_format(request: SynapseRequest) -> Format:
    """Read the parameter `format`, or else the header `Accept`.

    Raises:
        SynapseError: 400, the parameter is neither.
    """
    formats = [format.value for format in Format]
    asked = parse_string_from_args(request.args, "format", allowed_values=formats)
    if asked is not None:
        return Format(asked)
    return Format.CSV if _prefers_csv(request) else Format.JSON


def refuse_csv(request: SynapseRequest) -> None:
    """Tell a client that asks for CSV that this is no list.

    Raises:
        SynapseError: 400, it does.
    """
    parse_string_from_args(request.args, "format", allowed_values=[Format.JSON.value])


def _prefers_csv(request: SynapseRequest) -> bool:
    """Whether the header `Accept` prefers CSV to JSON (RFC 9110, section 12.5.1).

    The header has to name CSV. A client that accepts everything gets JSON.
    """
    qualities: dict[str, float] = {}
    # The header can be sent more than once, and need not be text.
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
