"""The Prometheus metrics of application services: their users' media."""

from typing import ClassVar
from unittest import skipUnless
from unittest.mock import patch

import pytest
from metrics_support import ALICE, MINUTE, MetricsTestCase, exposed
from support import LocalMedia
from synapse.module_api import JsonDict
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module import prometheus

pytestmark = pytest.mark.once


class _AppservicesMetricsTestCase(MetricsTestCase):
    def insert_bridges(self) -> None:
        self._insert(
            "users",
            [
                {"name": "@a:test", "appservice_id": "discord"},
                {"name": "@b:test", "appservice_id": "discord"},
                {"name": "@c:test", "appservice_id": "irc"},
                {"name": ALICE, "appservice_id": None},
            ],
        )
        self.insert_local_media(
            LocalMedia(user_id="@a:test", media_length=1),
            LocalMedia(user_id="@b:test", media_length=2),
            LocalMedia(user_id="@c:test", media_length=10),
            LocalMedia(user_id=ALICE, media_length=100),
            LocalMedia(user_id="@unknown:test", media_length=1_000),
        )


class NoRollupsTest(_AppservicesMetricsTestCase):
    def test_nothing_without_rollups(self) -> None:
        self.insert_bridges()
        self.wait(2 * MINUTE)
        assert exposed("files")
        assert exposed("appservice") == []


@skipUnless(USE_POSTGRES_FOR_TESTS, "rollups are for PostgreSQL")
class RollupsTest(_AppservicesMetricsTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def test_gauges(self) -> None:
        """One series per application service; one that is gone disappears."""
        self.insert_bridges()
        self.wait(3 * MINUTE)
        assert exposed("appservice") == [
            'appservice_files{appservice_id="irc",server_name="test"} 1.0',
            'appservice_files{appservice_id="discord",server_name="test"} 2.0',
            'appservice_bytes{appservice_id="irc",server_name="test"} 10.0',
            'appservice_bytes{appservice_id="discord",server_name="test"} 3.0',
        ]
        self.execute("DELETE FROM local_media_repository WHERE user_id <> '@a:test'")
        self.wait(2 * MINUTE)
        assert exposed("appservice") == [
            'appservice_files{appservice_id="discord",server_name="test"} 1.0',
            'appservice_bytes{appservice_id="discord",server_name="test"} 1.0',
        ]

    def test_bound(self) -> None:
        self.insert_bridges()
        with patch.object(prometheus, "_MOST_APPSERVICES", 1):
            self.wait(3 * MINUTE)
        assert [line.split()[0] for line in exposed("appservice_files")] == [
            'appservice_files{appservice_id="irc",server_name="test"}'
        ]
