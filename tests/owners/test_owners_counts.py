"""Counts and lengths of users and servers, of all time and in a window."""

from owners_support import (
    LARGEST_INTEGER,
    OwnersTestCase,
    in_every_mode_of_both_endpoints,
)


@in_every_mode_of_both_endpoints
class CountsTestCase(OwnersTestCase):
    """Counts and lengths are exact integers."""

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

        # Quarantined media takes space, too.
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
class WindowTestCase(OwnersTestCase):
    """Media of one owner at 10, 20 and 30, of a second at 20, of a third at 40."""

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
        """Count and length of each owner, equal in every order."""
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

        # Zero is the default, and means no limit.
        assert self.usages(from_ts=0) == self.usages() == {"a": (2, 2), "b": (1, 1)}
        assert self.usages(from_ts=0, until_ts=1) == self.usages()

        self.fill(self.file("a", created_ts=LARGEST_INTEGER), self.file("b"))

        assert self.usages(from_ts=LARGEST_INTEGER) == {"a": (1, 1)}
        assert self.usages(until_ts=LARGEST_INTEGER) == {"a": (1, 1), "b": (1, 1)}
        assert self.usages(until_ts=LARGEST_INTEGER - 1) == {"b": (1, 1)}

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
