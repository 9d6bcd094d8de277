"""The dashboard in a real browser, over a real Synapse with real uploads.

How its files are served is in test_dashboard.py.
"""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import attr
import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]
    Axe,
)
from dashboard_page import DashboardPage, chromium, find_chromium
from playwright.sync_api import (
    BrowserContext,
    Locator,
    Page,
    Route,
    expect,
)

from demo.client import Account
from demo.homeserver import Homeserver

pytestmark = pytest.mark.skipif(
    find_chromium() is None,
    reason="needs Chromium, which is in no wheel: `apt-get install chromium`",
)

_PATH = "/_synapse/client/media_stats"
_DAY_MS = 24 * 60 * 60 * 1000
_MIB = 1 << 20

# What somebody who wishes the administrator ill would call themselves, their files or
# their server.
_HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
_RIGHT_TO_LEFT = "\u202enimda\u202d \u2066"

_TIED = 14

# As in "1 to 10".
_DASH = "\N{EN DASH}"


@attr.s(auto_attribs=True, frozen=True, kw_only=True)
class Server:
    """A homeserver with media, and who is on it."""

    homeserver: Homeserver
    admin: Account
    ordinary: Account

    @property
    def url(self) -> str:
        return f"{self.homeserver.base_url}{_PATH}/"

    def ask(self, path: str, query: dict[str, object] | None = None) -> Any:
        """What the API answers to the admin."""
        return json.loads(self.ask_bytes(path, query))

    def ask_bytes(self, path: str, query: dict[str, object] | None = None) -> bytes:
        response = self.homeserver.client.request(
            "GET",
            f"{_PATH}/v1/{path}?{urlencode(query or {})}",
            token=self.admin.access_token,
        )
        assert response.status == 200, response.body
        return response.body

    def log_in(self) -> Account:
        """The admin, with a token of its own."""
        return self.homeserver.client.login(self.admin.user_id, self.admin.password)

    def log_out(self, token: str) -> None:
        self._client("POST", "logout", token, {})

    def accepts(self, token: str) -> bool:
        return self._client("GET", "account/whoami", token) == 200

    def _client(
        self, method: str, path: str, token: str, content: object = None
    ) -> int:
        return self.homeserver.client.request(
            method, f"/_matrix/client/v3/{path}", token=token, content=content
        ).status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("browser")
    with Homeserver(directory, server_name="example.org", module={}) as homeserver:
        admin = homeserver.register("admin", admin=True, displayname="The admin")
        ordinary = homeserver.register("ordinary")
        _upload_everything(homeserver, ordinary)
        _cache_and_date(directory / "homeserver.db")
        yield Server(homeserver=homeserver, admin=admin, ordinary=ordinary)


def _upload_everything(homeserver: Homeserver, ordinary: Account) -> None:
    def upload(account: Account, size: int, kind: str, name: str | None = None) -> None:
        homeserver.client.upload(account, b"x" * size, media_type=kind, name=name)

    for index in range(_TIED):
        tied = homeserver.register(f"tied{index:02}", displayname=f"Tied {index % 3}")
        upload(tied, 1000, "image/png")
    hostile = homeserver.register("hostile", displayname=_HOSTILE)
    for size in (5, 3 * _MIB, 70_000):
        upload(hostile, size, "video/mp4", _HOSTILE)
    for size in range(1, 31):
        upload(hostile, 2000 + size, "text/plain", f"note {size:02}.txt")
    backwards = homeserver.register("backwards", displayname=_RIGHT_TO_LEFT)
    upload(backwards, 2 * _MIB, "audio/ogg", f"{_RIGHT_TO_LEFT}.ogg")
    upload(homeserver.register("uni", displayname="Ünïcode 山田"), 5000, "image/jpeg")
    upload(ordinary, _MIB + 1, "application/pdf", "report.pdf")


