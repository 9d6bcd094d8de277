"""What is asked: each question over HTTP, of the module's functions, and by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attr
from synapse.module_api import LoggingTransaction

from benchmarks.dataset import DAY_MS, END_TS
from benchmarks.options import Size
from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    FilesOrder,
    FilesQuestion,
    OwnersOrder,
    OwnersQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesOrder,
    TypesQuestion,
)
from media_stats_module.storage.files import get_files_page_txn
from media_stats_module.storage.owners import get_owners_page_txn
from media_stats_module.storage.rollups.tables import all_rollups
from media_stats_module.storage.sources import MEDIA_HAVE_SHA256
from media_stats_module.storage.summary import get_summary_txn
from media_stats_module.storage.timeline import get_days_txn
from media_stats_module.storage.types import get_types_page_txn

LOCAL, REMOTE = all_rollups(MediaStatsConfig())

Ask = Callable[[LoggingTransaction, bool], object]

_FILE = (
    "media_id, media_type, upload_name, created_ts, last_access_ts, quarantined_by, "
    "media_length"
)

_ORDERS = {
    "user_id": OwnersOrder.OWNER,
    "displayname": OwnersOrder.DISPLAYNAME,
    "media_length": OwnersOrder.MEDIA_LENGTH,
    "media_count": OwnersOrder.MEDIA_COUNT,
}


@attr.frozen(kw_only=True)
class Question:
    """One question.

    Attributes:
        name: what it is, in a few words, beginning with the endpoint.
        endpoint: below `/v1/`.
        parameters: of the request.
        ask: what the module runs in a transaction; the second argument is whether
            there are rollups.
        by_hand: the statements with which an administrator would find out without
            the module, for each database; none where Synapse's own endpoint answers.
    """

    name: str
    endpoint: str
    parameters: dict[str, object]
    ask: Ask
    by_hand: Mapping[str, Sequence[str]] = attr.ib(factory=dict)

    @property
    def query_string(self) -> str:
        """What follows the path."""
        return f"?{urlencode(self.parameters)}" if self.parameters else ""

    @property
    def has_window(self) -> bool:
        """Whether it is about some time only."""
        return "from_ts" in self.parameters

    @property
    def has_built_in(self) -> bool:
        """Whether Synapse's own endpoint answers it."""
        return self.endpoint == "users"


def all_questions(size: Size) -> list[Question]:
    """Every question, about a data set of this size."""
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
    query = OwnersQuestion(
        order_by=_ORDERS[parameters.get("order_by", "user_id")],
        descending=parameters.get("dir") == "b",
        start=parameters.get("from", 0),
        limit=parameters.get("limit", 100),
        from_ts=parameters.get("from_ts"),
        until_ts=parameters.get("until_ts"),
        search_term=parameters.get("search_term"),
    )

    def ask(txn: LoggingTransaction, has_rollups: bool) -> object:
        return get_owners_page_txn(txn, LOCAL, query, has_rollups=has_rollups)

    return Question(
        name=f"users {name}", endpoint="users", parameters=parameters, ask=ask
    )


def _about_the_rest(size: Size) -> list[Question]:
    largest_first = OwnersQuestion(order_by=OwnersOrder.MEDIA_LENGTH, descending=True)
    questions = [
        Question(
            name="servers by size, first page",
            endpoint="servers",
            parameters={"order_by": "media_length", "dir": "b"},
            ask=lambda txn, has_rollups: get_owners_page_txn(
                txn, REMOTE, largest_first, has_rollups=has_rollups
            ),
            by_hand=_both(
                "SELECT media_origin, COUNT(*), SUM(media_length) "
                "FROM remote_media_cache "
                "GROUP BY media_origin ORDER BY 3 DESC"
            ),
        ),
        Question(
            name="servers by server_name, first page",
            endpoint="servers",
            parameters={},
            ask=lambda txn, has_rollups: get_owners_page_txn(
                txn, REMOTE, OwnersQuestion(), has_rollups=has_rollups
            ),
            by_hand=_both(
                "SELECT media_origin, COUNT(*), SUM(media_length) "
                "FROM remote_media_cache GROUP BY media_origin ORDER BY 1"
            ),
        ),
    ]
    for source, rollup in ((Source.LOCAL, LOCAL), (Source.REMOTE, REMOTE)):
        questions += [
            _timeline(source, rollup),
            _types(source, rollup),
            _largest_files(source, rollup),
        ]
    first_user = "@user1:example.org"
    last_user = f"@user{size.users}:example.org"
    for name, user_id in (("with most files", first_user), ("with few", last_user)):
        questions.append(_files_of(name, user_id))
    return [*questions, *_summaries()]


