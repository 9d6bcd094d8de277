"""The module's answers equal those of Synapse's own endpoint, byte for byte.

Both are asked on a real process: in the test harness, the admin API has another order
of keys and other escapes than on a server.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from urllib.parse import quote

import attr
import pytest
from support import MODULE_PATH, PROFILES_HAVE_FULL_USER_ID

from demo.client import Account, Response
from demo.homeserver import Homeserver
from media_stats_module.module import DOCUMENTED_PATH

_USERS_PATH = f"{MODULE_PATH}/v1/users"

# By localpart. Some characters must be escaped in JSON, some need not.
_DISPLAYNAMES = {
    "alice": "Alice",
    "bob": 'B"o\\b',
    "chloe": "Chloë",
    "dora": "Дора",
    "emil": "\N{GRINNING FACE} emil",
    "frida": "</script>\u2028\u2029\x7f",
    "gus": "gus\ttab\x01",
    "hana": "花",
    "ivo": "Ivo <ivo@example.org>",
    "jan": "' OR 1=1 --",
}
# More than the module encodes at once. Before `profiles` had full user IDs, the
# built-in endpoint compared each user with each profile: a second for 1,200 users.
_CROWD = 1_200 if PROFILES_HAVE_FULL_USER_ID else 100


@attr.frozen(kw_only=True)
class Server:
    """A homeserver on SQLite, as one process, and two accounts."""

    homeserver: Homeserver
    tokens: Mapping[str, str]

    def ask(
        self,
        path: str,
        query: str = "",
        *,
        method: str = "GET",
        token: str | None = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        return self.homeserver.client.request(
            method,
            path + query.format(**self.tokens),
            token=token and self.tokens.get(token, token),
            headers=headers,
        )

    def assert_same(
        self,
        query: str = "",
        *,
        method: str = "GET",
        token: str | None = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask both; return the answer, which must be equal."""
        builtin, module = (
            self.ask(path, query, method=method, token=token, headers=headers)
            for path in (DOCUMENTED_PATH, _USERS_PATH)
        )
        assert module.status == builtin.status
        assert _headers(module) == _headers(builtin)
        assert module.body == builtin.body
        return module


