"""Typing, and the keyboard's focus."""

import re

import pytest
from browser_server import Server
from dashboard_page import DashboardPage
from playwright.sync_api import Page, Request, Route, expect

pytestmark = [pytest.mark.once, pytest.mark.any_database]


def test_dates_can_be_typed(signed_in: DashboardPage) -> None:
    """A browser reports a date after every digit."""
    page = signed_in.page
    signed_in.choose("Custom")
    windows: list[str] = []

    def note(request: Request) -> None:
        if "/v1/users" in request.url:
            windows.append(request.url)

    page.on("request", note)
    # Timers are slow, so that no pause between two keys is too long.
    page.evaluate(
        "() => { window.usual = setTimeout;"
        " window.setTimeout = (work, ms) => usual(work, 100 * ms); }"
    )
    since = page.get_by_label("From")
    since.focus()
    # Month, day and year, in the order of this browser.
    page.keyboard.type("05052024")
    expect(since).to_have_value("2024-05-05")
    page.keyboard.press("Tab")
    page.get_by_label("to", exact=True).focus()
    page.wait_for_url(re.compile("from=2024-05-05"))
    signed_in.wait_until_loaded()
    # No request was made for an incomplete range, such as an open one.
    assert len(windows) == 1
    page.evaluate("() => { window.setTimeout = usual; }")
    # Half a date is no date, and stays for the other half.
    since.focus()
    page.keyboard.type("0")
    page.wait_for_timeout(800)
    assert "from=2024-05-05" in page.url
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("from=2024-03-05"))


def test_no_letter_of_a_search_is_lost(signed_in: DashboardPage) -> None:
    page = signed_in.page
    users = signed_in.section("Users")
    search = users.get_by_role("searchbox")
    search.press_sequentially("tied")
    # At once, and not after the pause for further letters.
    users.get_by_role("button", name="User", exact=True).click()
    expect(search).to_have_value("tied")
    signed_in.wait_until_loaded()
    assert "users.search_term=tied" in page.url
    assert "users.order_by=user_id" in page.url

    # Search, Back, Search: two entries of the history, the first still there.
    page.go_back()
    page.go_back()
    expect(search).to_have_value("")
    search.fill("hostile")
    page.wait_for_url(re.compile("search_term=hostile"))
    page.go_back()
    expect(search).to_have_value("")
    search.fill("uni")
    page.wait_for_url(re.compile("search_term=uni"))
    page.go_back()
    expect(search).to_have_value("")
    assert "search_term" not in page.url

    # Once the field is left, the next search is a step of its own.
    search.fill("hostile")
    page.wait_for_url(re.compile("search_term=hostile"))
    search.blur()
    search.fill("uni")
    page.wait_for_url(re.compile("search_term=uni"))

    # Unchanged input is no step. No later entry is there, which a step would replace.
    before = page.evaluate("history.length")
    search.press("Enter")
    page.get_by_role("radio", name="All time").dispatch_event("change")
    assert page.evaluate("history.length") == before
    page.go_back()
    expect(search).to_have_value("hostile")


def test_focus_stays(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    section = page.get_by_role("region", name="Duplicates")
    section.get_by_role("button", name="Look for duplicates").press("Enter")
    expect(section.get_by_role("heading")).to_be_focused()
    users = signed_in.section("Users")
    page.route("**/v1/users?*", lambda route: route.abort())
    users.get_by_role("button", name="Next page").press("Enter")
    again = users.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute_all()
    again.press("Enter")
    signed_in.wait_until_loaded()
    expect(users.get_by_role("heading")).to_be_focused()
    users.get_by_role("button", name="First page").click()
    signed_in.wait_until_loaded()

    # The end of a list removes the button that loaded it.
    dialog = signed_in.open_user("hostile")
    files = dialog.get_by_role("region", name="Files", exact=True)
    files.get_by_role("button", name="Show more").press("Enter")
    expect(files.locator("tbody tr").nth(20)).to_be_focused()

    # Opened by its address, the dialog returns the focus to the user's row.
    page.goto(f"{signed_in.url}#user=@uni:example.org")
    page.reload()
    expect(dialog).to_be_visible()
    signed_in.wait_until_loaded()
    page.keyboard.press("Escape")
    expect(users.get_by_role("link", name="@uni", exact=True)).to_be_focused()
    page.goto(f"{signed_in.url}#server_name=nowhere.example")
    page.reload()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    heading = signed_in.section("Servers").get_by_role("heading")
    expect(heading).to_be_focused()


def test_focus_is_never_hidden(signed_in: DashboardPage) -> None:
    """Goes through the page backwards: no fixed part may cover the focus."""
    page = signed_in.page
    page.set_viewport_size({"width": 1280, "height": 600})
    page.get_by_role("button", name="CSV of files").focus()
    seen = 0
    for _ in range(150):
        page.keyboard.press("Shift+Tab")
        covered, is_first = page.evaluate(_COVERED)
        assert not covered, covered
        seen += 1
        if is_first:
            break
    assert seen > 60


_COVERED = """() => {
  const focused = document.activeElement;
  const target = focused.closest("label") ?? focused;
  const {left, right, top, bottom} = target.getBoundingClientRect();
  const at = document.elementFromPoint((left + right) / 2, Math.max(top, 0) + 2);
  const bar = at?.closest(".range, .navigation");
  const covered = bar && !bar.contains(focused) ? focused.outerHTML.slice(0, 80) : "";
  return [covered, focused.matches(".refresh")];
}"""


def test_nothing_jumps_while_loading(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page
    page.set_viewport_size({"width": 1440, "height": 900})
    held: list[Route] = []
    holds = True
    page.route(
        "**/v1/*?*",
        lambda route: held.append(route) if holds else route.continue_(),
    )
    dashboard.open()
    dashboard.submit_token(server.admin.access_token)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    # There are no pages yet.
    for name in ("Next page", "Last page", "First page"):
        button = dashboard.section("Users").get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "true")
    before = _tops(page)
    holds = False
    for route in held:
        route.continue_()
    dashboard.wait_until_loaded()
    after = _tops(page)
    for name in ("users", "servers", "timeline", "types"):
        assert abs(before[name] - after[name]) < 120, (before, after)


def _tops(page: Page) -> dict[str, float]:
    tops: dict[str, float] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('main section')]"
        ".map(each => [each.className, each.getBoundingClientRect().top]))"
    )
    return tops
