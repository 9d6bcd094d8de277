"""Wrong answers: the page shows an error in the place of the answer."""

import time
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

import pytest
from browser_server import DAY_MS, Server
from dashboard_page import DashboardPage
from numbers_support import first_day
from playwright.sync_api import Route, expect
from reading import day

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_UNREADABLE = (
    "The answer was cut off, or it is not the server\N{RIGHT SINGLE QUOTATION MARK}s."
)


def _html(route: Route) -> None:
    """A proxy's own page, with status 200."""
    route.fulfill(body="<p>Sign in to the network</p>", content_type="text/html")


def _cut(route: Route) -> None:
    route.fulfill(body='{"users": [{"user_id": "@a', content_type="application/json")


def _json(body: object) -> Callable[[Route], None]:
    return lambda route: route.fulfill(json=body)


def _firewall(status: int) -> Callable[[Route], None]:
    return lambda route: route.fulfill(
        status=status, body="<p>Blocked</p>", content_type="text/html"
    )


def test_answer_that_is_none(signed_in: DashboardPage) -> None:
    page = signed_in.page
    for endpoint, wrong in (
        ("users", _html),
        ("timeline", _cut),
        ("summary", _html),
        ("reclaimable", _cut),
    ):
        page.route(f"**/v1/{endpoint}?*", wrong)
    page.get_by_role("radio", name="7 days", exact=True).check()
    users = signed_in.section("Users")
    expect(users.get_by_role("alert")).to_contain_text(_UNREADABLE)
    # The figures below are of another range, and marked.
    expect(users.locator(".content.stale")).to_have_css("outline-style", "dashed")
    expect(signed_in.section("By date").get_by_role("alert")).to_contain_text(
        _UNREADABLE
    )
    for name in ("CSV of these users", "CSV of local files: timeline"):
        button = page.get_by_role("button", name=name)
        button.click()
        expect(page.get_by_text(f"{_csv(name)}{_UNREADABLE}").first).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    for section in ("What fills the media store", "What could be deleted"):
        alert = signed_in.section(section).get_by_role("alert")
        expect(alert.first).to_contain_text(_UNREADABLE)
    page.unroute_all()
    users.get_by_role("button", name="Try again").click()
    expect(users.locator(".stale")).to_have_count(0)


def _csv(name: str) -> str:
    file = "users.csv" if "users" in name else "timeline-local.csv"
    return f"{file} could not be downloaded: "


def test_answer_of_another_shape(
    signed_in: DashboardPage, complaints: list[str]
) -> None:
    """JSON, but not of this API."""
    page = signed_in.page
    for endpoint, body in {
        "users": {"users": None, "total": 3},
        "summary": {},
        "timeline": [],
        "types": {"types": [{"media_count": "many"}, 7]},
        "servers": "text",
    }.items():
        page.route(f"**/v1/{endpoint}?*", _json(body))
    page.get_by_role("button", name="Refresh").click()
    for section in ("Users", "Servers", "By date", "What fills the media store"):
        alert = signed_in.section(section).get_by_role("alert")
        expect(alert).to_contain_text("This could not be loaded")
    # No part fails because of another one.
    page.unroute("**/v1/timeline?*")
    date = signed_in.section("By date")
    date.get_by_role("button", name="Try again").click()
    signed_in.wait_until_loaded()
    expect(date.get_by_role("alert")).to_have_count(0)
    assert all(text.startswith("Cannot show an answer") for text in complaints)
    complaints.clear()


def test_refusals_by_their_codes(signed_in: DashboardPage) -> None:
    """A firewall answers with the statuses that a server sends to an ordinary user."""
    page = signed_in.page
    for status, endpoint in ((403, "users"), (401, "servers")):
        page.route(f"**/v1/{endpoint}?*", _firewall(status))
    page.route(
        "**/v1/types?*",
        lambda route: route.fulfill(
            status=403, json={"errcode": 1020, "error": {"message": "Blocked"}}
        ),
    )
    page.route(
        "**/v1/timeline?*interval=day*",
        lambda route: route.fulfill(
            status=400, json={"errcode": "M_INVALID_PARAM", "error": "Not a time."}
        ),
    )
    page.get_by_role("radio", name="30 days", exact=True).check()
    expect(signed_in.section("Users").get_by_role("alert")).to_contain_text("403")
    expect(signed_in.section("Servers").get_by_role("alert")).to_contain_text("401")
    expect(signed_in.section("Types of files").get_by_role("alert")).to_contain_text(
        "The server answered with status 403."
    )
    expect(signed_in.section("By date").get_by_role("alert")).to_contain_text(
        "Not a time."
    )
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_figures_that_wait_are_not_told_as_others(
    signed_in: DashboardPage, server: Server
) -> None:
    """Running totals, and CSV by month, before all that they need has come."""
    page = signed_in.page
    signed_in.choose("30 days")
    date = signed_in.section("By date")
    added = date.locator(".legend").inner_text()
    held: list[Route] = []
    page.route("**/v1/timeline?*interval=month*", lambda route: held.append(route))
    with page.expect_request("**/v1/timeline?*interval=month*"):
        date.get_by_role("radio", name="Running total").check()
    # The range's own sum is not shown as the store's.
    expect(date.locator(".content")).to_have_attribute("aria-busy", "true")
    assert date.locator(".legend").inner_text() == added
    for route in held:
        route.fulfill(status=500, json={"error": "No."})
    expect(date.get_by_role("alert")).to_contain_text("No.")
    assert date.locator(".legend").inner_text() == added
    expect(date.locator(".content.stale")).to_have_count(1)

    page.unroute_all()
    signed_in.choose("Added")
    held.clear()
    page.route("**/v1/timeline?*interval=month*", lambda route: held.append(route))
    with page.expect_request("**/v1/timeline?*interval=month*"):
        date.get_by_role("radio", name="Month").check()
    with page.expect_request("**/v1/timeline?*format=csv*") as asked:
        date.get_by_role("button", name="CSV of local").click()
    assert "interval=month" in asked.value.url


