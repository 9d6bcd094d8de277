"""The dashboard's formats of numbers and times, written a second time for its tests."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

# As in "1 to 10".
DASH = "\N{EN DASH}"

_UNITS = ("B", "KiB", "MiB", "GiB")


def human(size: int) -> str:
    """1536 is 1.50 KiB: always three digits, and units of 1024."""
    if size < 1024:
        return f"{size} B"
    value, unit = float(size), 0
    while value >= 999.5 or unit == 0:
        value /= 1024
        unit += 1
    decimals = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:.{decimals}f} {_UNITS[unit]}"


def exact(size: int) -> str:
    """To the byte, as in tooltips."""
    return f"{size:,} {'byte' if size == 1 else 'bytes'}"


def files(number: int, noun: str = "file") -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(part: int, whole: int) -> str:
    if part and part / whole < 0.001:
        return "<0.1%"
    return f"{100 * part / whole:.1f}%"


def minute(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M")


def day(ms: int) -> str:
    return minute(ms)[:10]


def days(from_ts: int, until_ts: int) -> str:
    first, last = day(from_ts), day(until_ts)
    return first if first == last else f"{first} to {last}"


def total(usages: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The sum of amounts, as the API has them."""
    amounts = list(usages)
    return {
        key: sum(usage[key] for usage in amounts)
        for key in ("media_count", "media_length")
    }
