"""Access for all: keyboard, screen readers, small screens, and reverse proxies."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]
    Axe,
)
from browser_server import PATH, USERS, Server
from dashboard_page import DashboardPage, open_numbers
from playwright.sync_api import Page, Route, expect
from reading import DASH

pytestmark = pytest.mark.once


def test_behind_a_proxy_with_a_path_of_its_own(
    dashboard: DashboardPage, server: Server
) -> None:
    base = server.homeserver.base_url
    asked: list[str] = []

    def proxy(route: Route) -> None:
        asked.append(route.request.url)
        url = route.request.url.replace("/sub/path/", "/", 1)
        answer = route.fetch(url=url, max_retries=3)
        route.fulfill(response=answer)

    dashboard.page.route(f"{base}/sub/path/**", proxy)
    dashboard.url = f"{base}/sub/path{PATH}/"
    dashboard.open()
    dashboard.submit_password("admin", server.admin.password)
    expect(dashboard.page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.get_by_label("User name")).to_be_focused()

    for path in (f"{PATH}/v1/users", "/_matrix/client/v3/login"):
        assert any(f"{base}/sub/path{path}" in url for url in asked)


def test_by_keyboard_alone(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page
    keyboard = page.keyboard
    dashboard.open()
    expect(page.get_by_label("User name")).to_be_focused()
    keyboard.type("admin")
    keyboard.press("Tab")
    keyboard.type(server.admin.password)
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    dashboard.wait_until_loaded()

    _tab_to(page, '[name="range"]')
    keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="7 days")).to_be_checked()
    keyboard.press("ArrowLeft")
    dashboard.wait_until_loaded()
    _tab_to(page, ".users th:first-child .sort")
    keyboard.press("Enter")
    dashboard.wait_until_loaded()
    assert dashboard.owners("Users")[0] == "@backwards:example.org"
    _tab_to(page, ".users .open")
    keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dashboard.wait_until_loaded()
    # The page below cannot be reached until the dialog is closed.
    for _ in range(12):
        keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.querySelector('dialog').contains(document.activeElement)"
        )
    keyboard.press("Escape")
    expect(page.locator(".users .open").first).to_be_focused()


# What a screen reader lists: each name with the addresses or elements that have it.
_NAMES = """
  () => {
    const found = {};
    for (const each of document.querySelectorAll("button, a, summary")) {
      const name = each.ariaLabel ?? each.innerText.trim();
      if (each.getClientRects().length > 0) {
        (found[name] ??= new Set()).add(each.href ?? each);
      }
    }
    return Object.keys(found).filter(name => found[name].size > 1);
  }
