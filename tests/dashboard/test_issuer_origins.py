"""The page may ask the servers that the issuer's metadata names."""

from collections.abc import Mapping
from unittest.mock import patch

import pytest
from support import MODULE_PATH, MediaStatsTestCase, headers
from synapse.module_api import ModuleApi

from media_stats_module.rest import dashboard

pytestmark = [pytest.mark.once, pytest.mark.any_database]


class IssuerOriginsTestCase(MediaStatsTestCase):
    def sources(self, metadata: Mapping[str, object]) -> str:
        """The origins that the page may ask, for this metadata of the issuer."""

        async def issuer_metadata(api: ModuleApi) -> Mapping[str, object]:
            return metadata

        with patch.object(dashboard, "issuer_metadata", issuer_metadata):
            channel = self.ask(f"{MODULE_PATH}/", token="")
        assert channel.code == 200
        (policy,) = headers(channel).getRawHeaders("Content-Security-Policy") or [""]
        (directive,) = [
            directive
            for directive in policy.split("; ")
            if directive.startswith("connect-src ")
        ]
        # Nothing in the metadata becomes another directive.
        assert policy.count(";") == 9
        return directive.removeprefix("connect-src ")

    def test_addresses(self) -> None:
        assert self.sources({}) == "'self'"
        assert (
            self.sources(
                {
                    "token_endpoint": "https://b.example:8448/token",
                    "revocation_endpoint": "https://a.example/revoke",
                    "registration_endpoint": "https://[2001:db8::1]/register",
                    "jwks_uri": "https://not-asked.example/",
                }
            )
            == "'self' https://[2001:db8::1] https://a.example https://b.example:8448"
        )

    def test_what_is_no_address(self) -> None:
        for url in (
            "https://a.example;script-src *",
            "https://a.example *",
            "https://*",
            "ftp://a.example",
            "javascript:alert(1)",
            "",
            None,
            7,
        ):
            assert self.sources({"token_endpoint": url}) == "'self'", url
