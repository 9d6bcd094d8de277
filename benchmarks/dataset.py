"""The properties of every data set."""

# The names below end with it.
SERVER_NAME = "example.org"

# Five years, up to the end of 2024.
DAY_MS = 86_400_000
END_TS = 1_735_689_599_999
PERIOD_MS = 5 * 365 * DAY_MS
START_TS = END_TS - PERIOD_MS

# The types of uploads. Some have a parameter, or capitals.
MEDIA_TYPES = (
    "image/png",
    "image/jpeg",
    "video/mp4",
    "Text/plain; charset=utf-8",
)

# The largest file; most are far smaller.
LARGEST = 5_000_000

# One in this number of ...
PENDING = 200  # uploads was announced and never made,
PREVIEWS = 50  # files is the image of a URL preview,
WITHOUT_OWNER = 1_000  # files has no user,
QUARANTINED = 5_000  # files is in quarantine,
THUMBNAILED = 4  # files has a thumbnail,
WITHOUT_PROFILE = 20  # users has none,
WITHOUT_DISPLAYNAME = 10  # profiles has none,
DEACTIVATED = 17  # accounts is deactivated,
BRIDGED = 3  # accounts was registered by an application service,
TOUCHED = 50  # files was read since the table was last vacuumed.
DUPLICATED = 10  # contents is stored twice,
PROTECTED = 5_000  # files is protected from quarantine,
WITHOUT_AVATAR = 3  # users has none; the others' is the first file of each.

# The rooms of each user; the members from other servers for each of them; the members
# of a room.
JOINED = 10
REMOTE_MEMBERS = 2
MEMBERS = 100

# The large tables. Their indexes are created after they are filled.
MEDIA_TABLES = (
    "local_media_repository",
    "local_media_repository_thumbnails",
    "remote_media_cache",
    "remote_media_cache_thumbnails",
)
LARGE_TABLES = (*MEDIA_TABLES, "room_memberships")
TABLES = (
    "users",
    "profiles",
    "user_directory",
    "room_stats_state",
    *LARGE_TABLES,
)