def _headers(response: Response) -> list[tuple[str, str]]:
    """The headers in their order, except the date."""
    return [(name, value) for name, value in response.headers.items() if name != "Date"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("synapse")
    with Homeserver(directory, server_name="example.org", module={}) as homeserver:
        accounts = {
            "admin": homeserver.register("admin", admin=True),
            "user": homeserver.register("user"),
            "gone": homeserver.register("gone", admin=True),
            "expired": homeserver.register("expired", admin=True),
        }
        _deactivate(homeserver, accounts["admin"], accounts["gone"])
        with closing(sqlite3.connect(directory / "homeserver.db", timeout=30)) as db:
            _insert(db)
            db.execute(
                "UPDATE access_tokens SET valid_until_ms = 1 WHERE token = ?",
                (accounts["expired"].access_token,),
            )
            db.commit()
        yield Server(
            homeserver=homeserver,
            tokens={name: account.access_token for name, account in accounts.items()},
        )


def _deactivate(homeserver: Homeserver, admin: Account, account: Account) -> None:
    response = homeserver.client.request(
        "POST",
        f"/_synapse/admin/v1/deactivate/{quote(account.user_id)}",
        token=admin.access_token,
        content={},
    )
    assert response.status == 200, response.body


def _insert(db: sqlite3.Connection) -> None:
    """Insert users of different sizes and numbers of files: every order is defined."""
    names = {
        **_DISPLAYNAMES,
        # The built-in endpoint has no defined order for equal displaynames.
        **{f"crowd{number:04}": f"Crowd {number:04}" for number in range(_CROWD)},
    }
    columns = [row[1] for row in db.execute("PRAGMA table_info(profiles)")]
    has_full_user_id = "full_user_id" in columns
    for position, (localpart, displayname) in enumerate(names.items(), 1):
        user_id = f"@{localpart}:example.org"
        profile = {"user_id": localpart, "displayname": displayname}
        if has_full_user_id:
            profile["full_user_id"] = user_id
        db.execute(
            f"INSERT INTO profiles ({', '.join(profile)}) "
            f"VALUES ({', '.join('?' * len(profile))})",
            list(profile.values()),
        )
        # In the small group, sizes fall as counts rise.
        count = position if position <= len(_DISPLAYNAMES) else 1
        length = 10_000_000 - position * 1_000
        db.executemany(
            "INSERT INTO local_media_repository "
            "(media_id, media_type, media_length, created_ts, user_id) "
            "VALUES (?, 'image/png', ?, ?, ?)",
            [
                (f"{localpart}{file}", length, 1_000_000 * position + file, user_id)
                for file in range(count)
            ],
        )


# Every parameter, right and wrong. Requests with two errors show the order of the
# checks.
_MAX_INTEGER = str(2**63 - 1)
_INTEGERS = ("0", "1", "7", "007", "+5", "%201%20", "1_0", "100000", _MAX_INTEGER)
_NO_INTEGERS = ("", "-1", "-0x1", "a", "1.5", "1e3", "%00", "%FF", "%C3%BC", "0x10")
_ORDERS = ("media_length", "user_id", "displayname")
_QUERIES = [
    "",
    "?",
    "?unknown=1&orderby=x",
    *(f"?order_by={order}&search_term=crowd00&limit=50" for order in _ORDERS),
    *(f"?order_by={order}&dir={d}&from_ts=1" for order in _ORDERS for d in "fb"),
    "?order_by=media_count&search_term=ali",
    *(
        f"?order_by={order}"
        for order in ("", "x", "USER_ID", "user_id%20", "%00", "%FF", "%C3%BC", "'")
    ),
    *(f"?dir={direction}" for direction in ("", "x", "F", "%FF", "f%00", "%C3%BC")),
    *(f"?from={number}" for number in (*_INTEGERS, *_NO_INTEGERS)),
    # 0 is in the table of differences.
    *(f"?limit={number}" for number in (*_INTEGERS[1:], *_NO_INTEGERS)),
    *(f"?from_ts={number}&limit=5" for number in (*_INTEGERS, *_NO_INTEGERS)),
    *(f"?until_ts={number}&limit=5" for number in (*_INTEGERS, *_NO_INTEGERS)),
    *(
        f"?from_ts={from_ts}&until_ts={until_ts}"
        for from_ts, until_ts in (
            (0, 0),
            (0, 1),
            (1, 0),
            (5, 5),
            (5, 6),
            (1_000_000, 1_000_001),
            (2_000_000, 4_000_000),
            (3_000_000, _MAX_INTEGER),
            ("", 5),
            (5, ""),
            ("x", "y"),
            (-1, -1),
        )
    ),
    *(
        f"?search_term={term}&limit=20"
        for term in (
            "",
            "alice",
            "ALI",
            "crowd00",
            "CROWD%2000",
            "nobody-has-this",
            "%22o",
            "%5Cb",
            "%27",
            "%3C/script",
            "%09tab",
            "%01",
            "a%20b",
            "+",
            "%2B",
            "@alice",
            "1=1",
            "x" * 512,
            "x" * 513,
            "@" + "x" * 6_000 + ":example.org",
        )
    ),
    *(f"?from={start}&limit=100" for start in range(0, 1_000, 100)),
    *(f"?from={start}&limit=1000" for start in (0, 500, 1_000, 1_200, 3_000)),
    # The first request of web admin UIs.
    "?from=0&limit=50&order_by=media_length&dir=b",
    "?from=0&limit=10&order_by=media_length&dir=b",
    "?limit=1000&from=0&order_by=user_id&dir=f",
    # matrix-synapse-admin, misspelt.
    "?dir=b&orderby=media_count&from=0&limit=100",
    # More than the module encodes at once.
    "?limit=3000",
    "?limit=1000000&order_by=media_length&dir=b",
    "?limit=1000000&order_by=displayname&dir=b&from_ts=1",
    # Given twice, and in the wrong order.
    "?limit=1&limit=2",
    "?limit=x&limit=2",
    "?order_by=user_id&order_by=x",
    "?search_term=alice&search_term=bob",
    "?LIMIT=1",
    "?limit",
    "?limit=1;from=2",
    "?limit=1&&from=1&",
    "?%6Cimit=2",
    "?access_token_=x&&=&limit=2&limit=x",
    "?order_by=x&from=x",
    "?from=x&limit=1",
    "?from=x&limit=x",
    "?limit=x&from_ts=x",
    "?from_ts=x&until_ts=x",
    "?until_ts=x&search_term=",
    "?from_ts=2&until_ts=1&search_term=",
    "?search_term=&dir=x",
    "?from=-1&limit=x",
    "?limit=-1&from_ts=x",
    "?from_ts=-1&until_ts=x",
    "?until_ts=-1&from_ts=5",
    # The module's own parameters, with unknown values.
    *(f"?format={value}" for value in ("", "xml", "CSV", "json", "%FF", "%00")),
    *(
        f"?{name}={value}"
        for name in ("deactivated", "has_account", "erased")
        for value in ("", "True", "1", "%FF")
    ),
    *(f"?appservice={value}" for value in ("%00", "%FF", "x" * 513)),
]


@pytest.mark.parametrize("query", _QUERIES)
def test_query(server: Server, query: str) -> None:
    server.assert_same(query)


@pytest.mark.parametrize(
    "method",
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "X"],
)
@pytest.mark.parametrize("token", ["admin", "user", None])
@pytest.mark.parametrize("query", ["?limit=3", "?limit=x"])
def test_method(server: Server, method: str, token: str | None, query: str) -> None:
    server.assert_same(query, method=method, token=token)


