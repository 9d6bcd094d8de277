"""The gauges for Prometheus, and what keeps them fresh.

They show what the background process last measured, on that process's own metrics
listener; on any other process they are empty. A scrape costs the database nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, cast

import attr
from prometheus_client import Metric
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from synapse.module_api import ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.metrics import PREFIX, SERVER_NAME_LABEL
from media_stats_module.storage import MediaStatsStore, Summary, Usage
from media_stats_module.storage.rollups.state import RollupState
from media_stats_module.synapse_internals import (
    current_time_ms,
    runs_background_tasks,
    synapse_config,
)

if TYPE_CHECKING:
    # Not in every version of prometheus_client that Synapse works with.
    from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

# The first refresh should not take as long to come as the interval may be.
TICK_MS = 10_000

# The media is added up for at most one part in so many of the time.
REST = 100


@attr.frozen(kw_only=True)
class Snapshot:
    """What the gauges of one homeserver show.

    Attributes:
        summary: what fills the media store; None if it has not been added up yet.
        summary_ts: when it was, in milliseconds since the epoch.
        rollups: by source of media; none if they are off or not installed.
    """

    summary: Summary | None
    summary_ts: int | None
    rollups: Mapping[str, RollupState]


_Values = Mapping[tuple[str, ...], float]


@attr.frozen
class _Gauge:
    """One gauge.

    Attributes:
        name: without what all names start with.
        documentation: for those who look at the metrics themselves.
        labels: what its values are told apart by, beside the server's name.
        values: gives the values by these labels.
    """

    name: str
    documentation: str
    labels: tuple[str, ...]
    values: Callable[[Snapshot], _Values]


def _kinds(snapshot: Snapshot) -> Mapping[tuple[str, ...], Usage]:
    """All that is stored, by source and kind, each file once."""
    kinds: dict[tuple[str, ...], Usage] = {}
    summary = snapshot.summary
    if summary and summary.local:
        kinds["local", "uploads"] = summary.local.uploads
        kinds["local", "url_previews"] = summary.local.url_previews
        kinds["local", "without_owner"] = summary.local.without_owner
        kinds["local", "thumbnails"] = summary.local.thumbnails
    if summary and summary.remote:
        kinds["remote", "cached"] = summary.remote.cached
        kinds["remote", "thumbnails"] = summary.remote.thumbnails
    return kinds


def _files(snapshot: Snapshot) -> _Values:
    return {kind: usage.media_count for kind, usage in _kinds(snapshot).items()}


def _bytes(snapshot: Snapshot) -> _Values:
    return {kind: usage.media_length for kind, usage in _kinds(snapshot).items()}


def _quarantined(snapshot: Snapshot) -> Mapping[tuple[str, ...], Usage]:
    quarantined: dict[tuple[str, ...], Usage] = {}
    summary = snapshot.summary
    if summary and summary.local:
        quarantined[("local",)] = summary.local.quarantined
    if summary and summary.remote:
        quarantined[("remote",)] = summary.remote.quarantined
    return quarantined


def _quarantined_files(snapshot: Snapshot) -> _Values:
    return {key: usage.media_count for key, usage in _quarantined(snapshot).items()}


def _quarantined_bytes(snapshot: Snapshot) -> _Values:
    return {key: usage.media_length for key, usage in _quarantined(snapshot).items()}


def _pending_uploads(snapshot: Snapshot) -> _Values:
    local = snapshot.summary and snapshot.summary.local
    return {(): local.pending} if local else {}


def _users(snapshot: Snapshot) -> _Values:
    local = snapshot.summary and snapshot.summary.local
    return {(): local.users} if local else {}


def _servers(snapshot: Snapshot) -> _Values:
    remote = snapshot.summary and snapshot.summary.remote
    return {(): remote.servers} if remote else {}


def _refreshed(snapshot: Snapshot) -> _Values:
    ts = snapshot.summary_ts
    return {} if ts is None else {(): ts / 1000}


def _unfolded_changes(snapshot: Snapshot) -> _Values:
    return {
        (source,): rollup.unfolded_changes
        for source, rollup in snapshot.rollups.items()
    }


def _last_check(snapshot: Snapshot) -> _Values:
    return {
        (source,): rollup.checked_ts / 1000
        for source, rollup in snapshot.rollups.items()
        if rollup.checked_ts is not None
    }


def _build_progress(snapshot: Snapshot) -> _Values:
    return {
        (source,): rollup.build_progress for source, rollup in snapshot.rollups.items()
    }


_GAUGES = (
    _Gauge("files", "Files that are stored", ("source", "kind"), _files),
    _Gauge("bytes", "Length of all files that are stored", ("source", "kind"), _bytes),
    _Gauge(
        "quarantined_files",
        "Files in quarantine; they are among those that are stored",
        ("source",),
        _quarantined_files,
    ),
    _Gauge(
        "quarantined_bytes",
        "Length of all files in quarantine",
        ("source",),
        _quarantined_bytes,
    ),
    _Gauge(
        "pending_uploads",
        "Uploads that were announced and have not been made",
        (),
        _pending_uploads,
    ),
    _Gauge("users_with_media", "Users who have files", (), _users),
    _Gauge(
        "servers_with_media",
        "Remote servers whose files are cached",
        (),
        _servers,
    ),
    _Gauge(
        "last_refresh_timestamp_seconds",
        "When the files were last added up for these metrics",
        (),
        _refreshed,
    ),
    _Gauge(
        "rollups_unfolded_changes",
        "Changes that are logged and not in the totals yet",
        ("source",),
        _unfolded_changes,
    ),
    _Gauge(
        "rollups_last_check_timestamp_seconds",
        "When the totals were last compared with the media",
        ("source",),
        _last_check,
    ),
    _Gauge(
        "rollups_build_progress_ratio",
        "How much of the media the totals were built from, from 0 to 1",
        ("source",),
        _build_progress,
    ),
)


class Gauges:
    """What is shown when Prometheus asks.

    A scrape comes in a thread of its own. It sees one snapshot of each homeserver or
    the next, never a mixture, and nothing of values that are no longer there.
    """

    def __init__(self) -> None:
        # By server name: one process may run several homeservers.
        self._snapshots: dict[str, Snapshot] = {}

    def show(self, server_name: str, snapshot: Snapshot) -> None:
        """Show a snapshot in place of the one before."""
        self._snapshots[server_name] = snapshot

    def forget(self, server_name: str) -> None:
        """Show nothing of a homeserver."""
        self._snapshots.pop(server_name, None)

    def collect(self) -> Iterable[Metric]:
        """Called by prometheus_client for each scrape."""
        # A copy, since another thread may show a snapshot meanwhile.
        snapshots = dict(self._snapshots)
        for gauge in _GAUGES:
            family = GaugeMetricFamily(
                PREFIX + gauge.name,
                gauge.documentation,
                labels=(SERVER_NAME_LABEL, *gauge.labels),
            )
            for server_name, snapshot in snapshots.items():
                for labels, value in gauge.values(snapshot).items():
                    family.add_metric((server_name, *labels), value)
            yield family


gauges = Gauges()
REGISTRY.register(cast("Collector", gauges))


class GaugesKeeper:
    """Refreshes the gauges as the options say."""

    def __init__(
        self, api: ModuleApi, config: MediaStatsConfig, store: MediaStatsStore
    ) -> None:
        self._api = api
        self._config = config
        self._store = store
        self._shown = Snapshot(summary=None, summary_ts=None, rollups={})
        # In seconds of a clock that nobody sets.
        self._next_refresh = 0.0
        self._next_summary = 0.0

    def start(self) -> None:
        """Begin to refresh, if this is the process for it and anybody can look."""
        # Of a homeserver that ran in this process before.
        gauges.forget(self._api.server_name)
        interval = self._config.metrics_interval
        # Without `enable_metrics` Synapse opens no metrics listener, so that measuring
        # would be for nothing.
        if (
            interval is None
            or not synapse_config(self._api).metrics.enable_metrics
            or not runs_background_tasks(self._api)
        ):
            return
        self._api.looping_background_call(
            self._tick,
            min(interval, TICK_MS),
            interval / 1000,
            desc="media_stats_refresh_gauges",
        )

    async def _tick(self, interval: float) -> None:
        now = monotonic()
        # Up to half a tick early, since a tick may come a little late and the next
        # one not.
        slack = min(interval, TICK_MS / 1000) / 2
        if now + slack < self._next_refresh:
            return
        self._next_refresh = now + interval
        try:
            await self._refresh(with_summary=now + slack >= self._next_summary)
        except Exception:
            logger.warning(
                "Metrics: could not be refreshed; the next try is in %d s",
                interval,
                exc_info=True,
            )

    async def _refresh(self, *, with_summary: bool) -> None:
        started = monotonic()
        try:
            measured = await self._store.measure(with_summary=with_summary)
        finally:
            if with_summary:
                finished = monotonic()
                self._next_summary = finished + (finished - started) * REST
        self._shown = attr.evolve(self._shown, rollups=measured.rollups)
        if measured.summary:
            self._shown = attr.evolve(
                self._shown,
                summary=measured.summary,
                summary_ts=current_time_ms(self._api),
            )
        gauges.show(self._api.server_name, self._shown)
