"""The names of what rollups add to a database."""

STATE = "media_stats_state"
OWNERS = "media_stats_owners"
DAYS = "media_stats_days"
KINDS = "media_stats_kinds"
CHANGES = "media_stats_changes"
MISSED = "media_stats_missed"
LOG_IS_FULL = "media_stats_log_is_full"

TABLES = (STATE, OWNERS, DAYS, KINDS, CHANGES, MISSED)

TRIGGER_FUNCTIONS = (
    "media_stats_log_local",
    "media_stats_log_local_delete",
    "media_stats_log_remote",
    "media_stats_log_remote_delete",
    "media_stats_log_thumbnails",
    "media_stats_log_thumbnails_delete",
    "media_stats_log_truncate",
)
FUNCTIONS = (
    *TRIGGER_FUNCTIONS,
    "media_stats_log",
    "media_stats_bound_log",
    "media_stats_distrust",
    "media_stats_day",
    "media_stats_group",
)
TRIGGERS = ("media_stats_change", "media_stats_delete", "media_stats_truncate")