def _cache_and_date(database: Path) -> None:
    """Media of other servers, and dates: what no upload can have."""
    connection = sqlite3.connect(database, timeout=30)
    with connection:
        connection.executemany(
            "INSERT INTO remote_media_cache (media_origin, media_id, media_type, "
            "media_length, filesystem_id, created_ts, last_access_ts) "
            "VALUES (?, ?, 'image/webp', ?, ?, 1, 1)",
            [
                (f"s{index % 12:02}.example", f"id{index}", 3000 + index, f"f{index}")
                for index in range(30)
            ]
            + [("<i>.example", "hostile", 4 * _MIB, "fh")],
        )
        now = int(time.time() * 1000)
        for table, days in (("local_media_repository", 3), ("remote_media_cache", 5)):
            connection.execute(
                f"UPDATE {table} SET created_ts = ? - (rowid * ? % 200) * ?",
                (now, days, _DAY_MS),
            )
    connection.close()


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    """One for all tests: what the page keeps, it keeps in the tab."""
    with chromium() as browser:
        yield browser.new_context()


MakePage = Callable[[], DashboardPage]


@pytest.fixture
def make_page(context: BrowserContext, server: Server) -> Iterator[MakePage]:
    """Opens tabs. All have to behave, whatever the test does."""
    pages: list[Page] = []
    requests: list[str] = []
    complaints: list[str] = []

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
    # No error, and nothing that the policy had to stop. But for the browser's own word
    # on every answer that is no success, which tests ask for.
    assert [
        complaint
        for complaint in complaints
        if not complaint.startswith("Failed to load resource")
    ] == []
    # Nobody else was asked.
    origin = f"{server.homeserver.base_url}/"
    assert [
        url for url in requests if not url.startswith((origin, f"blob:{origin}"))
    ] == []


@pytest.fixture
def dashboard(make_page: MakePage) -> DashboardPage:
    """A page that nobody has signed in on."""
    return make_page()


@pytest.fixture
def signed_in(dashboard: DashboardPage, server: Server) -> DashboardPage:
    """A page on which the admin has."""
    dashboard.sign_in(server.admin.access_token)
    return dashboard


# Who may


def test_sign_in_with_password(
    dashboard: DashboardPage, make_page: MakePage, server: Server
) -> None:
    dashboard.open()
    dashboard.submit_password("admin", "wrong")
    expect(dashboard.complaint()).to_have_text(
        "The user name or the password is wrong."
    )
    assert dashboard.stored() == {}

    dashboard.submit_password("admin", server.admin.password)
    expect(dashboard.page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()

    # In the tab alone, and nothing but who it is.
    assert dashboard.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    (kept,) = dashboard.stored().values()
    session = json.loads(kept)
    assert session["userId"] == server.admin.user_id
    assert server.admin.password not in kept

    # It is still there when the tab is loaded again, and in no other tab.
    dashboard.page.reload()
    dashboard.wait_until_loaded()
    other = make_page()
    other.open()
    expect(other.page.get_by_label("User name")).to_be_focused()

    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.get_by_label("User name")).to_be_focused()
    assert dashboard.stored() == {}
    _wait_until(lambda: not server.accepts(session["token"]))


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
    made: list[str] = []
    dashboard.page.on(
        "response",
        lambda response: (
            made.append(response.json()["access_token"])
            if response.url.endswith("/v3/login") and response.request.method == "POST"
            else None
        ),
    )
    dashboard.open()
    dashboard.submit_password("ordinary", server.ordinary.password)
    expect(dashboard.complaint()).to_contain_text(refusal)
    assert dashboard.stored() == {}
    # A token that the page has made for nothing does not stay.
    _wait_until(lambda: bool(made) and not server.accepts(made[0]))

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
    # What was shown is gone too.
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


def test_server_without_passwords(dashboard: DashboardPage) -> None:
    dashboard.page.route(
        "**/_matrix/client/v3/login",
        lambda route: route.fulfill(json={"flows": [{"type": "m.login.sso"}]}),
    )
    dashboard.open()

    expect(
        dashboard.page.get_by_label("Access token of an administrator")
    ).to_be_focused()
    expect(dashboard.page.get_by_label("User name")).to_be_hidden()


# What is shown


