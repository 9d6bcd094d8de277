"""`search_term` for a client: literal, in every script, in any case.

test_search_patterns.py tests the patterns that the databases get.
"""

# ruff: noqa: RUF001 - letters that look like those of another script are the point

import string
from collections.abc import Iterable
from itertools import product
from typing import ClassVar

from modes_support import DIRECTIONS
from owners_model import Query
from owners_support import OwnersTestCase, in_every_mode_of_owners
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import RemoteMedia

# Terms, and texts that contain them.
_FOUND = (
    ("alice", "Alice"),
    ("ALICE", "alice"),
    ("lic", "ALICE"),
    ("ÜNÏ", "Ünïcode"),
    ("ünïcode", "ÜNÏCODE"),
    ("ÉTÉ", "en été"),
    # Greek has two small sigmas and one capital.
    ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
    ("σίσυφοσ", "Σίσυφος"),
    ("ος", "ΣΌΛΟΣ"),
    ("ПРИВЕТ", "привет"),
    ("їжак", "ЇЖАК"),
    ("ՀԱՅԵՐԵՆ", "հայերեն"),
    ("ქართული", "ᲥᲐᲠᲗᲣᲚᲘ"),
    ("Ꮳꮃꭹ", "ꮳꮃꭹ"),
    ("ⰀⰁⰂ", "ⰰⰱⰲ"),
    # Outside the Basic Multilingual Plane: Deseret, Osage, Adlam.
    ("𐐔𐐯𐑅", "𐐼𐐯𐑅"),
    ("𐓏𐓘𐓻", "𐓷𐓘𐓻"),
    ("𞤀𞤣𞤤", "𞤢𞤣𞤤"),
    # Full width, and letters with more than one capital.
    ("ａｂｃ", "ＡＢＣ"),
    ("straẞe", "Straße"),
    ("\N{KELVIN SIGN}elvin", "kelvin"),
    ("kelvin", "\N{KELVIN SIGN}elvin"),
    ("\N{ANGSTROM SIGN}", "å"),
    ("\N{OHM SIGN}", "ω"),
    ("\N{MICRO SIGN}", "Μ"),
    ("\N{LATIN SMALL LETTER LONG S}", "S"),
    ("ǆ", "ǅ"),
    # Scripts without case, and characters that are no letters.
    ("日本", "こんにちは日本"),
    ("ال", "السلام"),
    ("📷", "photos 📷"),
    (" ", "a b"),
    ("a  b", "a  b"),
    ("\n", "two\nlines"),
)

# Terms, and texts that do not contain them.
_NOT_FOUND = (
    ("ss", "ß"),
    ("fi", "ﬁ"),
    ("e", "é"),
    # Turkish has two.
    ("i", "İ"),
    ("I", "ı"),
    # They look alike.
    ("A", "А"),
    ("a  b", "a b"),
)

_LITERAL = (
    *string.punctuation,
    "%%",
    "\\%",
    "\\\\",
    "_a",
    "**",
    "a*c",
    "a?c",
    "[a]",
    "[^a]",
    "[a-c]",
    "[!a]",
    "a.c",
    ".*",
    "^a",
    "c$",
    "(a)",
    "a|b",
    "a{2}",
    "a+",
    "\\d",
    "\\m",
    "***:a",
    "***=a",
    "(?i)a",
    "(?x) a",
    "' OR 1=1 --",
    "[[:alpha:]]",
    "[]",
    "]",
)


