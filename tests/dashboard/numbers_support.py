"""The API's answers, as the dashboard's legends, tables and bars show them."""

import time
from typing import Any

from browser_server import DAY_MS
from playwright.sync_api import Locator, expect
from reading import files, human, minute, share, total

LABELS = {"local": "Local", "remote": "Remote"}
TYPES = {
    "image": "Images",
    "video": "Videos",
    "audio": "Audio",
    "text": "Text",
    "application": "Documents and data",
    "other": "Other",
}


def part_rows(parts: dict[str, Any]) -> list[list[str]]:
    """The rows of a whole and its parts."""
    whole = total(parts.values())["media_length"]
    return [
        [
            label,
            human(part["media_length"]),
            share(part["media_length"], whole),
            f"{part['media_count']:,}",
        ]
        for label, part in parts.items()
    ]


def read_widths(section: Locator) -> list[float]:
    """The share of the bar of each part."""
    widths: list[float] = section.locator(".bar").evaluate(
        "bar => [...bar.children].map(part => part.getBoundingClientRect().width"
        " / bar.getBoundingClientRect().width)"
    )
    return widths


def legend_item(label: str, usage: dict[str, int]) -> str:
    return f"{label} {human(usage['media_length'])} in {files(usage['media_count'])}"


def read_legend(section: Locator) -> list[str]:
    items = section.locator(".legend li")
    expect(items.first).to_be_visible()
    for strong in items.locator("strong").all():
        # To the byte, on the pointer.
        title = strong.get_attribute("title") or ""
        assert human(int(title.split()[0].replace(",", ""))) == strong.inner_text()
    return [text.strip() for text in items.all_inner_texts()]


def file_row(file: dict[str, Any], source: str | None = None) -> list[str]:
    """The row of a file; with `source`, also its owner."""
    marks = [
        mark
        for mark, marked in (
            ("quarantined", file["quarantined_by"]),
            ("protected", file.get("safe_from_quarantine")),
            ("URL preview", file.get("url_preview")),
        )
        if marked
    ]
    name = file["upload_name"]
    if name is None:
        name = "Unnamed"
    name = (name or "Empty name").replace("\u202e", "U+202E")
    if len(name) > 80:
        name += "\nShow whole name"
    owner = []
    if source == "local":
        owner = [(file["user_id"] or "nobody").split(":")[0]]
    elif source == "remote":
        owner = [file["mxc"].removeprefix("mxc://").rpartition("/")[0]]
    read = file["last_access_ts"]
    return [
        "".join([name, *marks]) + "\n" + file["mxc"],
        *owner,
        file["media_type"],
        human(file["media_length"]),
        minute(file["created_ts"]),
        "never" if read is None else minute(read),
    ]


def first_day(number: int) -> int:
    """The start of the first of some days that end today."""
    return (int(time.time() * 1000) // DAY_MS - number + 1) * DAY_MS
