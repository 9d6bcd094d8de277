"""What `/v1/users` and `/v1/servers` have in common: order, pages, windows, refusals.

All of it is asked over HTTP, and of both endpoints.
"""

import json
from itertools import chain, product
from unittest.mock import patch
from urllib.parse import quote_from_bytes

from hypothesis import given
from hypothesis import strategies as st
from modes_support import DIRECTIONS
from owners_model import Query
from owners_support import (
    OwnersTestCase,
    for_both_endpoints,
    header,
    in_every_mode_of_both_endpoints,
)
from synapse.module_api import JsonDict, LoggingTransaction
from tests.server import FakeChannel

from media_stats_module.storage.answers import OwnerUsage
from media_stats_module.storage.owners import walk
from media_stats_module.storage.sources import MediaTable

_LARGEST_INTEGER = 2**63 - 1

_INTEGERS = ("from", "limit", "from_ts", "until_ts")


@in_every_mode_of_both_endpoints
class PagesTestCase(OwnersTestCase):
    """Seven owners of whom some are equal, whatever the list is sorted by."""

    # Count and length.
    _TOTALS = {  # noqa: RUF012
        "g": (2, 20),
        "a": (2, 30),
        "f": (1, 20),
        "c": (2, 10),
        "b": (1, 10),
        "e": (3, 10),
        "d": (1, 30),
    }

    _DISPLAYNAMES = {  # noqa: RUF012
        "a": "Same",
        "b": None,
        "c": "First",
        "d": "Same",
        # e has no profile.
        "f": "Same",
        "g": None,
    }

    _ORDERS = {  # noqa: RUF012
        ("media_count", "f"): "bdfacge",
        ("media_count", "b"): "eacgbdf",
        ("media_length", "f"): "bcefgad",
        ("media_length", "b"): "adfgbce",
        ("user_id", "f"): "abcdefg",
        ("user_id", "b"): "gfedcba",
        ("server_name", "f"): "abcdefg",
        ("server_name", "b"): "gfedcba",
        # Who has none comes last, whatever the direction.
        ("displayname", "f"): "cadfbeg",
        ("displayname", "b"): "adfcbeg",
    }

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            *[
                self.file(name, media_length=length if index == 0 else 0)
                for name, (count, length) in self._TOTALS.items()
                for index in range(count)
            ],
            displaynames={
                self.owner(name): displayname
                for name, displayname in self._DISPLAYNAMES.items()
                if self.endpoint == "users"
            },
        )

    def in_order(self, order_by: str, direction: str) -> list[str]:
        """All owners in that order."""
        return [self.owner(name) for name in self._ORDERS[order_by, direction]]

    def test_order(self) -> None:
        for order_by, direction in product(self.orders, DIRECTIONS):
            listed = self.listed({"order_by": order_by, "dir": direction})
            assert listed == self.in_order(order_by, direction), (order_by, direction)

        defaults = {"order_by": self.owner_key, "dir": "f", "from": 0, "limit": 100}

        assert self.request().result["body"] == self.request(defaults).result["body"]
        for left_out in defaults:
            some = {name: defaults[name] for name in defaults if name != left_out}
            assert self.answer(some) == self.answer()

    def test_pages_partition_the_list(self) -> None:
        count = len(self._TOTALS)
        for order_by, direction in product(self.orders, DIRECTIONS):
            for limit in range(1, count + 2):
                pages = list(
                    self.pages({"order_by": order_by, "dir": direction, "limit": limit})
                )
                owners = [
                    [entry[self.owner_key] for entry in page[self.endpoint]]
                    for page in pages
                ]
                whole = list(chain.from_iterable(owners))
                assert whole == self.in_order(order_by, direction)
                # Only the last page may have room left.
                assert all(len(page) == limit for page in owners[:-1])
                assert owners[-1]
                assert [page["total"] for page in pages] == [count] * len(pages)

    def test_from_and_next_token(self) -> None:
        for order_by, direction in product(self.orders, DIRECTIONS):
            whole = self.in_order(order_by, direction)
            for start in range(len(whole) + 2):
                listed = self.listed(
                    {"order_by": order_by, "dir": direction, "from": start, "limit": 2}
                )
                assert listed == whole[start : start + 2]

        count = len(self._TOTALS)
        for start, limit in product(range(count + 2), range(1, count + 2)):
            answer = self.answer({"from": start, "limit": limit})
            if start + limit < count:
                assert answer["next_token"] == start + limit
                assert type(answer["next_token"]) is int
            else:
                assert "next_token" not in answer

    def test_empty_pages(self) -> None:
        total = len(self._TOTALS)
        for order_by, direction in product(self.orders, DIRECTIONS):
            order: Query = {"order_by": order_by, "dir": direction}
            # None asked for, or none left.
            for query in (
                {"limit": 0},
                {"limit": 0, "from": 3},
                {"from": total},
                {"from": total + 1, "limit": 1},
                {"from": 1_000_000, "limit": 0},
            ):
                answer = self.answer({**order, **query})
                assert answer == {self.endpoint: [], "total": total}
            # None found.
            for start in (0, 1):
                answer = self.answer({**order, "search_term": "nowhere", "from": start})
                assert answer == {self.endpoint: [], "total": 0}

        self.fill()
        for order_by, direction in product(self.orders, DIRECTIONS):
            answer = self.answer({"order_by": order_by, "dir": direction})
            assert answer == {self.endpoint: [], "total": 0}

    def test_large_integers(self) -> None:
        total = len(self._TOTALS)
        for order_by in self.orders:
            for limit in (1_000, 2**31, _LARGEST_INTEGER):
                query = {"order_by": order_by, "limit": limit}
                assert self.listed(query) == self.in_order(order_by, "f")
                query = {"order_by": order_by, "limit": limit, "from": 5}
                assert self.listed(query) == self.in_order(order_by, "f")[5:]
            for start in (2**31, _LARGEST_INTEGER):
                for limit in (1, _LARGEST_INTEGER):
                    answer = self.answer(
                        {"from": start, "limit": limit, "order_by": order_by}
                    )
                    assert answer == {self.endpoint: [], "total": total}