@pytest.mark.parametrize(
    "query", ["", "?limit=x", "?access_token={admin}", "?access_token={user}"]
)
@pytest.mark.parametrize(
    "token", [None, "user", "gone", "expired", "", "unknown", "syt_x_y_z"]
)
def test_token(server: Server, token: str | None, query: str) -> None:
    server.assert_same(query, token=token)


@pytest.mark.parametrize("query", ["?access_token=", "?access_token=x&access_token=y"])
def test_token_in_the_query(server: Server, query: str) -> None:
    server.assert_same(query, token=None)


@pytest.mark.parametrize("scheme", ["Basic {}", "bearer {}", "Bearer  {}", "{}"])
def test_scheme_of_the_token(server: Server, scheme: str) -> None:
    authorization = scheme.format(server.tokens["admin"])
    server.assert_same(token=None, headers={"Authorization": authorization})


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "https://admin.example"),
        ("Accept-Encoding", "gzip"),
        ("Accept", "application/json"),
        ("Accept", "*/*"),
        ("Accept", "text/html"),
        ("Accept", "text/csv"),
        ("Accept", "text/csv, */*;q=0.1"),
        ("Range", "bytes=0-10"),
        ("If-None-Match", "*"),
        ("If-Modified-Since", "Thu, 01 Jan 2037 00:00:00 GMT"),
        ("Connection", "close"),
        ("X-HTTP-Method-Override", "DELETE"),
    ],
    ids=lambda header: ": ".join(header),
)
def test_header(server: Server, header: tuple[str, str]) -> None:
    name, value = header
    server.assert_same("?limit=3", headers={name: value})


@pytest.mark.parametrize("suffix", ["/", "//", "/x", "/x/y", "%2F", ";x", "x"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_path(server: Server, method: str, suffix: str) -> None:
    server.assert_same(suffix, method=method)


# The rows of the table in docs/compared-with-synapse.md.


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("?search_term=%25", id="% is no wildcard"),
        pytest.param("?search_term=ali_e", id="_ is no wildcard"),
        pytest.param("?search_term=%C3%AB", id="search outside ASCII"),
        pytest.param("?search_term=%FF", id="search that is not UTF-8"),
        pytest.param("?search_term=@alice:example.org", id="search by user ID"),
        pytest.param("?search_term=a%00b", id="NUL in the search"),
        pytest.param("?limit=0", id="limit=0"),
        pytest.param(f"?limit={2**63}", id="past 64 bits"),
        pytest.param(f"?from_ts={2**63}", id="past 64 bits, time"),
    ],
)
def test_difference(server: Server, query: str) -> None:
    builtin = server.ask(DOCUMENTED_PATH, query)
    module = server.ask(_USERS_PATH, query)
    assert module.status in (200, 400)
    assert (module.status, module.body) != (builtin.status, builtin.body)
