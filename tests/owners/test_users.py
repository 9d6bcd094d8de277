"""`/v1/users` against the documentation of *Users' media usage statistics*.

Synapse's own endpoint is asked, too. Where it follows its documentation, the module
answers the same, byte for byte.

`test_owners_*.py` tests what users and servers share.
"""

from itertools import product
from typing import ClassVar

from media_support import usage
from modes_support import DIRECTIONS
from owners_support import OwnersTestCase, in_every_mode_of_owners
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase
from synapse.module_api import JsonDict
from tests.server import FakeChannel

from media_stats_module.module import DOCUMENTED_PATH

_ORDERS = ("user_id", "displayname", "media_length", "media_count")

# Starts and limits, of five users.
_PAGES = ((0, 1), (0, 4), (0, 5), (1, 4), (4, 1), (5, 1), (6, 4))

_UPLOADS_AND_PREVIEWS = (
    LocalMedia(user_id="@both:test", media_length=1),
    LocalMedia(user_id="@both:test", media_length=10, url_cache="https://a.example/"),
    LocalMedia(user_id="@only_previews:test", url_cache="https://a.example/b"),
    LocalMedia(user_id="@only_uploads:test", media_length=100),
)


@in_every_mode_of_owners
class BuiltinTestCase(OwnersTestCase):
    """Where Synapse's own endpoint is right, it answers the same.

    No two users are equal, and all have displaynames.
    """

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            LocalMedia(user_id="@alice:test", media_length=5, created_ts=10),
            LocalMedia(user_id="@alice:test", media_length=6, created_ts=20),
            LocalMedia(user_id="@alice:test", media_length=7, created_ts=30),
            LocalMedia(user_id="@bob:test", media_length=500, created_ts=20),
            LocalMedia(user_id="@bob:test", media_length=0, created_ts=21),
            LocalMedia(user_id="@carol:test", media_length=2**31 - 1, created_ts=20),
            *[LocalMedia(user_id="@carol:test", created_ts=25) for _ in range(3)],
            LocalMedia(user_id="@=55.-_/+x:test", media_length=1, created_ts=1),
            *[LocalMedia(user_id="@n\u00f6l:test", created_ts=15) for _ in range(9)],
            displaynames={
                "@alice:test": "caf\u00e9 \U0001f4f7",
                "@bob:test": 'quote " and \\ and </script>\u2028',
                "@carol:test": "Alice",
                "@=55.-_/+x:test": "",
                "@n\u00f6l:test": "zo\u00eb",
                "@no_media:test": "a",
            },
        )

    def assert_same(self, query: str = "") -> FakeChannel:
        """Ask both; return the answer, which must be the same."""
        module = self.ask(f"{self.path}?{query}")
        builtin = self.ask(f"{DOCUMENTED_PATH}?{query}")
        assert (module.code, module.result["body"]) == (
            builtin.code,
            builtin.result["body"],
        ), query
        return module

    def test_answer(self) -> None:
        assert self.assert_same("from_ts=16&until_ts=20").result["body"] == (
            rb'{"users":['
            rb'{"user_id":"@alice:test","displayname":"caf\u00e9 \ud83d\udcf7",'
            rb'"media_count":1,"media_length":6},'
            rb'{"user_id":"@bob:test",'
            rb'"displayname":"quote \" and \\ and </script>\u2028",'
            rb'"media_count":1,"media_length":500},'
            rb'{"user_id":"@carol:test","displayname":"Alice",'
            rb'"media_count":1,"media_length":2147483647}'
            rb'],"total":3}'
        )
        assert self.assert_same("limit=1").result["body"] == (
            b'{"users":[{"user_id":"@=55.-_/+x:test","displayname":"",'
            b'"media_count":1,"media_length":1}],"total":5,"next_token":1}'
        )

    def test_same_answers(self) -> None:
        for order_by, direction in product(_ORDERS, DIRECTIONS):
            order = f"order_by={order_by}&dir={direction}"
            self.assert_same(order)
            for start, limit in _PAGES:
                self.assert_same(f"{order}&from={start}&limit={limit}")
            # Some are equal then by count and length.
            if order_by in ("user_id", "displayname"):
                for query in (
                    "from_ts=0",
                    "from_ts=20",
                    "until_ts=20",
                    "from_ts=15&until_ts=20",
                    "from_ts=31",
                    "until_ts=20&limit=2&from=1",
                    "search_term=a",
                    "search_term=b&limit=1",
                    "search_term=o",
                    "search_term=test",
                    "search_term=%2B",
                    "search_term=+",
                    "search_term=nobody",
                    "search_term=o&from_ts=20&until_ts=20",
                ):
                    self.assert_same(f"{order}&{query}")


