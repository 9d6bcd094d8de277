"""`/v1/appservices`: the media of each application service's users."""

from typing import ClassVar

from accounts_model import Account, appservices_answer
from accounts_support import AccountsTestCase
from media_support import usage
from modes_support import DIRECTIONS, in_every_mode
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

_ACCOUNTS = {
    "@ann:test": Account(),
    "@ben:test": Account(deactivated=True),
    "@_discord_a:test": Account(appservice_id="discord"),
    "@_discord_b:test": Account(appservice_id="discord", deactivated=True),
    "@_discord_bot:test": Account(appservice_id="discord"),
    "@_irc_a:test": Account(appservice_id="Irc", deactivated=True, erased=True),
    "@idle:test": Account(appservice_id="idle"),
}

_MEDIA = (
    LocalMedia(user_id="@ann:test", media_length=1),
    LocalMedia(user_id="@ann:test", media_length=2, created_ts=10),
    LocalMedia(user_id="@ben:test", media_length=4),
    LocalMedia(user_id="@_discord_a:test", media_length=8),
    LocalMedia(user_id="@_discord_b:test", media_length=16, created_ts=10),
    LocalMedia(user_id="@_discord_b:test", media_length=32, url_cache="https://a"),
    LocalMedia(user_id="@_discord_bot:test", media_length=None),
    LocalMedia(user_id="@_irc_a:test", media_length=64),
    LocalMedia(user_id="@gone:test", media_length=128, created_ts=10),
    LocalMedia(user_id="@_discord_gone:test", media_length=256),
    LocalMedia(user_id=None, media_length=512),
    RemoteMedia(media_origin="a.org", media_length=1024),
)


def _row(
    appservice_id: str | None,
    has_account: bool,
    users: int,
    lengths: tuple[int, ...],
    deactivated_users: int = 0,
    deactivated_lengths: tuple[int, ...] = (),
) -> JsonDict:
    deactivated = usage(*deactivated_lengths)
    return {
        "appservice_id": appservice_id,
        "has_account": has_account,
        "users": users,
        **usage(*lengths),
        "deactivated_users": deactivated_users,
        **{f"deactivated_{name}": value for name, value in deactivated.items()},
    }


_NO_ACCOUNT = _row(None, False, 2, (128, 256))
_IRC = _row("Irc", True, 1, (64,), 1, (64,))
_DISCORD = _row("discord", True, 2, (8, 16, 32), 1, (16, 32))
_PEOPLE = _row(None, True, 2, (1, 2, 4), 1, (4,))


class _AppservicesTestCase(AccountsTestCase):
    endpoint: ClassVar[str] = "appservices"

    def setUp(self) -> None:
        super().setUp()
        self.fill_with_accounts(_ACCOUNTS, *_MEDIA)

    def names(self, **query: object) -> list[str]:
        """The rows on a page: the ID, `people` or `no account`."""
        return [
            row["appservice_id"] or ("people" if row["has_account"] else "no account")
            for row in self.appservices(query)["appservices"]
        ]


@in_every_mode
class AppservicesTestCase(_AppservicesTestCase):
    """The rows, and their order."""

    def test_answer(self) -> None:
        answer = self.appservices()
        assert answer == {
            "appservices": [_NO_ACCOUNT, _IRC, _DISCORD, _PEOPLE],
            "total": 4,
        }
        assert list(answer["appservices"][0]) == list(_PEOPLE)

    def test_rows_add_up_to_the_users(self) -> None:
        rows = self.appservices()["appservices"]
        users = self.ask_endpoint("users", {})
        assert sum(row["users"] for row in rows) == users["total"]
        for name in ("media_count", "media_length"):
            assert sum(row[name] for row in rows) == sum(
                user[name] for user in users["users"]
            )

    def test_orders(self) -> None:
        """Equal rows are in order of their IDs; rows without an ID are last."""
        for order_by, direction, expected in (
            ("appservice_id", "f", ["Irc", "discord", "people", "no account"]),
            ("appservice_id", "b", ["discord", "Irc", "people", "no account"]),
            ("users", "f", ["Irc", "discord", "people", "no account"]),
            ("users", "b", ["discord", "people", "no account", "Irc"]),
            ("media_count", "f", ["Irc", "no account", "discord", "people"]),
            ("media_count", "b", ["discord", "people", "no account", "Irc"]),
            ("media_length", "f", ["people", "discord", "Irc", "no account"]),
            ("media_length", "b", ["no account", "Irc", "discord", "people"]),
        ):
            names = self.names(order_by=order_by, dir=direction)
            assert names == expected, (order_by, direction)

    def test_pages(self) -> None:
        for start, limit, expected, next_token in (
            (0, 1, ["no account"], 1),
            (1, 2, ["Irc", "discord"], 3),
            (2, 2, ["discord", "people"], None),
            (4, 2, [], None),
            (0, 0, [], None),
        ):
            query: JsonDict = {"from": start, "limit": limit}
            assert self.names(**query) == expected
            answer = self.appservices(query)
            assert (answer["total"], answer.get("next_token")) == (4, next_token)

    def test_window(self) -> None:
        assert self.appservices({"from_ts": 10})["appservices"] == [
            _row(None, False, 1, (128,)),
            _row("discord", True, 1, (16,), 1, (16,)),
            _row(None, True, 1, (2,)),
        ]
        assert self.names(from_ts=2, until_ts=9) == []

    def test_account_is_as_it_is_now(self) -> None:
        """Accounts can change without a change of media."""
        self.execute("UPDATE users SET deactivated = 0, appservice_id = 'new'")
        self.execute("DELETE FROM users WHERE name = '@ben:test'")
        assert self.appservices()["appservices"] == [
            _row(None, False, 3, (128, 256, 4)),
            _row("new", True, 4, (1, 2, 8, 16, 32, 64)),
        ]

    def test_no_media(self) -> None:
        self.fill()
        assert self.appservices() == {"appservices": [], "total": 0}

    def test_empty_id_is_no_application_service(self) -> None:
        self.execute("UPDATE users SET appservice_id = '' WHERE appservice_id = 'Irc'")
        assert self.appservices({"limit": 2, "from": 1})["appservices"] == [
            _row(None, True, 3, (1, 2, 4, 64), 2, (4, 64)),
            _DISCORD,
        ]

    def test_csv(self) -> None:
        channel = self.request({"format": "csv", "from": 2})
        assert channel.code == 200
        assert channel.result["body"].decode().splitlines() == [
            "appservice_id,has_account,users,media_count,media_length,"
            "deactivated_users,deactivated_media_count,deactivated_media_length",
            "discord,true,2,3,56,1,2,48",
            ",true,2,3,7,1,1,4",
        ]

    def test_large_page(self) -> None:
        """A large page is written while it is read."""
        assert self.appservices({"limit": 2_000}) == self.appservices()

    def test_refusals(self) -> None:
        for query, word in (
            ({"order_by": "displayname"}, "order_by"),
            ({"dir": "up"}, "dir"),
            ({"limit": -1}, "limit"),
            ({"from_ts": 5, "until_ts": 5}, "until_ts"),
        ):
            self.assert_refused(self.request(query), word)


@in_every_mode
class WithoutUrlPreviewsTestCase(_AppservicesTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_previews_do_not_count(self) -> None:
        for order_by in ("appservice_id", "users", "media_count", "media_length"):
            for direction in DIRECTIONS:
                query = {"order_by": order_by, "dir": direction}
                assert self.appservices(query) == appservices_answer(
                    self.local_media, self.accounts, query, count_url_previews=False
                )
