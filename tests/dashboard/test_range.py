"""The time range: presets, dates, and the requests for them."""

import sqlite3
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_server import DAY_MS, SOURCES, Server
from dashboard_page import DashboardPage, open_numbers, read_rows
from playwright.sync_api import Route, expect
from reading import day, human, total

pytestmark = pytest.mark.once


def test_range_is_of_the_whole_page(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    signed_in.choose("30 days")
    today = int(time.time() * 1000) // DAY_MS * DAY_MS
    since: dict[str, object] = {"from_ts": today - 29 * DAY_MS}

    for name, endpoint, key in (
        ("Users", "users", "user_id"),
        ("Servers", "servers", "server_name"),
    ):
        found = server.ask(
            endpoint, {**since, "order_by": "media_length", "dir": "b", "limit": 10}
        )
        assert signed_in.owners(name) == [row[key] for row in found[endpoint]]
    expect(page.get_by_role("radio", name="Day", exact=True)).to_be_checked()
    section = signed_in.section("By date")
    open_numbers(section)
    assert len(read_rows(section)) == 30

    # A day, both ends included.
    buckets = server.ask("timeline", since)["buckets"]
    bucket = next(each for each in buckets if each["media_count"])
    signed_in.choose("Custom")
    # No change yet.
    expect(page.get_by_label("From")).to_have_value(day(today - 29 * DAY_MS))
    expect(page.get_by_label("to", exact=True)).to_have_value(day(today))
    assert len(read_rows(section)) == 30
    page.get_by_label("to", exact=True).fill(bucket["date"])
    page.get_by_label("From").fill(bucket["date"])
    page.get_by_label("From").press("Enter")
    signed_in.wait_until_loaded()
    assert [row[:2] for row in read_rows(section)] == [
        [bucket["date"], human(bucket["media_length"])]
    ]


def test_dates_begin_with_what_was_shown(
    signed_in: DashboardPage, server: Server
) -> None:
    signed_in.choose("Custom")
    first = min(
        server.ask("timeline", {"source": source, "interval": "week"})["buckets"][0][
            "from_ts"
        ]
        for source in SOURCES
    )
    expect(signed_in.page.get_by_label("From")).to_have_value(day(first))
    expect(signed_in.page.get_by_label("to", exact=True)).to_have_value(
        day(int(time.time() * 1000))
    )


def test_illegal_dates_are_not_asked_for(signed_in: DashboardPage) -> None:
    page = signed_in.page
    signed_in.choose("Custom")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = page.url
    for date, problem in (
        ("2999-01-01", "The range ends before it begins."),
        ("1969-01-01", "The dates must be after 1970."),
    ):
        page.get_by_label("From").fill(date)
        expect(page.locator(".problem")).to_have_text(problem)
    # They have no effect in the address, either.
    page.goto(f"{before.split('#')[0]}#range=custom&from=2999-01-01&until=2001-01-01")
    signed_in.wait_until_loaded()
    windows = [parse_qs(urlsplit(url).query) for url in asked if "/v1/" in url]
    assert all("from_ts" not in window for window in windows)
    assert asked


def test_interval_stays_when_the_range_changes(signed_in: DashboardPage) -> None:
    page = signed_in.page
    expect(page.get_by_role("radio", name="Week")).to_be_checked()
    signed_in.choose("7 days")
    expect(page.get_by_role("radio", name="Day", exact=True)).to_be_checked()
    signed_in.choose("Month")
    for chosen in ("1 year", "All time", "90 days"):
        signed_in.choose(chosen)
        expect(page.get_by_role("radio", name="Month")).to_be_checked()


def test_interval_fits_the_range(signed_in: DashboardPage) -> None:
    # Narrow again in between: a choice of the person's would stay.
    for chosen, interval in (
        ("7 days", "Day"),
        ("90 days", "Day"),
        ("1 year", "Week"),
        ("All time", "Week"),
    ):
        signed_in.choose("30 days")
        signed_in.choose(chosen)
        shown = signed_in.page.get_by_role("radio", name=interval, exact=True)
        expect(shown).to_be_checked()


def test_new_server_is_shown_by_day(signed_in: DashboardPage) -> None:
    page = signed_in.page
    today = int(time.time() * 1000) // DAY_MS * DAY_MS

    def one_bucket(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        if "from_ts" not in query:
            asked.append(query["interval"][0])
        bucket = {
            "date": day(today),
            "from_ts": today,
            "until_ts": today + DAY_MS - 1,
            "media_count": 1,
            "media_length": 2048,
        }
        nothing = {"media_count": 0, "media_length": 0}
        route.fulfill(json={"buckets": [bucket], "before": nothing, "after": nothing})

    asked: list[str] = []
    page.route("**/v1/timeline?*", one_bucket)
    page.get_by_role("button", name="Refresh").click()
    signed_in.wait_until_loaded()
    expect(page.get_by_role("radio", name="Day", exact=True)).to_be_checked()
    assert asked == ["week", "week", "day", "day"]
    chart = signed_in.section("By date").get_by_role("slider")
    chart.press("Home")
    expect(signed_in.section("By date").locator(".readout")).to_have_text(
        f"{day(today)}: Local 2.00 KiB, Remote 2.00 KiB"
    )


def test_range_without_files(signed_in: DashboardPage) -> None:
    page = signed_in.page
    signed_in.choose("Custom")
    page.get_by_label("From").fill("1999-12-01")
    page.get_by_label("to", exact=True).fill("1999-12-31")
    page.get_by_label("to", exact=True).press("Enter")
    signed_in.wait_until_loaded()

    date = signed_in.section("By date")
    expect(date.get_by_text("No files in this time range.")).to_be_visible()
    expect(date.locator("canvas")).to_have_count(0)
    expect(date.get_by_text("The numbers")).to_be_hidden()
    expect(signed_in.section("Users").get_by_text("None found.")).to_be_visible()
    expect(signed_in.section("Types of files").get_by_text("no files")).to_have_count(2)


def test_interval_fits_long_ranges(signed_in: DashboardPage) -> None:
    page = signed_in.page
    for first, interval in (("2025", "Week"), ("2020", "Month")):
        view = f"#range=custom&from={first}-01-01&until=2026-01-01"
        page.goto(f"{signed_in.url}{view}")
        chosen = page.get_by_role("radio", name=interval, exact=True)
        expect(chosen).to_be_checked()


def test_dates_that_cannot_be_right(dashboard: DashboardPage, server: Server) -> None:
    """Files of 1971 and 2106 do not stretch the chart."""
    connection = sqlite3.connect(server.database, timeout=30)
    insert = (
        "INSERT INTO remote_media_cache (media_origin, media_id, media_type, "
        "media_length, filesystem_id, created_ts, last_access_ts) "
        "VALUES ('late.example', ?, 'image/png', ?, ?, ?, 0)"
    )
    with connection:
        connection.execute(insert, ("future", 5000, "future", 4_300_000_000_000))
        connection.execute(insert, ("past", 7000, "past", 40_000_000_000))
    try:
        dashboard.sign_in(server.admin.access_token)
        section = dashboard.section("By date")
        expect(section.locator(".outside")).to_have_text(
            "Not in the chart: 1 file (6.84 KiB) dated long before the others, and "
            "1 file (4.88 KiB) dated in the future."
        )
        open_numbers(section)
        assert len(read_rows(section)) < 35
        dashboard.choose("Running total")
        timeline = server.ask("timeline", {"source": "remote", "interval": "week"})
        parts = [timeline["before"], *timeline["buckets"]]
        assert read_rows(section)[-1][2] == human(total(parts)["media_length"])
        for label in ("7 days", "Custom"):
            dashboard.choose(label)
            expect(section.get_by_role("alert")).to_have_count(0)
    finally:
        with connection:
            connection.execute(
                "DELETE FROM remote_media_cache WHERE media_origin = 'late.example'"
            )
        connection.close()