def _timeline(source: Source, rollup: Any) -> Question:
    query = TimelineQuestion(source=source)
    sums = (
        f"COUNT(*), SUM(media_length) FROM {rollup.media.name} AS m "
        f"WHERE {rollup.media.is_counted} GROUP BY 1 ORDER BY 1"
    )
    return Question(
        name=f"timeline of {source.value} media, by day",
        endpoint="timeline",
        parameters={"source": source.value},
        ask=lambda txn, has_rollups: get_days_txn(
            txn, rollup, query, has_rollups=has_rollups
        ),
        by_hand={
            "postgres": [
                "SELECT date_trunc('day', to_timestamp(created_ts / 1000) "
                f"AT TIME ZONE 'UTC'), {sums}"
            ],
            "sqlite": [f"SELECT date(created_ts / 1000, 'unixepoch'), {sums}"],
        },
    )


def _types(source: Source, rollup: Any) -> Question:
    query = TypesQuestion(
        source=source, order_by=TypesOrder.MEDIA_LENGTH, descending=True
    )
    return Question(
        name=f"types of {source.value} media",
        endpoint="types",
        parameters={"source": source.value, "order_by": "media_length", "dir": "b"},
        ask=lambda txn, has_rollups: get_types_page_txn(txn, rollup.media, query),
        by_hand=_both(
            "SELECT media_type, COUNT(*), SUM(media_length) "
            f"FROM {rollup.media.name} AS m WHERE {rollup.media.is_counted} "
            "GROUP BY media_type ORDER BY 3 DESC"
        ),
    )


def _largest_files(source: Source, rollup: Any) -> Question:
    query = FilesQuestion(
        source=source, order_by=FilesOrder.MEDIA_LENGTH, descending=True
    )
    return Question(
        name=f"files, largest {source.value}",
        endpoint="files",
        parameters={"source": source.value, "order_by": "media_length", "dir": "b"},
        ask=lambda txn, has_rollups: get_files_page_txn(txn, rollup.media, query),
        by_hand=_both(
            f"SELECT {_FILE} FROM {rollup.media.name} WHERE media_length IS NOT NULL "
            "ORDER BY media_length DESC LIMIT 100"
        ),
    )


def _files_of(name: str, user_id: str) -> Question:
    query = FilesQuestion(
        owner=user_id, order_by=FilesOrder.MEDIA_LENGTH, descending=True
    )
    return Question(
        name=f"files, largest of the user {name}",
        endpoint="files",
        parameters={"user": user_id, "order_by": "media_length", "dir": "b"},
        ask=lambda txn, has_rollups: get_files_page_txn(txn, LOCAL.media, query),
        by_hand=_both(
            f"SELECT {_FILE} FROM local_media_repository WHERE user_id = '{user_id}' "
            "AND media_length IS NOT NULL ORDER BY media_length DESC LIMIT 100"
        ),
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
    questions = [
        Question(
            name="summary without duplicates",
            endpoint="summary",
            parameters={"duplicates": "false"},
            ask=lambda txn, has_rollups: get_summary_txn(
                txn,
                LOCAL,
                REMOTE,
                SummaryQuestion(duplicates=False),
                has_rollups=has_rollups,
            ),
            by_hand=_both(*summary),
        )
    ]
    if MEDIA_HAVE_SHA256:
        with_duplicates = Question(
            name="summary",
            endpoint="summary",
            parameters={},
            ask=lambda txn, has_rollups: get_summary_txn(
                txn, LOCAL, REMOTE, SummaryQuestion(), has_rollups=has_rollups
            ),
            by_hand=_both(*summary, duplicates),
        )
        questions.append(with_duplicates)
    return questions


def _both(*statements: str) -> dict[str, Sequence[str]]:
    return {"postgres": statements, "sqlite": statements}
