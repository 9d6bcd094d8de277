"""The Prometheus metrics on the harness: what a scrape shows, and what it costs."""

from typing import Any, ClassVar
from unittest import skipUnless
from unittest.mock import patch

from prometheus_client import REGISTRY, generate_latest
from support import (
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
    modules,
)
from synapse.module_api import JsonDict, ModuleApi
from synapse.server import HomeServer
from tests.unittest import override_config
from tests.utils import USE_POSTGRES_FOR_TESTS
from twisted.internet.testing import MemoryReactor

from media_stats_module import prometheus as gauges
from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import SummaryQuestion
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore, Summary
from media_stats_module.storage.errors import DatabaseFailedError
from media_stats_module.storage.rollups.maintenance import Maintenance

ALICE = "@alice:test"

MINUTE = 60


def exposed(of: str = "") -> list[str]:
    """The module's lines in a scrape: of all metrics, or of those named like this.

    Without what all the names start with.
    """
    prefix = "synapse_media_stats_"
    lines = generate_latest(REGISTRY).decode().splitlines()
    return [
        line.removeprefix(prefix)
        for line in lines
        # How old a counter is. Synapse's listener leaves it out.
        if line.startswith(prefix + of) and "_created{" not in line
    ]


def value_of(line: str) -> float:
    return float(line.split()[-1])


class MetricsTestCase(MediaStatsTestCase):
    """A homeserver that exposes metrics. Measuring takes as long as a test says.

    Attributes:
        took: how many seconds measuring has taken so far.
    """

    module_options: ClassVar[JsonDict] = {"metrics_interval": "1m"}

    took = 0.0

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config.setdefault("enable_metrics", True)
        return config

    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        def now() -> float:
            seconds: float = clock.time()
            return seconds + self.took

        clocked = patch.object(gauges, "monotonic", now)
        clocked.start()
        self.addCleanup(clocked.stop)
        return super().make_homeserver(reactor, clock)

    def wait(self, seconds: int) -> None:
        """Let time pass as it does, second by second."""
        for _ in range(seconds):
            self.reactor.advance(1)
            self.pump()

    def insert_some_of_everything(self) -> None:
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3),
            LocalMedia(user_id=ALICE, media_length=4, quarantined_by="@admin:test"),
            LocalMedia(user_id="@bob:test", media_length=50, url_cache="https://a"),
            LocalMedia(user_id=None, media_length=600),
            LocalMedia(user_id="@eve:test", media_length=None),
        )
        self.insert_remote_media(
            RemoteMedia(media_origin="a.example", media_length=7_000),
            RemoteMedia(media_origin="b.example", media_length=80_000),
        )
        self.execute(
            "INSERT INTO local_media_repository_thumbnails (media_id, "
            "thumbnail_width, thumbnail_height, thumbnail_type, thumbnail_method, "
            "thumbnail_length) VALUES ('a', 1, 1, 'image/png', 'crop', 900000)"
        )


class MediaMetricsTest(MetricsTestCase):
    def test_media(self) -> None:
        self.insert_some_of_everything()
        assert exposed("files") == []

        self.wait(2 * MINUTE)

        (refreshed,) = exposed("last_refresh_timestamp_seconds")
        assert 0 <= self.reactor.seconds() - value_of(refreshed) <= MINUTE
        lines = [line for line in exposed() if not line.startswith("rollups_")]
        lines.remove(refreshed)
        assert lines == [
            'files{kind="uploads",server_name="test",source="local"} 2.0',
            'files{kind="url_previews",server_name="test",source="local"} 1.0',
            'files{kind="without_owner",server_name="test",source="local"} 1.0',
            'files{kind="thumbnails",server_name="test",source="local"} 1.0',
            'files{kind="cached",server_name="test",source="remote"} 2.0',
            'files{kind="thumbnails",server_name="test",source="remote"} 0.0',
            'bytes{kind="uploads",server_name="test",source="local"} 7.0',
            'bytes{kind="url_previews",server_name="test",source="local"} 50.0',
            'bytes{kind="without_owner",server_name="test",source="local"} 600.0',
            'bytes{kind="thumbnails",server_name="test",source="local"} 900000.0',
            'bytes{kind="cached",server_name="test",source="remote"} 87000.0',
            'bytes{kind="thumbnails",server_name="test",source="remote"} 0.0',
            'quarantined_files{server_name="test",source="local"} 1.0',
            'quarantined_files{server_name="test",source="remote"} 0.0',
            'quarantined_bytes{server_name="test",source="local"} 4.0',
            'quarantined_bytes{server_name="test",source="remote"} 0.0',
            'pending_uploads{server_name="test"} 1.0',
            'users_with_media{server_name="test"} 2.0',
            'servers_with_media{server_name="test"} 2.0',
        ]

        self.execute("DELETE FROM local_media_repository")
        self.execute("DELETE FROM remote_media_cache")
        self.wait(2 * MINUTE)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
        assert exposed("servers") == ['servers_with_media{server_name="test"} 0.0']
        assert sum(map(value_of, exposed("bytes"))) == 900000

    def test_the_api_and_the_gauges_say_the_same(self) -> None:
        self.insert_some_of_everything()
        self.wait(2 * MINUTE)
        total = self.ask(f"{MODULE_PATH}/v1/summary").json_body["total"]
        assert sum(map(value_of, exposed("files"))) == total["media_count"]
        assert sum(map(value_of, exposed("bytes"))) == total["media_length"]