@in_every_mode_of_both_endpoints
class WindowTestCase(OwnersTestCase):
    """Media of one owner at 10, 20 and 30, of another at 20, of a third at 40."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            self.file("a", created_ts=10, media_length=1),
            self.file("a", created_ts=20, media_length=10),
            self.file("a", created_ts=30, media_length=100),
            self.file("b", created_ts=20, media_length=1_000),
            self.file("c", created_ts=40, media_length=10_000),
        )

    def usages(self, **query: object) -> dict[str, tuple[int, int]]:
        """Count and length of each owner listed, the same in every order."""
        names = {self.owner(name): name for name in "abc"}
        usages = [
            {
                names[entry[self.owner_key]]: (
                    entry["media_count"],
                    entry["media_length"],
                )
                for entry in self.answer({"order_by": order_by, **query})[self.endpoint]
            }
            for order_by in self.orders
        ]
        assert usages == [usages[0]] * len(self.orders)
        assert self.answer(query)["total"] == len(usages[0])
        return usages[0]

    def test_bounds(self) -> None:
        assert self.usages() == {"a": (3, 111), "b": (1, 1_000), "c": (1, 10_000)}

        # Both are inclusive.
        assert self.usages(from_ts=20, until_ts=30) == {"a": (2, 110), "b": (1, 1_000)}
        assert self.usages(from_ts=21, until_ts=30) == {"a": (1, 100)}
        assert self.usages(from_ts=20, until_ts=29) == {"a": (1, 10), "b": (1, 1_000)}
        assert self.usages(from_ts=29, until_ts=30) == {"a": (1, 100)}
        assert self.usages(from_ts=39, until_ts=40) == {"c": (1, 10_000)}

        assert self.usages(from_ts=30) == {"a": (1, 100), "c": (1, 10_000)}
        assert self.usages(from_ts=31) == {"c": (1, 10_000)}
        assert self.usages(until_ts=20) == {"a": (2, 11), "b": (1, 1_000)}
        assert self.usages(until_ts=19) == {"a": (1, 1)}
        assert self.usages(from_ts=41) == {}
        assert self.usages(until_ts=9) == {}

    def test_extremes(self) -> None:
        self.fill(
            self.file("a", created_ts=-5),
            self.file("a", created_ts=0),
            self.file("b", created_ts=1),
        )

        # Zero is the default, and no bound.
        assert self.usages(from_ts=0) == self.usages() == {"a": (2, 2), "b": (1, 1)}
        assert self.usages(from_ts=0, until_ts=1) == self.usages()

        self.fill(self.file("a", created_ts=_LARGEST_INTEGER), self.file("b"))

        assert self.usages(from_ts=_LARGEST_INTEGER) == {"a": (1, 1)}
        assert self.usages(until_ts=_LARGEST_INTEGER) == {"a": (1, 1), "b": (1, 1)}
        assert self.usages(until_ts=_LARGEST_INTEGER - 1) == {"b": (1, 1)}

    def test_search_order_and_pages(self) -> None:
        assert self.usages(from_ts=20, until_ts=30, search_term="B") == {"b": (1, 1000)}
        assert self.usages(from_ts=20, until_ts=30, search_term="c") == {}

        pages = list(
            self.pages(
                {"from_ts": 20, "limit": 1, "order_by": "media_length", "dir": "b"}
            )
        )
        assert [page[self.endpoint][0][self.owner_key] for page in pages] == [
            self.owner(name) for name in "cba"
        ]
        assert [page["total"] for page in pages] == [3, 3, 3]


@for_both_endpoints
class ParametersTestCase(OwnersTestCase):
    """What is refused, with which words, and what is let pass."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(self.file("a"), self.file("b"), self.file("b"))

    def test_integers(self) -> None:
        not_integers = ("", "many", "1.5", "1e3", "0x10", "1 2", "\u0661", "NaN", "%")
        negative = (-1, -_LARGEST_INTEGER - 1, -(10**30))
        past_64_bits = (_LARGEST_INTEGER + 1, 2**64, 10**30, 10**4000)
        of_more_digits_than_python_reads = ("9" * 10_000,)
        for value in (
            *not_integers,
            *negative,
            *past_64_bits,
            *of_more_digits_than_python_reads,
        ):
            for name in _INTEGERS:
                self.assert_refused(self.request({name: value}), name)

    def test_end_before_start(self) -> None:
        for from_ts, until_ts in ((5, 5), (6, 5), (_LARGEST_INTEGER, 1), (0, 0)):
            channel = self.request({"from_ts": from_ts, "until_ts": until_ts})
            self.assert_refused(
                channel, "Query parameter until_ts must be greater than from_ts."
            )
        self.assert_refused(self.request({"until_ts": 0}), "until_ts")

    def test_order_by_and_dir(self) -> None:
        other_owner = {"users": "server_name", "servers": "user_id"}[self.endpoint]
        for value in ("", "size", "MEDIA_COUNT", "media_count ", other_owner):
            self.assert_refused(self.request({"order_by": value}), "order_by")
        channel = self.request({"order_by": "size"})
        for order in self.orders:
            assert order in channel.json_body["error"]

        for value in ("", "up", "F", "B", "forwards", "fb"):
            self.assert_refused(self.request({"dir": value}), "dir")

        for name in ("order_by", "dir"):
            channel = self.request({name: "\u00fc"})
            # What Synapse calls it everywhere.
            self.assert_refused(channel, name, "ascii", errcode="M_UNKNOWN")

    def test_search_term(self) -> None:
        self.assert_refused(
            self.request({"search_term": ""}),
            "Query parameter search_term cannot be an empty string.",
        )

        for value in ("\0", "a\0", "\0a", "a\0b"):
            self.assert_refused(self.request({"search_term": value}), "search_term")

        # Not UTF-8.
        for encoded in (b"%FF", b"a%C3", b"%C0%80", b"%ED%A0%80", b"%F4%90%80%80"):
            channel = self.request_raw(b"search_term=" + encoded)
            self.assert_refused(channel, "search_term", "UTF-8")

        # Longer than any name may be.
        self.assert_refused(self.request({"search_term": "a" * 513}), "search_term")
        for character in "ak_%*[\\\U0001e921\u03c3":
            assert self.listed({"search_term": character * 512}) == []

    def test_empty_unknown_and_repeated(self) -> None:
        for name in (*_INTEGERS, "order_by", "dir", "search_term"):
            self.assert_refused(self.request_raw(name.encode() + b"="), name)
            # Twisted takes a name without an equals sign for no parameter at all.
            assert self.request_raw(name.encode()).code == 200

        for query in (
            # Published clients send this one.
            {"orderby": "media_count"},
            {"LIMIT": 1},
            {"next_token": 1},
            {"\u00fc": "\0", "": "x", "limit[]": "-1"},
        ):
            assert self.answer(query) == self.answer()

        # The first one counts, as everywhere in Synapse.
        assert self.request_raw(b"limit=1&limit=many&limit=2").json_body == self.answer(
            {"limit": 1}
        )
        self.assert_refused(self.request_raw(b"limit=many&limit=1"), "limit")
        assert self.request_raw(
            b"search_term=a&search_term=b"
        ).json_body == self.answer({"search_term": "a"})

    def test_wrong_parameters_are_named_one_by_one(self) -> None:
        """As many mistakes, so many requests; in the order of the documentation."""
        wrong = {
            "order_by": "x",
            "from": "x",
            "limit": "x",
            "from_ts": "x",
            "until_ts": "x",
            "search_term": "",
            "dir": "x",
        }
        while wrong:
            first = next(iter(wrong))
            self.assert_refused(self.request(wrong), first)
            del wrong[first]


