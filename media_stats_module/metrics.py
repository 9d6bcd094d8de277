"""What the Prometheus metrics are called, and the one that is counted as it happens.

The gauges, which are refreshed from time to time, are in gauges.py. All names start
with `synapse_`, as those of Synapse's newer metrics do, since it is Synapse that is
scraped.
"""

from prometheus_client import Counter

PREFIX = "synapse_media_stats_"

# As on Synapse's own metrics, in newer versions: 1.140 has it on all, 1.130 on none.
# Here it is there on every version, so that a dashboard can rely on it.
SERVER_NAME_LABEL = "server_name"

differences_found = Counter(
    f"{PREFIX}rollups_differences_found_total",
    "Totals of rollups that a check found to be wrong",
    [SERVER_NAME_LABEL, "source"],
)
