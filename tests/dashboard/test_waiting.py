"""Slow and failing requests: the page says so, and can stop them."""

import re

import pytest
from browser_server import USERS, Server
from dashboard_page import DashboardPage
from playwright.sync_api import Route, expect
from reading import DASH

pytestmark = pytest.mark.once


def test_what_is_overtaken_is_aborted(signed_in: DashboardPage) -> None:
    page = signed_in.page
    held: list[Route] = []
    page.route("**/v1/users?*search_term=tied*", lambda route: held.append(route))
    search = page.get_by_role("searchbox", name="Search for users")
    search.fill("tied")
    with page.expect_event(
        "requestfailed",
        lambda request: "search_term=tied" in request.url,
    ) as aborted:
        search.press("Enter")
        users = signed_in.section("Users").locator(".content")
        expect(users).to_have_attribute("aria-busy", "true")
        search.fill("hostile")
        search.press("Enter")

    assert aborted.value.failure == "net::ERR_ABORTED"
    signed_in.wait_until_loaded()
    assert signed_in.owners("Users") == ["@hostile:example.org"]
    for route in held:
        route.abort()


def test_few_requests_at_once(dashboard: DashboardPage, server: Server) -> None:
    held: list[Route] = []
    hold = [held.append]
    dashboard.page.route("**/v1/*?*", lambda route: hold[-1](route))
    dashboard.open()
    dashboard.submit_token(server.admin.access_token)
    dashboard.wait_until(lambda: len(held) == 4)
    # Time for more requests, if there were any.
    dashboard.page.wait_for_timeout(300)
    assert len(held) == 4
    while held:
        held.pop().continue_()
        dashboard.page.wait_for_timeout(50)
        assert len(held) <= 4
    # On a loaded machine, some come later.
    hold.append(lambda route: route.continue_())
    for route in held:
        route.continue_()
    dashboard.wait_until_loaded()


def test_failure_and_trying_again(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page
    page.route("**/v1/summary?*", lambda route: route.fulfill(status=502, body="<p>"))
    page.route("**/v1/servers?*", lambda route: route.abort())
    dashboard.sign_in(server.admin.access_token)

    store = dashboard.section("What fills the media store")
    servers = dashboard.section("Servers")
    expect(store.get_by_role("alert")).to_contain_text("502")
    expect(servers.get_by_role("alert")).to_contain_text("cannot be reached")
    # The rest of the page works.
    assert len(dashboard.owners("Users")) == 10

    page.unroute_all()
    store.get_by_role("button", name="Try again").click()
    servers.get_by_role("button", name="Try again").click()
    dashboard.wait_until_loaded()
    expect(page.get_by_role("alert").filter(has_text="could not")).to_have_count(0)
    assert len(dashboard.owners("Servers")) == 10


def test_long_work_says_so_and_can_be_stopped(signed_in: DashboardPage) -> None:
    page = signed_in.page
    held: list[Route] = []
    page.route("**/v1/users?*", lambda route: held.append(route))
    users = signed_in.section("Users")
    users.get_by_role("button", name="Next page").click()
    note = users.locator(".note")
    waits = re.compile(r"^Adding up files by user for (\d+) seconds\.$")
    expect(note.locator("p")).to_have_text(waits)
    expect(page.get_by_role("status")).to_have_text("Adding up files by user")
    first = note.locator("p").inner_text()
    expect(note.locator("p")).not_to_have_text(first)
    texts = (first, note.locator("p").inner_text())
    seconds = [int(waits.sub(r"\1", text)) for text in texts]
    assert 2 <= seconds[0] < seconds[1]

    with page.expect_event("requestfailed", lambda request: "/users?" in request.url):
        note.get_by_role("button", name="Stop").click()
    expect(note.locator("p")).to_have_text("Stopped.")
    again = note.get_by_role("button", name="Start again")
    expect(again).to_be_focused()
    expect(users.locator(".content")).to_have_attribute("aria-busy", "false")
    page.unroute_all()
    again.click()
    expect(users.locator(".where")).to_have_text(f"11{DASH}{USERS} of {USERS}")
    expect(note).to_have_count(0)


def test_busy_server_is_asked_again_when_it_says(signed_in: DashboardPage) -> None:
    page = signed_in.page
    answers: list[int] = []

    def busy(route: Route) -> None:
        answers.append(503)
        route.fulfill(
            status=503,
            headers={"Retry-After": "1"},
            json={"errcode": "M_UNKNOWN", "error": "Too many questions wait."},
        )

    page.route("**/v1/users?*", busy)
    users = signed_in.section("Users")
    users.get_by_role("button", name="Next page").click()
    expect(users.locator(".note p")).to_have_text(
        "The server is busy: Too many questions wait. Trying again in 1 second."
    )
    signed_in.wait_until(lambda: len(answers) > 1)
    page.unroute_all()
    expect(users.locator(".where")).to_have_text(f"11{DASH}{USERS} of {USERS}")
    expect(users.locator(".note")).to_have_count(0)


def test_busy_server_need_not_be_asked_again(signed_in: DashboardPage) -> None:
    page = signed_in.page
    page.route(
        "**/v1/users?*",
        lambda route: route.fulfill(
            status=503, headers={"Retry-After": "60"}, json={"error": "Busy."}
        ),
    )
    users = signed_in.section("Users")
    users.get_by_role("button", name="Next page").click()
    users.get_by_role("button", name="Stop").click()
    expect(users.locator(".note p")).to_have_text("Stopped.")
    page.unroute_all()
    users.get_by_role("button", name="Start again").click()
    expect(users.locator(".where")).to_have_text(f"11{DASH}{USERS} of {USERS}")


def test_question_that_takes_too_long(signed_in: DashboardPage) -> None:
    signed_in.page.route(
        "**/v1/users?*",
        lambda route: route.fulfill(status=503, json={"error": "It took too long."}),
    )
    users = signed_in.section("Users")
    users.get_by_role("button", name="Next page").click()
    expect(users.get_by_role("alert")).to_contain_text(
        "This could not be loaded: It took too long."
    )


def test_chart_with_too_many_parts(signed_in: DashboardPage) -> None:
    signed_in.page.route(
        "**/v1/timeline?*interval=day*",
        lambda route: route.fulfill(
            status=400,
            json={
                "errcode": "M_INVALID_PARAM",
                "error": "It would have 9,999 parts.",
            },
        ),
    )
    signed_in.page.get_by_role("radio", name="Day", exact=True).check()
    expect(signed_in.section("By date").get_by_role("alert")).to_contain_text(
        "Choose a longer interval or a shorter time range."
    )


def test_failed_download_says_why(signed_in: DashboardPage) -> None:
    signed_in.page.route(
        "**/v1/users?*format=csv",
        lambda route: route.fulfill(status=503, json={"error": "Busy."}),
    )
    users = signed_in.section("Users")
    users.get_by_role("button", name="CSV").click()
    said = "users.csv could not be downloaded: Busy."
    expect(users.get_by_text(said)).to_be_visible()
    expect(signed_in.page.get_by_role("status")).to_have_text(said)
    signed_in.page.unroute_all()
    with signed_in.page.expect_download():
        users.get_by_role("button", name="CSV").click()
    expect(users.get_by_text(said)).to_have_count(0)
