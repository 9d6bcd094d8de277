"""The questions over HTTP, and an administrator's statements without the module."""

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import attr

from benchmarks.dataset import DAY_MS, END_TS, SERVER_NAME
from benchmarks.options import Size
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256

MODULE_PATH = "/_synapse/client/media_stats/v1"
BUILT_IN_PATH = "/_synapse/admin/v1/statistics/users/media"

_LARGEST = "order_by=media_length&dir=b"
_MONTH = END_TS - 30 * DAY_MS + 1

# The requests of the dashboard when it is opened; tests/dashboard compares them.
DASHBOARD = [
    f"{MODULE_PATH}/{question}"
    for question in (
        "summary?limits=true",
        f"timeline?from_ts={_MONTH}&interval=month&source=local",
        f"timeline?from_ts={_MONTH}&interval=month&source=remote",
        "timeline?interval=week&source=local",
        "timeline?interval=week&source=remote",
        f"users?{_LARGEST}&from=0&limit=10",
        f"servers?{_LARGEST}&from=0&limit=10",
        "appservices?limit=100",
        f"types?{_LARGEST}&source=local&group=true",
        f"types?{_LARGEST}&source=remote&group=true",
    )
]

# Further requests of the dashboard if there are few files; else they need a click.
SMALL_STORE = 100_000
DASHBOARD_OF_SMALL_STORE = [
    f"{MODULE_PATH}/{question}"
    for question in (
        f"files?source=local&{_LARGEST}&limit=20",
        "reclaimable?size_gt=0&keep_profiles=true",
        "reclaimable?size_gt=0&keep_profiles=true&thumbnails=true",
    )
]

_FILE = (
    "media_id, media_type, upload_name, created_ts, last_access_ts, quarantined_by, "
    "media_length"
)

# The tables by source, and the condition on files that count.
_MEDIA = {
    "local": (
        "local_media_repository WHERE user_id IS NOT NULL AND media_length IS NOT NULL"
    ),
    "remote": "remote_media_cache",
}


@attr.frozen(kw_only=True)
class Question:
    """One question.

    Attributes:
        name: a few words, beginning with the endpoint.
        endpoint: its path below `/v1/`.
        parameters: the parameters of the request.
        by_hand: the statements with which an administrator would find out without
            the module; none where Synapse's own endpoint answers.
    """

    name: str
    endpoint: str
    parameters: dict[str, object]
    by_hand: Sequence[str] = ()

    @property
    def path(self) -> str:
        """The module's path for it."""
        return f"{MODULE_PATH}/{self.endpoint}{self._query_string}"

    @property
    def built_in_path(self) -> str:
        """The path for it in Synapse's own endpoint."""
        return f"{BUILT_IN_PATH}{self._query_string}"

    @property
    def _query_string(self) -> str:
        return f"?{urlencode(self.parameters)}" if self.parameters else ""

    @property
    def has_window(self) -> bool:
        """Whether it has a window of time."""
        return "from_ts" in self.parameters

    @property
    def has_built_in(self) -> bool:
        """Whether Synapse's own endpoint answers it."""
        return self.endpoint == "users"


def all_questions(size: Size) -> list[Question]:
    """Every question, for a data set of this size."""
    return [*_about_users(size), *_about_the_rest(size)]


