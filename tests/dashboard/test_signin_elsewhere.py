"""Signing in by single sign-on, and by OAuth 2.0, with a real OpenID provider."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import attr
import pytest
from browser_server import PATH, SERVER_NAME, Server
from dashboard_page import DashboardPage
from issuer import Issuer
from node_packages import find_node
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from demo.homeserver import Homeserver

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(find_node() is None, reason="needs Node and npm"),
]

_VIEW = "#range=90&users.search_term=e"
_REFUSAL = "This account is not an administrator of this server"


@attr.frozen
class Elsewhere:
    """A homeserver whose users sign in with an issuer."""

    homeserver: Homeserver
    issuer: Issuer

    @property
    def url(self) -> str:
        return f"{self.homeserver.base_url}{PATH}/"

    def accepts(self, token: str) -> bool:
        path = "/_matrix/client/v3/account/whoami"
        return self.homeserver.client.request("GET", path, token=token).status == 200


@pytest.fixture(scope="module")
def with_sso(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere]:
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("sso")
        providers: list[dict[str, object]] = []
        homeserver = Homeserver(
            directory,
            server_name=SERVER_NAME,
            module={},
            overrides={"oidc_providers": providers},
        )
        callback = f"{homeserver.base_url}/_synapse/client/oidc/callback"
        issuer = stack.enter_context(Issuer(redirect_uri=callback))
        providers.append(
            {
                "idp_id": "ours",
                "idp_name": "Our accounts",
                "issuer": f"{issuer.url}",
                "client_id": "synapse",
                "client_secret": issuer.secret,
                "scopes": ["openid", "profile"],
                "user_profile_method": "userinfo_endpoint",
                "skip_verification": True,
                "allow_existing_users": True,
                "user_mapping_provider": {
                    "config": {"localpart_template": "{{ user.preferred_username }}"}
                },
            }
        )
        stack.enter_context(homeserver)
        homeserver.register("admin", admin=True)
        yield Elsewhere(homeserver, issuer)


@pytest.fixture(scope="module")
def with_oauth(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere]:
    with (
        Issuer(ttl_s=4) as issuer,
        Homeserver(
            tmp_path_factory.mktemp("oauth"),
            server_name=SERVER_NAME,
            module={},
            overrides={
                "password_config": {"enabled": False},
                "matrix_authentication_service": {
                    "enabled": True,
                    "endpoint": issuer.url,
                    "secret": issuer.secret,
                },
            },
        ) as homeserver,
    ):
        for localpart in ("admin", "ordinary"):
            response = homeserver.client.request(
                "POST",
                "/_synapse/mas/provision_user",
                token=issuer.secret,
                content={"localpart": localpart},
            )
            assert response.status in (200, 201), response.body
        yield Elsewhere(homeserver, issuer)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab on which nobody has signed in."""
    context: BrowserContext = browser.new_context()
    complaints: list[str] = []
    page = context.new_page()
    # Complaints about the issuer's own pages do not matter.
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    yield page
    context.close()
    assert [text for text in complaints if "Security Policy" in text] == []


def _sign_in_there(page: Page, user: str) -> None:
    """Use the provider's own pages."""
    page.get_by_placeholder("Enter any login").fill(user)
    page.get_by_placeholder("and password").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def _session(dashboard: DashboardPage) -> dict[str, object]:
    (kept,) = dashboard.stored().values()
    session: dict[str, object] = json.loads(kept)
    return session


# Single sign-on


def test_single_sign_on(page: Page, with_sso: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_sso.url)
    dashboard.open(_VIEW)
    button = page.get_by_role("button", name="Continue with Our accounts")
    expect(button).to_be_focused()
    # This server has both.
    expect(page.get_by_label("User name")).to_be_visible()
    button.click()
    _sign_in_there(page, "admin")
    # Synapse asks whether to trust the page.
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()

    # The view is the requested one, and the login token is gone.
    assert page.url == with_sso.url + _VIEW
    expect(page.get_by_role("radio", name="90 days")).to_be_checked()
    session = _session(dashboard)
    page.reload()
    dashboard.wait_until_loaded()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
    assert dashboard.stored() == {}
    dashboard.wait_until(lambda: not with_sso.accepts(str(session["token"])))


