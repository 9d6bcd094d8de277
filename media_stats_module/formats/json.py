"""JSON as Synapse's admin API writes it: keys in order, ASCII, no spaces."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import attr

from media_stats_module.endpoints import Columns, JsonDict

_T = TypeVar("_T")

# The encoder holds the interpreter's lock: 1 to 2 ms for this number of rows. Between
# two calls, other threads run, above all the reactor.
_ROWS_PER_PIECE = 500


def _to_object(value: Any) -> Mapping[str, Any]:
    """Turn a value of ours, such as `Usage`, into a JSON object."""
    if not attr.has(type(value)):
        raise TypeError(f"JSON has no {type(value).__name__}")
    fields: Mapping[str, Any] = attr.asdict(value)
    return fields


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_to_object)


@attr.frozen
class Rows(Generic[_T]):
    """A list in an answer. Its rows are encoded a few at a time.

    Attributes:
        values: the list, as storage returns it.
        columns: make a row from a value.
    """

    values: Sequence[_T]
    columns: Columns[_T]


def count_rows(body: JsonDict) -> int:
    """Count the rows of all lists in an answer."""
    return sum(len(value.values) for value in body.values() if isinstance(value, Rows))


def encode_json(body: JsonDict) -> Iterator[bytes]:
    """Encode an answer, in pieces that each take a few milliseconds at most.

    Args:
        body: an object whose values can be `Rows`.

    Raises:
        TypeError: JSON has no such value.
        ValueError: JSON has no such number, such as NaN.
    """
    separator = "{"
    for key, value in body.items():
        yield f"{separator}{_ENCODER.encode(key)}:".encode()
        separator = ","
        if isinstance(value, Rows):
            yield from encode_rows(value.columns, value.values)
        else:
            yield _ENCODER.encode(value).encode()
    yield b"}" if body else b"{}"


def encode_rows(columns: Columns[_T], values: Iterable[_T]) -> Iterator[bytes]:
    """Encode a list, a few hundred rows at a time."""
    remaining = iter(values)
    separator = "["
    while some := list(islice(remaining, _ROWS_PER_PIECE)):
        rows = [{name: get(value) for name, get in columns.items()} for value in some]
        # Removes the brackets of each piece.
        yield f"{separator}{_ENCODER.encode(rows)[1:-1]}".encode()
        separator = ","
    yield b"]" if separator == "," else b"[]"
