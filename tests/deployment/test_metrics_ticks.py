"""Refreshes of the gauges with late ticks, and a database that is slow or away.

test_metrics.py tests the values.
"""

from collections.abc import Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from synapse.module_api import ModuleApi

from media_stats_module import prometheus
from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import SummaryQuestion
from media_stats_module.storage import MediaStatsStore, RemoteSummary, Summary, Usage

_SERVER_NAME = "ticks.example"
_NOTHING = Usage(0, 0)


class Process:
    """A process that refreshes the gauges every minute, and ticks when a test says so.

    Attributes:
        now: the time, in seconds.
        takes: the time to add the media up, in seconds.
        is_away: whether the database fails.
        added_up: the number of times that the media was added up, or should have been.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.is_away = False
        self.added_up = 0
        config = SimpleNamespace(
            metrics=SimpleNamespace(enable_metrics=True),
            media=SimpleNamespace(can_load_media_repo=False),
        )
        api = SimpleNamespace(
            server_name=_SERVER_NAME,
            looping_background_call=self._loop,
            should_run_background_tasks=lambda: True,
            _clock=SimpleNamespace(time_msec=lambda: int(self.now * 1000)),
            _hs=SimpleNamespace(config=config),
        )
        prometheus.GaugesRefresher(
            cast(ModuleApi, api),
            MediaStatsConfig(metrics_interval=60_000),
            cast(MediaStatsStore, self),
        ).start()

    def tick(self, now: float) -> None:
        """Let Synapse's clock call, at a time."""
        self.now = now
        with pytest.raises(StopIteration):
            self._work(self._interval).send(None)

    def shown(self) -> float | None:
        """The number of servers in the gauges, which counts refreshes; None if none."""
        found = [
            sample.value
            for family in prometheus.gauges.collect()
            for sample in family.samples
            if sample.name.endswith("servers_with_media")
            and sample.labels["server_name"] == _SERVER_NAME
        ]
        return found[0] if found else None

    async def get_summary(self, question: SummaryQuestion) -> Summary:
        self.added_up += 1
        self.now += self.takes
        if self.is_away:
            raise RuntimeError("the database is away")
        remote = RemoteSummary(
            cached=_NOTHING,
            thumbnails=_NOTHING,
            quarantined=_NOTHING,
            servers=self.added_up,
        )
        return Summary(local=None, remote=remote, duplicates=None)

    def _loop(
        self,
        work: Callable[[float], Coroutine[Any, Any, None]],
        interval_ms: float,
        interval: float,
        *,
        desc: str,
    ) -> None:
        assert interval_ms == prometheus.TICK_MS
        self._work, self._interval = work, interval


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    process = Process()
    monkeypatch.setattr(prometheus, "monotonic", lambda: process.now)
    yield process
    prometheus.gauges.forget(_SERVER_NAME)


def test_a_late_tick_delays_no_refresh(process: Process) -> None:
    """The next one is on time again, a little less than an interval later."""
    process.tick(10.4)
    assert process.shown() == 1
    for seconds in range(20, 70, 10):
        process.tick(seconds)
    assert process.shown() == 1
    process.tick(70.0)
    assert process.shown() == 2
    process.tick(80.0)
    assert process.shown() == 2
    process.tick(130.3)
    assert process.shown() == 3


@pytest.mark.parametrize("is_away", [False, True])
def test_what_is_slow_is_rare(process: Process, is_away: bool) -> None:
    """Also if it fails: a statement that timed out has cost as much."""
    process.takes = 3.0
    process.is_away = is_away
    for seconds in range(10, 300, 10):
        process.tick(seconds)
    # The last values are still shown.
    assert (process.added_up, process.shown()) == (1, None if is_away else 1)
    for seconds in range(300, 360, 10):
        process.tick(seconds)
    assert (process.added_up, process.shown()) == (2, None if is_away else 2)


def test_a_failure_that_costs_nothing_is_tried_again(process: Process) -> None:
    process.is_away = True
    for seconds in range(10, 120, 10):
        process.tick(seconds)
    assert (process.added_up, process.shown()) == (2, None)
    process.is_away = False
    process.tick(130.0)
    assert process.shown() == 3
