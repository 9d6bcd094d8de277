"""Only admins may ask, on every path. Unknown paths answer everybody the same."""

from collections.abc import Iterator

import pytest
from auth_support import WRONG_PARAMETERS
from support import MODULE_PATH, MediaStatsTestCase
from support import headers as headers_of
from twisted.web.resource import Resource

from media_stats_module.module import DOCUMENTED_PATH
from media_stats_module.rest._base import AdminResource

# Refused before the database is asked.
pytestmark = pytest.mark.any_database


class EveryEndpointTestCase(MediaStatsTestCase):
    """Every endpoint checks the admin before anything else."""

    def test_every_endpoint(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        # No endpoint accepts all of these.
        wrong = {
            name: "\0 no such thing" for query in WRONG_PARAMETERS for name in query
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
    """Unknown paths answer everybody the same: 404."""

    def test_paths(self) -> None:
        _, ordinary_token = self.make_user("somebody")
        for path in (
            MODULE_PATH + "/v1",
            MODULE_PATH + "/v1/",
            MODULE_PATH + "/v1/users/",
            MODULE_PATH + "/v1/users/?limit=1",
            MODULE_PATH + "/v1/users/%2e%2e",
            MODULE_PATH + "/v1/servers/x",
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
    """The documented path has the same rule."""

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