@in_every_mode_of_both_endpoints
class CountsTestCase(OwnersTestCase):
    """Counts and lengths are what the files add up to, and integers."""

    def test_counts_and_lengths(self) -> None:
        self.fill(self.file("a", media_length=0), self.file("a", media_length=0))

        (entry,) = self.answer()[self.endpoint]
        assert (entry["media_count"], entry["media_length"]) == (2, 0)

        # Beyond 32 bits.
        length = 2**31 - 1
        self.fill(*[self.file("a", media_length=length) for _ in range(5)])

        for query in ({}, {"from_ts": 1}, {"order_by": "media_length"}):
            (entry,) = self.answer(query)[self.endpoint]
            assert entry["media_length"] == 5 * length
            assert type(entry["media_length"]) is type(entry["media_count"]) is int

        # Media in quarantine takes space too.
        self.fill(self.file("a", quarantined_by="@admin:test", media_length=7))

        (entry,) = self.answer()[self.endpoint]
        assert (entry["media_count"], entry["media_length"]) == (1, 7)

    def test_each_request_sees_what_is_there_now(self) -> None:
        self.fill(self.file("a", media_length=7))
        assert self.answer() == self.expected({})

        self.fill(self.file("a", media_length=8), self.file("b"))
        assert self.answer() == self.expected({})

        self.fill(self.file("b"))
        assert self.answer() == self.expected({})

    def test_more_owners_than_a_page(self) -> None:
        self.fill(*[self.file(f"{number:03}") for number in range(101)])

        answer = self.answer()

        assert len(answer[self.endpoint]) == 100
        assert (answer["total"], answer["next_token"]) == (101, 100)
        assert len(self.listed({"limit": 1_000})) == 101


