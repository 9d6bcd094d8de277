"""HTTP of `/v1/users` and `/v1/servers`: CORS, caches, methods, paths."""

from owners_support import OwnersTestCase, for_both_endpoints, header
from tests.server import FakeChannel


@for_both_endpoints
class HttpTestCase(OwnersTestCase):
    """Headers and methods are those of Synapse's own admin API."""

    def assert_cors(self, channel: FakeChannel) -> None:
        """Check that pages of any origin may read the answer."""
        assert header(channel, "Access-Control-Allow-Origin") == "*"
        assert "GET" in header(channel, "Access-Control-Allow-Methods")
        assert "Authorization" in header(channel, "Access-Control-Allow-Headers")

    def test_cors_and_json_on_answers_and_errors(self) -> None:
        _, ordinary = self.make_user("ordinary")
        for path, token, code in (
            (self.path, None, 200),
            (self.path + "?limit=many", None, 400),
            (self.path, "", 401),
            (self.path, "unknown", 401),
            (self.path, ordinary, 403),
            (self.path + "/", None, 404),
            (self.path + "/below", None, 404),
        ):
            channel = self.ask(path, token=token)
            assert channel.code == code
            self.assert_cors(channel)
            assert header(channel, "Content-Type") == "application/json"
            # No shared cache may keep it.
            assert "no-store" in header(channel, "Cache-Control")
            if code != 200:
                assert set(channel.json_body) >= {"errcode", "error"}

    def test_preflight(self) -> None:
        for path in (self.path, self.path + "?limit=1"):
            # Browsers send no token with a preflight.
            channel = self.make_request("OPTIONS", path)
            assert channel.code == 204
            assert channel.result.get("body", b"") == b""
            self.assert_cors(channel)

    def test_head(self) -> None:
        get = self.request()
        head = self.make_request("HEAD", self.path, access_token=self.admin_token)

        assert head.code == get.code == 200
        assert head.result.get("body", b"") == b""
        self.assert_cors(head)
        assert self.make_request("HEAD", self.path).code == 401

    def test_other_methods(self) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            channel = self.make_request(
                method, self.path, {}, access_token=self.admin_token
            )
            # 404 before Synapse 1.90.
            assert channel.code in (404, 405)
            assert channel.json_body["errcode"] == "M_UNRECOGNIZED"
            self.assert_cors(channel)