"""


def test_screen_reader_is_told(signed_in: DashboardPage) -> None:
    status = signed_in.page.get_by_role("status")
    section = signed_in.section("What could be deleted")
    section.get_by_text("The files").click()
    expect(section.locator(".list tbody tr")).not_to_have_count(0)
    # The file with the long name is in two lists.
    (twice,) = signed_in.page.evaluate(_NAMES)
    assert twice.startswith("Show whole name: long")
    signed_in.section("Users").get_by_role("button", name="Next page").click()
    expect(status).to_have_text(f"Users: 11{DASH}{USERS} of {USERS}")
    for table in signed_in.page.get_by_role("table").all():
        assert table.locator("caption").inner_text()


def test_narrow(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page

    def assert_fits() -> None:
        for width in (240, 280, 320, 400):
            page.set_viewport_size({"width": width, "height": 700})
            assert page.evaluate(
                "document.scrollingElement.scrollWidth <= innerWidth"
                " && [...document.querySelectorAll('dialog')]"
                ".every(dialog => dialog.scrollWidth <= dialog.clientWidth)"
            ), width

    dashboard.open()
    assert_fits()
    dashboard.sign_in(server.admin.access_token, "#files=media_length+b")
    page.get_by_role("radio", name="Custom").check()
    dashboard.wait_until_loaded()
    assert_fits()
    dashboard.section("Users").get_by_role("link", name="@hostile", exact=True).click()
    dashboard.wait_until_loaded()
    assert_fits()


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1280)])
def test_axe_finds_nothing(
    dashboard: DashboardPage,
    server: Server,
    scheme: Literal["light", "dark"],
    width: int,
) -> None:
    page = dashboard.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    dashboard.open()
    dark = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128"
    )
    assert dark is (scheme == "dark")
    assert _violations(page) == []
    dashboard.submit_password("admin", "wrong")
    expect(dashboard.complaint()).to_be_visible()
    assert _violations(page) == []

    dashboard.sign_in(server.admin.access_token, "#reclaimable=90&files=media_length+b")
    page.get_by_role("button", name="Look for duplicates").click()
    open_numbers(dashboard.section("By date"))
    dashboard.choose("Custom")
    assert _violations(page) == []

    # Slow, busy, failed or stopped parts.
    held: list[Route] = []
    page.route("**/v1/users?*", lambda route: held.append(route))
    page.route(
        "**/v1/servers?*",
        lambda route: route.fulfill(
            status=503, headers={"Retry-After": "60"}, json={"error": "Busy."}
        ),
    )
    page.route("**/v1/types?*", lambda route: route.abort())
    page.route("**/v1/summary?*", lambda route: held.append(route))
    page.get_by_role("button", name="Refresh").click()
    summary = dashboard.section("What fills the media store")
    summary.get_by_role("button", name="Stop").first.click()
    expect(dashboard.section("Users").locator(".note.slow")).to_be_visible()
    expect(dashboard.section("Servers").locator(".note.busy")).to_be_visible()
    expect(dashboard.section("Types of files").get_by_role("alert")).to_be_visible()
    assert _violations(page) == []
    page.unroute_all()
    page.reload()
    dashboard.wait_until_loaded()

    dashboard.open_user("backwards")
    assert _violations(page) == []


def test_printed(dashboard: DashboardPage, server: Server) -> None:
    """On A4, from a dark screen: everything, on light paper, with its colours."""
    page = dashboard.page
    page.emulate_media(color_scheme="dark")
    dashboard.sign_in(server.admin.access_token, "#range=30")
    page.set_viewport_size({"width": 718, "height": 1000})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    section = dashboard.section("By date")
    fits = "element => element.getBoundingClientRect().right <= innerWidth"
    assert section.locator("canvas").evaluate(fits)
    # The axis is dark on light paper.
    darkest = section.locator("canvas").evaluate(
        "canvas => Math.min(...canvas.getContext('2d').getImageData("
        "0, 0, canvas.width, canvas.height).data.filter("
        "(value, index, data) => index % 4 === 0 && data[index + 3] === 255))"
    )
    assert darkest < 100
    for selector in (".segment", ".swatch"):
        part = page.locator(selector).first
        expect(part).to_have_css("print-color-adjust", "exact")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(page.get_by_role("radio", name="30 days", exact=True)).to_be_visible()
    expect(page.get_by_role("radio", name="90 days", exact=True)).to_be_hidden()

    # A dialog is printed alone, completely.
    page.emulate_media(media="screen")
    dashboard.section("Users").locator(".open").first.click()
    dashboard.wait_until_loaded()
    page.emulate_media(media="print")
    expect(page.locator("main")).to_be_hidden()
    dialog = page.get_by_role("dialog")
    assert dialog.evaluate("dialog => dialog.scrollHeight - dialog.offsetHeight") <= 1


def test_colours_of_the_system(signed_in: DashboardPage) -> None:
    """Colours with a meaning stay if the system has its own colours."""
    page = signed_in.page
    page.emulate_media(forced_colors="active")
    for part in (".segment", ".parts .swatch", ".legend .swatch", ".meter span"):
        colours = page.locator(f"main {part}").evaluate_all(
            "all => all.map(each => getComputedStyle(each).backgroundColor)"
        )
        assert colours, part
        assert not {"rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"} & set(colours), part


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("where => document.activeElement.matches(where)", selector):
            return
    raise AssertionError(f"The keyboard does not reach {selector}")


def _violations(page: Page) -> list[str]:
    # Colours in a transition do not count.
    page.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")
    found = Axe().run(page).response["violations"]
    return [f"{violation['impact']}: {violation['help']}" for violation in found]