def test_name_of_a_user_is_that_users(dashboard: DashboardPage, server: Server) -> None:
    """Other users may have the ID in their displaynames."""
    nobody = "@nobody:example.org"
    for user, name in (("@uni:example.org", "Ünïcode 山田"), (nobody, nobody)):
        dashboard.page.route(
            f"**/v1/users?*search_term={user.replace(':', '%3A').replace('@', '%40')}*",
            lambda route: route.fulfill(
                json={
                    "users": [
                        {"user_id": "@mallory:example.org", "displayname": "Mallory"},
                        {"user_id": "@uni:example.org", "displayname": "Ünïcode 山田"},
                    ],
                    "total": 2,
                }
            ),
        )
        # A page that has not seen the user in its table.
        dashboard.sign_in(
            server.admin.access_token, f"#users.search_term=nothing&user={user}"
        )
        expect(dashboard.page.get_by_role("dialog", name=name)).to_be_visible()
        expect(dashboard.page.get_by_role("dialog").locator("h2")).to_have_text(name)
        dashboard.page.get_by_role("button", name="Close").click()
        dashboard.page.get_by_role("button", name="Sign out").click()


def test_clock_of_the_browser_is_wrong(
    dashboard: DashboardPage, server: Server
) -> None:
    dashboard.page.add_init_script(
        "const now = Date.now; Date.now = () => now() - 400 * 24 * 60 * 60 * 1000;"
    )
    dashboard.sign_in(server.admin.access_token, "#range=30")
    expect(dashboard.section("By date").locator("canvas")).to_be_visible()
    dashboard.wait_until_loaded()
    since = {"from_ts": first_day(30), "order_by": "media_length", "dir": "b"}
    assert dashboard.owners("Users") == [
        user["user_id"] for user in server.ask("users", {**since, "limit": 10})["users"]
    ]
    dashboard.choose("Custom")
    expect(dashboard.page.get_by_label("From")).to_have_value(day(first_day(30)))


def test_waiting_for_a_turn_is_not_adding_up(signed_in: DashboardPage) -> None:
    page = signed_in.page
    held: list[Route] = []
    page.route("**/v1/*?*", lambda route: held.append(route))
    page.get_by_role("button", name="Refresh").click()
    signed_in.section("Users").get_by_role("link", name="@hostile", exact=True).click()
    types = page.get_by_role("dialog").get_by_role("region", name="Types of files")
    expect(types.locator(".note p")).to_contain_text(
        "Waiting for this page\N{RIGHT SINGLE QUOTATION MARK}s other questions for "
    )


def test_past_midnight(signed_in: DashboardPage) -> None:
    """The pages of one list are of one range. Then all parts are of the new one."""
    page = signed_in.page
    signed_in.choose("1 year")
    dialog = signed_in.open_user("hostile")

    def tomorrow(route: Route) -> None:
        answer = route.fetch(max_retries=3)
        date = formatdate(time.time() + DAY_MS / 1000, usegmt=True)
        route.fulfill(response=answer, headers={**answer.headers, "date": date})

    page.route("**/v1/**", tomorrow)
    page.evaluate("const now = Date.now; Date.now = () => now() + 86_400_000;")
    with (
        page.expect_request("**/v1/servers?*") as other,
        page.expect_request("**/v1/files?*") as more,
    ):
        dialog.get_by_role("button", name="Show more").click()
    for asked, from_ts in ((more, first_day(365)), (other, first_day(365) + DAY_MS)):
        query = parse_qs(urlsplit(asked.value.url).query)
        assert query["from_ts"] == [str(from_ts)]
    signed_in.wait_until_loaded()
