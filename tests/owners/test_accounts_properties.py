"""Properties: with any media and accounts, answers equal the model and add up.

`--hypothesis-profile=thorough` tries more examples.
"""

from typing import ClassVar

import attr
from accounts_model import Account, appservices_answer, is_chosen
from accounts_support import AccountsTestCase
from hypothesis import given
from hypothesis import strategies as st
from modes_support import DIRECTIONS, in_every_mode
from owners_model import Query, users_answer
from support import LocalMedia

_USERS = [f"@{name}:test" for name in ("a", "b", "Z_%", "é", "\N{GRINNING FACE}")]

_APPSERVICE_IDS = ("discord", "Discord", "é", "%", "'")

_ACCOUNTS = st.dictionaries(
    st.sampled_from(_USERS),
    st.builds(
        Account,
        appservice_id=st.sampled_from([None, None, *_APPSERVICE_IDS]),
        deactivated=st.booleans(),
        erased=st.booleans(),
    ),
)

_MEDIA = st.lists(
    st.builds(
        LocalMedia,
        user_id=st.sampled_from([None, *_USERS]),
        media_length=st.one_of(st.none(), st.integers(0, 3), st.just(2**31 - 1)),
        created_ts=st.integers(1, 6),
        url_cache=st.sampled_from([None, None, "https://a.example/"]),
    ),
    max_size=12,
)

_WINDOW = st.fixed_dictionaries(
    {}, optional={"from_ts": st.integers(1, 4), "until_ts": st.integers(5, 6)}
)

_QUERY = st.fixed_dictionaries(
    {},
    optional={
        "order_by": st.sampled_from(
            ["appservice_id", "users", "media_count", "media_length"]
        ),
        "dir": st.sampled_from(DIRECTIONS),
        "from": st.integers(0, 5),
        "limit": st.integers(0, 5),
    },
)

_FILTER = st.fixed_dictionaries(
    {},
    optional={
        "appservice": st.sampled_from(["", *_APPSERVICE_IDS]),
        **{
            name: st.sampled_from(["true", "false"])
            for name in ("has_account", "deactivated", "erased")
        },
    },
)


@in_every_mode
class AccountsPropertiesTestCase(AccountsTestCase):
    """Application services, users, and their sums."""

    endpoint: ClassVar[str] = "appservices"

    @given(
        accounts=_ACCOUNTS, media=_MEDIA, window=_WINDOW, query=_QUERY, chosen=_FILTER
    )
    def test_answers(
        self,
        accounts: dict[str, Account],
        media: list[LocalMedia],
        window: Query,
        query: Query,
        chosen: Query,
    ) -> None:
        self.fill_with_accounts(accounts, *media)
        self.assert_appservices_as_model({**window, **query})
        self.assert_rows_add_up(window)
        self.assert_users_are_chosen(window, chosen)

    def assert_appservices_as_model(self, query: Query) -> None:
        """Compare the rows with the model."""
        answer = self.appservices(query)
        expected = appservices_answer(self.local_media, self.accounts, query)
        assert answer == expected, (query, answer, expected)

    def assert_rows_add_up(self, window: Query) -> None:
        """Check that all rows add up to all users, each row to its filter."""
        rows = self.appservices(window)["appservices"]
        assert self.sums(window) == tuple(
            sum(row[name] for row in rows)
            for name in ("users", "media_count", "media_length")
        )
        for row in rows:
            chosen: Query = {"has_account": "false"}
            if row["has_account"]:
                chosen = {"appservice": row["appservice_id"] or ""}
            for more, prefix in (({}, ""), ({"deactivated": "true"}, "deactivated_")):
                assert self.sums({**window, **chosen, **more}) == tuple(
                    row[f"{prefix}{name}"]
                    for name in ("users", "media_count", "media_length")
                ), row

    def assert_users_are_chosen(self, window: Query, chosen: Query) -> None:
        """Check that a filter lists its users, with unchanged values."""
        media = [
            attr.evolve(file, url_cache=None)
            for file in self.local_media
            if is_chosen(file.user_id, self.accounts, chosen)
        ]
        answer = self.ask_endpoint("users", {**window, **chosen})
        assert answer == users_answer(media, {}, window), (window, chosen)

    def sums(self, query: Query) -> tuple[int, int, int]:
        """Add up users, files and bytes."""
        answer = self.ask_endpoint("users", {**query, "limit": 1_000})
        return (
            int(answer["total"]),
            sum(user["media_count"] for user in answer["users"]),
            sum(user["media_length"] for user in answer["users"]),
        )
