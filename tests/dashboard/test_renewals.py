"""Expiring tokens: a session is renewed or ended, in one tab or two.

The issuer is a fake, whose answers the tests choose. test_signin_elsewhere.py has a
real one.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from browser_server import Server
from dashboard_page import DashboardPage, MakePage
from playwright.sync_api import BrowserContext, Route, expect

pytestmark = [pytest.mark.once, pytest.mark.any_database]

_FORM_SAYS = "The server no longer accepts this sign-in. Please sign in again."


class MadeUpIssuer:
    """Exchanges refresh tokens for tokens of the admin.

    Attributes:
        used: the refresh tokens that were exchanged.
        revoked: the revoked tokens.
        answers: `new` tokens, `same` refresh token, `refuses`, is `broken`, or `holds`
            the requests back.
        held: those.
    """

    def __init__(self, server: Server) -> None:
        self.used: list[str] = []
        self.revoked: list[str] = []
        self.answers = "new"
        self.held: list[Route] = []
        self._server = server
        self._base = f"{server.homeserver.base_url}/made_up"

    def session(self, token: str = "expired") -> dict[str, str]:
        """The data that a tab stores after signing in with this issuer."""
        kept = {
            "id": "session",
            "token": token,
            "userId": "@admin:example.org",
            "ours": True,
            "client": {
                "client_id": "client",
                "token_endpoint": f"{self._base}/token",
                "revocation_endpoint": f"{self._base}/revoke",
            },
            "refreshToken": "refresh 0",
            "renewals": 0,
        }
        return {"media_stats": json.dumps(kept)}

    def answer(self, route: Route) -> None:
        form = parse_qs(route.request.post_data or "")
        if route.request.url.endswith("/revoke"):
            self.revoked += form["token"]
            route.fulfill(json={})
            return
        self.used += form["refresh_token"]
        if self.answers == "refuses":
            route.fulfill(status=400, json={"error": "invalid_grant"})
        elif self.answers == "broken":
            route.fulfill(status=502, body="<p>")
        elif self.answers == "holds":
            self.held.append(route)
        else:
            self.give_tokens(route)

    def give_tokens(self, route: Route) -> None:
        tokens = {"access_token": self._server.log_in().access_token}
        if self.answers != "same":
            tokens["refresh_token"] = f"refresh {len(self.used)}"
        route.fulfill(json=tokens)


@pytest.fixture
def issuer(context: BrowserContext, server: Server) -> Iterator[MadeUpIssuer]:
    issuer = MadeUpIssuer(server)
    context.route("**/made_up/*", issuer.answer)
    yield issuer
    context.unroute("**/made_up/*")


def _kept(dashboard: DashboardPage) -> dict[str, Any]:
    session: dict[str, Any] = json.loads(dashboard.stored()["media_stats"])
    return session


@pytest.mark.parametrize("answers", ["new", "same"])
def test_tokens_are_renewed_again_and_again(
    dashboard: DashboardPage, server: Server, issuer: MadeUpIssuer, answers: str
) -> None:
    """The issuer may give a new refresh token each time, or keep the first."""
    issuer.answers = answers
    dashboard.come_back(issuer.session())
    seen = {"expired"}
    for _ in range(2):
        token = _kept(dashboard)["token"]
        assert token not in seen
        seen.add(token)
        server.log_out(token)
        dashboard.page.get_by_role("button", name="Refresh").click()
        dashboard.wait_until_loaded()
        alerts = dashboard.page.get_by_role("alert").filter(has_text="could not")
        expect(alerts).to_have_count(0)
    assert _kept(dashboard)["token"] not in seen
    assert issuer.used == (
        ["refresh 0"] * 3
        if answers == "same"
        else ["refresh 0", "refresh 1", "refresh 2"]
    )
    assert issuer.revoked == []


def test_renewal_that_is_refused(
    make_page: MakePage, server: Server, issuer: MadeUpIssuer
) -> None:
    token = server.log_in().access_token
    # A duplicate that sleeps in the background may have good tokens.
    dashboard, asleep = make_page(), make_page()
    asleep.come_back(issuer.session())
    dashboard.come_back(issuer.session(token))
    server.log_out(token)
    issuer.used.clear()
    asleep.page.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    # Without an answer, nothing has ended.
    issuer.answers = "broken"
    dashboard.page.get_by_role("button", name="Refresh").click()
    users = dashboard.section("Users")
    expect(users.get_by_role("alert")).to_contain_text("502")
    dashboard.wait_until_loaded()
    assert _kept(dashboard)["token"] == token

    issuer.answers = "refuses"
    users.get_by_role("button", name="Try again").click()
    expect(dashboard.complaint()).to_have_text(_FORM_SAYS)
    assert dashboard.stored() == {}
    assert issuer.used == ["refresh 0"] * len(issuer.used) != []
    asleep.page.get_by_role("button", name="Refresh").click()
    asleep.wait_until_loaded()
    expect(asleep.page.get_by_role("button", name="Sign out")).to_be_visible()
    assert issuer.revoked == []


def test_signing_out_during_a_renewal(
    dashboard: DashboardPage, server: Server, issuer: MadeUpIssuer
) -> None:
    token = server.log_in().access_token
    dashboard.come_back(issuer.session(token))
    server.log_out(token)
    issuer.answers = "holds"
    page = dashboard.page
    with page.expect_request("**/made_up/token"):
        page.get_by_role("button", name="Refresh").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    # The answer comes late. Its tokens are revoked at once, too.
    with page.expect_request(
        lambda request: (
            request.url.endswith("/made_up/revoke")
            and "refresh+1" in (request.post_data or "")
        )
    ):
        issuer.give_tokens(issuer.held.pop())
    assert dashboard.stored() == {}
    page.reload()
    expect(page.get_by_label("User name")).to_be_visible()


def test_two_tabs_with_one_session(
    make_page: MakePage, server: Server, issuer: MadeUpIssuer
) -> None:
    """A duplicate of a tab has its refresh token, too, which works once."""
    token = server.log_in().access_token
    tabs = [make_page(), make_page()]
    for tab in tabs:
        tab.come_back(issuer.session(token))
    server.log_out(token)
    for tab in tabs:
        tab.page.get_by_role("button", name="Refresh").click()
    for tab in tabs:
        tab.wait_until_loaded()
        expect(tab.page.get_by_role("button", name="Sign out")).to_be_visible()
    assert issuer.used == ["refresh 0"]
    assert _kept(tabs[0]) == _kept(tabs[1])

    # The tokens that one tab has from the other may have expired since.
    for tab in tabs:
        server.log_out(_kept(tabs[0])["token"])
        tab.page.get_by_role("button", name="Refresh").click()
        tab.wait_until_loaded()
        expect(tab.page.get_by_role("button", name="Sign out")).to_be_visible()
    assert issuer.used == ["refresh 0", "refresh 1", "refresh 2"]

    # A session that was signed out stays signed out.
    tabs[1].page.get_by_role("button", name="Sign out").click()
    expect(tabs[0].complaint()).to_have_text("You have signed out in another tab.")
    assert tabs[0].stored() == tabs[1].stored() == {}


def test_answer_of_another_issuer(dashboard: DashboardPage, server: Server) -> None:
    """The state is right, but the answer names another issuer."""
    asked: list[str] = []
    page = dashboard.page
    page.on("request", lambda request: asked.append(request.method))
    dashboard.open()
    page.evaluate(
        """sessionStorage.setItem('media_stats_redirect', JSON.stringify({
          how: "oauth", state: "mine", issuer: "https://issuer.example",
          token_endpoint: `${location.origin}/made_up/token`, fragment: "#range=30",
          left: Date.now(),
        }))"""
    )
    page.goto(
        f"{server.url}?again#state=mine&code=code&iss=https%3A%2F%2Fother.example"
    )
    expect(dashboard.complaint()).to_have_text(
        "This answer belongs to another sign-in. Please sign in again."
    )
    assert "POST" not in asked
    assert dashboard.stored() == {}
    assert page.url == f"{server.url}#range=30"


def test_without_https(
    dashboard: DashboardPage, server: Server, allowed_origins: set[str]
) -> None:
    """OAuth 2.0 needs HTTPS, except on this computer; signing in by token does not."""
    page = dashboard.page
    elsewhere = "http://matrix.example"
    allowed_origins.add(elsewhere)
    page.route(
        f"{elsewhere}/**",
        lambda route: _fulfil_from(route, elsewhere, server.homeserver.base_url),
    )
    page.route(
        "**/v1/auth_metadata",
        lambda route: route.fulfill(json={"issuer": "https://issuer.example/"}),
    )
    dashboard.url = server.url.replace(server.homeserver.base_url, elsewhere)
    dashboard.open()
    page.get_by_role("button", name="Continue with issuer.example").click()
    expect(dashboard.complaint()).to_contain_text("needs HTTPS")
    dashboard.submit_token(server.admin.access_token)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    dashboard.wait_until_loaded()
    # There is no clipboard, either.
    section = dashboard.section("What could be deleted")
    copy = section.get_by_role("button", name="deletes these local files")
    copy.click()
    expect(copy).to_have_text("Selected")
    selected = page.evaluate("getSelection().toString()")
    assert "media/delete?before_ts=" in selected


def _fulfil_from(route: Route, elsewhere: str, base_url: str) -> None:
    url = route.request.url.replace(elsewhere, base_url)
    answer = route.fetch(url=url, max_retries=3)
    # Without HTTPS, browsers complain about it.
    ignored = "cross-origin-opener-policy"
    headers = {k: v for k, v in answer.headers.items() if k.lower() != ignored}
    route.fulfill(response=answer, headers=headers)


@pytest.mark.parametrize(
    "storage",
    [
        "Object.defineProperty(window, 'sessionStorage', "
        "{get() { throw new DOMException('blocked', 'SecurityError'); }});"
        # As Firefox does then.
        "window.BroadcastChannel = class "
        "{ constructor() { throw new DOMException('blocked', 'SecurityError'); } }",
        "Storage.prototype.setItem = () => "
        "{ throw new DOMException('full', 'QuotaExceededError'); }",
    ],
    ids=["blocked", "full"],
)
def test_browser_that_keeps_nothing(
    dashboard: DashboardPage, server: Server, storage: str
) -> None:
    page = dashboard.page
    page.add_init_script(storage)
    page.route(
        "**/_matrix/client/v3/login",
        lambda route: route.fulfill(json={"flows": [{"type": "m.login.sso"}]}),
    )
    dashboard.open()
    page.get_by_role("button", name="Continue with single sign-on").click()
    expect(dashboard.complaint()).to_contain_text("keep data for this page")
    page.get_by_label("Access token of an administrator").fill(
        server.admin.access_token
    )
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    dashboard.wait_until_loaded()
    assert len(dashboard.owners("Users")) == 10


def test_answers_of_a_proxy(dashboard: DashboardPage, server: Server) -> None:
    """A proxy's page, with status 200, in place of the server's metadata."""
    for path in ("v1/auth_metadata", "v3/login"):
        dashboard.page.route(
            f"**/_matrix/client/{path}",
            lambda route: route.fulfill(body="<p>", content_type="text/html"),
        )
    dashboard.open()
    dashboard.submit_token(server.admin.access_token)
    expect(dashboard.page.get_by_role("button", name="Sign out")).to_be_visible()


def test_server_that_does_not_answer(dashboard: DashboardPage, server: Server) -> None:
    """The form is there after a while, and signs in one person at a time."""
    page = dashboard.page
    page.add_init_script(
        "const timeout = AbortSignal.timeout.bind(AbortSignal);"
        "AbortSignal.timeout = (ms) => timeout(ms / 10);"
    )
    held: list[Route] = []
    page.route("**/_matrix/client/v3/login", lambda route: held.append(route))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    dashboard.open()
    expect(page.get_by_text("Asking the server how to sign in")).to_be_visible()
    dashboard.submit_password("admin", "whatever")
    expect(page.get_by_role("button", name="Signing in")).to_be_visible()
    dashboard.submit_token(server.admin.access_token)
    held.pop().fulfill(status=403, json={"errcode": "M_FORBIDDEN", "error": "No."})
    expect(dashboard.complaint()).to_be_visible()
    assert not any(url.endswith("/whoami") for url in asked)
    dashboard.submit_token(server.admin.access_token)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