def test_single_sign_on_of_others(page: Page, with_sso: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_sso.url)
    dashboard.open()
    page.get_by_role("button", name="Continue with Our accounts").click()
    _sign_in_there(page, "somebody")
    page.get_by_role("link", name="Continue").click()
    expect(dashboard.complaint()).to_contain_text(_REFUSAL)
    assert dashboard.stored() == {}
    assert page.url == with_sso.url


def test_coming_back_without_having_signed_in(page: Page, with_sso: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_sso.url)
    dashboard.open()
    page.get_by_role("button", name="Continue with Our accounts").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
    # After Forward, it is still this tab's sign-in.
    page.go_forward()
    _sign_in_there(page, "admin")
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
    assert page.url == with_sso.url
    assert set(dashboard.stored()) == {"media_stats"}


def test_login_token_that_nobody_asked_for(page: Page, with_sso: Elsewhere) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    dashboard = DashboardPage(page, with_sso.url)
    dashboard.open("?loginToken=of_somebody_else")
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
    expect(dashboard.complaint()).to_contain_text("was used already")
    assert page.url == with_sso.url
    assert not [each for each in asked if each.method == "POST"]


def test_login_token_that_has_expired(page: Page, with_sso: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_sso.url)
    dashboard.open()
    page.evaluate(
        "sessionStorage.setItem('media_stats_redirect', "
        'JSON.stringify({how: "sso", fragment: "#range=30", left: Date.now()}))'
    )
    dashboard.open("?loginToken=expired")
    expect(dashboard.complaint()).not_to_be_empty()
    assert dashboard.stored() == {}
    assert page.url == with_sso.url + "#range=30"


# The server's ways to sign in


def test_server_without_passwords(page: Page, server: Server) -> None:
    _offer(page, [{"type": "m.login.sso"}])
    DashboardPage(page, server.url).open()
    expect(
        page.get_by_role("button", name="Continue with single sign-on")
    ).to_be_focused()
    expect(page.get_by_label("User name")).to_be_hidden()
    expect(page.get_by_role("radio", name="Password")).to_be_hidden()
    expect(page.get_by_label("Access token of an administrator")).to_be_visible()


def test_server_that_offers_nothing(page: Page, server: Server) -> None:
    _offer(page, [])
    DashboardPage(page, server.url).open()
    expect(page.get_by_label("Access token of an administrator")).to_be_focused()
    expect(page.get_by_role("button", name="Continue with")).to_have_count(0)
    expect(page.get_by_text("or", exact=True)).to_be_hidden()


def test_server_with_passwords_only(page: Page, server: Server) -> None:
    DashboardPage(page, server.url).open()
    expect(page.get_by_label("User name")).to_be_focused()
    expect(page.get_by_role("button", name="Continue with")).to_have_count(0)


def _offer(page: Page, flows: list[dict[str, object]]) -> None:
    def answer(route: Route) -> None:
        route.fulfill(json={"flows": flows})

    page.route("**/_matrix/client/v3/login", answer)


# OAuth 2.0


