"""`deactivated` of `/v1/users` and `/v1/files`: filters by deactivated accounts.

test_owners_properties.py and test_media_properties.py test it together with other
parameters, against the models.
"""

from typing import ClassVar

from media_support import MediaTestCase, usage
from owners_support import in_every_mode_of_owners
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

from media_stats_module.module import DOCUMENTED_PATH

_DISPLAYNAMES = {"@a:test": "Zoë", "@c:test": "Ann", "@e:test": None}


class _DeactivatedTestCase(MediaTestCase):
    def setUp(self) -> None:
        super().setUp()
        # Has media and no account.
        self.make_user("b")
        self.fill(
            LocalMedia(user_id="@a:test", media_id="1", media_length=1),
            LocalMedia(user_id="@a:test", media_id="2", media_length=2, created_ts=5),
            LocalMedia(user_id="@b:test", media_id="3", media_length=9),
            LocalMedia(user_id="@c:test", media_id="4", media_length=4),
            LocalMedia(user_id="@d:test", media_id="5", media_length=5),
            LocalMedia(user_id="@e:test", media_id="6", media_length=None),
            LocalMedia(user_id=None, media_id="7"),
            RemoteMedia(media_origin="a.org", media_id="8"),
            displaynames=_DISPLAYNAMES,
            deactivated=("@a:test", "@c:test", "@e:test", "@without_media:test"),
        )


@in_every_mode_of_owners
class UsersTestCase(_DeactivatedTestCase):
    """Every user is in exactly one of the two lists."""

    endpoint: ClassVar[str] = "users"

    def user_ids(self, **query: object) -> str:
        """The users on a page, by localpart."""
        return "".join(user["user_id"][1] for user in self.answer(query)["users"])

    def test_answers(self) -> None:
        assert self.answer({"deactivated": "true"}) == {
            "users": [
                {"user_id": "@a:test", "displayname": "Zoë", **usage(1, 2)},
                {"user_id": "@c:test", "displayname": "Ann", **usage(4)},
            ],
            "total": 2,
        }
        assert self.answer({"deactivated": "false"}) == {
            "users": [
                {"user_id": "@b:test", "displayname": None, **usage(9)},
                {"user_id": "@d:test", "displayname": None, **usage(5)},
            ],
            "total": 2,
        }
        assert self.answer()["total"] == 4

    def test_with_other_parameters(self) -> None:
        for query, expected in (
            ({"order_by": "displayname"}, "ca"),
            ({"order_by": "displayname", "dir": "b"}, "ac"),
            ({"order_by": "media_count"}, "ca"),
            ({"order_by": "media_length"}, "ac"),
            ({"order_by": "media_length", "dir": "b"}, "ca"),
            ({"dir": "b"}, "ca"),
            ({"search_term": "zO"}, "a"),
            ({"search_term": "b"}, ""),
            ({"search_term": "@c:test"}, "c"),
            ({"from_ts": 5}, "a"),
            ({"until_ts": 4, "order_by": "media_length"}, "ac"),
        ):
            query = {**query, "deactivated": "true"}
            assert self.user_ids(**query) == expected, query
            assert self.answer(query)["total"] == len(expected), query

    def test_pages(self) -> None:
        for order_by, expected in (("user_id", "bd"), ("media_length", "db")):
            query = {"deactivated": "false", "order_by": order_by, "limit": 1}
            first = self.answer(query)
            assert self.user_ids(**query) == expected[0]
            assert (first["total"], first["next_token"]) == (2, 1)
            query["from"] = 1
            last = self.answer(query)
            assert self.user_ids(**query) == expected[1]
            assert (last["total"], last.get("next_token")) == (2, None)
        assert self.answer({"deactivated": "true", "limit": 0}) == {
            "users": [],
            "total": 2,
        }

    def test_servers_have_no_accounts(self) -> None:
        servers = {"servers": [{"server_name": "a.org", **usage(1)}], "total": 1}
        assert self.ask_endpoint("servers", {"deactivated": "true"}) == servers


class AccountsTestCase(MediaTestCase):
    """Synapse itself deactivates the accounts."""

    shares_homeserver: ClassVar[bool] = False

    endpoint: ClassVar[str] = "users"

    def test_deactivated_and_activated_again(self) -> None:
        user_id, _ = self.make_user("a")
        self.fill(LocalMedia(user_id=user_id))
        for changes, deactivated in (
            ({}, "false"),
            ({"deactivated": True}, "true"),
            ({"deactivated": False, "password": "new"}, "false"),
        ):
            channel = self.make_request(
                "PUT",
                f"/_synapse/admin/v2/users/{user_id}",
                changes,
                access_token=self.admin_token,
            )
            assert channel.code == 200, channel.result
            for asked in ("true", "false"):
                total = self.answer({"deactivated": asked})["total"]
                assert total == (asked == deactivated)


class DocumentedPathTestCase(_DeactivatedTestCase):
    """The documented path has the same filter."""

    serves_admin_api: ClassVar[bool] = False

    def test_answer(self) -> None:
        query = {"deactivated": "true"}
        answer = self.ask(DOCUMENTED_PATH, query).json_body
        assert answer == self.ask_endpoint("users", query)
        assert answer["total"] == 2


class FilesTestCase(_DeactivatedTestCase):
    """Files without an owner are in neither list."""

    endpoint: ClassVar[str] = "files"

    def test_files(self) -> None:
        for query, expected in (
            ({}, "123457"),
            ({"deactivated": "true"}, "124"),
            ({"deactivated": "false"}, "35"),
            ({"deactivated": "true", "order_by": "media_length", "dir": "b"}, "421"),
            ({"deactivated": "true", "user": "@a:test"}, "12"),
            ({"deactivated": "false", "user": "@a:test"}, ""),
            ({"deactivated": "true", "min_length": 2, "until_ts": 4}, "4"),
        ):
            for limit in (1, 2, 100):
                pages: JsonDict = {**query, "limit": limit}
                files = [file for page in self.file_pages(pages) for file in page]
                assert "".join(file["mxc"][-1] for file in files) == expected, pages