@in_every_mode_of_both_endpoints
class ManyOwnersTestCase(OwnersTestCase):
    """So many that adding up the media of some of them is not worth it."""

    def setUp(self) -> None:
        super().setUp()
        # A tenth of the owners, one more, and two more.
        parts = {"x": 90, "y": 91, "z": 92}
        names = [
            f"{number:03}"
            + "".join(part for part, count in parts.items() if number < count)
            for number in range(900)
        ]
        self.fill(
            *[
                self.file(name, media_length=number % 4)
                for number, name in enumerate(names)
                for _ in range(number % 3 + 1)
            ],
            displaynames={
                self.owner(name): f"Number {number % 50}"
                for number, name in enumerate(names)
                if self.endpoint == "users" and number % 7
            },
        )

    def assert_pages(self, *pages: tuple[int, int], **query: object) -> None:
        """Of each order, those that begin there and have that limit, are right."""
        for order_by, direction, (start, limit) in product(
            self.orders, DIRECTIONS, pages
        ):
            page: Query = {
                **query,
                "order_by": order_by,
                "dir": direction,
                "from": start,
                "limit": limit,
            }
            assert self.answer(page) == self.expected(page), page

    def test_large_pages(self) -> None:
        self.assert_pages((0, 90), (0, 92), (5, 101), (5, 102), (850, 92), (0, 1_000))

    def test_searches_that_find_many(self) -> None:
        for term, end in (("x", 90), ("y", 91), ("z", 92), ("8", 252)):
            self.assert_pages(
                (0, 4), (end - 2, 2), (end, 1), (0, 1_000), search_term=term
            )

    def test_few_values_in_a_statement(self) -> None:
        with patch.object(walk, "_OWNERS_AT_ONCE", 7):
            self.assert_pages((0, 1), (0, 7), (3, 8), (0, 50))
            self.assert_pages((0, 50), (3, 8), search_term="x")


@for_both_endpoints
class DeletedMeanwhileTestCase(OwnersTestCase):
    """Another program deletes media of an SQLite database while a page is put together.

    Synapse itself has only one connection to it.
    """

    def test_owner_without_media_any_more(self) -> None:
        self.fill(self.file("a"), self.file("b", media_length=7), self.file("c"))
        add_up = walk._sum_txn

        def delete_and_add_up(
            txn: LoggingTransaction,
            media: MediaTable,
            names: dict[str, str | None],
        ) -> list[OwnerUsage]:
            txn.execute(
                f"DELETE FROM {media.name} WHERE {media.owner} = ?", (self.owner("b"),)
            )
            return add_up(txn, media, names)

        # Which are not answered by a read of the whole table.
        for query in (
            {"from": 1, "limit": 1},
            {"search_term": "b", "order_by": "media_length"},
        ):
            with patch.object(walk, "_sum_txn", delete_and_add_up):
                answer = self.answer(query)
            assert self.owner("b") not in json.dumps(answer)
            self.fill(self.file("a"), self.file("b"), self.file("c"))

        assert self.listed() == [self.owner(name) for name in "abc"]


