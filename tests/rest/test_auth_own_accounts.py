"""Who may ask if Synapse has the accounts: those who may use its admin API."""

import pytest
from auth_support import WRONG_PARAMETERS, AuthTestCase
from support import MODULE_PATH
from synapse.module_api import JsonDict
from synapse.module_api.errors import Codes
from tests.unittest import override_config

# Refused before the database is asked.
pytestmark = pytest.mark.any_database


class OwnAccountsTestCase(AuthTestCase):
    """With accounts in Synapse, the user's admin flag decides."""

    def test_admin(self) -> None:
        self.assert_both(200, token=self.admin_token)

    def test_admin_with_wrong_parameters(self) -> None:
        for query in WRONG_PARAMETERS:
            module = self.ask_module(query)
            builtin = self.ask_builtin(query)
            assert (module.code, module.json_body["errcode"]) == (
                builtin.code,
                builtin.json_body["errcode"],
            ), query

    def test_no_token(self) -> None:
        self.assert_refused_whatever_is_asked(401, "M_MISSING_TOKEN", token="")

    def test_unknown_token(self) -> None:
        self.assert_refused_whatever_is_asked(401, "M_UNKNOWN_TOKEN", token="unknown")

    def test_token_that_is_not_ascii(self) -> None:
        """For such a token, Synapse's own endpoints answer 500 and log an error."""
        for headers, query in (
            ([("Authorization", "Bearer \xfc")], ""),
            ([], "?access_token=%FC"),
        ):
            channel = self.make_request(
                "GET", f"{MODULE_PATH}/v1/users{query}", custom_headers=headers
            )
            assert channel.code == 401, channel.json_body
            assert channel.json_body["errcode"] == "M_UNKNOWN_TOKEN"

    def test_token_in_query(self) -> None:
        _, token = self.make_user("somebody")

        self.assert_both(200, query={"access_token": self.admin_token})
        self.assert_both(403, "M_FORBIDDEN", query={"access_token": token})
        self.assert_both(401, "M_UNKNOWN_TOKEN", query={"access_token": "unknown"})

    def test_token_in_query_and_header(self) -> None:
        self.assert_both(
            401,
            "M_MISSING_TOKEN",
            token=self.admin_token,
            query={"access_token": self.admin_token},
        )

    def test_authorization_of_another_kind(self) -> None:
        for value in ("Basic YWRtaW46YWRtaW4=", "Bearer", f"bearer {self.admin_token}"):
            self.assert_both(401, "M_MISSING_TOKEN", headers=[("Authorization", value)])

    def test_ordinary_user(self) -> None:
        _, token = self.make_user("somebody")

        self.assert_refused_whatever_is_asked(403, "M_FORBIDDEN", token=token)

    def test_guest(self) -> None:
        guest = f"@1:{self.server_name}"
        self.get_success(
            self.hs.get_datastores().main.register_user(guest, make_guest=True)
        )
        token = self.hs.get_macaroon_generator().generate_guest_access_token(guest)

        self.assert_refused_whatever_is_asked(
            403, "M_GUEST_ACCESS_FORBIDDEN", token=token
        )

    def test_appservice(self) -> None:
        token = "token_of_ordinary"

        self.assert_refused_whatever_is_asked(403, "M_FORBIDDEN", token=token)

    def test_appservice_in_the_name_of_an_admin(self) -> None:
        self.assert_both(200, token="token_of_ordinary", query={"user_id": self.admin})

    def test_appservice_whose_sender_is_admin(self) -> None:
        self.assert_both(200, token="token_of_whose_sender_is_admin")

    def test_no_longer_admin(self) -> None:
        other_admin, token = self.make_user("other_admin", admin=True)
        self.assert_both(200, token=token)

        self._modify_user(other_admin, {"admin": False})
        self.assert_both(403, "M_FORBIDDEN", token=token)

    def test_locked_admin(self) -> None:
        other_admin, token = self.make_user("other_admin", admin=True)
        if not self._modify_user(other_admin, {"locked": True}).get("locked"):
            self.skipTest("This version of Synapse cannot lock users.")

        # The code was not stable at first.
        self.assert_refused_whatever_is_asked(401, Codes.USER_LOCKED.value, token=token)

    def test_deactivated_admin(self) -> None:
        other_admin, token = self.make_user("other_admin", admin=True)
        self._modify_user(other_admin, {"deactivated": True})

        self.assert_refused_whatever_is_asked(401, "M_UNKNOWN_TOKEN", token=token)

    @override_config({"account_validity": {"enabled": True, "period": 1000}})
    def test_expired_admin(self) -> None:
        other_admin, token = self.make_user("other_admin", admin=True)
        self._admin_request(
            "POST",
            "/v1/account_validity/validity",
            {"user_id": other_admin, "expiration_ts": 0},
        )

        self.assert_refused_whatever_is_asked(
            403, "ORG_MATRIX_EXPIRED_ACCOUNT", token=token
        )

    def test_expired_token(self) -> None:
        token = "short_lived"
        self.get_success(
            self.hs.get_datastores().main.add_access_token_to_user(
                user_id=self.admin,
                token=token,
                device_id=None,
                valid_until_ms=self.clock.time_msec() + 1,
            )
        )
        self.reactor.advance(1)

        body = self.assert_both(401, "M_UNKNOWN_TOKEN", token=token)
        assert body["soft_logout"] is True

    def test_shadow_banned_admin(self) -> None:
        other_admin, token = self.make_user("other_admin", admin=True)
        self._admin_request("POST", f"/v1/users/{other_admin}/shadow_ban", {})

        self.assert_both(200, token=token)

    def _modify_user(self, user_id: str, changes: JsonDict) -> JsonDict:
        return self._admin_request("PUT", f"/v2/users/{user_id}", changes)

    def _admin_request(self, method: str, path: str, content: JsonDict) -> JsonDict:
        channel = self.make_request(
            method,
            f"/_synapse/admin{path}",
            content,
            access_token=self.admin_token,
        )
        assert channel.code == 200, channel.result
        body: JsonDict = channel.json_body
        return body
