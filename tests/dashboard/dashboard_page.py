"""The dashboard in a real browser, for tests and screenshots."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

# Debian's name, and others. The first has no window, and takes half the time.
_CHROMIUM = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
)

# For a loaded machine.
_TIMEOUT_MS = 60_000


def find_chromium() -> str | None:
    """The path of the system's Chromium, if there is one."""
    for name in _CHROMIUM:
        path = shutil.which(name)
        if path:
            return path
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    expect.set_options(timeout=_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium())
        try:
            yield browser
        finally:
            browser.close()


class DashboardPage:
    """What a person can do and see on the page.

    Attributes:
        page: the page of the browser.
        url: the dashboard's URL.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(_TIMEOUT_MS)

    def open(self, fragment: str = "") -> None:
        self.page.goto(self.url + fragment)

    def submit_password(self, user: str, password: str) -> None:
        """Fill the form in and send it."""
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password", exact=True).last.fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def submit_token(self, token: str) -> None:
        """The same with an access token."""
        self.page.get_by_role("radio", name="Access token").check()
        self.page.get_by_label("Access token of an administrator").fill(token)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def sign_in(self, token: str, fragment: str = "") -> None:
        """Open the page, sign in, and wait until everything is loaded."""
        self.open(fragment)
        self.submit_token(token)
        self._wait_until_signed_in()

    def come_back(self, stored: Mapping[str, str]) -> None:
        """Open the page in a tab with stored data; wait until everything is loaded."""
        # Once: a test may sign out and load the page again.
        self.page.add_init_script(
            "if (!window.name) { window.name = 'came back'; "
            f"Object.assign(sessionStorage, {json.dumps(stored)}); }}"
        )
        self.open()
        self._wait_until_signed_in()

    def _wait_until_signed_in(self) -> None:
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        self.wait_until_loaded()

    def wait_until_loaded(self) -> None:
        """Wait until all requests are answered."""
        shown = self.page.locator('.users .content[aria-busy="false"]')
        expect(shown).to_have_count(1)
        expect(self.page.locator('.content[aria-busy="true"]')).to_have_count(0)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something outside of the page, such as a request to a fake."""
        deadline = time.monotonic() + _TIMEOUT_MS / 1000
        while not condition():
            assert time.monotonic() < deadline
            # Not `sleep`, which would hold up the browser's events.
            self.page.wait_for_timeout(50)

    def choose(self, label: str) -> None:
        """Check a radio button of the page, and wait for the answers."""
        self.page.get_by_role("radio", name=label, exact=True).check()
        self.wait_until_loaded()

    def open_user(self, localpart: str) -> Locator:
        """Open a user of the table, and wait until the dialog is loaded."""
        button = self.section("Users").get_by_role(
            "link", name=f"@{localpart}", exact=True
        )
        button.click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog.locator(".id, h2").first).to_be_visible()
        self.wait_until_loaded()
        return dialog

    def complaint(self) -> Locator:
        """The error in the form."""
        return self.page.locator(".sign-in .error")

    def section(self, name: str) -> Locator:
        """A part of the page, by its heading."""
        return self.page.locator("main").get_by_role("region", name=name, exact=True)

    def rows(self, name: str) -> list[list[str]]:
        """The texts of a table's rows."""
        return read_rows(self.section(name))

    def owners(self, name: str) -> list[str]:
        """The user IDs or server names in a table."""
        return [
            button.get_attribute("title") or ""
            for button in self.section(name).locator(".open").all()
        ]

    def stored(self) -> dict[str, str]:
        """All data that the page has stored in the browser."""
        stored: dict[str, str] = self.page.evaluate(
            "({...localStorage, ...sessionStorage, "
            "...(document.cookie && {cookie: document.cookie})})"
        )
        return stored


# Opens the page in a new tab.
MakePage = Callable[[], DashboardPage]


def read_rows(root: Locator) -> list[list[str]]:
    """The texts of all rows in the bodies of tables."""
    rows: list[list[str]] = root.evaluate(
        "root => [...root.querySelectorAll('tbody tr')].map("
        "row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return rows


def open_numbers(section: Locator) -> None:
    """Show the table below a chart."""
    section.get_by_text("The numbers").click()
    expect(section.locator(".numbers tbody tr")).not_to_have_count(0)
