"""Order and pages of `/v1/users` and `/v1/servers`, with few owners and with many."""

import json
from itertools import chain, product
from typing import Any
from unittest.mock import patch

import pytest
from modes_support import DIRECTIONS
from owners_model import Query
from owners_support import (
    LARGEST_INTEGER,
    OwnersTestCase,
    for_both_endpoints,
    in_every_mode_of_both_endpoints,
)
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.answers import OwnerUsage
from media_stats_module.storage.owners import walk
from media_stats_module.storage.sources import MediaTable


@in_every_mode_of_both_endpoints
class PagesTestCase(OwnersTestCase):
    """Seven owners. In every order, some have equal keys."""

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
        # Users without a displayname are last, in both directions.
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
        """All owners in this order."""
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
            for limit in (1, 2, 3, count, count + 1):
                pages = list(
                    self.pages({"order_by": order_by, "dir": direction, "limit": limit})
                )
                owners = [
                    [entry[self.owner_key] for entry in page[self.endpoint]]
                    for page in pages
                ]
                whole = list(chain.from_iterable(owners))
                assert whole == self.in_order(order_by, direction)
                # Only the last page may be short.
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
            # limit=0, or beyond the end.
            for query in (
                {"limit": 0},
                {"limit": 0, "from": 3},
                {"from": total},
                {"from": total + 1, "limit": 1},
                {"from": 1_000_000, "limit": 0},
            ):
                answer = self.answer({**order, **query})
                assert answer == {self.endpoint: [], "total": total}
            # The search finds nobody.
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
            for limit in (1_000, 2**31, LARGEST_INTEGER):
                query = {"order_by": order_by, "limit": limit}
                assert self.listed(query) == self.in_order(order_by, "f")
                query = {"order_by": order_by, "limit": limit, "from": 5}
                assert self.listed(query) == self.in_order(order_by, "f")[5:]
            for start in (2**31, LARGEST_INTEGER):
                for limit in (1, LARGEST_INTEGER):
                    answer = self.answer(
                        {"from": start, "limit": limit, "order_by": order_by}
                    )
                    assert answer == {self.endpoint: [], "total": total}


@in_every_mode_of_both_endpoints
@pytest.mark.once
class ManyOwnersTestCase(OwnersTestCase):
    """With many owners, adding up some of them can cost more than a scan."""

    def setUp(self) -> None:
        super().setUp()
        # A tenth of the owners, one more, and two more.
        parts = {"x": 30, "y": 31, "z": 32}
        names = [
            f"{number:03}"
            + "".join(part for part, count in parts.items() if number < count)
            for number in range(300)
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
        """Compare the pages from these starts, with this limit, in every order."""
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
        self.assert_pages((0, 30), (0, 32), (5, 101), (5, 102), (290, 32), (0, 1_000))

    def test_searches_that_find_many(self) -> None:
        for term, end in (("x", 30), ("y", 31), ("z", 32), ("8", 57)):
            self.assert_pages(
                (0, 4), (end - 2, 2), (end, 1), (0, 1_000), search_term=term
            )

    # PostgreSQL takes all at once.
    @pytest.mark.any_database
    def test_few_values_in_a_statement(self) -> None:
        with patch.object(walk, "_OWNERS_AT_ONCE", 7):
            self.assert_pages((0, 1), (0, 7), (3, 8), (0, 50))
            self.assert_pages((0, 50), (3, 8), search_term="x")


@for_both_endpoints
class DeletedMeanwhileTestCase(OwnersTestCase):
    """Another program deletes media of an SQLite database while a page is read.

    Synapse itself has only one connection to it.
    """

    def test_owner_without_media_any_more(self) -> None:
        self.fill(self.file("a"), self.file("b", media_length=7), self.file("c"))
        add_up = walk._sum_txn

        def delete_and_add_up(
            txn: LoggingTransaction,
            media: MediaTable,
            details: dict[str, list[Any]],
        ) -> list[OwnerUsage]:
            txn.execute(
                f"DELETE FROM {media.name} WHERE {media.owner} = ?", (self.owner("b"),)
            )
            return add_up(txn, media, details)

        # These do not read the whole table.
        for query in (
            {"from": 1, "limit": 1},
            {"search_term": "b", "order_by": "media_length"},
        ):
            with patch.object(walk, "_sum_txn", delete_and_add_up):
                answer = self.answer(query)
            assert self.owner("b") not in json.dumps(answer)
            self.fill(self.file("a"), self.file("b"), self.file("c"))

        assert self.listed() == [self.owner(name) for name in "abc"]