def test_totals(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    section = signed_in.section("What fills the store")
    exact = [
        value.get_attribute("title") for value in section.locator(".value").all()[:4]
    ]
    quarantined = sum(
        summary[part]["quarantined"]["media_length"] for part in ("local", "remote")
    )

    assert exact == [
        _exact(summary["total"]["media_length"]),
        _exact(summary["local"]["total"]["media_length"]),
        _exact(summary["remote"]["total"]["media_length"]),
        _exact(quarantined),
    ]
    assert section.locator(".value").all_inner_texts()[4:] == [
        str(summary["local"]["users"]),
        str(summary["remote"]["servers"]),
    ]


def test_picture_of_the_store(signed_in: DashboardPage, server: Server) -> None:
    summary = server.ask("summary")
    section = signed_in.section("What fills the store")
    whole = summary["total"]["media_length"]
    parts = {
        row.locator("th").inner_text(): row.locator("td").first.get_attribute("title")
        for row in section.locator("tbody tr").all()
    }
    shares = [
        segment.bounding_box()
        for segment in section.locator(".segment:not([hidden])").all()
    ]
    bar = section.locator(".bar").bounding_box()

    assert parts["Local uploads"] == _exact(summary["local"]["uploads"]["media_length"])
    assert parts["Cached from other servers"] == _exact(
        summary["remote"]["cached"]["media_length"]
    )
    assert bar is not None
    assert shares[0] is not None
    assert shares[0]["width"] / bar["width"] == pytest.approx(
        summary["local"]["uploads"]["media_length"] / whole, abs=0.02
    )


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_chart_has_the_numbers_of_the_api(
    signed_in: DashboardPage, server: Server, interval: str
) -> None:
    section = signed_in.section("Growth")
    _open_numbers(section)
    section.get_by_role("radio", name=interval.capitalize()).check()
    signed_in.wait_until_loaded()
    added = {source: _timeline(server, source, interval) for source in _SOURCES}
    dates = sorted(set(added["local"]) | set(added["remote"]))
    sums = [
        {
            source: sum(added[source].get(other, 0) for other in dates if other <= date)
            for source in _SOURCES
        }
        for date in dates
    ]

    assert _numbers(signed_in) == [
        (date, *(added[source].get(date, 0) for source in _SOURCES)) for date in dates
    ]
    section.get_by_role("radio", name="Running total").check()
    assert _numbers(signed_in) == [
        (date, *(row[source] for source in _SOURCES))
        for date, row in zip(dates, sums, strict=True)
    ]
    section.get_by_role("radio", name="Files").check()
    last = section.locator("tbody tr").last.locator("td").all_inner_texts()
    assert last == [
        f"{server.ask('summary')[source]['total']['media_count']} files"
        for source in _SOURCES
    ]


def test_chart_is_drawn_and_read_by_keyboard(
    signed_in: DashboardPage, server: Server
) -> None:
    section = signed_in.section("Growth")
    chart = section.get_by_role("slider")
    colours = chart.locator("canvas").evaluate(
        """canvas => {
          const {data} = canvas.getContext("2d")
            .getImageData(0, 0, canvas.width, canvas.height);
          const found = {};
          for (let i = 0; i < data.length; i += 4) {
            const key = data.slice(i, i + 4).join();
            found[key] = (found[key] ?? 0) + 1;
          }
          return found;
        }"""
    )
    # Local and remote, in the colours of the legend.
    for colour in ("47,111,222,255", "224,138,30,255"):
        assert colours.get(colour, 0) > 50

    _open_numbers(section)
    rows = section.locator("tbody tr")
    names = rows.locator("th").all_inner_texts()
    for key, index in (("End", -1), ("ArrowLeft", -2), ("Home", 0), ("ArrowUp", 1)):
        chart.press(key)
        local, remote = rows.nth(index).locator("td").all_inner_texts()
        told = f"{names[index]}: Local {local}, Remote {remote}"
        expect(chart).to_have_attribute("aria-valuetext", told)
        expect(section.locator(".readout")).to_have_text(told)


def test_kinds(signed_in: DashboardPage, server: Server) -> None:
    section = signed_in.section("Kinds of files")
    for index, source in enumerate(_SOURCES):
        types = server.ask("types", {"group": "true", "source": source})["types"]
        table = section.locator("table").nth(index)

        assert {_title(row) for row in table.locator("tbody tr").all()} == {
            _exact(kind["media_length"]) for kind in types
        }


@pytest.mark.parametrize(
    ("name", "endpoint", "key"),
    [("Users", "users", "user_id"), ("Servers", "servers", "server_name")],
)
def test_sorting(
    signed_in: DashboardPage, server: Server, name: str, endpoint: str, key: str
) -> None:
    section = signed_in.section(name)
    headers = section.locator("thead th")
    # By size at first, and by the largest.
    expect(headers.last).to_have_attribute("aria-sort", "descending")
    assert signed_in.owners(name) == _page(server, endpoint, key, "media_length", "b")

    for index in range(headers.count()):
        header = headers.nth(index)
        order = header.get_attribute("data-order")
        assert order is not None
        for _ in range(2):
            header.get_by_role("button").click()
            signed_in.wait_until_loaded()
            sort = header.get_attribute("aria-sort")
            expected = _page(server, endpoint, key, order, "fb"[sort == "descending"])
            assert signed_in.owners(name) == expected
        assert section.locator("[aria-sort]").count() == 1


def test_search(signed_in: DashboardPage, server: Server) -> None:
    search = signed_in.page.get_by_role("searchbox", name="Search for users")
    for term, found in (
        ("ünï", ["@uni:example.org"]),
        ("@ordinary:example.org", ["@ordinary:example.org"]),
        ("<img", ["@hostile:example.org"]),
        ("%", []),
        ("nobody & nothing", []),
    ):
        search.fill(term)
        search.press("Enter")
        signed_in.wait_until_loaded()
        users = signed_in.section("Users")
        expect(users.locator(".where")).to_have_text(
            f"1{_DASH}{len(found)} of {len(found)}" if found else "0 of 0"
        )
        assert signed_in.owners("Users") == found
    expect(users.get_by_text("None found.")).to_be_visible()

    search.fill("")
    expect(users.locator(".where")).to_contain_text(str(_TIED + 4))
    search.fill("tied")
    search.press("Enter")
    expect(users.locator(".where")).to_have_text(f"1{_DASH}10 of {_TIED}")
    # Only the table that was searched.
    expect(signed_in.section("Servers").locator(".where")).to_have_text(
        f"1{_DASH}10 of 13"
    )


def test_paging_through_ties(signed_in: DashboardPage, server: Server) -> None:
    users = signed_in.section("Users")
    everybody = [
        user["user_id"]
        for user in server.ask("users", {"order_by": "media_length"})["users"]
    ]
    users.get_by_role("button", name="Size").click()
    expect(users.locator("thead th").last).to_have_attribute("aria-sort", "ascending")
    signed_in.wait_until_loaded()

    seen = signed_in.owners("Users")
    assert seen == everybody[:10]
    following = users.get_by_role("button", name="Next page")
    following.click()
    expect(users.locator(".where")).to_have_text(f"11{_DASH}{_TIED + 4} of {_TIED + 4}")
    seen += signed_in.owners("Users")
    assert seen == everybody
    # The keyboard stays where it is, although there is nothing after this page.
    expect(following).to_be_focused()
    expect(following).to_have_attribute("aria-disabled", "true")

    users.get_by_role("button", name="First page").click()
    expect(users.locator(".where")).to_contain_text(f"1{_DASH}10")
    users.get_by_role("button", name="Last page").click()
    expect(users.locator(".where")).to_contain_text(f"11{_DASH}")
    users.get_by_label("Rows").select_option("25")
    expect(users.locator(".where")).to_have_text(f"1{_DASH}{_TIED + 4} of {_TIED + 4}")


def test_deactivated_users(signed_in: DashboardPage) -> None:
    users = signed_in.section("Users")
    users.get_by_label("Which users").select_option("Deactivated")
    expect(users.locator(".where")).to_have_text("0 of 0")
    users.get_by_label("Which users").select_option("Not deactivated")
    expect(users.locator(".where")).to_contain_text(f"of {_TIED + 4}")


def test_range_is_of_the_whole_page(signed_in: DashboardPage, server: Server) -> None:
    page = signed_in.page
    page.get_by_role("radio", name="30 days").check()
    signed_in.wait_until_loaded()
    since: dict[str, object] = {
        "from_ts": (int(time.time() * 1000) // _DAY_MS - 29) * _DAY_MS
    }

    assert signed_in.owners("Users") == _page(
        server, "users", "user_id", "media_length", "b", **since
    )
    assert signed_in.owners("Servers") == _page(
        server, "servers", "server_name", "media_length", "b", **since
    )
    expect(page.get_by_role("radio", name="Day", exact=True)).to_be_checked()
    section = signed_in.section("Growth")
    _open_numbers(section)
    assert len(_numbers(signed_in)) == 30
    assert sum(row[1] for row in _numbers(signed_in)) == sum(
        kind["media_length"] for kind in server.ask("types", since)["types"]
    )

    # A day, both ends included.
    day = server.ask("timeline", since)["buckets"][0]
    page.get_by_role("radio", name="Custom").check()
    page.get_by_label("From").fill(day["date"])
    page.get_by_label("to", exact=True).fill(day["date"])
    signed_in.wait_until_loaded()
    assert _numbers(signed_in)[0][1] == day["media_length"]
    expect(section.locator("tbody tr")).to_have_count(1)

    page.get_by_label("From").fill("2999-01-01")
    expect(page.get_by_text("The range ends before it begins.")).to_be_visible()


def test_range_without_files(signed_in: DashboardPage) -> None:
    page = signed_in.page
    page.get_by_role("radio", name="Custom").check()
    page.get_by_label("to", exact=True).fill("1999-12-31")
    signed_in.wait_until_loaded()

    expect(signed_in.section("Growth").get_by_text("No files")).to_be_visible()
    expect(signed_in.section("Users").get_by_text("None found.")).to_be_visible()
    expect(signed_in.section("Kinds of files").get_by_text("no files")).to_have_count(2)


def test_row_opens_its_own_timeline_and_files(
    signed_in: DashboardPage, server: Server
) -> None:
    opener = signed_in.section("Users").get_by_role("button", name="@hostile")
    opener.click()
    dialog = signed_in.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    scope: dict[str, object] = {"user": "@hostile:example.org"}
    signed_in.wait_until_loaded()

    files = dialog.get_by_role("region", name="Files", exact=True)
    largest = server.ask(
        "files", {**scope, "order_by": "media_length", "dir": "b", "limit": 1000}
    )["files"]
    assert files.locator("code").all_inner_texts() == [
        file["mxc"] for file in largest[:20]
    ]
    files.get_by_role("button", name="Show more").click()
    expect(files.locator("code")).to_have_text([file["mxc"] for file in largest])
    expect(files.get_by_role("button", name="Show more")).to_be_hidden()

    growth = dialog.get_by_role("region", name="Growth")
    _open_numbers(growth)
    expect(growth.locator("canvas")).to_be_visible()
    buckets = server.ask("timeline", {**scope, "interval": "week"})["buckets"]
    assert [_title(row) for row in growth.locator("tbody tr").all()] == [
        _exact(bucket["media_length"]) for bucket in buckets
    ]

    signed_in.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_row_of_a_server(signed_in: DashboardPage) -> None:
    signed_in.section("Servers").get_by_role("button", name="<i>.example").click()
    dialog = signed_in.page.get_by_role("dialog", name="<i>.example")
    signed_in.wait_until_loaded()

    expect(dialog.locator("code")).to_have_text(["mxc://<i>.example/hostile"])
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize(
    ("section", "button", "name", "path", "query"),
    [
        ("Users", "CSV of these users", "users.csv", "users", {}),
        ("Servers", "CSV of these servers", "servers.csv", "servers", {}),
        (
            "Growth",
            "CSV of remote",
            "timeline-remote.csv",
            "timeline",
            {"source": "remote", "interval": "week"},
        ),
        ("Kinds of files", "CSV of local", "types-local.csv", "types", {}),
    ],
)
def test_csv(
    signed_in: DashboardPage,
    server: Server,
    section: str,
    button: str,
    name: str,
    path: str,
    query: dict[str, object],
) -> None:
    if path in ("users", "servers"):
        search = signed_in.section(section).get_by_role("searchbox")
        search.fill("e")
        search.press("Enter")
        signed_in.wait_until_loaded()
        query = {"search_term": "e", "order_by": "media_length", "dir": "b"}
    with signed_in.page.expect_download() as download:
        signed_in.section(section).get_by_role("button", name=button).click()

    assert download.value.suggested_filename == name
    expected = server.ask_bytes(path, {**query, "format": "csv"})
    assert Path(download.value.path()).read_bytes() == expected


def test_csv_of_files(signed_in: DashboardPage, server: Server) -> None:
    signed_in.section("Users").get_by_role("button", name="@hostile").click()
    dialog = signed_in.page.get_by_role("dialog")
    dialog.get_by_label("Order of the files").select_option("Oldest first")
    with signed_in.page.expect_download() as download:
        dialog.get_by_role("button", name="CSV").click()

    assert Path(download.value.path()).read_bytes() == server.ask_bytes(
        "files",
        {
            "user_id": "@hostile:example.org",
            "order_by": "created_ts",
            "dir": "f",
            "format": "csv",
        },
    )


def test_names_are_text(signed_in: DashboardPage) -> None:
    page = signed_in.page
    rows = {row[0]: row[1] for row in signed_in.rows("Users")}
    assert rows["@hostile"] == _HOSTILE
    assert rows["@backwards"].startswith("\u202e")
    # Kept apart from what is beside it.
    backwards = signed_in.section("Users").get_by_text("nimda")
    assert backwards.evaluate("element => element.tagName") == "BDI"

    signed_in.section("Users").get_by_role("button", name="@hostile").click()
    dialog = page.get_by_role("dialog")
    signed_in.wait_until_loaded()
    expect(dialog.get_by_role("heading", level=2)).to_have_text(_HOSTILE)
    expect(dialog.get_by_text(_HOSTILE).nth(1)).to_be_visible()
    assert (
        page.locator("#page b, #page i, #page img:not([src='icon.svg'])").count() == 0
    )
    assert page.title() == f"Media statistics {_DASH} example.org"


# When something is slow or goes wrong


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


def test_failure_and_trying_again(dashboard: DashboardPage, server: Server) -> None:
    page = dashboard.page
    page.route("**/v1/summary?*", lambda route: route.fulfill(status=502, body="<p>"))
    page.route("**/v1/servers?*", lambda route: route.abort())
    dashboard.sign_in(server.admin.access_token)

    store = dashboard.section("What fills the store")
    servers = dashboard.section("Servers")
    expect(store.get_by_role("alert")).to_contain_text("502")
    expect(servers.get_by_role("alert")).to_contain_text("cannot be reached")
    # The rest of the page does not mind.
    assert len(dashboard.owners("Users")) == 10

    page.unroute_all()
    store.get_by_role("button", name="Try again").click()
    servers.get_by_role("button", name="Try again").click()
    dashboard.wait_until_loaded()
    expect(page.get_by_role("alert").filter(has_text="could not")).to_have_count(0)
    assert len(dashboard.owners("Servers")) == 10


# Where it is, and who uses it how


def test_behind_a_proxy_with_a_path_of_its_own(
    dashboard: DashboardPage, server: Server
) -> None:
    base = server.homeserver.base_url
    asked: list[str] = []

    def proxy(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch(url=route.request.url.replace("/sub/path/", "/", 1))
        route.fulfill(response=answer)

    dashboard.page.route(f"{base}/sub/path/**", proxy)
    dashboard.url = f"{base}/sub/path{_PATH}/"
    dashboard.open()
    dashboard.submit_password("admin", server.admin.password)
    expect(dashboard.page.get_by_text("@admin:example.org")).to_be_visible()
    dashboard.wait_until_loaded()
    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.get_by_label("User name")).to_be_focused()

    for path in (f"{_PATH}/v1/users", "/_matrix/client/v3/login"):
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
    # The page below is out of reach until the dialog is closed.
    for _ in range(12):
        keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.querySelector('dialog').contains(document.activeElement)"
        )
    keyboard.press("Escape")
    expect(page.locator(".users .open").first).to_be_focused()


def test_screen_reader_is_told(signed_in: DashboardPage) -> None:
    status = signed_in.page.get_by_role("status")
    signed_in.section("Users").get_by_role("button", name="Next page").click()
    expect(status).to_have_text(f"Users: 11{_DASH}{_TIED + 4} of {_TIED + 4}")
    for table in signed_in.page.get_by_role("table").all():
        assert table.locator("caption").inner_text()


@pytest.mark.parametrize("width", [320, 400])
def test_narrow(dashboard: DashboardPage, server: Server, width: int) -> None:
    dashboard.page.set_viewport_size({"width": width, "height": 700})
    fits = (
        "document.scrollingElement.scrollWidth <= innerWidth"
        " && [...document.querySelectorAll('dialog')]"
        ".every(dialog => dialog.scrollWidth <= dialog.clientWidth)"
    )
    dashboard.open()
    assert dashboard.page.evaluate(fits)
    dashboard.sign_in(server.admin.access_token)
    dashboard.page.get_by_role("radio", name="Custom").check()
    dashboard.wait_until_loaded()
    assert dashboard.page.evaluate(fits)
    dashboard.section("Users").get_by_role("button", name="@hostile").click()
    dashboard.wait_until_loaded()
    assert dashboard.page.evaluate(fits)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    dashboard: DashboardPage, server: Server, scheme: Literal["light", "dark"]
) -> None:
    dashboard.page.emulate_media(color_scheme=scheme)
    dashboard.open()
    dark = dashboard.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128"
    )
    assert dark is (scheme == "dark")
    assert _violations(dashboard.page) == []
    dashboard.submit_password("admin", "wrong")
    expect(dashboard.complaint()).to_be_visible()
    assert _violations(dashboard.page) == []

    dashboard.sign_in(server.admin.access_token)
    _open_numbers(dashboard.section("Growth"))
    dashboard.page.get_by_role("radio", name="Custom").check()
    assert _violations(dashboard.page) == []
    dashboard.section("Users").get_by_role("button", name="@hostile").click()
    dashboard.wait_until_loaded()
    assert _violations(dashboard.page) == []


