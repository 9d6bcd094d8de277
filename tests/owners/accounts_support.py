"""Shared by the tests of application services and of the filters by account."""

from collections.abc import Mapping
from typing import Any

from accounts_model import Accounts
from media_support import MediaTestCase
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict


class AccountsTestCase(MediaTestCase):
    """Fills the tables of media and of accounts."""

    accounts: Accounts

    def setUp(self) -> None:
        self.accounts = {}
        super().setUp()
        self.execute("DELETE FROM erased_users")

    def fill_with_accounts(
        self, accounts: Accounts, *media: LocalMedia | RemoteMedia, **more: Any
    ) -> None:
        """Replace all media and accounts in the database."""
        self.fill(*media, **more)
        self.accounts = accounts
        self.execute("DELETE FROM users WHERE name <> ?", self.admin)
        self.execute("DELETE FROM erased_users")
        self._insert(
            "users",
            [
                {
                    "name": user_id,
                    "appservice_id": account.appservice_id,
                    "deactivated": int(account.deactivated),
                }
                for user_id, account in accounts.items()
            ],
        )
        self._insert(
            "erased_users",
            [
                {"user_id": user_id}
                for user_id, account in accounts.items()
                if account.erased
            ],
        )

    def appservices(self, query: Mapping[str, object] | None = None) -> JsonDict:
        """The answer of `/v1/appservices`."""
        return self.ask_endpoint("appservices", query or {})