def test_oauth(page: Page, with_oauth: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_oauth.url)
    host = with_oauth.issuer.url.removeprefix("http://")
    dashboard.open(_VIEW)
    expect(page.get_by_label("User name")).to_be_hidden()
    with page.expect_request(re.compile(r"/auth\?")) as asked:
        page.get_by_role("button", name=f"Continue with {host}").click()
    query = {
        name: values[0]
        for name, values in parse_qs(urlsplit(asked.value.url).query).items()
    }
    assert query["redirect_uri"] == with_oauth.url
    assert query["code_challenge_method"] == "S256"
    api, device, admin = query["scope"].split()
    assert (api, admin) == ("urn:matrix:client:api:*", "urn:synapse:admin:*")
    assert re.fullmatch(r"urn:matrix:client:device:[\w-]{10,}", device)

    _sign_in_there(page, "admin")
    expect(page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
    assert page.url == with_oauth.url + _VIEW

    # The token expires, and is replaced.
    session = _session(dashboard)
    dashboard.wait_until(lambda: not with_oauth.accepts(str(session["token"])))
    page.get_by_role("button", name="Refresh").click()
    dashboard.wait_until_loaded()
    expect(page.get_by_role("alert").filter(has_text="could not")).to_have_count(0)
    renewed = _session(dashboard)
    assert renewed["token"] != session["token"]
    assert renewed["refreshToken"] != session["refreshToken"]

    # Signing out revokes the last refresh token; the unused one does not work.
    last = _session(dashboard)
    with page.expect_response(
        lambda response: str(last["refreshToken"]) in (response.request.post_data or "")
    ):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
    assert dashboard.stored() == {}
    client = last["client"]
    assert isinstance(client, dict)
    response = page.request.post(
        client["token_endpoint"],
        form={
            "grant_type": "refresh_token",
            "refresh_token": str(last["refreshToken"]),
            "client_id": client["client_id"],
        },
    )
    assert response.json()["error"] == "invalid_grant"


def test_oauth_session_that_has_ended(page: Page, with_oauth: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_oauth.url)
    _sign_in_by_oauth(dashboard, "admin")
    session = _session(dashboard)
    page.evaluate(
        """session => {
          session.refreshToken = "revoked";
          sessionStorage.setItem("media_stats", JSON.stringify(session));
        }""",
        session,
    )
    dashboard.wait_until(lambda: not with_oauth.accepts(str(session["token"])))
    page.get_by_role("button", name="Refresh").click()
    expect(dashboard.complaint()).to_have_text(
        "The server no longer accepts this sign-in. Please sign in again."
    )
    assert dashboard.stored() == {}


def test_oauth_of_others(page: Page, with_oauth: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_oauth.url)
    dashboard.open()
    page.get_by_role("button", name="Continue with").click()
    _sign_in_there(page, "ordinary")
    expect(dashboard.complaint()).to_contain_text(_REFUSAL)
    assert dashboard.stored() == {}


def test_oauth_that_was_cancelled(page: Page, with_oauth: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_oauth.url)
    dashboard.open(_VIEW)
    page.get_by_role("button", name="Continue with").click()
    page.get_by_role("link", name="Cancel").click()
    expect(dashboard.complaint()).to_have_text(
        "You were not signed in: this was refused or cancelled."
    )
    assert dashboard.stored() == {}
    assert page.url == with_oauth.url + _VIEW


def test_oauth_answer_of_another_tab(page: Page, with_oauth: Elsewhere) -> None:
    dashboard = DashboardPage(page, with_oauth.url)
    dashboard.open()
    page.evaluate(
        """issuer => sessionStorage.setItem('media_stats_redirect', JSON.stringify({
          how: "oauth", state: "mine", issuer, token_endpoint: `${issuer}/token`,
          fragment: "", left: Date.now(),
        }))""",
        with_oauth.issuer.url,
    )
    page.goto(f"{with_oauth.url}?again#state=other&code=code")
    expect(dashboard.complaint()).to_have_text(
        "This answer belongs to another sign-in. Please sign in again."
    )
    assert dashboard.stored() == {}


def test_policy_names_the_issuer_alone(page: Page, with_oauth: Elsewhere) -> None:
    for file, sources in (
        ("", f"'self' {with_oauth.issuer.url}"),
        ("index.html", f"'self' {with_oauth.issuer.url}"),
        ("js/main.js", "'self'"),
    ):
        response = page.request.get(with_oauth.url + file)
        policy = response.headers["content-security-policy"]
        assert f"connect-src {sources};" in policy


def _sign_in_by_oauth(dashboard: DashboardPage, user: str) -> None:
    dashboard.open()
    dashboard.page.get_by_role("button", name="Continue with").click()
    _sign_in_there(dashboard.page, user)
    expect(dashboard.page.get_by_text(f"@{user}:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
