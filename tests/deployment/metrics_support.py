"""Shared by the tests of the metrics: a homeserver, a clock, and a scrape."""

from typing import Any, ClassVar
from unittest.mock import patch

from prometheus_client import REGISTRY, generate_latest
from support import LocalMedia, MediaStatsTestCase, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict
from synapse.server import HomeServer
from twisted.internet.testing import MemoryReactor

from media_stats_module import prometheus as gauges

ALICE = "@alice:test"

MINUTE = 60


def exposed(of: str = "") -> list[str]:
    """The module's lines in a scrape: of all metrics, or of those with this name.

    Without the prefix of all names.
    """
    prefix = "synapse_media_stats_"
    lines = generate_latest(REGISTRY).decode().splitlines()
    return [
        line.removeprefix(prefix)
        for line in lines
        # The age of a counter. Synapse's listener leaves it out.
        if line.startswith(prefix + of) and "_created{" not in line
    ]


def value_of(line: str) -> float:
    return float(line.split()[-1])


class MetricsTestCase(MediaStatsTestCase):
    """A homeserver with metrics. A measurement takes no time."""

    module_options: ClassVar[JsonDict] = {"metrics_interval": "1m"}

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config.setdefault("enable_metrics", True)
        return config

    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        clocked = patch.object(gauges, "monotonic", clock.time)
        clocked.start()
        self.addCleanup(clocked.stop)
        return super().make_homeserver(reactor, clock)

    def wait(self, seconds: int) -> None:
        """Let time pass, second by second."""
        for _ in range(seconds):
            # With a few steps more for the work that is due.
            self.reactor.pump([1.0] + [0.0] * 20)

    def insert_some_of_everything(self) -> None:
        """Insert media. All gauges differ, except the numbers of thumbnails."""
        admin = "@admin:test"
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3),
            *(
                LocalMedia(user_id=ALICE, media_length=4, quarantined_by=admin)
                for _ in range(5)
            ),
            LocalMedia(user_id="@bob:test", media_length=50, url_cache="https://a"),
            LocalMedia(user_id="@eve:test", media_length=51, url_cache="https://a"),
            *(LocalMedia(user_id=None, media_length=600) for _ in range(7)),
            *(LocalMedia(user_id=ALICE, media_length=None) for _ in range(9)),
        )
        self.insert_remote_media(
            *(
                RemoteMedia(media_origin=f"{name}.example", media_length=7_000)
                for name in "abcd"
            ),
            *(
                RemoteMedia(
                    media_origin="a.example", media_length=80_000, quarantined_by=admin
                )
                for _ in range(8)
            ),
        )
        self.insert_thumbnails(
            Thumbnail(media_id="a", thumbnail_length=900_000),
            Thumbnail(media_id="a", media_origin="a.example", thumbnail_length=990_000),
        )
