"""The names of the objects that rollups add to a database."""

STATE = "media_stats_state"
OWNERS = "media_stats_owners"
DAYS = "media_stats_days"
KINDS = "media_stats_kinds"
CHANGES = "media_stats_changes"

TABLES = (STATE, OWNERS, DAYS, KINDS, CHANGES)

CHANGE_ID = "media_stats_change_id"
LOG_LIMIT = "media_stats_log_limit"
MISSED = "media_stats_missed_"
"""The start of the name; the source follows."""

SEQUENCES = (CHANGE_ID, LOG_LIMIT, f"{MISSED}local", f"{MISSED}remote")

TRIGGER_FUNCTIONS = {
    "local_media_repository": "media_stats_log_local",
    "local_media_repository_thumbnails": "media_stats_log_thumbnails",
    "remote_media_cache": "media_stats_log_remote",
    "remote_media_cache_thumbnails": "media_stats_log_thumbnails",
}
"""The functions that log the changes of Synapse's tables."""

FUNCTIONS = (
    *sorted(set(TRIGGER_FUNCTIONS.values())),
    "media_stats_distrust",
    "media_stats_day",
    "media_stats_group",
)
TRIGGERS = ("media_stats_change", "media_stats_delete", "media_stats_truncate")