@skipUnless(USE_POSTGRES_FOR_TESTS, "rollups are for PostgreSQL")
class MediaMetricsByRollupsTest(MediaMetricsTest):
    """From the totals, every minute without being asked."""

    module_options: ClassVar[JsonDict] = {"rollups": True}

    def test_they_cost_no_scan(self) -> None:
        self.insert_some_of_everything()
        self.wait(MINUTE)
        with patch.object(MediaStatsStore, "get_summary") as scan:
            self.execute("UPDATE media_stats_kinds SET media_length = 1000000")
            self.wait(2 * MINUTE)
        scan.assert_not_called()
        assert sum(map(value_of, exposed("bytes"))) > 1000000


class NotAskedForTest(MetricsTestCase):
    """Without rollups, whole tables are read only where an interval is set."""

    module_options: ClassVar[JsonDict] = {}

    def test_no_gauges(self) -> None:
        self.insert_some_of_everything()
        with patch.object(MediaStatsStore, "get_summary") as scan:
            self.wait(5 * MINUTE)
        scan.assert_not_called()
        assert exposed("files") == exposed("last_refresh") == []


class NoRollupsMetricsTest(MetricsTestCase):
    def test_nothing_of_rollups(self) -> None:
        self.wait(2 * MINUTE)
        assert exposed("files")
        # The counter may be there from another test in this process.
        found = exposed("rollups_differences")
        assert [line for line in exposed("rollups") if line not in found] == []


