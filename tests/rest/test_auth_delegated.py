"""Who may ask if Matrix Authentication Service has the accounts."""

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
import synapse
from auth_support import APPSERVICES, AuthTestCase
from authentication_service import AuthenticationService
from parameterized import parameterized_class  # type: ignore[import-untyped]
from synapse.module_api import JsonDict
from synapse.server import HomeServer
from tests.test_utils import FakeResponse
from twisted.internet.testing import MemoryReactor
from twisted.web.http_headers import Headers

# Refused before the database is asked.
pytestmark = pytest.mark.any_database

_CLIENT_API = "urn:matrix:org.matrix.msc2967.client:api:*"
_ADMIN = "urn:synapse:admin:*"


def _generations() -> list[str | None]:
    """The ways to configure delegation in the installed version of Synapse."""
    modules = {
        "mas": "synapse/api/auth/mas.py",
        "msc3861": "synapse/api/auth/msc3861_delegated.py",
    }
    found = [
        generation
        for generation, module in modules.items()
        if (Path(synapse.__path__[0]).parent / module).exists()
    ]
    # Synapse 1.75 has no delegation: the tests are skipped.
    return [*found] or [None]


@parameterized_class([{"generation": generation} for generation in _generations()])
class DelegatedAccountsTestCase(AuthTestCase):
    """With Matrix Authentication Service, the scope of the token decides.

    Attributes:
        generation: the setting: `matrix_authentication_service`, or the experimental
            feature before it.
    """

    generation: ClassVar[str | None]

    def setUp(self) -> None:
        if self.generation is None:
            self.skipTest("This version of Synapse cannot delegate authentication.")
        self.service = AuthenticationService()
        self.addCleanup(self.service.stop)
        # The older way needs HTTPS, except in tests.
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
            # Synapse's other client would use the reactor of the harness, which has no
            # network.
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

        # Early versions create the user, later ones return an error of their own.
        code, _ = self.ask_both(token=token)
        assert code in (200, 500)

    def test_appservices(self) -> None:
        for name in APPSERVICES:
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
    """Replaces Synapse's client, which has no network in the harness."""

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
            with urllib.request.urlopen(request, timeout=60) as response:
                return FakeResponse(code=response.status, body=response.read())
        except urllib.error.HTTPError as error:
            return FakeResponse(code=error.code, body=error.read())
