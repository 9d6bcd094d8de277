"""The dialog of a user or server: its files, chart and types."""

import re
import time

import pytest
from browser_server import Server
from dashboard_page import DashboardPage, open_numbers, read_rows
from numbers_support import (
    TYPES,
    file_row,
    first_day,
    legend_item,
    part_rows,
    read_legend,
)
from playwright.sync_api import expect
from reading import days, human, total

pytestmark = pytest.mark.once


def test_row_opens_a_user(signed_in: DashboardPage, server: Server) -> None:
    opener = signed_in.section("Users").get_by_role("link", name="@hostile", exact=True)
    dialog = signed_in.open_user("hostile")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    scope = {"user": "@hostile:example.org"}

    expect(dialog.locator(".range-label")).to_have_text(["All time"] * 3)
    largest = server.ask(
        "files", {**scope, "order_by": "media_length", "dir": "b", "limit": 1000}
    )["files"]
    section = dialog.get_by_role("region", name="Files", exact=True)
    assert read_rows(section) == [file_row(file) for file in largest[:20]]
    section.get_by_role("button", name="Show more").click()
    expect(section.locator("tbody tr")).to_have_count(len(largest))
    assert read_rows(section) == [file_row(file) for file in largest]
    expect(section.get_by_role("button", name="Show more")).to_be_hidden()
    marks = section.locator(".mark").all_inner_texts()
    assert sorted(marks) == ["URL preview", "protected", "quarantined"]
    assert {row[4] == "never" for row in read_rows(section)} == {True, False}

    timeline = dialog.get_by_role("region", name="By date")
    open_numbers(timeline)
    expect(timeline.locator("canvas")).to_be_visible()
    buckets = server.ask("timeline", {**scope, "interval": "week"})["buckets"]
    assert read_legend(timeline) == [legend_item("Local", total(buckets))]
    assert read_rows(timeline) == [
        [days(bucket["from_ts"], bucket["until_ts"]), human(bucket["media_length"])]
        for bucket in buckets
    ]
    types = server.ask("types", {**scope, "group": "true"})["types"]
    types.sort(key=lambda usage: -usage["media_length"])
    assert read_rows(dialog.get_by_role("region", name="Types of files")) == part_rows(
        {TYPES[usage["group"]]: usage for usage in types}
    )

    signed_in.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_row_opens_a_server(signed_in: DashboardPage, server: Server) -> None:
    signed_in.section("Servers").get_by_role(
        "link", name="<i>.example", exact=True
    ).click()
    dialog = signed_in.page.get_by_role("dialog", name="<i>.example")
    signed_in.wait_until_loaded()

    scope = {"server_name": "<i>.example"}
    found = server.ask("files", scope)["files"]
    assert read_rows(dialog.get_by_role("region", name="Files", exact=True)) == [
        file_row(file) for file in found
    ]
    buckets = server.ask("timeline", scope)["buckets"]
    assert read_legend(dialog) == [legend_item("Remote", total(buckets))]
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_dialog_says_which_time_range(signed_in: DashboardPage, server: Server) -> None:
    signed_in.choose("90 days")
    dialog = signed_in.open_user("hostile")

    today = int(time.time() * 1000)
    expect(dialog.locator(".range-label")).to_have_text(
        [f"{days(first_day(90), today)}, the last 90 days"] * 3
    )
    for name in ("What could be deleted", "Delete all files of this user"):
        expect(dialog.get_by_role("region", name=name)).to_contain_text(
            re.compile("of all time", re.IGNORECASE)
        )
    scope = {"user": "@hostile:example.org", "from_ts": first_day(90)}
    buckets = server.ask("timeline", scope)["buckets"]
    assert read_legend(dialog) == [legend_item("Local", total(buckets))]
