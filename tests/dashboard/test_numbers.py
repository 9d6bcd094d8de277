"""What a person reads on the dashboard, against what the API answers.

Numbers are compared as they are on the screen, units and labels included.
"""

import time
from typing import Any

import pytest
from browser_server import DAY_MS, SOURCES, USERS, Server
from dashboard_page import DashboardPage, open_numbers, read_rows
from playwright.sync_api import Locator, expect
from reading import day, days, exact, files, human, minute, share, total

_LABELS = {"local": "Local", "remote": "Remote"}
_TYPES = {
    "image": "Images",
    "video": "Videos",
    "audio": "Audio",
    "text": "Text",
    "application": "Documents and data",
    "other": "Other",
}


def test_totals(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    local, remote = summary["local"], summary["remote"]

    def tile(label: str, whole: Any, *thumbnails: Any) -> list[str]:
        small = total(thumbnails)["media_count"]
        return [
            label,
            human(whole["media_length"]),
            files(whole["media_count"] - small),
            f"and {files(small, 'thumbnail')}",
        ]

    quarantined = total([local["quarantined"], remote["quarantined"]])
    assert quarantined["media_count"] == 2
    assert local["pending"]["media_count"] == 1
    assert signed_in.section("What fills the media store").locator(
        ".tiles"
    ).inner_text().split("\n") == [
        *tile("Total", summary["total"], local["thumbnails"], remote["thumbnails"]),
        *tile("Local", local["total"], local["thumbnails"]),
        *tile("Remote, cached", remote["total"], remote["thumbnails"]),
        *("Quarantined", human(quarantined["media_length"]), "2 files"),
        *("Users with media", str(local["users"]), "1 pending upload"),
        *("Servers with media", str(remote["servers"])),
    ]


def test_media_store_by_content(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    local, remote = summary["local"], summary["remote"]
    parts = {
        "Local uploads": local["uploads"],
        "URL previews": local["url_previews"],
        "Local, without an owner": local["without_owner"],
        "Thumbnails of local files": local["thumbnails"],
        "Cached from other servers": remote["cached"],
        "Thumbnails of cached files": remote["thumbnails"],
    }
    section = signed_in.section("What fills the media store").locator(".whole")
    assert read_rows(section) == _parts(parts)
    assert _widths(section) == pytest.approx(
        [
            part["media_length"] / summary["total"]["media_length"]
            for part in parts.values()
        ],
        abs=0.02,
    )


def test_duplicates_on_request(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.page.get_by_role("region", name="Duplicates")
    section.get_by_role("button", name="Look for duplicates").click()
    signed_in.wait_until_loaded()

    duplicates = server.ask("summary", {"duplicates": "true"})["duplicates"]
    expect(section.locator(".content")).to_have_text(
        "This version of Synapse does not keep the hashes of files."
        if duplicates is None
        else f"{human(duplicates['media_length'])} in "
        f"{files(duplicates['media_count'])} that are copies of another file."
    )


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_chart_has_the_numbers_of_the_api(
    signed_in: DashboardPage, server: Server, interval: str
) -> None:
    section = signed_in.section("By date")
    open_numbers(section)
    signed_in.choose(interval.capitalize())
    buckets = {
        source: server.ask("timeline", {"source": source, "interval": interval})
        for source in SOURCES
    }
    by_date: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        for bucket in buckets[source]["buckets"]:
            by_date.setdefault(bucket["date"], {})[source] = bucket
    nothing = {"media_count": 0, "media_length": 0}
    rows = [
        (
            next(iter(found.values())),
            {source: found.get(source, nothing) for source in SOURCES},
        )
        for _, found in sorted(by_date.items())
    ]

    assert _legend(section) == [
        _usage(_LABELS[source], total(row[source] for _, row in rows))
        for source in SOURCES
    ]
    for mode in ("Added", "Running total"):
        signed_in.choose(mode)
        for measure in ("Size", "Files"):
            section.get_by_role("radio", name=measure).check()
            in_bytes = measure == "Size"
            key = "media_length" if in_bytes else "media_count"
            form = human if in_bytes else files
            expected = []
            sums = dict.fromkeys(SOURCES, 0)
            for bucket, row in rows:
                for source in SOURCES:
                    sums[source] += row[source][key]
                shown = (
                    sums
                    if mode == "Running total"
                    else {source: row[source][key] for source in SOURCES}
                )
                expected.append(
                    [
                        days(bucket["from_ts"], bucket["until_ts"]),
                        *(form(shown[source]) for source in SOURCES),
                    ]
                )
            assert read_rows(section) == expected


def test_running_total_begins_with_what_was_there(
    signed_in: DashboardPage, server: Server
) -> None:
    signed_in.choose("30 days")
    section = signed_in.section("By date")
    open_numbers(section)
    signed_in.choose("Running total")

    # The files that are stored now, all of them.
    everything = [
        total(server.ask("timeline", {"source": source})["buckets"])
        for source in SOURCES
    ]
    assert read_rows(section)[-1][1:] == [
        human(usage["media_length"]) for usage in everything
    ]
    assert _legend(section) == [
        _usage(_LABELS[source], usage)
        for source, usage in zip(SOURCES, everything, strict=True)
    ]
    since = {"from_ts": _first_day(30)}
    first = server.ask("timeline", {**since, "source": "local"})["buckets"][0]
    before = everything[0]["media_length"] - sum(
        bucket["media_length"]
        for bucket in server.ask("timeline", {**since, "source": "local"})["buckets"]
    )
    assert before > 0
    assert read_rows(section)[0][1] == human(before + first["media_length"])


def test_chart_is_drawn_and_read_by_keyboard(signed_in: DashboardPage) -> None:
    section = signed_in.section("By date")
    chart = section.get_by_role("slider")
    colours = chart.locator("canvas").evaluate(
        """canvas => {
          const {data} = canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height);
          const found = {};
          for (let i = 0; i < data.length; i += 4) {
            const key = data.slice(i, i + 4).join();
            found[key] = (found[key] ?? 0) + 1;
          }
          return found;
        }"""
    )
    # Local and remote, in the colours of the legend.
    for colour in ("47,111,222,255", "224,138,30,255"):
        assert colours.get(colour, 0) > 50

    open_numbers(section)
    rows = read_rows(section)
    for key, index in (("End", -1), ("ArrowLeft", -2), ("Home", 0), ("ArrowUp", 1)):
        chart.press(key)
        name, local, remote = rows[index]
        told = f"{name}: Local {local}, Remote {remote}"
        expect(chart).to_have_attribute("aria-valuetext", told)
        expect(section.locator(".readout")).to_have_text(told)


def test_dragging_on_the_chart_chooses_days(
    signed_in: DashboardPage, server: Server
) -> None:
    signed_in.choose("7 days")
    page = signed_in.page
    area = signed_in.section("By date").locator(".u-over")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    # From within the third day to within the fifth.
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 2.5 / 7, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 3.5 / 7, middle)
    page.mouse.move(box["x"] + box["width"] * 4.5 / 7, middle)
    page.mouse.up()
    signed_in.wait_until_loaded()

    from_ts = _first_day(5)
    until_ts = from_ts + 3 * DAY_MS - 1
    expect(page.get_by_label("From")).to_have_value(day(from_ts))
    expect(page.get_by_label("to", exact=True)).to_have_value(day(until_ts))
    window = {"from_ts": from_ts, "until_ts": until_ts}
    assert _legend(signed_in.section("By date")) == [
        _usage(
            _LABELS[source],
            total(server.ask("timeline", {**window, "source": source})["buckets"]),
        )
        for source in SOURCES
    ]


def test_types(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.section("Types of files")
    for index, source in enumerate(SOURCES):
        types = {
            usage["group"]: usage
            for usage in server.ask("types", {"group": "true", "source": source})[
                "types"
            ]
        }
        whole = section.locator(".whole").nth(index)
        parts = {
            label: types[group] for group, label in _TYPES.items() if group in types
        }

        expect(whole.locator("caption")).to_have_text(_LABELS[source])
        assert read_rows(whole) == _parts(parts)
        size = total(parts.values())["media_length"]
        assert _widths(whole) == pytest.approx(
            [part["media_length"] / size for part in parts.values()], abs=0.02
        )


def test_users_and_servers(signed_in: DashboardPage, server: Server) -> None:
    """Compares all rows, and the bars that compare them to the largest."""
    for name, endpoint in (("Users", "users"), ("Servers", "servers")):
        section = signed_in.section(name)
        section.get_by_label("Rows").select_option("25")
        signed_in.wait_until_loaded()
        rows = server.ask(endpoint, {"order_by": "media_length", "dir": "b"})[endpoint]
        largest = rows[0]["media_length"]

        assert [row[-2:] for row in signed_in.rows(name)] == [
            [str(row["media_count"]), human(row["media_length"])] for row in rows
        ]
        expect(section.locator(".found")).to_have_text(
            f"{len(rows)} in this time range"
        )
        # The least on the screen is no more than the least there is, in any order.
        for _ in range(2):
            shares = section.locator(".meter").evaluate_all(
                "all => all.map(each => each.firstChild.getBoundingClientRect().width"
                " / each.getBoundingClientRect().width)"
            )
            assert shares == pytest.approx(
                [max(row["media_length"] / largest, 1 / 64) for row in rows], abs=0.02
            )
            section.get_by_role("button", name="Size").click()
            signed_in.wait_until_loaded()
            rows.sort(key=lambda row: row["media_length"])


def test_row_opens_a_user(signed_in: DashboardPage, server: Server) -> None:
    opener = signed_in.section("Users").get_by_role("button", name="@hostile")
    dialog = signed_in.open_user("hostile")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    scope = {"user": "@hostile:example.org"}

    expect(dialog.locator(".range-label")).to_have_text("All time")
    largest = server.ask(
        "files", {**scope, "order_by": "media_length", "dir": "b", "limit": 1000}
    )["files"]
    section = dialog.get_by_role("region", name="Files", exact=True)
    assert read_rows(section) == [_file(file) for file in largest[:20]]
    section.get_by_role("button", name="Show more").click()
    expect(section.locator("tbody tr")).to_have_count(len(largest))
    assert read_rows(section) == [_file(file) for file in largest]
    expect(section.get_by_role("button", name="Show more")).to_be_hidden()
    marks = section.locator(".mark").all_inner_texts()
    assert sorted(marks) == ["URL preview", "protected", "quarantined"]
    assert {row[4] == "never" for row in read_rows(section)} == {True, False}

    timeline = dialog.get_by_role("region", name="By date")
    open_numbers(timeline)
    expect(timeline.locator("canvas")).to_be_visible()
    buckets = server.ask("timeline", {**scope, "interval": "week"})["buckets"]
    assert _legend(timeline) == [_usage("Uploaded", total(buckets))]
    assert read_rows(timeline) == [
        [days(bucket["from_ts"], bucket["until_ts"]), human(bucket["media_length"])]
        for bucket in buckets
    ]
    types = server.ask("types", {**scope, "group": "true"})["types"]
    assert read_rows(dialog.get_by_role("region", name="Types of files")) == _parts(
        {
            label: usage
            for group, label in _TYPES.items()
            for usage in types
            if usage["group"] == group
        }
    )

    signed_in.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_row_opens_a_server(signed_in: DashboardPage, server: Server) -> None:
    signed_in.section("Servers").get_by_role("button", name="<i>.example").click()
    dialog = signed_in.page.get_by_role("dialog", name="<i>.example")
    signed_in.wait_until_loaded()

    scope = {"server_name": "<i>.example"}
    found = server.ask("files", scope)["files"]
    assert read_rows(dialog.get_by_role("region", name="Files", exact=True)) == [
        _file(file) for file in found
    ]
    buckets = server.ask("timeline", scope)["buckets"]
    assert _legend(dialog) == [_usage("Cached", total(buckets))]
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_dialog_says_which_time_range(signed_in: DashboardPage, server: Server) -> None:
    signed_in.choose("90 days")
    dialog = signed_in.open_user("hostile")

    today = int(time.time() * 1000)
    expect(dialog.locator(".range-label")).to_have_text(
        f"{days(_first_day(90), today)}, the last 90 days"
    )
    scope = {"user": "@hostile:example.org", "from_ts": _first_day(90)}
    buckets = server.ask("timeline", scope)["buckets"]
    assert _legend(dialog) == [_usage("Uploaded", total(buckets))]


@pytest.mark.parametrize("source", SOURCES)
def test_files_of_the_server(
    signed_in: DashboardPage, server: Server, source: str
) -> None:
    asked: list[str] = []
    signed_in.page.on("request", lambda request: asked.append(request.url))
    section = signed_in.section("Files")
    section.get_by_role("button", name="List the largest files").click()
    signed_in.wait_until_loaded()
    section.get_by_role("radio", name=_LABELS[source]).check()
    for label, order in (
        ("Largest first", "media_length b"),
        ("Newest first", "created_ts b"),
        ("Oldest first", "created_ts f"),
        ("Least recently read first", "last_access_ts f"),
    ):
        section.get_by_label("Order of the files").select_option(label)
        signed_in.wait_until_loaded()
        order_by, direction = order.split()
        found = server.ask(
            "files",
            {"source": source, "order_by": order_by, "dir": direction, "limit": 20},
        )["files"]
        assert read_rows(section) == [_file(file, source) for file in found]

    opener = section.locator(".open").first
    name = opener.inner_text()
    opener.click()
    expect(signed_in.page.get_by_role("dialog")).to_contain_text(name)


def _parts(parts: dict[str, Any]) -> list[list[str]]:
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


def _widths(section: Locator) -> list[float]:
    """What part of the bar each part takes."""
    widths: list[float] = section.locator(".bar").evaluate(
        "bar => [...bar.children].map(part => part.getBoundingClientRect().width"
        " / bar.getBoundingClientRect().width)"
    )
    return widths


def _usage(label: str, usage: dict[str, int]) -> str:
    return f"{label} {human(usage['media_length'])} in {files(usage['media_count'])}"


def _legend(section: Locator) -> list[str]:
    items = section.locator(".legend li")
    expect(items.first).to_be_visible()
    for strong in items.locator("strong").all():
        # To the byte, where the pointer rests.
        title = strong.get_attribute("title") or ""
        assert human(int(title.split()[0].replace(",", ""))) == strong.inner_text()
    return [text.strip() for text in items.all_inner_texts()]


def _file(file: dict[str, Any], source: str | None = None) -> list[str]:
    """The row of a file; with `source`, whose it is."""
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


def _first_day(number: int) -> int:
    """The start of the first of so many days that end today."""
    return (int(time.time() * 1000) // DAY_MS - number + 1) * DAY_MS


def test_exact_sizes_are_tooltips(signed_in: DashboardPage, server: Server) -> None:
    users = server.ask("users", {"order_by": "media_length", "dir": "b"})["users"]
    titles = signed_in.section("Users").locator(".size[title]").all()
    assert [title.get_attribute("title") for title in titles] == [
        exact(user["media_length"]) for user in users[:10]
    ]
    assert len(users) == USERS
