"""The refresh of the metrics: when, by which process, and at which cost."""

from unittest.mock import patch

from metrics_support import ALICE, MINUTE, MetricsTestCase, exposed
from support import LocalMedia, modules
from tests.unittest import override_config

from media_stats_module.config import MediaStatsConfig
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import (
    MediaStatsStore,
    QueryTimeoutError,
    SharedDatabase,
)


class RefreshTest(MetricsTestCase):
    def test_the_interval(self) -> None:
        for _ in range(2 * MINUTE):
            if exposed("users"):
                break
            self.wait(1)
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(MINUTE - 2)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
        self.wait(3)
        assert exposed("users") == ['users_with_media{server_name="test"} 1.0']

    @override_config({"modules": modules(metrics_interval="1d")})
    def test_the_first_comes_soon(self) -> None:
        self.wait(11)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(5 * MINUTE)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']

    @override_config({"modules": modules(metrics_interval="1s")})
    def test_a_short_interval(self) -> None:
        self.wait(1)
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(1)
        assert exposed("users") == ['users_with_media{server_name="test"} 1.0']

    def test_a_timeout_is_one_line(self) -> None:
        with (
            patch.object(MediaStatsStore, "get_summary", side_effect=QueryTimeoutError),
            self.assertLogs("media_stats_module.prometheus", "WARNING") as logs,
        ):
            self.wait(MINUTE)
        assert len(logs.output) == 1
        assert logs.output[0].endswith(
            "Metrics: not refreshed; the next try is in 60 s: QueryTimeoutError()"
        )

    def test_a_failure_does_no_harm(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(MINUTE)
        before = exposed("files") + exposed("bytes")
        with (
            patch.object(
                MediaStatsStore, "get_summary", side_effect=RuntimeError("away")
            ),
            self.assertLogs("media_stats_module.prometheus", "WARNING") as logs,
        ):
            self.wait(2 * MINUTE)
        assert len(logs.output) == 2
        assert "Metrics: not refreshed; the next try is in 60 s" in logs.output[0]
        assert "RuntimeError: away" in logs.output[0]
        assert exposed("files") + exposed("bytes") == before
        assert self.users()["total"] == 1
        self.execute("DELETE FROM local_media_repository")
        self.wait(2 * MINUTE)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']


class NotRefreshedTest(MetricsTestCase):
    def assert_not_refreshed(self) -> None:
        with patch.object(MediaStatsStore, "get_summary") as scan:
            self.wait(2 * MINUTE)
        scan.assert_not_called()
        assert exposed("files") == []

    @override_config({"modules": modules(metrics_interval=None)})
    def test_not_asked_for(self) -> None:
        self.assert_not_refreshed()

    @override_config({"enable_metrics": False})
    def test_synapse_exposes_no_metrics(self) -> None:
        self.assert_not_refreshed()

    @override_config({"run_background_tasks_on": "another_worker"})
    def test_another_process_runs_background_tasks(self) -> None:
        self.assert_not_refreshed()

    @override_config({"run_background_tasks_on": "another_worker"})
    def test_another_process_does_not_warn(self) -> None:
        api = self.hs.get_module_api()
        with self.assertNoLogs("synapse.module_api", "WARNING"):
            database = SharedDatabase(api, query_timeout=60_000)
            store = MediaStatsStore(database, MediaStatsConfig())
            RollupsKeeper(api, MediaStatsConfig(), store.maintenance).start()
