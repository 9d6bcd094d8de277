"""Every view has an address: links, Reload, Back and Forward."""

import re

import pytest
from browser_server import Server
from dashboard_page import DashboardPage
from playwright.sync_api import expect
from reading import DASH

pytestmark = pytest.mark.once

_VIEW = (
    "#range=90&interval=week&mode=total&measure=media_count&users.search_term=e"
    "&users.order_by=user_id&users.dir=b&users.limit=25&servers.from=10"
)


def test_view_goes_into_the_address(signed_in: DashboardPage) -> None:
    page = signed_in.page
    assert page.url == signed_in.url
    for label in ("90 days", "Week", "Running total"):
        signed_in.choose(label)
    signed_in.section("By date").get_by_role("radio", name="Files").check()
    users = signed_in.section("Users")
    users.get_by_role("searchbox").fill("e")
    users.get_by_role("searchbox").press("Enter")
    users.get_by_role("button", name="User", exact=True).click()
    users.get_by_role("button", name="User", exact=True).click()
    users.get_by_label("Rows").select_option("25")
    signed_in.wait_until_loaded()
    signed_in.section("Servers").get_by_role("button", name="Next page").click()
    signed_in.wait_until_loaded()

    assert page.url == signed_in.url + _VIEW


def test_link_opens_the_view_after_signing_in(
    dashboard: DashboardPage, server: Server
) -> None:
    dashboard.sign_in(server.admin.access_token, _VIEW)
    _expect_view(dashboard, server)
    dashboard.page.reload()
    dashboard.wait_until_loaded()
    _expect_view(dashboard, server)


def _expect_view(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page
    assert page.url == dashboard.url + _VIEW
    for label in ("90 days", "Week", "Running total", "Files"):
        expect(page.get_by_role("radio", name=label, exact=True)).to_be_checked()
    users = dashboard.section("Users")
    expect(users.get_by_role("searchbox")).to_have_value("e")
    expect(users.get_by_label("Rows")).to_have_value("25")
    expect(users.locator("th[aria-sort]")).to_have_text("User")
    expect(users.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    expect(dashboard.section("Servers").locator(".where")).to_contain_text(f"11{DASH}")


def test_expired_token_loses_nothing(dashboard: DashboardPage, server: Server) -> None:
    token = server.log_in().access_token
    dashboard.sign_in(token, _VIEW)
    server.log_out(token)
    dashboard.page.get_by_role("button", name="Refresh").click()
    expect(dashboard.complaint()).to_contain_text("no longer accepts")
    dashboard.submit_token(server.admin.access_token)
    dashboard.wait_until_loaded()
    _expect_view(dashboard, server)


def test_back_and_forward(signed_in: DashboardPage) -> None:
    page = signed_in.page
    users = signed_in.section("Users")
    search = users.get_by_role("searchbox")
    signed_in.choose("30 days")
    signed_in.choose("All time")
    users.get_by_role("button", name="Next page").click()
    signed_in.wait_until_loaded()
    search.press_sequentially("tied", delay=400)
    page.wait_for_url(re.compile("search_term=tied"))
    signed_in.wait_until_loaded()
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of 14")

    # A search is one step, however many letters it has.
    page.go_back()
    signed_in.wait_until_loaded()
    expect(search).to_have_value("")
    expect(users.locator(".where")).to_contain_text(f"11{DASH}")
    page.go_back()
    signed_in.wait_until_loaded()
    expect(users.locator(".where")).to_contain_text(f"1{DASH}10")
    page.go_back()
    signed_in.wait_until_loaded()
    expect(page.get_by_role("radio", name="30 days", exact=True)).to_be_checked()
    page.go_forward()
    page.go_forward()
    page.go_forward()
    signed_in.wait_until_loaded()
    expect(search).to_have_value("tied")
    expect(users.locator(".where")).to_have_text(f"1{DASH}10 of 14")


def test_back_closes_the_dialog(signed_in: DashboardPage) -> None:
    page = signed_in.page
    signed_in.choose("90 days")
    dialog = signed_in.open_user("hostile")
    assert page.url.endswith("#range=90&user=@hostile:example.org")
    dialog.get_by_label("Order of the files").select_option("Oldest first")
    page.go_back()
    expect(dialog).to_be_hidden()
    assert page.url.endswith("#range=90")
    page.go_forward()
    expect(dialog.get_by_label("Order of the files")).to_have_value("created_ts f")

    # Closing it goes back, so Back does not open it again.
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.wait_for_url("**/#range=90")
    page.go_back()
    page.wait_for_url(signed_in.url)
    expect(dialog).to_be_hidden()


def test_link_opens_a_user(dashboard: DashboardPage, server: Server) -> None:
    dashboard.sign_in(server.admin.access_token, "#user=@uni:example.org")
    dialog = dashboard.page.get_by_role("dialog", name="Ünïcode 山田")
    expect(dialog.locator(".id")).to_have_text("@uni:example.org")
    dashboard.page.reload()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    assert dashboard.page.url == dashboard.url


def test_link_opens_a_server(dashboard: DashboardPage, server: Server) -> None:
    dashboard.sign_in(server.admin.access_token, "#server_name=s01.example")
    dialog = dashboard.page.get_by_role("dialog", name="s01.example")
    dashboard.wait_until_loaded()
    expect(dialog.locator(".files tbody tr")).to_have_count(3)


def test_link_with_nonsense(dashboard: DashboardPage, server: Server) -> None:
    dashboard.sign_in(
        server.admin.access_token,
        "#range=8&interval=year&users.order_by=constructor&users.from=-1"
        "&users.limit=7&servers.dir=x&files=all&%%%&mode&files.min_length=large"
        "&files.unread=long&files.quarantined=maybe&files.url_preview=2&at=nowhere",
    )
    for label, shown in (
        ("At least", "Any size"),
        ("Not read for", "Any time"),
        ("Quarantined", "Yes or no"),
    ):
        chosen = dashboard.section("Files").get_by_label(label)
        expect(chosen.locator("option:checked")).to_have_text(shown)
    expect(dashboard.page.get_by_role("radio", name="All time")).to_be_checked()
    expect(dashboard.page.get_by_role("alert").filter(has_text="could")).to_have_count(
        0
    )
    expect(dashboard.section("Users").locator(".where")).to_contain_text(f"1{DASH}10")