class RefreshTest(MetricsTestCase):
    def test_the_interval(self) -> None:
        for _ in range(2 * MINUTE):
            if not exposed("users"):
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

    def test_what_is_slow_is_rare(self) -> None:
        """Adding up takes at most a hundredth of the time, whatever the interval."""
        get_summary = MediaStatsStore.get_summary
        scans: list[float] = []

        async def slow(store: MediaStatsStore, question: SummaryQuestion) -> Summary:
            scans.append(self.reactor.seconds())
            self.took += 3.0
            return await get_summary(store, question)

        with patch.object(MediaStatsStore, "get_summary", slow):
            self.wait(11)
            assert len(scans) == 1
            self.insert_local_media(LocalMedia(user_id=ALICE))
            self.wait(4 * MINUTE)
            assert len(scans) == 1
            # What was added up last is still shown.
            assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
            self.wait(2 * MINUTE)
            assert len(scans) == 2
            assert exposed("users") == ['users_with_media{server_name="test"} 1.0']

    def test_a_failure_does_no_harm(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(MINUTE)
        before = exposed()
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
        assert exposed() == before
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

    @skipUnless(
        hasattr(ModuleApi, "should_run_background_tasks"),
        "Before, only the call that warns could be asked",
    )
    @override_config({"run_background_tasks_on": "another_worker"})
    def test_another_process_does_not_warn(self) -> None:
        api = self.hs.get_module_api()
        with self.assertNoLogs("synapse.module_api", "WARNING"):
            store = MediaStatsStore(api, MediaStatsConfig())
            RollupsKeeper(api, MediaStatsConfig(), store.rollups).start()


@skipUnless(USE_POSTGRES_FOR_TESTS, "rollups are for PostgreSQL")
class RollupsMetricsTest(MetricsTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def differences_found(self) -> list[float]:
        # Other tests may have run a homeserver of another name in this process.
        lines = [
            line
            for line in exposed("rollups_differences_found_total")
            if 'server_name="test"' in line
        ]
        assert [line.split()[0] for line in lines] == [
            'rollups_differences_found_total{server_name="test",source="local"}',
            'rollups_differences_found_total{server_name="test",source="remote"}',
        ]
        return [value_of(line) for line in lines]

    def check(self) -> None:
        path = f"{MODULE_PATH}/v1/rollups/check"
        assert (
            self.make_request("POST", path, access_token=self.admin_token).code == 200
        )

    def test_building(self) -> None:
        self.insert_local_media(*[LocalMedia(user_id=ALICE)] * 4)
        with patch.object(Maintenance, "build"):
            self.wait(2 * MINUTE)
            assert exposed("rollups_exact") == [
                'rollups_exact{server_name="test",source="local"} 0.0',
                'rollups_exact{server_name="test",source="remote"} 0.0',
            ]
            # The media is not added up instead.
            assert exposed("files") == []
        self.wait(2 * MINUTE)
        assert exposed("rollups_exact") == [
            'rollups_exact{server_name="test",source="local"} 1.0',
            'rollups_exact{server_name="test",source="remote"} 1.0',
        ]

    def test_unapplied_changes(self) -> None:
        self.wait(MINUTE)
        with patch.object(Maintenance, "apply"):
            self.insert_local_media(*[LocalMedia(user_id=ALICE)] * 3)
            self.wait(MINUTE)
            assert exposed("rollups_unapplied") == [
                'rollups_unapplied_changes{server_name="test",source="local"} 3.0',
                'rollups_unapplied_changes{server_name="test",source="remote"} 0.0',
            ]
        self.wait(2 * MINUTE)
        assert sum(map(value_of, exposed("rollups_unapplied"))) == 0

    def test_failures(self) -> None:
        self.wait(MINUTE)
        assert exposed("rollups_failure") == []
        error = DatabaseFailedError("the disk is full", is_lock=False)
        with patch.object(Maintenance, "install", side_effect=error):
            self.wait(MINUTE)
            assert exposed("rollups_failure") == [
                'rollups_failure{reason="the disk is full",server_name="test",'
                'step="install"} 1.0'
            ]
            path = f"{MODULE_PATH}/v1/rollups"
            failures = self.ask(path).json_body["failures"]
            assert failures == {"install": "the disk is full"}
        self.wait(4 * MINUTE)
        assert exposed("rollups_failure") == []

    def test_checks(self) -> None:
        """The time of a check that is known no more is shown no more."""
        before = self.differences_found()
        self.wait(MINUTE)
        assert exposed("rollups_last_check") == []
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(MINUTE)
        self.check()
        checked = self.reactor.seconds()
        self.wait(MINUTE)
        lines = exposed("rollups_last_check")
        assert [line.split()[0] for line in lines] == [
            f'rollups_last_check_timestamp_seconds{{server_name="test",source="{source}"}}'
            for source in ("local", "remote")
        ]
        for line in lines:
            assert abs(value_of(line) - checked) < 2
        assert self.differences_found() == before

        self.execute("DELETE FROM media_stats_owners")
        self.check()
        # The one user is missing, and so the number of users is wrong.
        assert self.differences_found() == [before[0] + 2, before[1]]

        self.execute("DROP TABLE media_stats_days")
        self.wait(2 * MINUTE)
        assert len(exposed("rollups_exact")) == 2
        assert exposed("rollups_last_check") == []

    def test_rollups_that_are_gone(self) -> None:
        self.wait(MINUTE)
        assert sum(map(value_of, exposed("rollups_exact"))) == 2
        before = exposed("files")
        with patch.object(Maintenance, "install"):
            self.execute("DROP TABLE media_stats_state")
            self.wait(2 * MINUTE)
            assert sum(map(value_of, exposed("rollups_exact"))) == 0
            # What was added up last is still shown.
            assert exposed("files") == before


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
