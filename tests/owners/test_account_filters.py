"""`appservice`, `has_account`, `deactivated` and `erased`: filter users by account.

All questions about local media have these filters. test_accounts_properties.py tests
them together with other parameters, against the model.
"""

from typing import ClassVar

from accounts_model import Account
from accounts_support import AccountsTestCase
from media_support import usage
from modes_support import in_every_mode
from owners_support import in_every_mode_of_owners
from support import MODULE_PATH, LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

from media_stats_module.module import DOCUMENTED_PATH

# Users by localpart. The number is the bytes of each user's media.
_ACCOUNTS = {
    "@a:test": Account(),
    "@b:test": Account(deactivated=True),
    "@c:test": Account(deactivated=True, erased=True),
    "@d:test": Account(appservice_id="discord"),
    "@e:test": Account(appservice_id="discord", deactivated=True),
    "@f:test": Account(appservice_id="Discord"),
}
_LENGTHS = {"a": 1, "b": 2, "c": 4, "d": 8, "e": 16, "f": 32, "g": 64}

_NOBODYS_LENGTH = 128

# The filters, and the users that they choose. User g has no account.
_CASES: tuple[tuple[JsonDict, str], ...] = (
    ({}, "abcdefg"),
    ({"appservice": "discord"}, "de"),
    ({"appservice": "Discord"}, "f"),
    ({"appservice": "irc"}, ""),
    ({"appservice": ""}, "abc"),
    ({"appservice": "' OR 1 = 1 --%_"}, ""),
    ({"has_account": "true"}, "abcdef"),
    ({"has_account": "false"}, "g"),
    ({"deactivated": "true"}, "bce"),
    ({"deactivated": "false"}, "adfg"),
    ({"erased": "true"}, "c"),
    ({"erased": "false"}, "abdefg"),
    ({"deactivated": "true", "erased": "false"}, "be"),
    ({"appservice": "discord", "deactivated": "true"}, "e"),
    ({"appservice": "", "deactivated": "false"}, "a"),
    ({"appservice": "discord", "has_account": "false"}, ""),
)


