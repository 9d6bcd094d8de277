"""The administrators' tasks, and the number of clicks for each.

A list of options takes two clicks: one to open it, one to choose.
"""

from pathlib import Path
from typing import Any

import pytest
from browser_server import DAY_MS, Server
from dashboard_page import DashboardPage, read_rows
from numbers_support import TYPES, first_day
from playwright.sync_api import Locator, Route, expect
from reading import human

pytestmark = [pytest.mark.once, pytest.mark.any_database]


class Hand:
    """The hand on the mouse.

    Attributes:
        clicks: their number.
    """

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, locator: Locator) -> None:
        self.clicks += 1
        locator.click()

    def choose(self, locator: Locator, option: str) -> None:
        self.clicks += 2
        locator.select_option(option)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_who_used_most_and_what_is_it(
    signed_in: DashboardPage, server: Server, hand: Hand
) -> None:
    month = signed_in.page.locator("label", has_text="30 days").first
    hand.click(month)
    signed_in.wait_until_loaded()
    since = {"from_ts": first_day(30)}
    order = {"order_by": "media_length", "dir": "b", "limit": 1}
    (user,) = server.ask("users", {**since, **order})["users"]
    largest = signed_in.section("Users").locator(".open").first
    assert largest.get_attribute("title") == user["user_id"]
    assert human(user["media_length"]) in signed_in.rows("Users")[0][-1]
    hand.click(largest)
    signed_in.wait_until_loaded()
    dialog = signed_in.page.get_by_role("dialog")
    scope = {**since, "user": user["user_id"]}
    types = server.ask("types", {**scope, "group": "true", **order})["types"]
    assert (
        read_rows(dialog.get_by_role("region", name="Types of files"))[0][0]
        == TYPES[types[0]["group"]]
    )
    (file,) = server.ask("files", {**scope, **order})["files"]
    files = dialog.get_by_role("region", name="Files", exact=True)
    assert file["mxc"] in read_rows(files)[0][0]
    assert hand.clicks <= 3


def test_would_purging_help(
    signed_in: DashboardPage, server: Server, hand: Hand
) -> None:
    """Find the server that fills the cache, and the effect of a purge of 90 days."""
    page = signed_in.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    order = {"order_by": "media_length", "dir": "b", "limit": 1}
    (largest,) = server.ask("servers", order)["servers"]
    first = signed_in.section("Servers").locator(".open").first
    assert first.get_attribute("title") == largest["server_name"]

    navigation = page.get_by_role("navigation", name="Parts of the page")
    hand.click(navigation.get_by_role("link", name="What could be deleted"))
    section = signed_in.section("What could be deleted")
    expect(section.get_by_role("heading", level=2)).to_be_in_viewport()
    expect(section.get_by_role("radio", name="90 days")).to_be_checked()
    (age,) = [age for age in server.ask("reclaimable")["ages"] if age["days"] == 90]
    remote = section.locator('.decision[data-source="remote"]')
    expect(remote).to_contain_text(human(age["remote"]["media_length"]))
    expect(remote).to_contain_text("fetches them again")
    hand.click(remote.get_by_role("button", name="Copy"))
    expect(remote.get_by_role("button", name="Copy")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "purge_media_cache?before_ts=" in copied
    assert hand.clicks <= 3


def test_when_is_the_disk_full(
    signed_in: DashboardPage, server: Server, hand: Hand
) -> None:
    added = sum(
        bucket["media_length"]
        for source in ("local", "remote")
        for bucket in server.ask(
            "timeline", {"from_ts": first_day(30), "source": source}
        )["buckets"]
    )

    def half_a_year(route: Route) -> None:
        summary: dict[str, Any] = route.fetch(max_retries=3).json()
        disk = {"total_length": added * 20, "free_length": added * 6}
        summary["limits"]["file_system"] = disk
        route.fulfill(json=summary)

    signed_in.page.route("**/v1/summary?limits=true", half_a_year)
    hand.click(signed_in.page.get_by_role("button", name="Refresh"))
    expect(signed_in.section("How fast it grows").locator(".outlook")).to_have_text(
        "At this rate full in about 6 months."
    )
    assert hand.clicks <= 3


def test_csv_of_large_files_that_nobody_reads(
    signed_in: DashboardPage, server: Server, hand: Hand
) -> None:
    section = signed_in.section("Files")
    hand.choose(section.get_by_label("At least"), "1 MiB")
    hand.choose(section.get_by_label("Not read for"), "90 days")
    with signed_in.page.expect_download() as download:
        hand.click(section.get_by_role("button", name="CSV of files"))
    query = {
        "min_length": 1 << 20,
        "unread_since_ts": first_day(1) - 90 * DAY_MS,
        "order_by": "media_length",
        "dir": "b",
    }
    found = server.ask("files", query)["files"]
    everything = server.ask("files", {"min_length": 1 << 20})["files"]
    assert 0 < len(found) < len(everything)
    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files", {**query, "format": "csv"}
    )
    assert hand.clicks <= 5
