"""Who may ask: server admins by Synapse's own rule, and nobody else learns anything.

Each request goes to the module and to Synapse's own endpoint; both have to answer the
same. Synapse with accounts of its own comes first, then Synapse that leaves accounts
to Matrix Authentication Service, in both generations of that.
"""

import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch
from urllib.parse import urlencode

import synapse
import yaml
from authentication_service import AuthenticationService
from parameterized import parameterized_class  # type: ignore[import-untyped]
from support import MODULE_PATH, MediaStatsTestCase
from support import headers as headers_of
from synapse.module_api import JsonDict
from synapse.module_api.errors import Codes
from synapse.server import HomeServer
from tests.server import FakeChannel
from tests.test_utils import FakeResponse
from tests.unittest import override_config
from twisted.internet.testing import MemoryReactor
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource

from media_stats_module.module import DOCUMENTED_PATH
from media_stats_module.rest._base import AdminResource

# Synapse looks for application services in files.
_APPSERVICES = {
    "ordinary": "bridge",
    "whose_sender_is_admin": "admin_bridge",
}

_WRONG_PARAMETERS: list[dict[str, object]] = [
    {"limit": "many"},
    {"limit": -1},
    {"from": "start"},
    {"from": -1},
    {"from_ts": "yesterday"},
    {"from_ts": 10, "until_ts": 5},
    {"order_by": "size"},
    {"dir": "up"},
    {"search_term": ""},
]


