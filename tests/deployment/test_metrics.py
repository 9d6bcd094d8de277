"""The Prometheus metrics of media, in a scrape on the harness.

test_metrics_refresh.py tests the times of the refreshes.
"""

from typing import ClassVar
from unittest import skipUnless
from unittest.mock import patch

from metrics_support import MINUTE, MetricsTestCase, exposed, value_of
from support import MODULE_PATH
from synapse.module_api import JsonDict
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module import prometheus as gauges
from media_stats_module.storage import MediaStatsStore


class MediaMetricsTest(MetricsTestCase):
    def test_media(self) -> None:
        self.insert_some_of_everything()
        assert exposed("files") == []

        self.wait(2 * MINUTE)

        (refreshed,) = exposed("last_refresh_timestamp_seconds")
        assert 0 <= self.reactor.seconds() - value_of(refreshed) <= MINUTE
        others = ("file_system_", "rollups_")
        lines = [line for line in exposed() if not line.startswith(others)]
        lines.remove(refreshed)
        assert lines == [
            'files{kind="uploads",server_name="test",source="local"} 6.0',
            'files{kind="url_previews",server_name="test",source="local"} 2.0',
            'files{kind="without_owner",server_name="test",source="local"} 7.0',
            'files{kind="thumbnails",server_name="test",source="local"} 1.0',
            'files{kind="cached",server_name="test",source="remote"} 12.0',
            'files{kind="thumbnails",server_name="test",source="remote"} 1.0',
            'bytes{kind="uploads",server_name="test",source="local"} 23.0',
            'bytes{kind="url_previews",server_name="test",source="local"} 101.0',
            'bytes{kind="without_owner",server_name="test",source="local"} 4200.0',
            'bytes{kind="thumbnails",server_name="test",source="local"} 900000.0',
            'bytes{kind="cached",server_name="test",source="remote"} 668000.0',
            'bytes{kind="thumbnails",server_name="test",source="remote"} 990000.0',
            'quarantined_files{server_name="test",source="local"} 5.0',
            'quarantined_files{server_name="test",source="remote"} 8.0',
            'quarantined_bytes{server_name="test",source="local"} 20.0',
            'quarantined_bytes{server_name="test",source="remote"} 640000.0',
            'pending_uploads{server_name="test"} 9.0',
            'users_with_media{server_name="test"} 3.0',
            'servers_with_media{server_name="test"} 4.0',
        ]

        self.execute("DELETE FROM local_media_repository")
        self.execute("DELETE FROM remote_media_cache")
        self.wait(2 * MINUTE)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
        assert exposed("servers") == ['servers_with_media{server_name="test"} 0.0']
        assert sum(map(value_of, exposed("bytes"))) == 1890000

    def test_the_api_and_the_gauges_say_the_same(self) -> None:
        self.insert_some_of_everything()
        self.wait(2 * MINUTE)
        total = self.ask(f"{MODULE_PATH}/v1/summary").json_body["total"]
        assert sum(map(value_of, exposed("files"))) == total["media_count"]
        assert sum(map(value_of, exposed("bytes"))) == total["media_length"]


@skipUnless(USE_POSTGRES_FOR_TESTS, "rollups are for PostgreSQL")
class MediaMetricsByRollupsTest(MediaMetricsTest):
    """From the totals, every minute by default."""

    module_options: ClassVar[JsonDict] = {"rollups": True}

    def test_they_cost_no_scan(self) -> None:
        self.insert_some_of_everything()
        self.wait(MINUTE)
        with patch.object(MediaStatsStore, "get_summary") as scan:
            self.execute("UPDATE media_stats_kinds SET media_length = 5000000")
            self.wait(2 * MINUTE)
        scan.assert_not_called()
        assert sum(map(value_of, exposed("bytes"))) > 5000000


class NotAskedForTest(MetricsTestCase):
    """Without rollups, whole tables are read only if an interval is set."""

    module_options: ClassVar[JsonDict] = {}

    def test_no_gauges(self) -> None:
        self.insert_some_of_everything()
        with patch.object(MediaStatsStore, "get_summary") as scan:
            self.wait(5 * MINUTE)
        scan.assert_not_called()
        assert exposed("files") == exposed("last_refresh") == []


def test_two_homeservers_in_one_process() -> None:
    shown = gauges.Gauges()
    snapshot = gauges.Snapshot(failures={"install": "the disk is full"})
    shown.show("a.example", snapshot)
    shown.show("b.example", snapshot)

    def samples() -> list[tuple[str, float]]:
        return [
            (sample.labels["server_name"], sample.value)
            for family in shown.collect()
            for sample in family.samples
        ]

    assert samples() == [("a.example", 1), ("b.example", 1)]
    shown.forget("a.example")
    assert samples() == [("b.example", 1)]
