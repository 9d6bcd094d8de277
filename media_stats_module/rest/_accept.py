"""The format that a client asks for: JSON or CSV."""

import re
from collections.abc import Iterator, Mapping, Sequence

import attr
from synapse.module_api import SynapseRequest

from media_stats_module.synapse_internals import parse_string_from_args

_FORMATS = ("json", "csv")

# The media types of answers, as `Accept` may name them.
_JSON: Mapping[str, str] = {}
_CSV: Mapping[str, str] = {"charset": "utf-8", "header": "present"}

# Parts between commas or semicolons. Quoted texts may contain these, too.
_BETWEEN_COMMAS = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
_BETWEEN_SEMICOLONS = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*"?)+')

_QUALITY = re.compile(r"0(\.[0-9]*)?|1(\.0*)?|\.[0-9]+")


def prefers_csv(request: SynapseRequest, *, is_documented: bool) -> bool:
    """Whether a client wants a list as CSV: by `format`, or else by `Accept`.

    Args:
        request: the request.
        is_documented: whether it is for the endpoint that Synapse documents. It ignores
            `Accept` and unknown parameters, and answers JSON.

    Raises:
        SynapseError: 400, `format` is neither `json` nor `csv`.
    """
    if is_documented:
        given: Mapping[bytes, Sequence[bytes]] = request.args
        return given.get(b"format", [b""])[0] == b"csv"
    asked = parse_string_from_args(request.args, "format", allowed_values=_FORMATS)
    if asked is not None:
        return asked == "csv"
    ranges = list(_media_ranges(request))
    csv = _quality(ranges, "text", "csv", _CSV)
    return csv > _quality(ranges, "application", "json", _JSON)


def refuse_csv(request: SynapseRequest) -> None:
    """Refuse CSV from an endpoint that does not answer with a list.

    Raises:
        SynapseError: 400, the client asks for CSV.
    """
    parse_string_from_args(request.args, "format", allowed_values=["json"])


@attr.frozen
class _MediaRange:
    """A part of the header `Accept` (RFC 9110, section 12.5.1).

    Attributes:
        kind: the type, or `*`.
        subtype: the subtype, or `*`.
        parameters: the parameters that the media type must have.
        quality: the weight `q`, from 0 (not acceptable) to 1.
    """

    kind: str
    subtype: str
    parameters: Mapping[str, str]
    quality: float


def _media_ranges(request: SynapseRequest) -> Iterator[_MediaRange]:
    """Parse the parts of all headers `Accept`."""
    # The header can be sent more than once, and need not be text.
    for header in request.requestHeaders.getRawHeaders(b"Accept", []):
        for part in _BETWEEN_COMMAS.findall(header.decode("latin-1").lower()):
            # The first part may be missing.
            media_type, *others = map(
                str.strip, _BETWEEN_SEMICOLONS.findall(f" {part}")
            )
            kind, _, subtype = media_type.partition("/")
            parameters = {}
            quality = 1.0
            for parameter in others:
                name, _, value = map(str.strip, parameter.partition("="))
                if name == "q":
                    quality = float(value) if _QUALITY.fullmatch(value) else 0.0
                    break
                parameters[name] = value.strip('"')
            yield _MediaRange(kind, subtype, parameters, quality)


def _quality(
    ranges: list[_MediaRange], kind: str, subtype: str, parameters: Mapping[str, str]
) -> float:
    """The weight of a media type, from the most specific range; 0 if none matches."""
    matching = [
        (each.kind != "*", each.subtype != "*", len(each.parameters), each.quality)
        for each in ranges
        if each.kind in (kind, "*")
        and each.subtype in (subtype, "*")
        and each.parameters.items() <= parameters.items()
    ]
    return max(matching, default=(False, False, 0, 0.0))[-1]
