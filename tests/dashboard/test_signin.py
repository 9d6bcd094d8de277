"""Signing in with passwords and tokens, and who may see the dashboard."""

import json

import pytest
from browser_server import Server
from dashboard_page import DashboardPage, MakePage
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.once


def test_sign_in_with_password(
    dashboard: DashboardPage, make_page: MakePage, server: Server
) -> None:
    dashboard.open()
    dashboard.submit_password("admin", "wrong")
    expect(dashboard.complaint()).to_have_text(
        "The user name or the password is wrong."
    )
    expect(dashboard.page.get_by_label("Password", exact=True).last).to_be_focused()
    assert dashboard.stored() == {}

    dashboard.submit_password("admin", server.admin.password)
    expect(dashboard.page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()

    # In this tab only, and only the user and the token.
    assert dashboard.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    (kept,) = dashboard.stored().values()
    session = json.loads(kept)
    assert session["userId"] == server.admin.user_id
    assert server.admin.password not in kept

    # It is still there after a reload, and in no other tab.
    dashboard.page.reload()
    dashboard.wait_until_loaded()
    other = make_page()
    other.open()
    expect(other.page.get_by_label("User name")).to_be_focused()

    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.get_by_label("User name")).to_be_focused()
    assert dashboard.stored() == {}
    dashboard.wait_until(lambda: not server.accepts(session["token"]))


def test_sign_in_with_token(dashboard: DashboardPage, server: Server) -> None:
    dashboard.open()
    dashboard.submit_token("nonsense")
    expect(dashboard.complaint()).to_have_text(
        "The server does not know this access token."
    )
    assert dashboard.stored() == {}

    token = server.log_in().access_token
    dashboard.submit_token(token)
    expect(dashboard.page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.get_by_label("User name")).to_be_focused()

    # The page did not make this token, and does not end it.
    assert dashboard.stored() == {}
    assert server.accepts(token)


def test_others_are_refused(dashboard: DashboardPage, server: Server) -> None:
    refusal = "This account is not an administrator of this server"
    dashboard.open()
    with dashboard.page.expect_response(
        lambda response: (
            response.url.endswith("/v3/login") and response.request.method == "POST"
        )
    ) as login:
        dashboard.submit_password("ordinary", server.ordinary.password)
    made = login.value.json()["access_token"]
    expect(dashboard.complaint()).to_contain_text(refusal)
    assert dashboard.stored() == {}
    # A token that is not used is revoked.
    dashboard.wait_until(lambda: not server.accepts(made))

    dashboard.submit_token(server.ordinary.access_token)
    expect(dashboard.complaint()).to_contain_text(refusal)
    assert dashboard.stored() == {}
    assert server.accepts(server.ordinary.access_token)


def test_401_in_the_middle(dashboard: DashboardPage, server: Server) -> None:
    token = server.log_in().access_token
    dashboard.sign_in(token)
    server.log_out(token)
    dashboard.section("Users").get_by_role("button", name="Next page").click()

    expect(dashboard.complaint()).to_have_text(
        "The server no longer accepts this sign-in. Please sign in again."
    )
    assert dashboard.stored() == {}
    # The page shows no data any more.
    assert "tied" not in dashboard.page.content()


def test_401_when_loaded_again(dashboard: DashboardPage, server: Server) -> None:
    token = server.log_in().access_token
    dashboard.sign_in(token)
    server.log_out(token)
    dashboard.page.reload()

    expect(dashboard.complaint()).to_contain_text("no longer accepts")
    assert dashboard.stored() == {}


def test_no_longer_an_admin(dashboard: DashboardPage, server: Server) -> None:
    dashboard.sign_in(server.admin.access_token)
    dashboard.page.route(
        "**/v1/users?*",
        lambda route: route.fulfill(
            status=403,
            json={"errcode": "M_FORBIDDEN", "error": "You are not a server admin"},
        ),
    )
    dashboard.page.get_by_role("button", name="Refresh").click()

    expect(dashboard.complaint()).to_contain_text("not an administrator")
    assert dashboard.stored() == {}


def test_deactivated_admin(dashboard: DashboardPage) -> None:
    def refuse(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json={"flows": [{"type": "m.login.password"}]})
            return
        words = "This account has been deactivated"
        body = {"errcode": "M_USER_DEACTIVATED", "error": words}
        route.fulfill(status=403, json=body)

    dashboard.page.route("**/_matrix/client/v3/login", refuse)
    dashboard.open()
    dashboard.submit_password("admin", "whatever")
    expect(dashboard.complaint()).to_have_text("This account has been deactivated")


def test_too_many_attempts(dashboard: DashboardPage) -> None:
    def refuse(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json={"flows": [{"type": "m.login.password"}]})
            return
        body = {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 9500}
        route.fulfill(status=429, json=body)

    dashboard.page.route("**/_matrix/client/v3/login", refuse)
    dashboard.open()
    dashboard.submit_password("admin", "whatever")
    expect(dashboard.complaint()).to_have_text(
        "Too many attempts. Please try again in 10 seconds."
    )