@in_every_mode_of_owners
class SearchUsersTestCase(OwnersTestCase):
    """The search finds a user by localpart or displayname."""

    def search(self, term: str) -> list[str]:
        """Search; check the values of the users found, and return their IDs."""
        query = {"search_term": term, "limit": 1_000}
        answer = self.answer(query)
        assert answer == self.expected(query), term
        return [user["user_id"] for user in answer["users"]]

    def fill_with(self, texts: Iterable[str]) -> None:
        """Make two users for each text, which is the localpart or the displayname."""
        texts = list(dict.fromkeys(texts))
        self.fill(
            *[self.file(text) for text in texts],
            *[self.file(str(number)) for number in range(len(texts))],
            displaynames={
                self.owner(str(number)): text for number, text in enumerate(texts)
            },
        )

    def is_found(self, term: str, text: str) -> bool:
        """Whether the search finds it, equally in both places."""
        listed = self.search(term)
        by_localpart = self.owner(text) in listed
        (user_id,) = [
            user_id
            for user_id, displayname in self.displaynames.items()
            if displayname == text
        ]
        assert by_localpart == (user_id in listed)
        return by_localpart

    def test_case(self) -> None:
        self.fill_with(text for _, text in (*_FOUND, *_NOT_FOUND))

        for term, text in _FOUND:
            assert self.is_found(term, text), (term, text)
            assert self.is_found(text, text), text
        for term, text in _NOT_FOUND:
            assert not self.is_found(term, text), (term, text)

    def test_every_character_is_literal(self) -> None:
        self.fill_with(
            [*_LITERAL, *[f"x{text}y" for text in _LITERAL if ":" not in text], "abc"]
        )

        for term in _LITERAL:
            found = self.search(term)
            if ":" not in term:
                assert {self.owner(term), self.owner(f"x{term}y")} <= set(found)
            assert self.owner("abc") not in found

    def test_wildcards_of_sql(self) -> None:
        self.fill_with(["100%", "100 per cent", "a_b", "axb", "50%_off"])

        assert self.is_found("%", "100%")
        assert not self.is_found("%", "100 per cent")
        assert self.is_found("a_b", "a_b")
        assert not self.is_found("a_b", "axb")
        assert not self.is_found("1%t", "100 per cent")
        assert self.is_found("%_", "50%_off")

    def test_only_one_displayname_counts(self) -> None:
        self.fill(
            self.file("a"),
            self.file("b"),
            displaynames={"@a:test": "Bee", "@b:test": None, "@c:test": "a"},
        )

        assert self.search("a") == ["@a:test"]
        assert self.search("b") == ["@a:test", "@b:test"]
        # Not across the two.
        assert self.search("aBee") == self.search("a Bee") == []

    def test_order_and_pages(self) -> None:
        self.fill(
            *[
                self.file(f"{name}{number}", media_length=number % 3)
                for number in range(9)
                for name in ("yes", "no")
                for _ in range(number % 2 + 1)
            ],
            displaynames={
                "@no1:test": "YES",
                "@yes1:test": "no",
                "@yes2:test": "Yes",
                "@yes3:test": "Yes",
                "@no2:test": "No",
            },
        )

        limits: list[Query] = [
            {"limit": 1},
            {"limit": 4},
            {"limit": 4, "from_ts": 1},
            {"limit": 100, "from_ts": 1},
        ]
        for order_by, direction, limit in product(self.orders, DIRECTIONS, limits):
            query = {
                "search_term": "yes",
                "order_by": order_by,
                "dir": direction,
                **limit,
            }
            pages = list(self.pages(query))
            assert pages[0] == self.expected(query)
            assert pages[0]["total"] == 10
            users = [user for page in pages for user in page["users"]]
            assert users == self.expected({**query, "limit": 100})["users"]

    def test_encodings_of_a_query_string(self) -> None:
        self.fill_with(["a b", "a+b", "Ünï"])

        for query, text in (
            (b"search_term=a+b", "a b"),
            (b"search_term=a%20b", "a b"),
            (b"search_term=a%2Bb", "a+b"),
            (b"search_term=%C3%9Cn%c3%af", "Ünï"),
        ):
            channel = self.request_raw(query)
            assert channel.json_body == self.expected({"search_term": text})
            assert channel.json_body["total"] == 2


@parameterized_class(
    [
        {"server_name": "test.example:8448"},
        {"server_name": "[2001:db8::1]:8448"},
    ]
)
class ServerNameTestCase(OwnersTestCase):
    """The server name finds nobody, but a complete user ID does."""

    server_name: ClassVar[str]

    def setUp(self) -> None:
        super().setUp()
        names = ("alice", "alice2", "malice", "a.lice", "bob")
        self.fill(
            *[self.file(name) for name in names],
            displaynames={self.owner("bob"): f"not @alice:{self.server_name}!"},
        )

    def search(self, term: str) -> list[str]:
        """Search; return the user IDs found."""
        query = {"search_term": term}
        answer = self.answer(query)
        assert answer == self.expected(query), term
        return [user["user_id"] for user in answer["users"]]

    def test_server_name(self) -> None:
        self.fill(*[self.file(name) for name in ("alice", "bob")])

        parts = [part for part in self.server_name.split(":") if len(part) > 1]
        for term in (":", "8448", ":8448", self.server_name, *parts):
            assert self.search(term) == []
            assert self.search(f":{term}") == self.search(f"e:{term}") == []

        # Unless it is in a displayname.
        self.fill(self.file("test"), self.file("8448"), self.file("alice"))
        assert self.search("test") == [self.owner("test")]
        assert self.search("8448") == [self.owner("8448")]

    def test_user_id(self) -> None:
        # Also finds users with this text in their displayname.
        found = [self.owner("alice"), self.owner("bob")]
        assert self.search(self.owner("alice")) == found
        assert self.search(self.owner("ALICE")) == found
        assert self.search(self.owner("bob")) == [self.owner("bob")]

        # Incomplete, or not literally equal.
        for term in (
            self.owner("lice"),
            self.owner("alic"),
            self.owner("alice")[1:],
            "@",
            "@alic",
            "@alice:elsewhere.example",
            self.owner("alice") + "0",
            self.owner("a_lice"),
            self.owner("a%"),
            self.owner("*"),
            self.owner(".*"),
        ):
            assert self.owner("alice") not in self.search(term)


@in_every_mode_of_owners
class SearchServersTestCase(OwnersTestCase):
    """The search finds a server by its whole name."""

    endpoint = "servers"

    def test_servers(self) -> None:
        names = ["example.org", "Example.com:8448", "a_b.example", "[2001:db8::1]:443"]
        self.fill(*[RemoteMedia(media_origin=name) for name in names])

        for term, found in (
            ("EXAMPLE", ["Example.com:8448", "a_b.example", "example.org"]),
            ("example.org", ["example.org"]),
            (".", ["Example.com:8448", "a_b.example", "example.org"]),
            (":8448", ["Example.com:8448"]),
            ("8", ["Example.com:8448", "[2001:db8::1]:443"]),
            ("_", ["a_b.example"]),
            ("%", []),
            ("*", []),
            ("[2001:DB8::1]", ["[2001:db8::1]:443"]),
            ("[12]", []),
            ("@example.org", []),
            ("@example:org", []),
            ("org.", []),
        ):
            assert self.listed({"search_term": term}) == found, term
            query = {"search_term": term, "order_by": "media_count", "dir": "b"}
            assert self.answer(query) == self.expected(query)
