"""The tables of users and servers: order, search, pages, filters and CSV."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_server import SERVERS, TIED, USERS, Server
from dashboard_page import DashboardPage
from playwright.sync_api import expect
from reading import DASH

pytestmark = pytest.mark.once


def test_sorting(signed_in: DashboardPage, server: Server) -> None:
    for name, endpoint, key in (
        ("Users", "users", "user_id"),
        ("Servers", "servers", "server_name"),
    ):
        section = signed_in.section(name)
        headers = section.locator("thead th")
        # First by size, the largest first.
        expect(headers.last).to_have_attribute("aria-sort", "descending")
        largest = _page(server, endpoint, key, "media_length", "b")
        assert signed_in.owners(name) == largest

        for header in headers.all():
            order = header.get_attribute("data-order")
            assert order is not None
            sorts = []
            for _ in range(3):
                header.get_by_role("button").click()
                signed_in.wait_until_loaded()
                sort = header.get_attribute("aria-sort")
                sorts.append(sort)
                dir = "fb"[sort == "descending"]
                expected = _page(server, endpoint, key, order, dir)
                assert signed_in.owners(name) == expected
            assert sorts[0] == sorts[2] != sorts[1]
            assert section.locator("[aria-sort]").count() == 1


def test_search(signed_in: DashboardPage, server: Server) -> None:
    search = signed_in.page.get_by_role("searchbox", name="Search for users")
    for term, found in (
        ("ünï", ["@uni:example.org"]),
        ("@ordinary:example.org", ["@ordinary:example.org"]),
        ("@uni", ["@uni:example.org"]),
        ("<img", ["@hostile:example.org"]),
        ("%", []),
        ("nobody & nothing", []),
    ):
        search.fill(term)
        search.press("Enter")
        signed_in.wait_until_loaded()
        users = signed_in.section("Users")
        expect(users.locator(".where")).to_have_text(
            f"1{DASH}{len(found)} of {len(found)}" if found else "0 of 0"
        )
        assert signed_in.owners("Users") == found
    expect(users.get_by_text("None found.")).to_be_visible()

    search.fill("")
    expect(users.locator(".where")).to_contain_text(str(USERS))
    search.fill("tied")
    search.press("Enter")
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of {TIED}")
    # Only the table that was searched.
    expect(signed_in.section("Servers").locator(".where")).to_have_text(
        f"1{DASH}10 of {SERVERS}"
    )


def test_paging_through_ties(signed_in: DashboardPage, server: Server) -> None:
    users = signed_in.section("Users")
    everybody = [
        user["user_id"]
        for user in server.ask("users", {"order_by": "media_length"})["users"]
    ]
    users.get_by_role("button", name="Size").click()
    expect(users.locator("thead th").last).to_have_attribute("aria-sort", "ascending")
    signed_in.wait_until_loaded()

    seen = signed_in.owners("Users")
    assert seen == everybody[:10]
    following = users.get_by_role("button", name="Next page")
    following.click()
    expect(users.locator(".where")).to_have_text(f"11{DASH}{USERS} of {USERS}")
    seen += signed_in.owners("Users")
    assert seen == everybody
    # The focus stays, although there is no further page.
    expect(following).to_be_focused()
    expect(following).to_have_attribute("aria-disabled", "true")

    users.get_by_role("button", name="First page").click()
    expect(users.locator(".where")).to_contain_text(f"1{DASH}10")
    users.get_by_role("button", name="Last page").click()
    expect(users.locator(".where")).to_contain_text(f"11{DASH}")
    users.get_by_label("Rows").select_option("25")
    expect(users.locator(".where")).to_have_text(f"1{DASH}{USERS} of {USERS}")


def test_deactivated_users(signed_in: DashboardPage) -> None:
    users = signed_in.section("Users")
    users.get_by_label("Which users").select_option("Deactivated")
    expect(users.locator(".where")).to_have_text("0 of 0")
    users.get_by_label("Which users").select_option("Not deactivated")
    expect(users.locator(".where")).to_contain_text(f"of {USERS}")


def test_csv(signed_in: DashboardPage, server: Server) -> None:
    largest = {"order_by": "media_length", "dir": "b"}
    for section, button, name, path, query in (
        (
            "By date",
            "CSV of remote",
            "timeline-remote",
            "timeline",
            {"source": "remote", "interval": "week"},
        ),
        ("Types of files", "CSV of local", "types-local", "types", largest),
        (
            "Users",
            "CSV of these users",
            "users",
            "users",
            {"search_term": "e", **largest},
        ),
        (
            "Servers",
            "CSV of these servers",
            "servers",
            "servers",
            {"search_term": "e", **largest},
        ),
    ):
        if "search_term" in query:
            search = signed_in.section(section).get_by_role("searchbox")
            search.fill("e")
            search.press("Enter")
            signed_in.wait_until_loaded()
        with signed_in.page.expect_download() as download:
            signed_in.section(section).get_by_role("button", name=button).click()

        assert download.value.suggested_filename == f"{name}.csv"
        expected = server.ask_bytes(path, {**query, "format": "csv"})
        assert Path(download.value.path()).read_bytes() == expected


def test_csv_of_files(signed_in: DashboardPage, server: Server) -> None:
    signed_in.section("Users").get_by_role("link", name="@hostile", exact=True).click()
    dialog = signed_in.page.get_by_role("dialog")
    dialog.get_by_label("Order of the files").select_option("Oldest first")
    with signed_in.page.expect_download() as download:
        dialog.get_by_role("button", name="CSV").click()

    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files",
        {
            "user": "@hostile:example.org",
            "order_by": "created_ts",
            "dir": "f",
            "format": "csv",
        },
    )


def test_previous_page_is_the_one_before(signed_in: DashboardPage) -> None:
    users = signed_in.section("Users")
    signed_in.page.get_by_role("searchbox", name="Search for users").fill("t")
    expect(users.locator(".where")).to_contain_text(" of ")
    starts = []
    signed_in.page.route("**/v1/users?*", lambda route: _fake_users(route, 95))
    signed_in.page.get_by_role("button", name="Refresh").click()
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of 95")
    for button in ("Next page", "Next page", "Next page", "Previous page", "Last page"):
        users.get_by_role("button", name=button).click()
        signed_in.wait_until_loaded()
        starts.append(users.locator(".where").inner_text())
    assert starts == [
        f"11{DASH}20 of 95",
        f"21{DASH}30 of 95",
        f"31{DASH}40 of 95",
        f"21{DASH}30 of 95",
        f"91{DASH}95 of 95",
    ]
    expect(users.get_by_role("button", name="Previous page")).to_be_enabled()
    users.get_by_role("button", name="First page").click()
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of 95")

    # If the total is a multiple of the rows, the last full page is the last. The fake
    # users have more than the whole, so no share is shown.
    signed_in.page.unroute_all()
    signed_in.page.route(
        "**/v1/users?*", lambda route: _fake_users(route, 100, media_length=10**15)
    )
    signed_in.page.get_by_role("button", name="Refresh").click()
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of 100")
    expect(users.locator(".amount")).to_have_count(10)
    expect(users.locator(".share, .meter")).to_have_count(0)
    users.get_by_role("button", name="Last page").click()
    expect(users.locator(".where")).to_have_text(f"91{DASH}100 of 100")
    following = users.get_by_role("button", name="Next page")
    expect(following).to_have_attribute("aria-disabled", "true")


def test_list_that_became_shorter(signed_in: DashboardPage) -> None:
    page = signed_in.page
    users = signed_in.section("Users")
    page.route("**/v1/users?*", lambda route: _fake_users(route, 95))
    users.get_by_role("button", name="Last page").click()
    page.get_by_role("button", name="Refresh").click()
    users.get_by_role("button", name="Last page").click()
    expect(users.locator(".where")).to_have_text(f"91{DASH}95 of 95")

    page.unroute_all()
    page.get_by_role("button", name="Refresh").click()
    expect(users.locator(".where")).to_have_text(f"11{DASH}{USERS} of {USERS}")


def _fake_users(route: Any, total: int, *, media_length: int = 0) -> None:
    """More users than the server has."""
    query = parse_qs(urlsplit(route.request.url).query)
    start, limit = int(query["from"][0]), int(query["limit"][0])
    users = [
        {
            "user_id": f"@user{index}:example.org",
            "displayname": None,
            "media_count": 1,
            "media_length": media_length or total - index,
        }
        for index in range(start, min(start + limit, total))
    ]
    route.fulfill(json={"users": users, "total": total})


def _page(
    server: Server, endpoint: str, key: str, order: str, dir: str, **query: object
) -> list[str]:
    """The first page of a table, from the API."""
    asked = {"order_by": order, "dir": dir, "limit": 10, **query}
    return [row[key] for row in server.ask(endpoint, asked)[endpoint]]
