"""JSON or CSV: which of them a client asks for."""

import enum
from contextlib import suppress

from synapse.module_api import SynapseRequest

from media_stats_module.rest._parse import parse_enum


class Format(enum.Enum):
    """The format of a list."""

    JSON = "json"
    CSV = "csv"


def parse_format(request: SynapseRequest) -> Format:
    """Read the parameter `format`, or else the header `Accept`.

    Raises:
        SynapseError: 400, the parameter is neither.
    """
    accepted = Format.CSV if _prefers_csv(request) else Format.JSON
    return parse_enum(request, "format", accepted)


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
