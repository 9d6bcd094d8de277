"""Tables for a terminal, with sizes and times for people."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")

# That of a user ID. A longer text would widen every row; JSON and CSV have it whole.
_LONGEST_TEXT = 255


def list_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Format a list, below the names of its columns.

    Args:
        columns: the names of the columns.
        rows: the values by column, as in JSON.
    """
    are_numbers = [
        not name.endswith("_ts") and any(_is_integer(row[name]) for row in rows)
        for name in columns
    ]
    cells = [[_cell(name, row[name]) for name in columns] for row in rows]
    return table(columns, cells, are_numbers)


def document_table(document: Mapping[str, Any]) -> str:
    """Format an object: its amounts of files, and below them all other values.

    Args:
        document: the JSON object.
    """
    amounts = []
    others = []
    for name, value in _flat("", document):
        if isinstance(value, Mapping):
            length = value.get("media_length")
            size = "" if length is None else _cell("media_length", length)
            amounts.append([name, _cell("media_count", value["media_count"]), size])
        else:
            others.append(f"{name}: {value}")
    lines = []
    if amounts:
        lines.append(table(("kind", "files", "size"), amounts, [False, True, True]))
    return "\n".join([*lines, *others])


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The amounts of files and the single values within a value, with their names."""
    if isinstance(value, Mapping):
        rest = dict(value)
        if "media_count" in value:
            amount = {
                name: rest.pop(name)
                for name in ("media_count", "media_length")
                if name in rest
            }
            yield prefix or "all", amount
        for name, part in rest.items():
            yield from _flat(f"{prefix} {name}".strip(), part)
    elif isinstance(value, list):
        for part in value:
            # The first value names the part.
            (name, number), *others = part.items()
            yield from _flat(f"{prefix} {name}={number}", dict(others))
    else:
        yield prefix, _cell(prefix.rpartition(" ")[2], value)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _cell(name: str, value: object) -> str:
    """Format a value by the name of its column."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_integer(value):
        if name.endswith("_length"):
            return size_text(value)
        return _time(value) if name.endswith("_ts") else f"{value:,}"
    text = printable(str(value))
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 3]}..."


def printable(text: str) -> str:
    """Replace the characters that control a terminal."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in text
    )


def size_text(length: float) -> str:
    """Format a number of bytes, such as `1.5 GiB`."""
    unit = 0
    while length >= 1024 and unit < len(_UNITS) - 1:
        length, unit = length / 1024, unit + 1
    if unit:
        return f"{length:,.1f} {_UNITS[unit]}"
    return f"{length} {'byte' if length == 1 else 'bytes'}"


def _time(ts: int) -> str:
    """Format milliseconds since the epoch as a time in UTC, if the year exists."""
    epoch = datetime.datetime(1970, 1, 1)
    try:
        time = epoch + datetime.timedelta(milliseconds=ts)
    except OverflowError:
        return str(ts)
    return f"{time:%Y-%m-%d %H:%M:%S}"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], are_numbers: Sequence[bool]
) -> str:
    """Format columns of text. Numbers are aligned right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, are_numbers, strict=True)
        ).rstrip()
        for line in lines
    )
