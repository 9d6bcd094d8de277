"""Prometheus metrics, on Synapse's own metrics listener."""

from prometheus_client import Counter

differences_found = Counter(
    "media_stats_differences_found_total",
    "Totals of media_stats_module that a check found to be wrong",
    # `server_name` as on Synapse's own metrics.
    ["server_name", "source"],
)
