"""The Prometheus metrics of rollups: built, behind, failing, checked, removed."""

from itertools import count
from typing import ClassVar
from unittest import skipUnless
from unittest.mock import patch

from metrics_support import ALICE, MINUTE, MetricsTestCase, exposed, value_of
from support import MODULE_PATH, LocalMedia
from synapse.module_api import JsonDict
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage.errors import DatabaseFailedError
from media_stats_module.storage.rollups.maintenance import Maintenance


class NoRollupsMetricsTest(MetricsTestCase):
    def test_nothing_of_rollups(self) -> None:
        self.wait(2 * MINUTE)
        assert exposed("files")
        # Another test in this process may have made the counter.
        found = exposed("rollups_differences")
        assert [line for line in exposed("rollups") if line not in found] == []


@skipUnless(USE_POSTGRES_FOR_TESTS, "rollups are for PostgreSQL")
class RollupsMetricsTest(MetricsTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def setUp(self) -> None:
        # The keeper's own clock is that of the machine.
        clock = "media_stats_module.rollups_keeper.monotonic"
        hours = count()
        patcher = patch(clock, lambda: next(hours) * 3600.0)
        self.addCleanup(patcher.stop)
        patcher.start()
        super().setUp()

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
        error = DatabaseFailedError("the disk is full", is_lock=False, name="DiskFull")
        with patch.object(Maintenance, "install", side_effect=error):
            self.wait(MINUTE)
            assert exposed("rollups_failure") == [
                'rollups_failure{reason="DiskFull",server_name="test",step="install"} '
                "1.0"
            ]
            path = f"{MODULE_PATH}/v1/rollups"
            failures = self.ask(path).json_body["failures"]
            assert failures == {"install": "the disk is full"}
        self.wait(4 * MINUTE)
        assert exposed("rollups_failure") == []

    def test_checks(self) -> None:
        """The time of a check that is no longer known disappears."""
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
        # The one user is missing, so the number of users is wrong.
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
            # The last values are still shown.
            assert exposed("files") == before