def _about_users(size: Size) -> list[Question]:
    deep: dict[str, Any] = {"from": size.users * 9 // 10}
    one_day = {"from_ts": END_TS - 400 * DAY_MS, "until_ts": END_TS - 399 * DAY_MS - 1}
    month = {"from_ts": END_TS - 30 * DAY_MS + 1}
    year = {"from_ts": END_TS - 365 * DAY_MS + 1}
    by_size = {"order_by": "media_length", "dir": "b"}
    by_count = {"order_by": "media_count", "dir": "b"}
    by_name = {"order_by": "displayname"}
    return [
        _users("by user_id, first page", {}),
        _users("by user_id, deep page", deep),
        _users("by user_id, backwards", {"dir": "b"}),
        _users("by user_id, 1,000 a page", {"limit": 1000}),
        _users("by user_id, all on a page", {"limit": size.users}),
        _users("by size, first page", by_size),
        _users("by size, deep page", by_size | deep),
        _users("by size, smallest first", {"order_by": "media_length"}),
        _users("by size, 1,000 a page", by_size | {"limit": 1000}),
        _users("by count, first page", by_count),
        _users("by count, deep page", by_count | deep),
        _users("by displayname, first page", by_name),
        _users("by displayname, deep page", by_name | deep),
        _users("by displayname, backwards", by_name | {"dir": "b"}),
        _users("search, one found", {"search_term": f"user{size.users}"}),
        _users("search, some found", {"search_term": "ab"}),
        _users("search, some found, by size", {"search_term": "ab", **by_size}),
        _users("search, all found", {"search_term": "user"}),
        _users("search, none found", {"search_term": "nobody is called that"}),
        _users("one day", one_day),
        _users("30 days", month),
        _users("30 days, by size", month | by_size),
        _users("one year", year),
        _users("one year, by size", year | by_size),
    ]


def _users(name: str, parameters: dict[str, Any]) -> Question:
    return Question(name=f"users {name}", endpoint="users", parameters=parameters)


def _about_the_rest(size: Size) -> list[Question]:
    servers = (
        "SELECT media_origin, COUNT(*), SUM(media_length) "
        "FROM remote_media_cache GROUP BY media_origin"
    )
    questions = [
        Question(
            name="servers by size, first page",
            endpoint="servers",
            parameters={"order_by": "media_length", "dir": "b"},
            by_hand=[f"{servers} ORDER BY 3 DESC"],
        ),
        Question(
            name="servers by server_name, first page",
            endpoint="servers",
            parameters={},
            by_hand=[f"{servers} ORDER BY 1"],
        ),
    ]
    for source in _MEDIA:
        questions += [
            _timeline(source),
            _types(source),
            _groups_of_types(source),
            _largest_files(source),
        ]
    first_user = "@user1:example.org"
    last_user = f"@user{size.users}:example.org"
    questions.append(_appservices())
    for name, user_id in (("with most files", first_user), ("with few", last_user)):
        questions.append(_files_of(name, user_id))
    return [*questions, *_summaries(), *_reclaimable()]


def _appservices() -> Question:
    return Question(
        name="application services",
        endpoint="appservices",
        parameters={},
        by_hand=[
            "SELECT appservice_id, COUNT(*), SUM(files), SUM(bytes) FROM ("
            "SELECT user_id, COUNT(*) AS files, SUM(media_length) AS bytes "
            f"FROM {_MEDIA['local']} GROUP BY 1) AS owners "
            "LEFT JOIN users ON name = user_id "
            "GROUP BY 1, name IS NULL"
        ],
    )


def _timeline(source: str) -> Question:
    sums = f"COUNT(*), SUM(media_length) FROM {_MEDIA[source]} GROUP BY 1 ORDER BY 1"
    return Question(
        name=f"timeline of {source} media, by day",
        endpoint="timeline",
        parameters={"source": source},
        by_hand=[
            "SELECT date_trunc('day', to_timestamp(created_ts / 1000) "
            f"AT TIME ZONE 'UTC'), {sums}"
        ],
    )


def _types(source: str) -> Question:
    return Question(
        name=f"types of {source} media",
        endpoint="types",
        parameters={"source": source, "order_by": "media_length", "dir": "b"},
        by_hand=[
            "SELECT media_type, COUNT(*), SUM(media_length) "
            f"FROM {_MEDIA[source]} GROUP BY media_type ORDER BY 3 DESC"
        ],
    )


def _groups_of_types(source: str) -> Question:
    return Question(
        name=f"groups of types of {source} media",
        endpoint="types",
        parameters={
            "source": source,
            "group": "true",
            "order_by": "media_length",
            "dir": "b",
        },
        by_hand=[
            "SELECT split_part(lower(media_type), '/', 1), COUNT(*), "
            f"SUM(media_length) FROM {_MEDIA[source]} GROUP BY 1 ORDER BY 3 DESC"
        ],
    )


def _largest_files(source: str) -> Question:
    return Question(
        name=f"files, largest {source}",
        endpoint="files",
        parameters={"source": source, "order_by": "media_length", "dir": "b"},
        by_hand=[
            f"SELECT {_FILE} FROM {_MEDIA[source].split()[0]} "
            "WHERE media_length IS NOT NULL "
            "ORDER BY media_length DESC LIMIT 100"
        ],
    )


def _files_of(name: str, user_id: str) -> Question:
    return Question(
        name=f"files, largest of the user {name}",
        endpoint="files",
        parameters={"user": user_id, "order_by": "media_length", "dir": "b"},
        by_hand=[
            f"SELECT {_FILE} FROM local_media_repository WHERE user_id = '{user_id}' "
            "AND media_length IS NOT NULL ORDER BY media_length DESC LIMIT 100"
        ],
    )


def _summaries() -> list[Question]:
    def usage(condition: str) -> str:
        return (
            f"COUNT(media_length) FILTER (WHERE {condition}), "
            f"SUM(media_length) FILTER (WHERE {condition})"
        )

    owned = "user_id IS NOT NULL"
    summary = [
        f"SELECT {usage(f'{owned} AND url_cache IS NULL')}, "
        f"{usage(f'{owned} AND url_cache IS NOT NULL')}, "
        f"{usage('user_id IS NULL')}, {usage('quarantined_by IS NOT NULL')}, "
        f"{usage('safe_from_quarantine')}, "
        "COUNT(*) FILTER (WHERE media_length IS NULL), COUNT(DISTINCT user_id) "
        "FROM local_media_repository",
        "SELECT COUNT(*), SUM(thumbnail_length) FROM local_media_repository_thumbnails",
        f"SELECT {usage('TRUE')}, {usage('quarantined_by IS NOT NULL')}, "
        "COUNT(DISTINCT media_origin) FROM remote_media_cache",
        "SELECT COUNT(*), SUM(thumbnail_length) FROM remote_media_cache_thumbnails",
    ]
    duplicates = (
        "SELECT SUM(copies), SUM(copies * length) FROM ("
        "SELECT COUNT(*) - 1 AS copies, MAX(media_length) AS length FROM ("
        "SELECT sha256, media_length FROM local_media_repository "
        "WHERE media_length IS NOT NULL "
        "UNION ALL SELECT sha256, media_length FROM remote_media_cache) AS files "
        "WHERE sha256 IS NOT NULL GROUP BY sha256 HAVING COUNT(*) > 1) AS duplicates"
    )
    without = Question(
        name="summary",
        endpoint="summary",
        parameters={"duplicates": "false"},
        by_hand=summary,
    )
    if not MEDIA_HAVE_SHA256:
        return [without]
    with_duplicates = Question(
        name="summary with duplicates",
        endpoint="summary",
        parameters={"duplicates": "true"},
        by_hand=[*summary, duplicates],
    )
    return [without, with_duplicates]


def _reclaimable() -> list[Question]:
    """Files that Synapse would delete; by hand, by the rules of its statements."""
    avatars = {
        "profiles": "avatar_url",
        "room_memberships": "avatar_url",
        "user_directory": "avatar_url",
        "room_stats_state": "avatar",
    }
    is_local = (
        "media_length > 0 AND quarantined_by IS NULL AND NOT safe_from_quarantine"
    )
    for table, column in avatars.items():
        is_local += (
            f" AND NOT EXISTS (SELECT 1 FROM {table} "
            f"WHERE {column} = 'mxc://{SERVER_NAME}/' || m.media_id)"
        )
    local = f"local_media_repository AS m WHERE {is_local}"
    remote = "remote_media_cache WHERE quarantined_by IS NULL"

    def statements(*before: int) -> list[str]:
        sums = ", ".join(
            f"COUNT(*) FILTER (WHERE last_access_ts < {before_ts}), "
            f"SUM(media_length) FILTER (WHERE last_access_ts < {before_ts})"
            for before_ts in before
        )
        return [f"SELECT {sums} FROM {local}", f"SELECT {sums} FROM {remote}"]

    before_ts = END_TS - 365 * DAY_MS
    now_ts = time.time_ns() // 1_000_000
    ages = [now_ts - days * DAY_MS for days in (30, 90, 180, 365)]
    return [
        Question(
            name="reclaimable, one age",
            endpoint="reclaimable",
            parameters={"before_ts": before_ts},
            by_hand=statements(before_ts),
        ),
        Question(
            name="reclaimable, four ages",
            endpoint="reclaimable",
            parameters={},
            by_hand=statements(*ages),
        ),
        Question(
            name="files, largest reclaimable",
            endpoint="files",
            parameters={
                "reclaimable_before_ts": before_ts,
                "order_by": "media_length",
                "dir": "b",
            },
            by_hand=[
                f"SELECT {_FILE} FROM {local} AND last_access_ts < {before_ts} "
                "ORDER BY media_length DESC LIMIT 100"
            ],
        ),
    ]