_SOURCES = ("local", "remote")


def _timeline(server: Server, source: str, interval: str) -> dict[str, int]:
    answer = server.ask("timeline", {"source": source, "interval": interval})
    return {bucket["date"]: bucket["media_length"] for bucket in answer["buckets"]}


def _numbers(dashboard: DashboardPage) -> list[tuple[Any, ...]]:
    """Below the chart: the first day, and the bytes of local and remote media."""
    found: list[list[str]] = dashboard.section("Growth").evaluate(
        """section => [...section.querySelectorAll("tbody tr")].map(row => [
          row.cells[0].textContent.slice(0, 10), row.cells[1].title, row.cells[2].title,
        ])"""
    )
    return [(date, *(_inexact(title) for title in titles)) for date, *titles in found]


def _page(
    server: Server, endpoint: str, key: str, order: str, dir: str, **query: object
) -> list[str]:
    """The first page of a table, as the API has it."""
    asked = {"order_by": order, "dir": dir, "limit": 10, **query}
    return [row[key] for row in server.ask(endpoint, asked)[endpoint]]


def _open_numbers(section: Locator) -> None:
    section.get_by_text("The numbers").click()
    expect(section.locator(".numbers tbody tr")).not_to_have_count(0)


def _exact(size: int) -> str:
    return f"{size:,} {'byte' if size == 1 else 'bytes'}"


def _inexact(title: str) -> int:
    return int(re.sub(r"\D", "", title))


def _title(row: Any) -> str:
    title: str = row.locator("td").first.get_attribute("title")
    return title


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("where => document.activeElement.matches(where)", selector):
            return
    raise AssertionError(f"The keyboard does not reach {selector}")


def _violations(page: Page) -> list[str]:
    # A transition's colours are not the ones to judge.
    page.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")
    found = Axe().run(page).response["violations"]
    return [f"{violation['impact']}: {violation['help']}" for violation in found]


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
