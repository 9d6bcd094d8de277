"""The search for files: filters, addresses, links to it, CSV."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_server import DAY_MS, SOURCES, Server
from dashboard_page import DashboardPage, read_rows
from numbers_support import LABELS, file_row, first_day
from playwright.sync_api import Locator, expect

pytestmark = [pytest.mark.once, pytest.mark.any_database]


def _files(server: Server, **query: object) -> list[dict[str, Any]]:
    asked = {"order_by": "media_length", "dir": "b", "limit": 20, **query}
    found: list[dict[str, Any]] = server.ask("files", asked)["files"]
    return found


def _expect(dashboard: DashboardPage, server: Server, **query: object) -> None:
    dashboard.wait_until_loaded()
    found = _files(server, **query)
    source = str(query.get("source", "local"))
    assert read_rows(_section(dashboard)) == [file_row(file, source) for file in found]
    assert found


def _section(dashboard: DashboardPage) -> Locator:
    return dashboard.section("Files")


def test_filters(signed_in: DashboardPage, server: Server) -> None:
    """Sets one filter after another, as a person does who searches."""
    page = signed_in.page
    section = _section(signed_in)
    _expect(signed_in, server)
    section.get_by_label("Type").select_option("Videos")
    _expect(signed_in, server, media_type="video/*")
    section.get_by_label("At least").select_option("1 MiB")
    _expect(signed_in, server, media_type="video/*", min_length=1 << 20)
    section.get_by_label("Type").select_option("All")
    section.get_by_label("Not read for").select_option("30 days")
    unread = {"min_length": 1 << 20, "unread_since_ts": first_day(1) - 30 * DAY_MS}
    _expect(signed_in, server, **unread)
    with page.expect_download() as download:
        section.get_by_role("button", name="CSV of files").click()
    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files", {**unread, "order_by": "media_length", "dir": "b", "format": "csv"}
    )
    # The address has all filters.
    view = page.url
    section.get_by_role("button", name="Clear filters").click()
    _expect(signed_in, server)
    expect(section.get_by_role("heading", level=2)).to_be_focused()
    page.go_back()
    _expect(signed_in, server, **unread)
    # A link leads there, and stays there while all above is loading.
    page.evaluate("url => history.replaceState(null, '', url)", f"{view}&at=files")
    page.reload()
    _expect(signed_in, server, **unread)
    assert page.url == view
    heading = section.get_by_role("heading", level=2)
    expect(heading).to_be_in_viewport()
    expect(heading).to_be_focused()

    section.get_by_role("button", name="Clear filters").click()
    section.get_by_label("Not read for").select_option("Never read")
    _expect(signed_in, server, never_read="true")
    section.get_by_role("button", name="Clear filters").click()
    section.get_by_label("Quarantined").select_option("Yes")
    _expect(signed_in, server, quarantined="true")
    section.get_by_role("radio", name="Remote").check()
    _expect(signed_in, server, source="remote", quarantined="true")


def test_orders(signed_in: DashboardPage, server: Server) -> None:
    section = _section(signed_in)
    for source in SOURCES:
        section.get_by_role("radio", name=LABELS[source]).check()
        for label, order_by, direction in (
            ("Newest first", "created_ts", "b"),
            ("Oldest first", "created_ts", "f"),
            ("Least recently read first", "last_access_ts", "f"),
            ("Largest first", "media_length", "b"),
        ):
            section.get_by_label("Order").select_option(label)
            _expect(signed_in, server, source=source, order_by=order_by, dir=direction)

    opener = section.locator(".open").first
    name = opener.inner_text()
    opener.click()
    expect(signed_in.page.get_by_role("dialog")).to_contain_text(name)


def test_size_and_owner_of_ones_own(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    section = _section(signed_in)
    section.get_by_label("At least").select_option("Other…")
    size = section.get_by_label("Size in MiB")
    expect(size).to_be_focused()
    size.fill("1.25")
    size.press("Enter")
    _expect(signed_in, server, min_length=5 << 18)
    expect(section.get_by_label("At least").locator("option:checked")).to_have_text(
        "1.25 MiB"
    )
    section.get_by_role("button", name="Clear filters").click()
    owner = section.get_by_role("searchbox")
    owner.fill("s01.example")
    owner.press("Enter")
    _expect(signed_in, server, source="remote", server_name="s01.example")
    expect(section.get_by_role("radio", name="Remote")).to_be_checked()
    # As the page shows it, or complete.
    owner.fill("@hostile")
    owner.press("Enter")
    _expect(signed_in, server, user="@hostile:example.org")
    expect(owner).to_have_value("@hostile")
    owner.fill("@hostile:example.org")
    owner.press("Enter")
    _expect(signed_in, server, user="@hostile:example.org")
    expect(section.get_by_role("radio", name="Local")).to_be_checked()
    # The other source has no files of that user.
    section.get_by_role("radio", name="Remote").check()
    _expect(signed_in, server, source="remote")
    expect(owner).to_have_value("")
    page.goto(f"{signed_in.url}#files.min_length=3000&files.unread=12")
    _expect(
        signed_in,
        server,
        min_length=3000,
        unread_since_ts=first_day(1) - 12 * DAY_MS,
    )
    expect(section.get_by_label("Not read for").locator("option:checked")).to_have_text(
        "12 days"
    )


def test_what_leads_to_files(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    heading = _section(signed_in).get_by_role("heading", level=2)
    types = signed_in.section("Types of files").locator(".whole")
    store = signed_in.section("What fills the media store")
    owned = {"source": "local", "without_owner": "false"}
    remote = {"source": "remote"}
    for part, link, query in (
        (types.nth(0), "Images, local", {**owned, "group": "image"}),
        (types.nth(0), "Other, local", {**owned, "group": "other"}),
        (types.nth(1), "Images, remote", {**remote, "group": "image"}),
        (store, "Local, uploads", {**owned, "url_preview": "false"}),
        (store, "Local, URL previews", {**owned, "url_preview": "true"}),
        (store, "Local, without an owner", {"without_owner": "true"}),
        (store, "Remote, files", remote),
    ):
        row = part.get_by_role("row").filter(
            has=page.get_by_role("link", name=link, exact=True)
        )
        *_, number = row.get_by_role("cell").all_inner_texts()
        row.get_by_role("link").click()
        expect(heading).to_be_focused()
        expect(heading).to_be_in_viewport()
        _expect(signed_in, server, **query)
        # Exactly the files that were counted.
        files = server.ask("files", {**query, "limit": 1000})["files"]
        assert f"{len(files):,}" == number
    # The first has a file.
    expect(store.get_by_role("link", name="thumbnails")).to_have_count(0)
    page.reload()
    _expect(signed_in, server, **remote)
    of_user = {"user": "@hostile:example.org"}
    for name, owner, query in (
        ("Users", "@hostile", of_user),
        ("Servers", "s01.example", {**remote, "server_name": "s01.example"}),
    ):
        row = signed_in.section(name).get_by_role("row").filter(has_text=owner)
        row.get_by_role("link", name=f" of {owner}").click()
        _expect(signed_in, server, **query)

    dialog = signed_in.open_user("hostile")
    dialog.get_by_role("link", name="Text").click()
    expect(dialog).to_be_hidden()
    _expect(signed_in, server, **of_user, group="text")
    dialog = signed_in.open_user("hostile")
    dialog.get_by_role("link", name="Search these files").click()
    expect(dialog).to_be_hidden()
    _expect(signed_in, server, **of_user)

    # A bar of the chart: the files of its days.
    _section(signed_in).get_by_role("button", name="Clear filters").click()
    signed_in.choose("Day")
    chart = signed_in.section("By date").get_by_role("slider")
    # The first has a file.
    chart.press("Home")
    chart.press("Enter")
    expect(heading).to_be_focused()
    signed_in.wait_until_loaded()
    day = page.get_by_label("From").input_value()
    expect(page.get_by_label("to", exact=True)).to_have_value(day)
    from_ts = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() * 1000)
    source = parse_qs(urlsplit(page.url).fragment).get("files_source", ["local"])[0]
    window = {"from_ts": from_ts, "until_ts": from_ts + DAY_MS - 1}
    counted = owned if source == "local" else remote
    _expect(signed_in, server, **counted, **window)
