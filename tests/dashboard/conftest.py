"""Shared by the browser tests: a homeserver, a browser, and tabs without errors."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_server import DAY_MS, SERVER_NAME, Server, fill
from dashboard_page import DashboardPage, MakePage
from playwright.sync_api import Browser, BrowserContext, Page

from demo.homeserver import Homeserver


@pytest.fixture(autouse=True)
def _one_day() -> None:
    """Many ranges end today, so no test begins shortly before midnight."""
    left_s = DAY_MS / 1000 - time.time() % (DAY_MS / 1000)
    if left_s < 120:
        time.sleep(left_s)


@pytest.fixture(scope="session")
def server(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("browser")
    with Homeserver(directory, server_name=SERVER_NAME, module={}) as homeserver:
        yield fill(homeserver)


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The same for all tests: the page stores its data in the tab."""
    # Animations are drawn 60 times a second, without a graphics card.
    context = browser.new_context(reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def allowed_origins(server: Server) -> set[str]:
    """The origins that may be asked. Tests add their issuer."""
    return {server.homeserver.base_url}


@pytest.fixture
def complaints() -> list[str]:
    """The console messages of all tabs. Tests remove those that they expect."""
    return []


@pytest.fixture
def make_page(
    context: BrowserContext,
    server: Server,
    allowed_origins: set[str],
    complaints: list[str],
) -> Iterator[MakePage]:
    """Opens tabs, and checks at the end that none had an error."""
    pages: list[Page] = []
    requests: list[str] = []

    def make() -> DashboardPage:
        page = context.new_page()
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return DashboardPage(page, server.url)

    yield make
    for page in pages:
        page.close()
    # No error, and no violation of the policy. Browsers also report each answer that is
    # no success, which tests ask for.
    assert [
        complaint
        for complaint in complaints
        if not complaint.startswith("Failed to load resource")
    ] == []
    allowed = tuple(
        start
        for origin in allowed_origins
        for start in (f"{origin}/", f"blob:{origin}/")
    )
    assert [url for url in requests if not url.startswith(allowed)] == []


@pytest.fixture
def dashboard(make_page: MakePage) -> DashboardPage:
    """A page on which nobody has signed in."""
    return make_page()


@pytest.fixture(scope="session")
def admin_session(context: BrowserContext, server: Server) -> dict[str, str]:
    """The data that the page stores in a tab while the admin is signed in."""
    with context.new_page() as page:
        dashboard = DashboardPage(page, server.url)
        dashboard.sign_in(server.admin.access_token)
        return dashboard.stored()


@pytest.fixture
def signed_in(dashboard: DashboardPage, admin_session: dict[str, str]) -> DashboardPage:
    """A page on which the admin is signed in, without the form."""
    dashboard.come_back(admin_session)
    return dashboard