@in_every_mode_of_owners
class UsersTestCase(OwnersTestCase):
    """Which users are listed, in which order, and with which values."""

    def test_displayname_is_always_there(self) -> None:
        self.fill(
            *[self.file(name) for name in ("no_profile", "null", "empty", "set")],
            displaynames={
                "@null:test": None,
                "@empty:test": "",
                "@set:test": "A name",
            },
        )

        # An empty displayname comes before all others.
        for query, names in (
            ({}, ["", None, None, "A name"]),
            ({"order_by": "displayname"}, ["", "A name", None, None]),
            ({"order_by": "displayname", "dir": "b"}, ["A name", "", None, None]),
        ):
            users = self.answer(query)["users"]
            assert [user["displayname"] for user in users] == names

    def test_order_is_that_of_the_characters(self) -> None:
        """By code point, as everywhere in Synapse, whatever the database's locale."""
        names = ["z", "aa", "a.a", "a.", "a-", "a", "_", "Z", "A", "-", "!", "1"]
        names += ["\U00010428", "\uffee", "\u03b1", "\u00e9"]
        self.fill(
            *[self.file(name) for name in names],
            displaynames={self.owner(name): name for name in names},
        )

        for order_by, expected in (
            # The colon after the localpart counts in the order.
            ("user_id", sorted(self.owner(name) for name in names)),
            ("displayname", [self.owner(name) for name in sorted(names)]),
        ):
            query = {"order_by": order_by}
            assert self.listed(query) == expected
            assert self.listed({**query, "dir": "b"}) == expected[::-1]

    def test_only_uploaded_media_counts(self) -> None:
        pending = {"media_length": None, "media_type": None}
        self.fill(
            self.file("both", **pending),
            self.file("both", media_length=3),
            self.file("both", **pending),
            self.file("only_pending", **pending),
            self.file("uploaded", media_length=0),
        )

        for query in ({}, {"from_ts": 1}, {"order_by": "media_length", "dir": "b"}):
            answer = self.answer(query)
            assert answer == {
                "users": [
                    {"user_id": "@both:test", "displayname": None, **usage(3)},
                    {"user_id": "@uploaded:test", "displayname": None, **usage(0)},
                ],
                "total": 2,
            }

    def test_images_of_url_previews_count(self) -> None:
        self.fill(*_UPLOADS_AND_PREVIEWS)

        assert self.answer() == self.ask(DOCUMENTED_PATH).json_body
        lengths = [user["media_length"] for user in self.answer()["users"]]
        assert lengths == [11, 1, 100]

    def test_media_without_an_owner_is_nobodys(self) -> None:
        self.fill(
            LocalMedia(user_id=None, media_length=100),
            LocalMedia(user_id=None, media_length=None),
            self.file("a"),
        )

        for order_by, direction in product(_ORDERS, DIRECTIONS):
            for window in ({}, {"from_ts": 1}):
                query = {"order_by": order_by, "dir": direction, **window}
                assert self.answer(query) == self.expected(query)
                assert self.listed(query) == ["@a:test"]

    def test_users_without_media_are_not_listed(self) -> None:
        self.fill(self.file("a"), displaynames={"@b:test": "a", "@a:test": None})

        assert self.listed() == self.listed({"search_term": "a"}) == ["@a:test"]
        assert self.listed({"search_term": "b"}) == []

    def test_users_that_are_gone_are_listed(self) -> None:
        """Deactivated and unknown users are listed: their files are still there."""
        self.fill(self.file("never_registered"))

        assert self.listed() == ["@never_registered:test"]


@in_every_mode_of_owners
class WithoutUrlPreviewsTestCase(OwnersTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_images_of_url_previews_do_not_count(self) -> None:
        self.fill(*_UPLOADS_AND_PREVIEWS)

        assert self.answer({"order_by": "media_length"}) == {
            "users": [
                {"user_id": "@both:test", "displayname": None, **usage(1)},
                {"user_id": "@only_uploads:test", "displayname": None, **usage(100)},
            ],
            "total": 2,
        }
        for order_by, direction in product(_ORDERS, DIRECTIONS):
            for more in ({}, {"until_ts": 1}, {"search_term": "b"}):
                query = {"order_by": order_by, "dir": direction, **more}
                assert self.answer(query) == self.expected(query)


class DocumentedPathTestCase(MediaStatsTestCase):
    """The documented path is the same resource."""

    # Synapse's own resource would hide it.
    serves_admin_api = False

    def test_same_answers(self) -> None:
        self.insert_local_media(LocalMedia(user_id="@a:test"))
        for query in ({}, {"limit": 0}, {"search_term": "\u00fc"}, {"dir": "x"}):
            documented = self.ask(DOCUMENTED_PATH, query)
            own = self.ask_module(query)
            assert documented.code == own.code
            assert documented.result["body"] == own.result["body"]
        assert self.ask(DOCUMENTED_PATH).json_body["total"] == 1

    def test_same_resource(self) -> None:
        resources = self.hs._module_web_resources
        own = resources[MODULE_PATH]
        for segment in (b"v1", b"users"):
            own = own.children[segment]
        assert resources[DOCUMENTED_PATH] is own


class OtherPathTestCase(MediaStatsTestCase):
    """The option `path` moves the API."""

    module_options: ClassVar[JsonDict] = {"path": "/_synapse/client/a/b"}

    def test_path(self) -> None:
        assert self.ask("/_synapse/client/a/b/v1/users").json_body["users"] == []
        assert self.ask_module().code == 404
