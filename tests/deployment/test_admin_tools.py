"""Existing admin tools, through a proxy with the README's recipe.

The requests of the web admin UIs, and the published Python clients themselves, with a
real PostgreSQL, Synapse and worker. The worker answers the documented path, and the
main process all else. All share one server, so all are in one file.
"""

import json
import math
import shutil
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from admin_tools_support import (
    NAMES,
    ORDERS,
    SERVER_NAME,
    Synadm,
    WebUi,
    insert_media,
    right_answer,
)
from playwright.sync_api import Browser
from realservers.deployment import Deployment, deployed
from realservers.proxies import Caddy

from demo.client import Client
from media_stats_module.module import DOCUMENTED_PATH

# Other programs; other tests check the answers.
pytestmark = pytest.mark.once

# The largest number of rows per page in both web UIs.
_LARGEST_PAGE = 1_000

_COLUMNS = ("user_id", "displayname", "media_count", "media_length")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("synapse"), {}) as deployment:
        insert_media(deployment.database)
        yield deployment


@pytest.fixture(scope="module")
def proxy(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """The proxy that is in a wheel, so all tests behind it can share it."""
    with deployment.behind(Caddy, tmp_path_factory.mktemp("caddy")) as client:
        yield client


# The web admin UIs


@pytest.fixture(scope="module")
def web_ui(deployment: Deployment, proxy: Client) -> WebUi:
    return WebUi(client=proxy, token=deployment.admin.access_token)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("field", _COLUMNS)
def test_pages_of_1000_rows(web_ui: WebUi, field: str, order: str) -> None:
    """For display and for the UIs' own CSV export."""
    everyone = right_answer(order_by=field, dir=ORDERS[order], limit=10_000)
    total = everyone["total"]
    users: list[Any] = []

    for page in range(1, math.ceil(total / _LARGEST_PAGE) + 1):
        shown = web_ui.list_users(page, _LARGEST_PAGE, field, order)
        assert shown["total"] == total
        users += shown["users"]

    assert users == everyone["users"]
    assert web_ui.list_users(page + 1, _LARGEST_PAGE, field, order)["users"] == []


def test_small_pages(web_ui: WebUi) -> None:
    """The first page of Ketesa, and all that follow: everybody is on exactly one."""
    everyone = right_answer(order_by="media_length", dir="b", limit=10_000)
    pages = math.ceil(everyone["total"] / 50)

    shown = [web_ui.list_users(page, 50)["users"] for page in range(1, pages + 1)]

    assert [user for page in shown for user in page] == everyone["users"]


def test_same_users_as_built_in(deployment: Deployment, web_ui: WebUi) -> None:
    path = f"{DOCUMENTED_PATH}?limit=10000"

    module = web_ui.fetch(path).json()
    built_in = deployment.ask(deployment.main, path).json()

    # In the default order, all keys differ.
    assert module == built_in


@pytest.mark.parametrize(
    "term",
    [
        *NAMES,
        # In the other case, if the script has one.
        "ünïCODE GRÖßE",
        "ΕΛΛΗΝΙΚΉ",
        "ёжик",
        "ՀԱՅԵՐԵՆ",
        # A part of it.
        "太",
        "어 이",
        "👩",
        "%",
        "_",
        "\\",
        " ",
        # A part of the ID.
        "NAME0",
        f"@user0042:{SERVER_NAME}",
        # Matches nobody.
        "localhost",
        "nobody",
    ],
)
def test_searches(web_ui: WebUi, term: str) -> None:
    expected = right_answer(
        search_term=term, order_by="media_length", dir="b", limit=50
    )
    if term in NAMES:
        assert term in [user["displayname"] for user in expected["users"]]
        assert expected["total"] < 10

    # Ketesa uses URLSearchParams, which writes a space as a plus sign.
    assert web_ui.list_users(1, 50, search_term=term) == expected
    # synapse-admin uses query-string, which escapes it and sorts the parameters.
    query = f"dir=b&from=0&limit=50&order_by=media_length&search_term={quote(term, '')}"
    assert web_ui.fetch(f"{DOCUMENTED_PATH}?{query}").json() == expected


@pytest.mark.parametrize(
    "query",
    [
        # The order that react-admin sends by default.
        "order_by=id&dir=f",
        "order_by=media_length&dir=DESC",
        "from=-50&limit=50",
        "from=0&limit=many",
    ],
)
def test_error_messages(deployment: Deployment, web_ui: WebUi, query: str) -> None:
    """The UIs show them, if the browser lets them."""
    path = f"{DOCUMENTED_PATH}?{query}"

    error = web_ui.fetch(path)

    assert error.status == deployment.ask(deployment.main, path).status == 400
    assert error.json().keys() == {"errcode", "error"}
    assert error.json()["errcode"] == "M_INVALID_PARAM"


@pytest.mark.parametrize(
    ("who", "status", "errcode"),
    [("expired", 401, "M_UNKNOWN_TOKEN"), ("user", 403, "M_FORBIDDEN")],
)
def test_tokens_that_are_refused(
    deployment: Deployment, proxy: Client, who: str, status: int, errcode: str
) -> None:
    """The UIs then go back to their login."""
    token = deployment.user.access_token if who == "user" else "syt_expired"

    error = WebUi(client=proxy, token=token).fetch(DOCUMENTED_PATH)
    built_in = deployment.main.request("GET", DOCUMENTED_PATH, token=token)

    assert (error.status, error.json()["errcode"]) == (status, errcode)
    assert error.json() == built_in.json()


def test_what_else_the_uis_ask_for(deployment: Deployment, web_ui: WebUi) -> None:
    """Ketesa shows more about each user, and both link to the user's media."""
    user_id = deployment.user.user_id
    uri = deployment.main.upload(deployment.user, b"x" * 1_000_000)
    (row,) = web_ui.list_users(1, 1)["users"]
    assert (row["user_id"], row["media_length"]) == (user_id, 1_000_000)

    user = web_ui.fetch(f"/_synapse/admin/v2/users/{quote(user_id, '')}").json()
    assert (user["name"], user["displayname"]) == (user_id, row["displayname"])

    media = web_ui.fetch(
        f"/_synapse/admin/v1/users/{quote(user_id, '')}/media"
        "?from=0&limit=25&order_by=created_ts&dir=b"
    ).json()
    assert [f"mxc://{SERVER_NAME}/{file['media_id']}" for file in media["media"]] == [
        uri
    ]

    path = f"/_synapse/admin/v1/media/{uri.removeprefix('mxc://')}"
    assert web_ui.fetch(path, "DELETE").json()["total"] == 1
    assert web_ui.list_users(1, 50) == right_answer(
        order_by="media_length", dir="b", limit=50
    )


# A real browser


@contextmanager
def _page_of_another_origin(directory: Path) -> Iterator[str]:
    (directory / "index.html").write_text("<!doctype html><title>Admin</title>")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Print nothing."""

    handler = partial(Handler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def test_page_of_another_origin(
    deployment: Deployment, proxy: Client, tmp_path: Path, browser: Browser
) -> None:
    with _page_of_another_origin(tmp_path) as url, browser.new_page() as page:
        page.goto(url)

        def fetch(path: str, token: str = deployment.admin.access_token) -> Any:
            """Return the status and the body, or why the page may not see them."""
            return page.evaluate(
                """async ([url, token]) => {
                    const headers = {
                        Accept: "application/json", Authorization: `Bearer ${token}`,
                    };
                    try {
                        const response = await fetch(url, { headers });
                        return [response.status, await response.json()];
                    } catch (error) {
                        return error.message;
                    }
                }""",
                [proxy.base_url + path, token],
            )

        query = f"search_term={quote('ÜNÏCODE')}&order_by=media_length&dir=b"
        assert fetch(f"{DOCUMENTED_PATH}?{query}") == [
            200,
            right_answer(search_term="ÜNÏCODE", order_by="media_length", dir="b"),
        ]
        status, answer = fetch(f"{DOCUMENTED_PATH}?from=0&limit={_LARGEST_PAGE}")
        assert (status, len(answer["users"])) == (200, _LARGEST_PAGE)
        status, error = fetch(f"{DOCUMENTED_PATH}?order_by=id")
        assert (status, error["errcode"]) == (400, "M_INVALID_PARAM")
        status, error = fetch(DOCUMENTED_PATH, "syt_expired")
        assert (status, error["errcode"]) == (401, "M_UNKNOWN_TOKEN")
        status, error = fetch(DOCUMENTED_PATH, deployment.user.access_token)
        assert (status, error["errcode"]) == (403, "M_FORBIDDEN")
        # The browser does check: nothing allows other origins to read this.
        assert fetch("/health") == "Failed to fetch"


# The library matrix-synapse-admin


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    # It would use the environment's proxy for our own server.
    monkeypatch.setenv("NO_PROXY", "*")
    return pytest.importorskip("synapse_admin")


def _where(deployment: Deployment, proxy: Client) -> tuple[str | None, ...]:
    """The first arguments of all classes of the library."""
    where = urlsplit(proxy.base_url)
    port: Any = where.port
    return where.hostname, port, deployment.admin.access_token, "http://"


def test_library(library: Any, deployment: Deployment, proxy: Client) -> None:
    media = library.Media(*_where(deployment, proxy))

    # It sends `dir=b`, and `orderby`, which no server knows.
    largest = media.statistics(limit=7, orderby="media_length")
    expected = right_answer(dir="b", limit=7)
    assert list(largest) == expected["users"]
    assert (largest.total, largest.next) == (expected["total"], 7)

    found = media.statistics(search="nobody", forward=True)
    assert (list(found), found.total, found.next) == ([], 0, None)
    found = media.statistics(search="ёЖИК", forward=True)
    assert list(found) == right_answer(search_term="ёжик")["users"]

    # The rest of the admin API is Synapse's.
    users = library.User(*_where(deployment, proxy)).lists(name="user")
    assert [user["displayname"] for user in users] == ["Ünïcode"]


def test_library_reads_all_pages(
    library: Any, deployment: Deployment, proxy: Client
) -> None:
    media = library.Media(*_where(deployment, proxy))
    users: list[Any] = []
    start: int | None = 0
    while start is not None:
        page = media.statistics(_from=start, limit=500, forward=True)
        users += page
        start = page.next

    assert users == right_answer(limit=10_000)["users"]


# The command synadm


@pytest.fixture(scope="module")
def synadm(
    deployment: Deployment, proxy: Client, tmp_path_factory: pytest.TempPathFactory
) -> Synadm:
    program = shutil.which("synadm", path=sysconfig.get_path("scripts"))
    if program is None:
        pytest.skip("no synadm here; the wheel synadm brings it")
    home = tmp_path_factory.mktemp("home")
    # JSON is YAML.
    (home / "synadm.yaml").write_text(
        json.dumps(
            {
                "user": deployment.admin.user_id,
                "token": deployment.admin.access_token,
                "protocol": "http",
                "base_url": proxy.base_url,
                "admin_path": "/_synapse/admin",
                "matrix_path": "/_matrix",
                "format": "json",
                "timeout": 60,
                "homeserver": SERVER_NAME,
                "ssl_verify": True,
                "server_discovery": "well-known",
            }
        )
    )
    return Synadm(program=program, home=home)


def test_synadm_raw(synadm: Synadm) -> None:
    statistics = "v1/statistics/users/media"

    assert synadm("raw", statistics) == right_answer()
    assert synadm(
        "raw", f"{statistics}?order_by=media_length&dir=b&limit=3&search_term=Name%2010"
    ) == right_answer(order_by="media_length", dir="b", limit=3, search_term="Name 10")
    # Not escaped, as a person types it.
    assert synadm("raw", f"{statistics}?search_term=山田") == right_answer(
        search_term="山田"
    )
    assert synadm("raw", f"{statistics}?dir=up")["errcode"] == "M_INVALID_PARAM"


def test_synadm_media(deployment: Deployment, synadm: Synadm) -> None:
    """Its own commands for media, which Synapse answers."""
    uri = deployment.main.upload(deployment.user, b"some bytes")
    media_id = uri.rsplit("/", 1)[1]

    (file,) = synadm("media", "list", "--user-id", deployment.user.user_id)["media"]
    assert (file["media_id"], file["media_length"]) == (media_id, 10)

    assert synadm("media", "delete", "--media-id", media_id)["total"] == 1
    assert synadm("media", "list", "--user-id", deployment.user.user_id)["media"] == []
