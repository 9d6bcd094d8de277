"""The metrics for Prometheus, and the refresh of the gauges.

They show the last values that the process for background tasks has read, on its own
metrics listener. A scrape costs the database nothing. With rollups, a refresh takes
milliseconds. Without rollups it adds up whole tables, so `metrics_interval` must be
set. The size of the media store's file system costs nothing and is always shown.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, cast

import attr
from prometheus_client import Counter, Metric
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from synapse.module_api import ModuleApi

from media_stats_module.config import MediaStatsConfig
from media_stats_module.disk.patient_size import PatientSize
from media_stats_module.disk.size import FileSystem
from media_stats_module.questions import SummaryQuestion
from media_stats_module.storage import (
    AppserviceUsage,
    DatabaseFailedError,
    MediaStatsStore,
    QueryTimeoutError,
    QueueFullError,
    RollupState,
    Status,
    Summary,
)
from media_stats_module.synapse_internals import (
    current_time_ms,
    media_store_path,
    runs_background_tasks,
    synapse_config,
)

if TYPE_CHECKING:
    # Not in every version of prometheus_client that Synapse supports.
    from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

# The start of the names of Synapse's newer metrics.
_PREFIX = "synapse_media_stats_"

# Synapse 1.140 has this label on all metrics, 1.130 on none.
_SERVER_NAME = "server_name"

_DEFAULT_INTERVAL_MS = 60_000
# The interval of reading the size of the file system.
FILE_SYSTEM_MS = 30_000

# The first refresh must not wait for the whole interval.
TICK_MS = 10_000

# With more application services, only the largest have gauges.
_MOST_APPSERVICES = 100

# The media is added up for at most 1/REST of the time.
REST = 100

_differences_found = Counter(
    f"{_PREFIX}rollups_differences_found_total",
    "Totals of rollups that a check found to be wrong",
    [_SERVER_NAME, "source"],
)

# The gauges: their help, and their labels besides the server's name.
_GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "files": ("Files that are stored", ("source", "kind")),
    "bytes": ("Length of all files that are stored", ("source", "kind")),
    "quarantined_files": ("Stored files that are in quarantine", ("source",)),
    "quarantined_bytes": ("Length of all files in quarantine", ("source",)),
    "pending_uploads": ("Uploads that have no content yet", ()),
    "users_with_media": ("Users who have files", ()),
    "servers_with_media": ("Remote servers whose files are cached", ()),
    "appservice_files": (
        "Files of the users whom an application service registered",
        ("appservice_id",),
    ),
    "appservice_bytes": (
        "Length of all files of the users whom an application service registered",
        ("appservice_id",),
    ),
    "file_system_size_bytes": ("Size of the file system with the media store", ()),
    "file_system_avail_bytes": (
        "What Synapse can still write to the file system with the media store",
        (),
    ),
    "last_refresh_timestamp_seconds": ("When these files were added up", ()),
    "rollups_exact": ("1 if the totals of rollups answer, 0 if not", ("source",)),
    "rollups_unapplied_changes": (
        "Changes in the change log that are not in the totals",
        ("source",),
    ),
    "rollups_last_check_timestamp_seconds": (
        "When the totals were last compared with the media",
        ("source",),
    ),
    "rollups_failure": (
        "1 for each step of the work on rollups that fails, with the kind of error",
        ("step", "reason"),
    ),
}


@attr.frozen(kw_only=True)
class Snapshot:
    """The values of the gauges of one homeserver.

    Attributes:
        summary: the totals of the media store; None until they are added up.
        summary_ts: when they were added up, in milliseconds since the epoch.
        appservices: the media by application service; empty without rollups.
        rollups: the state of the totals by source; empty without rollups.
        failures: the failing steps of the work on rollups, with the kinds of errors.
    """

    summary: Summary | None = None
    summary_ts: int = 0
    appservices: Sequence[AppserviceUsage] = ()
    rollups: Mapping[str, RollupState] = {}
    failures: Mapping[str, str] = {}


def _values(snapshot: Snapshot) -> Iterator[tuple[str, tuple[str, ...], float]]:
    """The values of a snapshot: name of the gauge, labels, number."""
    kinds = {}
    quarantined = {}
    local = snapshot.summary and snapshot.summary.local
    if local:
        kinds["local", "uploads"] = local.uploads
        kinds["local", "url_previews"] = local.url_previews
        kinds["local", "without_owner"] = local.without_owner
        kinds["local", "thumbnails"] = local.thumbnails
        quarantined["local"] = local.quarantined
        yield "pending_uploads", (), local.pending
        yield "users_with_media", (), local.users
    remote = snapshot.summary and snapshot.summary.remote
    if remote:
        kinds["remote", "cached"] = remote.cached
        kinds["remote", "thumbnails"] = remote.thumbnails
        quarantined["remote"] = remote.quarantined
        yield "servers_with_media", (), remote.servers
    for labels, usage in kinds.items():
        yield "files", labels, usage.media_count
        yield "bytes", labels, usage.media_length
    for source, usage in quarantined.items():
        yield "quarantined_files", (source,), usage.media_count
        yield "quarantined_bytes", (source,), usage.media_length
    for row in snapshot.appservices:
        appservice = (row.appservice_id or "",)
        yield "appservice_files", appservice, row.media_count
        yield "appservice_bytes", appservice, row.media_length
    if snapshot.summary:
        yield "last_refresh_timestamp_seconds", (), snapshot.summary_ts / 1000
    for source, state in snapshot.rollups.items():
        yield "rollups_exact", (source,), state.status is Status.EXACT
        yield "rollups_unapplied_changes", (source,), state.unapplied_changes
        if state.checked_ts is not None:
            checked_ts = state.checked_ts / 1000
            yield "rollups_last_check_timestamp_seconds", (source,), checked_ts
    for failure in snapshot.failures.items():
        yield "rollups_failure", failure, 1


def _largest(rows: Sequence[AppserviceUsage]) -> Sequence[AppserviceUsage]:
    """The application services with most bytes, to limit the number of series."""
    appservices = [row for row in rows if row.appservice_id is not None]
    return appservices[:_MOST_APPSERVICES]


class Gauges:
    """The collector that Prometheus scrapes.

    A scrape runs in a thread of its own. It sees one whole snapshot of each homeserver,
    and no values that are gone.
    """

    def __init__(self) -> None:
        # By server name, because one process may run several homeservers.
        self._snapshots: dict[str, Snapshot] = {}
        self._file_systems: dict[str, FileSystem | None] = {}

    def show(self, server_name: str, snapshot: Snapshot) -> None:
        """Show a snapshot in place of the one before."""
        self._snapshots[server_name] = snapshot

    def show_file_system(self, server_name: str, seen: FileSystem | None) -> None:
        """Show the size of a file system, or none, in place of the one before."""
        self._file_systems[server_name] = seen

    def forget(self, server_name: str) -> None:
        """Show nothing of a homeserver."""
        self._snapshots.pop(server_name, None)
        self._file_systems.pop(server_name, None)

    def collect(self) -> Iterable[Metric]:
        """Called by prometheus_client for each scrape."""
        families = {
            name: GaugeMetricFamily(
                _PREFIX + name, documentation, labels=(_SERVER_NAME, *labels)
            )
            for name, (documentation, labels) in _GAUGES.items()
        }
        # A copy, because another thread may add a snapshot meanwhile.
        for server_name, snapshot in dict(self._snapshots).items():
            for name, labels, value in _values(snapshot):
                families[name].add_metric((server_name, *labels), value)
        for server_name, seen in dict(self._file_systems).items():
            if seen:
                for name, length in (
                    ("file_system_size_bytes", seen.total_length),
                    ("file_system_avail_bytes", seen.free_length),
                ):
                    families[name].add_metric((server_name,), length)
        return families.values()


gauges = Gauges()
REGISTRY.register(cast("Collector", gauges))


def count_differences(server_name: str, source: str, number: int) -> None:
    """Count totals that a check has found to be wrong.

    Call it with 0 first: Prometheus notices a rise only from a value that it has seen.
    """
    _differences_found.labels(server_name, source).inc(number)


class GaugesRefresher:
    """Refreshes the gauges, by the options."""

    def __init__(
        self, api: ModuleApi, config: MediaStatsConfig, store: MediaStatsStore
    ) -> None:
        self._api = api
        self._has_rollups = config.rollups
        self._store = store
        self._interval_ms = config.metrics_interval
        if config.rollups and self._interval_ms is None:
            self._interval_ms = _DEFAULT_INTERVAL_MS
        self._shown = Snapshot()
        # In seconds of a monotonic clock.
        self._next_refresh = 0.0
        self._next_summary = 0.0

    def start(self) -> None:
        """Begin to refresh, if this process runs background tasks and has metrics."""
        # Forget a homeserver of this name that ran in this process before.
        gauges.forget(self._api.server_name)
        if (
            # Without this option, Synapse opens no metrics listener.
            not synapse_config(self._api).metrics.enable_metrics
            or not runs_background_tasks(self._api)
        ):
            return
        self._watch_file_system()
        if self._interval_ms is None:
            return
        self._api.looping_background_call(
            self._tick,
            min(self._interval_ms, TICK_MS),
            self._interval_ms / 1000,
            desc="media_stats_refresh_gauges",
        )

    def _watch_file_system(self) -> None:
        path = media_store_path(self._api)
        if path is None:
            return
        size = PatientSize(path, may_be_empty=self._api.worker_name is None)

        async def look() -> None:
            seen = await self._api.defer_to_thread(size.get)
            gauges.show_file_system(self._api.server_name, seen)

        self._api.looping_background_call(
            look, FILE_SYSTEM_MS, desc="media_stats_file_system"
        )

    async def _tick(self, interval: float) -> None:
        now = monotonic()
        # Up to half a tick early: a tick may come late, and the next one on time.
        slack = min(interval, TICK_MS / 1000) / 2
        if now + slack < self._next_refresh:
            return
        self._next_refresh = now + interval
        try:
            await self._refresh(is_summary_due=now + slack >= self._next_summary)
        except (QueueFullError, QueryTimeoutError, DatabaseFailedError) as error:
            logger.warning(
                "Metrics: not refreshed; the next try is in %d s: %r", interval, error
            )
        except Exception:
            logger.warning(
                "Metrics: not refreshed; the next try is in %d s",
                interval,
                exc_info=True,
            )

    async def _refresh(self, *, is_summary_due: bool) -> None:
        shown = self._shown
        if self._has_rollups:
            rollups = await self._store.get_rollup_states()
            failures = {
                step: failure.name
                for step, failure in (self._store.maintenance.failures or {}).items()
            }
            shown = attr.evolve(shown, rollups=rollups, failures=failures)
            summary = await self._store.get_summary_from_totals()
            page = await self._store.get_appservices_from_totals()
            if page:
                shown = attr.evolve(shown, appservices=_largest(page.values))
        else:
            summary = await self._add_up() if is_summary_due else None
        if summary:
            now_ts = current_time_ms(self._api)
            shown = attr.evolve(shown, summary=summary, summary_ts=now_ts)
        self._shown = shown
        gauges.show(self._api.server_name, shown)

    async def _add_up(self) -> Summary:
        started = monotonic()
        try:
            return await self._store.get_summary(SummaryQuestion())
        finally:
            finished = monotonic()
            self._next_summary = finished + (finished - started) * REST