class _FilterTestCase(AccountsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fill_with_accounts(
            _ACCOUNTS,
            *(
                LocalMedia(user_id=f"@{name}:test", media_length=length)
                for name, length in _LENGTHS.items()
            ),
            LocalMedia(user_id=None, media_length=_NOBODYS_LENGTH),
            RemoteMedia(media_origin="a.org", media_length=256),
            displaynames={"@b:test": "Zoë", "@c:test": "Ann", "@e:test": None},
        )

    def length(self, users: str) -> int:
        """The sum of the bytes of some users."""
        return sum(_LENGTHS[user] for user in users)


@in_every_mode_of_owners
class UsersTestCase(_FilterTestCase):
    """The list of users."""

    endpoint: ClassVar[str] = "users"

    def user_ids(self, answer: JsonDict) -> str:
        """The users on a page, each by the letter that is the localpart."""
        return "".join(user["user_id"][1] for user in answer["users"])

    def test_users(self) -> None:
        for query, expected in _CASES:
            for order_by in ("user_id", "media_length"):
                answer = self.answer({**query, "order_by": order_by})
                found = self.user_ids(answer), answer["total"]
                assert found == (expected, len(expected)), query

    def test_answer(self) -> None:
        assert self.answer({"deactivated": "true", "appservice": ""}) == {
            "users": [
                {"user_id": "@b:test", "displayname": "Zoë", **usage(2)},
                {"user_id": "@c:test", "displayname": "Ann", **usage(4)},
            ],
            "total": 2,
        }

    def test_with_other_parameters(self) -> None:
        cases: tuple[tuple[JsonDict, str, int], ...] = (
            ({"order_by": "displayname"}, "cbe", 3),
            ({"order_by": "displayname", "dir": "b"}, "bce", 3),
            ({"order_by": "media_count"}, "bce", 3),
            ({"order_by": "media_length", "dir": "b"}, "ecb", 3),
            ({"order_by": "media_length", "dir": "b", "limit": 1}, "e", 3),
            ({"limit": 1, "from": 1}, "c", 3),
            ({"limit": 0}, "", 3),
            ({"search_term": "zO"}, "b", 1),
            ({"search_term": "E", "appservice": "discord"}, "e", 1),
            ({"search_term": "d"}, "", 0),
            ({"search_term": "@c:test"}, "c", 1),
            ({"from_ts": 2}, "", 0),
            ({"until_ts": 2, "order_by": "media_length"}, "bce", 3),
        )
        for query, expected, total in cases:
            answer = self.answer({**query, "deactivated": "true"})
            assert (self.user_ids(answer), answer["total"]) == (expected, total), query
            end = int(query.get("from", 0)) + len(expected)
            next_token = end if expected and end < total else None
            assert answer.get("next_token") == next_token, query

    def test_servers_have_no_accounts(self) -> None:
        (server,) = self.ask_endpoint("servers", {"deactivated": "true"})["servers"]
        assert server["server_name"] == "a.org"


@in_every_mode
class OtherEndpointsTestCase(_FilterTestCase):
    """Files, timeline, types and reclaimable."""

    endpoint: ClassVar[str] = "files"

    def test_files(self) -> None:
        for query, expected in _CASES:
            length = self.length(expected) + (0 if query else _NOBODYS_LENGTH)
            for more in (
                {},
                {"order_by": "media_length", "dir": "b", "limit": 2},
                {"limit": 1},
                {"min_length": 0},
            ):
                pages = self.file_pages({**query, **more})
                files = [file for page in pages for file in page]
                assert sum(file["media_length"] for file in files) == length, query

    def test_files_of_a_user(self) -> None:
        for query, expected in _CASES:
            query = {**query, "user": "@e:test"}
            assert len(self.answer(query)["files"]) == expected.count("e"), query

    def test_timeline(self) -> None:
        for query, expected in _CASES:
            answer = self.ask_endpoint("timeline", query)
            lengths = sum(bucket["media_length"] for bucket in answer["buckets"])
            assert lengths == self.length(expected), query

    def test_types(self) -> None:
        for query, expected in _CASES:
            for group in ("true", "false"):
                answer = self.ask_endpoint("types", {**query, "group": group})
                lengths = sum(entry["media_length"] for entry in answer["types"])
                assert lengths == self.length(expected), query

    def test_reclaimable(self) -> None:
        for query, expected in _CASES:
            query = {**query, "source": "local", "before_ts": 1_000_000_000_000}
            answer = self.ask_endpoint("reclaimable", query)
            length = self.length(expected)
            if len(query) == 2:
                length += _NOBODYS_LENGTH
            assert answer["local"]["media_length"] == length, query

    def test_remote_media_has_no_users(self) -> None:
        for name, value in (
            ("appservice", "discord"),
            ("appservice", ""),
            ("has_account", "true"),
            ("deactivated", "false"),
            ("erased", "true"),
        ):
            for endpoint in ("files", "timeline", "types", "reclaimable"):
                for more in ({"source": "remote"}, {"server_name": "a.org"}):
                    path = f"{MODULE_PATH}/v1/{endpoint}"
                    channel = self.ask(path, {name: value, **more})
                    self.assert_refused(channel, name, "source=local")

    def test_reclaimable_of_both_sources(self) -> None:
        """Remote media does not belong to users, so it is left out."""
        answer = self.ask_endpoint("reclaimable", {"appservice": "discord"})
        assert "remote" not in answer["ages"][0]

    def test_refusals(self) -> None:
        self.assert_refused(self.request({"appservice": "a\0b"}), "appservice")
        self.assert_refused(self.request({"appservice": "x" * 513}), "appservice")


@in_every_mode
class AccountOfUserTestCase(_FilterTestCase):
    """The summary of one user has the kind of the account."""

    endpoint: ClassVar[str] = "summary"

    def test_account(self) -> None:
        for user, account in (
            ("@a:test", {"has_account": True}),
            ("@b:test", {"has_account": True, "deactivated": True}),
            ("@c:test", {"has_account": True, "deactivated": True, "erased": True}),
            ("@d:test", {"has_account": True, "appservice_id": "discord"}),
            ("@g:test", {}),
            ("@unknown:test", {}),
        ):
            assert self.answer({"user": user})["account"] == {
                "has_account": False,
                "appservice_id": None,
                "deactivated": False,
                "erased": False,
                **account,
            }

    def test_only_of_a_user(self) -> None:
        assert "account" not in self.answer()
        assert "account" not in self.answer({"server_name": "a.org"})


class DocumentedPathTestCase(_FilterTestCase):
    """The list at the documented path is the same."""

    serves_admin_api: ClassVar[bool] = False

    def test_answer(self) -> None:
        query = {"deactivated": "true"}
        answer = self.ask(DOCUMENTED_PATH, query).json_body
        assert answer == self.ask_endpoint("users", query)
        assert answer["total"] == 3


class DeactivatedTestCase(AccountsTestCase):
    """Accounts that Synapse itself deactivates."""

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