class AuthTestCase(MediaStatsTestCase):
    """Asks the module and Synapse's own endpoint, and compares."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["app_service_config_files"] = [
            str(self._write_appservice(name, sender))
            for name, sender in _APPSERVICES.items()
        ]
        return config

    def prepare(self, reactor: MemoryReactor, clock: Any, hs: HomeServer) -> None:
        super().prepare(reactor, clock, hs)
        self.make_user("bridge")
        self.make_user("admin_bridge", admin=True)

    def ask_both(
        self,
        *,
        token: str = "",
        query: dict[str, object] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> tuple[int, JsonDict]:
        """Both answer the same; return the status and the body of it."""
        module = self._get(f"{MODULE_PATH}/v1/users", token, query, headers)
        builtin = self._get(DOCUMENTED_PATH, token, query, headers)

        assert (module.code, module.json_body) == (builtin.code, builtin.json_body)
        return module.code, module.json_body

    def assert_both(
        self,
        code: int,
        errcode: str | None = None,
        *,
        token: str = "",
        query: dict[str, object] | None = None,
        headers: list[tuple[str, str]] | None = None,
    ) -> JsonDict:
        """Both answer the same, with this status and `errcode`; return the body."""
        actual_code, body = self.ask_both(token=token, query=query, headers=headers)

        assert (actual_code, body.get("errcode")) == (code, errcode)
        return body

    def assert_refused_whatever_is_asked(
        self, code: int, errcode: str, *, token: str
    ) -> None:
        """The answer does not depend on what is asked, be it right or wrong."""
        body = self.assert_both(code, errcode, token=token)
        for query in _WRONG_PARAMETERS:
            assert body == self.assert_both(code, errcode, token=token, query=query)

    def _get(
        self,
        path: str,
        token: str,
        query: dict[str, object] | None,
        headers: list[tuple[str, str]] | None,
    ) -> FakeChannel:
        channel = self.make_request(
            "GET",
            f"{path}?{urlencode(query)}" if query else path,
            access_token=token or None,
            custom_headers=headers,
            await_result=False,
        )
        # The harness waits in its own time, but other threads need the real one.
        deadline = time.monotonic() + 10
        while not channel.is_finished():
            assert time.monotonic() < deadline, "timed out"
            # An old harness sends a piece of an answer every tenth of a second.
            self.reactor.advance(0.1)
            time.sleep(0.001)
        return channel

    def _write_appservice(self, name: str, sender: str) -> Path:
        registration = {
            "id": name,
            "url": None,
            "as_token": f"token_of_{name}",
            "hs_token": f"homeserver_token_of_{name}",
            "sender_localpart": sender,
            "namespaces": {"users": [{"regex": "@.*", "exclusive": False}]},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
            yaml.safe_dump(registration, file)
        path = Path(file.name)
        self.addCleanup(path.unlink)
        return path


class OwnAccountsTestCase(AuthTestCase):
    """Synapse has the accounts: the flag of the user decides."""

    def test_admin(self) -> None:
        self.assert_both(200, token=self.admin_token)

    def test_admin_with_wrong_parameters(self) -> None:
        for query in _WRONG_PARAMETERS:
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


class EveryEndpointTestCase(MediaStatsTestCase):
    """The rule holds on every endpoint, and before anything else."""

    def test_every_endpoint(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        # No parameter can be all of these.
        wrong = {
            name: "\0 no such thing" for query in _WRONG_PARAMETERS for name in query
        }
        endpoints = list(_endpoints(self.hs._module_web_resources[MODULE_PATH]))

        assert "/v1/users" in endpoints
        for endpoint in endpoints:
            for token, code in ((ordinary_token, 403), ("unknown", 401), ("", 401)):
                for query in ({}, wrong):
                    channel = self.ask(MODULE_PATH + endpoint, query, token=token)
                    assert channel.code == code, endpoint
                    assert set(channel.json_body) <= {"errcode", "error", "soft_logout"}


def _endpoints(resource: Resource, path: str = "") -> Iterator[str]:
    """The paths of all endpoints at and below a resource."""
    if isinstance(resource, AdminResource):
        yield path
    for segment, child in resource.children.items():
        yield from _endpoints(child, f"{path}/{segment.decode()}")


class NothingBelowTestCase(MediaStatsTestCase):
    """Paths that lead nowhere tell everybody the same: that they lead nowhere."""

    def test_paths(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        for path in (
            MODULE_PATH + "/v1",
            MODULE_PATH + "/v1/",
            MODULE_PATH + "/v1/users/",
            MODULE_PATH + "/v1/users/@admin:test",
            MODULE_PATH + "/v1/users/a/b/c",
            MODULE_PATH + "/v1/users//",
            MODULE_PATH + "/v1//users",
            MODULE_PATH + "//v1/users",
            MODULE_PATH + "/v1/foo/users",
            MODULE_PATH + "/v1/foo/bar/users",
            MODULE_PATH + "/v1/v1/users",
            MODULE_PATH + "/foo/v1/users",
            MODULE_PATH + "/v1/summary/users",
            MODULE_PATH + "/v1/rollups/",
            MODULE_PATH + "/v1/rollups/foo",
            MODULE_PATH + "/v1/rollups/check/",
            MODULE_PATH + "/v1/rollups/check/check",
            MODULE_PATH + "/v1/x/rollups/check",
            MODULE_PATH + "/v1/nothing",
            MODULE_PATH + "/v2/users",
        ):
            for token in (self.admin_token, ordinary_token, "unknown", ""):
                for method in ("GET", "POST"):
                    channel = self.make_request(
                        method, path, access_token=token or None
                    )
                    assert channel.code == 404, path
                    assert channel.json_body == {
                        "errcode": "M_UNRECOGNIZED",
                        "error": "Unrecognized request",
                    }
                    allowed = headers_of(channel).getRawHeaders(
                        "Access-Control-Allow-Origin"
                    )
                    assert allowed == ["*"]


class DocumentedPathTestCase(MediaStatsTestCase):
    """The same rule holds where the module answers at the documented path."""

    serves_admin_api = False

    def test_documented_path(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        for token, code in (
            (self.admin_token, 200),
            (ordinary_token, 403),
            ("unknown", 401),
            ("", 401),
        ):
            for query in ({}, {"limit": 1}):
                channel = self.ask(DOCUMENTED_PATH, query, token=token)
                assert channel.code == code
            if code != 200:
                channel = self.ask(DOCUMENTED_PATH, {"limit": "many"}, token=token)
                assert channel.code == code

    def test_below_documented_path(self) -> None:
        for path in ("/", "/nothing"):
            assert self.ask(DOCUMENTED_PATH + path).code == 404


_CLIENT_API = "urn:matrix:org.matrix.msc2967.client:api:*"
_ADMIN = "urn:synapse:admin:*"


def _generations() -> list[str | None]:
    """How the installed version of Synapse can be told to delegate authentication."""
    modules = {
        "mas": "synapse/api/auth/mas.py",
        "msc3861": "synapse/api/auth/msc3861_delegated.py",
    }
    found = [
        generation
        for generation, module in modules.items()
        if (Path(synapse.__path__[0]).parent / module).exists()
    ]
    # Synapse 1.75 cannot, and shows that by skipping the tests.
    return [*found] or [None]


@parameterized_class([{"generation": generation} for generation in _generations()])
class DelegatedAccountsTestCase(AuthTestCase):
    """Matrix Authentication Service has the accounts: the scope of the token decides.

    Attributes:
        generation: how Synapse is told to: by `matrix_authentication_service`, or by
            the experimental feature that came before it.
    """

    generation: ClassVar[str | None]

    def setUp(self) -> None:
        if self.generation is None:
            self.skipTest("This version of Synapse cannot delegate authentication.")
        self.service = AuthenticationService()
        self.addCleanup(self.service.stop)
        # The older generation insists on HTTPS unless told that this is a test.
        environment = patch.dict(os.environ, AUTHLIB_INSECURE_TRANSPORT="1")
        environment.start()
        self.addCleanup(environment.stop)
        super().setUp()

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["public_baseurl"] = "https://test/"
        config["enable_registration"] = False
        config["password_config"] = {"enabled": False}
        if self.generation == "mas":
            config["matrix_authentication_service"] = {
                "enabled": True,
                "endpoint": self.service.url,
                "secret": self.service.secret,
            }
        else:
            introspection = f"{self.service.url}oauth2/introspect"
            config["experimental_features"] = {
                "msc3861": {
                    "enabled": True,
                    "issuer": self.service.url,
                    "issuer_metadata": {
                        "issuer": self.service.url,
                        "introspection_endpoint": introspection,
                    },
                    "client_id": "synapse",
                    "client_auth_method": "client_secret_post",
                    "client_secret": self.service.secret,
                    "admin_token": "token_of_the_service",
                }
            }
        return config

    def prepare(self, reactor: MemoryReactor, clock: Any, hs: HomeServer) -> None:
        super().prepare(reactor, clock, hs)
        auth: Any = hs.get_auth()
        if hasattr(auth, "_rust_http_client"):
            # It has threads, which start and stop with the reactor.
            reactor.run()  # type: ignore[no-untyped-call]
            self.addCleanup(self._shut_reactor_down)
        else:
            # Synapse's other client would use the reactor of the harness, which has
            # no network.
            auth._http_client = _RealHttpClient()
        self.make_user("somebody")

    def test_scope_without_flag(self) -> None:
        token = self.service.issue("token", "somebody", _CLIENT_API, _ADMIN)

        self.assert_both(200, token=token)

    def test_scope_with_flag(self) -> None:
        token = self.service.issue("token", "admin", _CLIENT_API, _ADMIN)

        self.assert_both(200, token=token)

    def test_flag_without_scope(self) -> None:
        token = self.service.issue("token", "admin", _CLIENT_API)

        self.assert_refused_whatever_is_asked(403, "M_FORBIDDEN", token=token)

    def test_neither_scope_nor_flag(self) -> None:
        token = self.service.issue("token", "somebody", _CLIENT_API)

        self.assert_refused_whatever_is_asked(403, "M_FORBIDDEN", token=token)

    def test_scopes_that_are_only_like_it(self) -> None:
        for index, scope in enumerate(
            (
                "urn:synapse:admin",
                "urn:synapse:admin:",
                "urn:synapse:admin:read",
                "urn:synapse:admin:**",
                "URN:SYNAPSE:ADMIN:*",
            )
        ):
            token = self.service.issue(f"token{index}", "admin", _CLIENT_API, scope)
            self.assert_both(403, "M_FORBIDDEN", token=token)

    def test_scope_without_client_api(self) -> None:
        token = self.service.issue("token", "admin", _ADMIN)

        self.assert_refused_whatever_is_asked(401, "M_UNKNOWN_TOKEN", token=token)

    def test_token_that_is_not_active(self) -> None:
        self.assert_refused_whatever_is_asked(401, "M_UNKNOWN_TOKEN", token="unknown")

    def test_token_that_synapse_would_have_known(self) -> None:
        self.assert_both(401, "M_UNKNOWN_TOKEN", token=self.admin_token)

    def test_no_token(self) -> None:
        self.assert_refused_whatever_is_asked(401, "M_MISSING_TOKEN", token="")

    def test_user_that_synapse_does_not_know(self) -> None:
        token = self.service.issue("token", "stranger", _CLIENT_API, _ADMIN)

        # Early versions make the user, later ones find fault with themselves.
        code, _ = self.ask_both(token=token)
        assert code in (200, 500)

    def test_appservices(self) -> None:
        for name in _APPSERVICES:
            self.assert_refused_whatever_is_asked(
                403, "M_FORBIDDEN", token=f"token_of_{name}"
            )

    def test_appservice_in_the_name_of_an_admin(self) -> None:
        self.assert_both(
            403,
            "M_FORBIDDEN",
            token="token_of_ordinary",
            query={"user_id": self.admin},
        )

    def test_token_of_the_service_itself(self) -> None:
        if self.generation != "msc3861":
            self.skipTest("Only the older generation has one for the admin API.")
        self.assert_both(200, token="token_of_the_service")

    def test_service_that_does_not_answer(self) -> None:
        token = self.service.issue("token", "admin", _CLIENT_API, _ADMIN)
        self.service.stop()

        self.assert_both(503, "M_UNKNOWN", token=token)

    def _shut_reactor_down(self) -> None:
        for triggers in self.reactor.triggers.get("shutdown", {}).values():
            for function, args, kwargs in triggers:
                function(*args, **kwargs)


class _RealHttpClient:
    """Stands in for Synapse's client where that has no network."""

    user_agent = b"Synapse"

    async def request(
        self, method: str, uri: str, data: bytes, headers: Headers
    ) -> FakeResponse:
        request = urllib.request.Request(
            uri,
            data,
            {
                name.decode(): values[0].decode()
                for name, values in headers.getAllRawHeaders()
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return FakeResponse(code=response.status, body=response.read())
        except urllib.error.HTTPError as error:
            return FakeResponse(code=error.code, body=error.read())
