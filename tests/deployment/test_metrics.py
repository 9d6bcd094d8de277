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

from media_stats_module import MediaStatsModule
from media_stats_module import prometheus as gauges
from media_stats_module.config import MediaStatsConfig
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import Measurements, MediaStatsStore

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

    module_options: ClassVar[JsonDict] = {}

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


class MediaMetricsByRollupsTest(MediaMetricsTest):
    module_options: ClassVar[JsonDict] = {"rollups": True}


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

    def test_one_transaction(self) -> None:
        api = self.hs.get_module_api()
        with patch.object(
            api, "run_db_interaction", wraps=api.run_db_interaction
        ) as interactions:
            self.wait(MINUTE)
        names = [call.args[0] for call in interactions.call_args_list]
        assert names.count("media_stats_measure") == len(set(map(str, names))) - 1 == 1

    def test_what_is_slow_is_rare(self) -> None:
        """Adding up takes at most a hundredth of the time, whatever the interval."""
        measure = MediaStatsStore.measure
        summaries: list[bool] = []

        async def slow(store: MediaStatsStore, *, with_summary: bool) -> Measurements:
            summaries.append(with_summary)
            self.took += 3.0 * with_summary
            return await measure(store, with_summary=with_summary)

        with patch.object(MediaStatsStore, "measure", slow):
            self.wait(11)
            assert summaries == [True]
            self.insert_local_media(LocalMedia(user_id=ALICE))
            self.wait(4 * MINUTE)
            assert summaries == [True, False, False, False, False]
            # What was added up last is still shown.
            assert exposed("users") == ['users_with_media{server_name="test"} 0.0']
            self.wait(2 * MINUTE)
            assert summaries.count(True) == 2
            assert exposed("users") == ['users_with_media{server_name="test"} 1.0']

    def test_a_failure_does_no_harm(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE))
        self.wait(MINUTE)
        before = exposed()
        with (
            patch.object(MediaStatsStore, "measure", side_effect=RuntimeError("away")),
            self.assertLogs("media_stats_module.prometheus", "WARNING") as logs,
        ):
            self.wait(2 * MINUTE)
        assert len(logs.output) == 2
        assert (
            "Metrics: could not be refreshed; the next try is in 60 s"
            in (logs.output[0])
        )
        assert "RuntimeError: away" in logs.output[0]
        assert exposed() == before
        assert self.users()["total"] == 1
        self.execute("DELETE FROM local_media_repository")
        self.wait(2 * MINUTE)
        assert exposed("users") == ['users_with_media{server_name="test"} 0.0']


class NotRefreshedTest(MetricsTestCase):
    def assert_not_refreshed(self) -> None:
        with patch.object(MediaStatsStore, "measure") as measure:
            self.wait(2 * MINUTE)
        measure.assert_not_called()
        assert exposed("files") == []

    @override_config({"modules": modules(metrics_interval=None)})
    def test_switched_off(self) -> None:
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
        with self.assertNoLogs("synapse.module_api", "WARNING"):
            MediaStatsModule(MediaStatsConfig(rollups=True), self.hs.get_module_api())


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

    def test_progress(self) -> None:
        self.insert_local_media(*[LocalMedia(user_id=ALICE)] * 4)
        with patch.object(RollupsKeeper, "_build"):
            self.wait(MINUTE)
            assert exposed("rollups_build") == [
                'rollups_build_progress_ratio{server_name="test",source="local"} 0.0',
                'rollups_build_progress_ratio{server_name="test",source="remote"} 0.0',
            ]
            self.execute(
                "UPDATE media_stats_state SET build_started_ts = 1, built_to = 3"
            )
            self.wait(MINUTE)
            part = 0.0 if USE_POSTGRES_FOR_TESTS else 0.75
            assert value_of(exposed("rollups_build")[0]) == part
        self.wait(2 * MINUTE)
        assert exposed("rollups_build") == [
            'rollups_build_progress_ratio{server_name="test",source="local"} 1.0',
            'rollups_build_progress_ratio{server_name="test",source="remote"} 1.0',
        ]

    def test_unfolded_changes(self) -> None:
        self.wait(MINUTE)
        with patch.object(RollupsKeeper, "_fold"):
            self.insert_local_media(*[LocalMedia(user_id=ALICE)] * 3)
            self.wait(MINUTE)
            assert exposed("rollups_unfolded") == [
                'rollups_unfolded_changes{server_name="test",source="local"} 3.0',
                'rollups_unfolded_changes{server_name="test",source="remote"} 0.0',
            ]
        self.wait(2 * MINUTE)
        assert sum(map(value_of, exposed("rollups_unfolded"))) == 0

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

        self.execute("DELETE FROM media_stats_local_owners")
        self.check()
        # The one user is missing, and so the number of users is wrong.
        assert self.differences_found() == [before[0] + 2, before[1]]

        self.execute("DROP TABLE media_stats_remote_days")
        self.wait(2 * MINUTE)
        assert len(exposed("rollups_build")) == 2
        assert exposed("rollups_last_check") == []

    def test_rollups_that_are_gone(self) -> None:
        self.wait(MINUTE)
        assert exposed("rollups_unfolded")
        with patch.object(RollupsKeeper, "_keep"):
            self.execute("DROP TABLE media_stats_state")
            self.wait(2 * MINUTE)
        assert exposed("rollups_unfolded") == []
        assert exposed("files")


def test_two_homeservers_in_one_process() -> None:
    shown = gauges.Gauges()
    empty = gauges.Snapshot(summary=None, summary_ts=1_500, rollups={})
    shown.show("a.example", empty)
    shown.show("b.example", empty)

    def samples() -> list[tuple[str, float]]:
        return [
            (sample.labels["server_name"], sample.value)
            for family in shown.collect()
            for sample in family.samples
        ]

    assert samples() == [("a.example", 1.5), ("b.example", 1.5)]
    shown.forget("a.example")
    assert samples() == [("b.example", 1.5)]