@for_both_endpoints
class HttpTestCase(OwnersTestCase):
    """What a browser and Synapse's own habits want around the answers."""

    def assert_cors(self, channel: FakeChannel) -> None:
        """A page from anywhere may read the answer."""
        assert header(channel, "Access-Control-Allow-Origin") == "*"
        assert "GET" in header(channel, "Access-Control-Allow-Methods")
        assert "Authorization" in header(channel, "Access-Control-Allow-Headers")

    def test_cors_and_json_on_answers_and_errors(self) -> None:
        _, ordinary = self.make_user("ordinary")
        for path, token, code in (
            (self.path, None, 200),
            (self.path + "?limit=many", None, 400),
            (self.path, "", 401),
            (self.path, "unknown", 401),
            (self.path, ordinary, 403),
            (self.path + "/", None, 404),
            (self.path + "/below", None, 404),
        ):
            channel = self.ask(path, token=token)
            assert channel.code == code
            self.assert_cors(channel)
            assert header(channel, "Content-Type") == "application/json"
            # Nobody else may find it in a cache.
            assert "no-store" in header(channel, "Cache-Control")
            if code != 200:
                assert set(channel.json_body) >= {"errcode", "error"}

    def test_preflight(self) -> None:
        for path in (self.path, self.path + "?limit=1"):
            # Browsers send no token with it.
            channel = self.make_request("OPTIONS", path)
            assert channel.code == 204
            assert channel.result.get("body", b"") == b""
            self.assert_cors(channel)

    def test_head(self) -> None:
        get = self.request()
        head = self.make_request("HEAD", self.path, access_token=self.admin_token)

        assert head.code == get.code == 200
        assert head.result.get("body", b"") == b""
        self.assert_cors(head)
        assert self.make_request("HEAD", self.path).code == 401

    def test_other_methods(self) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            channel = self.make_request(
                method, self.path, {}, access_token=self.admin_token
            )
            # 404 before Synapse 1.90.
            assert channel.code in (404, 405)
            assert channel.json_body["errcode"] == "M_UNRECOGNIZED"
            self.assert_cors(channel)

    def test_nothing_below(self) -> None:
        for below in ("/", "//", "/?limit=1", "/x", "/x/y", "/%2e%2e", "/users"):
            channel = self.ask(self.path + below)
            assert channel.code == 404
            assert channel.json_body == {
                "errcode": "M_UNRECOGNIZED",
                "error": "Unrecognized request",
            }
            self.assert_cors(channel)


_NAMES = (*_INTEGERS, "order_by", "dir", "search_term")

_VALUES = st.one_of(
    st.integers().map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"f", b"b", b"user_id", b"server_name", b"displayname", b"media_length", b"a"]
    ),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(),
)


@for_both_endpoints
class AnythingTestCase(OwnersTestCase):
    """Whatever is asked, the answer is 200 or 400, never an error of the server."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(self.file("a"), self.file("b", created_ts=7))

    def assert_answered(self, query: bytes) -> None:
        """There is an answer or a refusal, in JSON."""
        channel = self.request_raw(query)
        body: JsonDict = json.loads(channel.result["body"])
        if channel.code == 200:
            assert type(body["total"]) is int
            assert len(body[self.endpoint]) <= body["total"] <= 2
        else:
            assert channel.code == 400
            assert body["errcode"] in ("M_INVALID_PARAM", "M_UNKNOWN")
            assert any(name in body["error"] for name in _NAMES)
        assert header(channel, "Access-Control-Allow-Origin") == "*"

    @given(st.lists(st.tuples(st.sampled_from(_NAMES), _VALUES), max_size=4))
    def test_parameters(self, parameters: list[tuple[str, bytes]]) -> None:
        self.assert_answered(
            "&".join(
                f"{name}={quote_from_bytes(value)}" for name, value in parameters
            ).encode()
        )

    # Synapse fails on other characters before it looks at the path.
    @given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
    def test_text(self, query: str) -> None:
        self.assert_answered(query.encode())
