"""The questions whose statements are in docs/statements.sql, and their costs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attr

from media_stats_module.endpoints.reclaimable import AGES_IN_DAYS
from media_stats_module.questions import (
    AccountFilter,
    AppservicesQuestion,
    Deletion,
    DuplicatesQuestion,
    FilesOrder,
    FilesPosition,
    FilesQuestion,
    Interval,
    OwnersOrder,
    OwnersQuestion,
    ReclaimableQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesOrder,
    TypesQuestion,
)
from media_stats_module.storage import DiskRows, MediaStatsStore
from media_stats_module.storage.owners.search import glob_containing, regex_containing
from media_stats_module.storage.rollups.status import MARK


@attr.frozen(kw_only=True)
class Question:
    """A question, asked once.

    Attributes:
        title: its title, unique.
        ask: asks the store; None if the disk's rows are asked for.
        ask_disk: asks for the rows that have files on the disk; None likewise.
        costs: for each statement that no question before has: the rows that it reads,
            the index, and the time.
        from_totals: whether rollups are there.
        has_changes: whether the change log has changes that are not in the totals.
    """

    title: str
    ask: Callable[[MediaStatsStore], Awaitable[object]] | None = None
    ask_disk: Callable[[DiskRows], Sequence[object]] | None = None
    costs: Sequence[str] = ()
    from_totals: bool = False
    has_changes: bool = False


_ALICE = "@alice:example.org"
_SERVER = "remote.example"
_SHA256 = "a" * 64
_FROM_TS, _UNTIL_TS = 1_700_006_400_001, 1_702_684_800_001
_BEFORE_TS = tuple(1_600_000_000_000 - days for days in AGES_IN_DAYS)
_DAY_MS = 24 * 60 * 60 * 1000

_PAGE: dict[str, Any] = {"start": 2_000, "limit": 70}
_LIMIT: int = _PAGE["limit"]

# Each has a file.
OWNERS = 45
USER_IDS = [f"@user{number:02}:example.org" for number in range(OWNERS)]

# A page of so few users that a walk adds up only their media.
_FEW = 3

NAMES: Mapping[object, str] = {
    _ALICE: ":user_id",
    _SERVER: ":server_name",
    _SHA256: ":sha256",
    _FROM_TS: ":from_ts",
    _UNTIL_TS: ":until_ts",
    # The whole days of a window, and the rest of its first and its last day.
    -(-_FROM_TS // _DAY_MS): ":first_day",
    (_UNTIL_TS + 1) // _DAY_MS - 1: ":last_day",
    -(-_FROM_TS // _DAY_MS) * _DAY_MS - 1: ":end_of_first_part_ts",
    (_UNTIL_TS + 1) // _DAY_MS * _DAY_MS: ":start_of_last_part_ts",
    **{
        before_ts: f":before_ts_{days}"
        for before_ts, days in zip(_BEFORE_TS, AGES_IN_DAYS, strict=True)
    },
    MARK: ":mark",
    OWNERS: ":owners",
    **{USER_IDS[index]: f":user_id_{index + 1}" for index in range(_FEW)},
    _FEW: ":limit",
    _LIMIT: ":limit",
    _LIMIT + 1: ":limit + 1",
    _PAGE["start"]: ":from",
    _PAGE["start"] + _LIMIT: ":from + :limit",
    4_000: ":size_gt",
    5_000: ":min_length",
    6_000: ":last_length",
    "last_media_id": ":last_media_id",
    "name": ":name",
    "last.example": ":last_server_name",
    "9.example": ":last_server_name",
    "bridge": ":appservice",
    "search": ":search_term",
    regex_containing("search"): ":pattern",
    glob_containing("search"): ":pattern",
    "mxc://example.org/%": ":avatars",
    "mxc://example.org/": ":avatars",
}


def _owners(**more: Any) -> OwnersQuestion:
    return OwnersQuestion(**{**_PAGE, **more})


_BY_LENGTH: dict[str, Any] = {"order_by": OwnersOrder.MEDIA_LENGTH, "descending": True}
_WINDOW: dict[str, Any] = {"from_ts": _FROM_TS, "until_ts": _UNTIL_TS}

_ROLLUPS = Question(
    title="/v1/rollups",
    from_totals=True,
    ask=lambda store: store.get_rollup_states(),
    costs=(
        "Before each question that totals may answer: probes of the catalogue. It also "
        "changes settings of this transaction only. 0.5 ms.",
        "A probe of media_stats_state, and of the change log.",
        "The change log and the totals per day, both short.",
        "As statement 2, for remote media.",
        "As statement 3, for remote media.",
    ),
)

_LIVE = (
    Question(
        title="/v1/users?order_by=media_length",
        ask=lambda store: store.get_users_page(_owners(**_BY_LENGTH)),
        costs=("The table, in parallel, and the displaynames of the page. 1.2 s.",),
    ),
    Question(
        title="/v1/users?order_by=media_length&from_ts=...&until_ts=...",
        ask=lambda store: store.get_users_page(_owners(**_BY_LENGTH, **_WINDOW)),
        costs=(
            "A range of media_stats_local_by_time, which rollups create, or else the "
            "table. A day takes 6 ms.",
        ),
    ),
    Question(
        title="/v1/users?order_by=user_id",
        ask=lambda store: store.get_users_page(OwnersQuestion(limit=_FEW)),
        costs=(
            "Probes of the catalogue: is there an index that starts with the owner?",
            "A probe of the catalogue: about how many rows?",
            "A probe or two of users_have_local_media for each user. 0.5 s.",
            "The media of the users on the page, by users_have_local_media.",
        ),
    ),
    Question(
        title="/v1/users?order_by=displayname",
        ask=lambda store: store.get_users_page(
            OwnersQuestion(limit=_FEW, order_by=OwnersOrder.DISPLAYNAME)
        ),
        costs=(
            "A probe or two of users_have_local_media for each user, and a read of "
            "profiles. 0.6 s.",
        ),
    ),
    Question(
        title="/v1/users?search_term=...",
        ask=lambda store: store.get_users_page(
            OwnersQuestion(limit=_FEW, search_term="search")
        ),
        costs=(
            "A probe or two of users_have_local_media for each user, and a read of "
            "profiles. The search compares each user ID and displayname. 0.7 s.",
        ),
    ),
    Question(
        title="/v1/servers?order_by=media_length",
        ask=lambda store: store.get_servers_page(_owners(**_BY_LENGTH)),
        costs=("The table, in parallel. 1.2 s.",),
    ),
    Question(
        title="/v1/appservices",
        ask=lambda store: store.get_appservices_page(AppservicesQuestion()),
        costs=("The table, in parallel, and all accounts. 1.3 s.",),
    ),
    Question(
        title="/v1/users?appservice=...&order_by=media_length",
        ask=lambda store: store.get_users_page(
            _owners(accounts=AccountFilter(appservice="bridge"), **_BY_LENGTH)
        ),
        costs=("The table, in parallel, and the application service's accounts.",),
    ),
    Question(
        title="/v1/files?appservice=&deactivated=true&order_by=media_length",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                order_by=FilesOrder.MEDIA_LENGTH,
                descending=True,
                accounts=AccountFilter(appservice="", deactivated=True),
                limit=_LIMIT,
            )
        ),
        costs=("The table and all accounts, in parallel.",),
    ),
    Question(
        title="/v1/types?has_account=false&erased=false",
        ask=lambda store: store.get_types_page(
            TypesQuestion(
                accounts=AccountFilter(has_account=False, erased=False), **_PAGE
            )
        ),
        costs=("The table and all accounts, in parallel.",),
    ),
    Question(
        title="/v1/summary",
        ask=lambda store: store.get_summary(SummaryQuestion()),
        costs=(
            "The tables of local media and of their thumbnails, in parallel. 2 s.",
            "To count users: a probe or two of users_have_local_media for each.",
            "The tables of remote media and of their thumbnails, in parallel. 2 s.",
            "Probes of the catalogue, for remote media.",
            "A probe of the catalogue, for remote media.",
            "To count servers: probes of the unique index on (media_origin, media_id).",
        ),
    ),
    Question(
        title="/v1/summary?user=...",
        ask=lambda store: store.get_summary(
            SummaryQuestion(source=Source.LOCAL, owner=_ALICE)
        ),
        costs=(
            "The user's media, by users_have_local_media, and for each file a probe of "
            "the unique index of the thumbnails.",
            "A probe of users_have_local_media.",
            "The user's account: probes of the unique indexes on users and "
            "erased_users.",
        ),
    ),
    Question(
        title="/v1/summary?source=local&duplicates=true",
        ask=lambda store: store.get_summary(
            SummaryQuestion(source=Source.LOCAL, duplicates=True)
        ),
        costs=("Once more the table, and a hash of all sha256. 10 s.",),
    ),
    Question(
        title="/v1/duplicates",
        ask=lambda store: store.get_duplicates_page(DuplicatesQuestion(**_PAGE)),
        costs=("Both tables, and a hash of all sha256. 20 s.",),
    ),
    Question(
        title="/v1/timeline",
        ask=lambda store: store.get_days(TimelineQuestion(interval=Interval.DAY)),
        costs=("The table. 2 s.",),
    ),
    Question(
        title="/v1/timeline?user=...",
        ask=lambda store: store.get_days(TimelineQuestion(owner=_ALICE)),
        costs=("The user's media, by users_have_local_media.",),
    ),
    Question(
        title="/v1/types?order_by=media_length",
        ask=lambda store: store.get_types_page(
            TypesQuestion(order_by=TypesOrder.MEDIA_LENGTH, descending=True, **_PAGE)
        ),
        costs=("The table, in parallel. 1.3 s.",),
    ),
    Question(
        title="/v1/types?group=true",
        ask=lambda store: store.get_types_page(TypesQuestion(grouped=True, **_PAGE)),
        costs=("The table, in parallel. 1.3 s.",),
    ),
    Question(
        title="/v1/files",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                limit=_LIMIT, after=FilesPosition(None, None, "last_media_id")
            )
        ),
        costs=("A walk: the page, along the unique index on media_id. 0.5 ms.",),
    ),
    Question(
        title="/v1/files?server_name=...",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                source=Source.REMOTE,
                owner=_SERVER,
                limit=_LIMIT,
                after=FilesPosition(None, "last.example", "last_media_id"),
            )
        ),
        costs=(
            "A walk: the page, along the unique index on (media_origin, media_id). "
            "0.5 ms.",
        ),
    ),
    Question(
        title="/v1/files?user=...&order_by=created_ts",
        ask=lambda store: store.get_files_page(
            FilesQuestion(owner=_ALICE, order_by=FilesOrder.CREATED_TS, limit=_LIMIT)
        ),
        costs=("The user's media, in the order of users_have_local_media: the page.",),
    ),
    Question(
        title="/v1/files?sha256=...",
        ask=lambda store: store.get_files_page(
            FilesQuestion(source=None, sha256=_SHA256, limit=_LIMIT)
        ),
        costs=(
            "Probes of the catalogue: is there an index on sha256?",
            "Probes of the catalogue: is there an index on sha256?",
            "The copies, by local_media_repository_sha256 and "
            "remote_media_cache_sha256.",
        ),
    ),
    Question(
        title="/v1/files?order_by=media_length&from=...",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                order_by=FilesOrder.MEDIA_LENGTH,
                descending=True,
                limit=_LIMIT,
                after=FilesPosition(6_000, None, "last_media_id"),
            )
        ),
        costs=(
            "The table, in parallel, of which the page is sorted; then the page, by "
            "the unique index on media_id. 1.5 s.",
        ),
    ),
    Question(
        title="/v1/files?min_length=...&media_type=image/*&unread_since_ts=...",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                source=Source.REMOTE,
                order_by=FilesOrder.LAST_ACCESS_TS,
                min_length=5_000,
                media_type="image/*",
                unread_since_ts=_BEFORE_TS[0],
                limit=_LIMIT,
            )
        ),
        costs=(
            "The table, in parallel, of which the page is sorted; then the page, by "
            "the unique index on (media_origin, media_id).",
        ),
    ),
    Question(
        title="/v1/files?url_preview=true&order_by=media_length",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                order_by=FilesOrder.MEDIA_LENGTH,
                descending=True,
                url_preview=True,
                limit=_LIMIT,
            )
        ),
        costs=("The images of URL previews, by local_media_repository_url_idx.",),
    ),
    Question(
        title="/v1/files?reclaimable_before_ts=...&size_gt=...",
        ask=lambda store: store.get_files_page(
            FilesQuestion(
                order_by=FilesOrder.MEDIA_LENGTH,
                descending=True,
                deletion=Deletion(before_ts=_BEFORE_TS[0], size_gt=4_000),
                limit=_LIMIT,
            )
        ),
        costs=("The table and all avatars, in parallel. 3 s.",),
    ),
    Question(
        title="/v1/reclaimable?thumbnails=true",
        ask=lambda store: store.get_reclaimable(
            ReclaimableQuestion(before_ts=_BEFORE_TS, thumbnails=True)
        ),
        costs=(
            "The table of local media, in parallel. 2.5 s.",
            "All avatars, in parallel; each by the unique index on media_id. 1.5 s.",
            "With thumbnails=true only: a join of two tables, in parallel. 8 s.",
            "The table of remote media, in parallel. 2.5 s.",
            "With thumbnails=true only: a join of two tables, in parallel. 8 s.",
        ),
    ),
)

_TOTALS = (
    Question(
        title="/v1/users?order_by=media_length, from totals",
        from_totals=True,
        ask=lambda store: store.get_users_page(_owners(**_BY_LENGTH)),
        costs=("The page, in the order of media_stats_owners_by_length. 0.3 ms.",),
    ),
    Question(
        title="/v1/users?search_term=..., from totals",
        from_totals=True,
        ask=lambda store: store.get_users_page(_owners(search_term="search")),
        costs=("The totals of all users, and profiles. 0.2 s.",),
    ),
    Question(
        title="/v1/appservices, from totals",
        from_totals=True,
        ask=lambda store: store.get_appservices_page(AppservicesQuestion()),
        costs=("The totals of all users, and all accounts. 0.1 s.",),
    ),
    Question(
        title="/v1/summary, from totals",
        from_totals=True,
        ask=lambda store: store.get_summary(SummaryQuestion()),
        costs=(
            "No rows: statement 2 has read the number of users.",
            "The totals by kind and the change log, both short.",
            "No rows: statement 4 has read the number of servers.",
            "The totals by kind of remote media and the change log.",
        ),
    ),
    Question(
        title="/v1/timeline, from totals",
        from_totals=True,
        ask=lambda store: store.get_days(TimelineQuestion(interval=Interval.DAY)),
        costs=("The totals per day and the change log, both short.",),
    ),
    Question(
        title="/v1/timeline?from_ts=...&until_ts=..., from totals",
        from_totals=True,
        ask=lambda store: store.get_days(
            TimelineQuestion(interval=Interval.DAY, **_WINDOW)
        ),
        costs=(
            "Probes of the catalogue: is there the index by time?",
            "The totals of the whole days.",
            "The rest of the first day, a range of media_stats_local_by_time.",
            "The rest of the last day, a range of the same index.",
        ),
    ),
    Question(
        title="/v1/users?order_by=media_length, from totals and a change log",
        from_totals=True,
        has_changes=True,
        ask=lambda store: store.get_users_page(_owners(**_BY_LENGTH)),
        costs=(
            "The change log, the page in the order of media_stats_owners_by_length, "
            "and a probe of media_stats_owners for each user in the log. 1 to 20 ms.",
        ),
    ),
    Question(
        title="/v1/users?search_term=..., from totals and a change log",
        from_totals=True,
        has_changes=True,
        ask=lambda store: store.get_users_page(_owners(search_term="search")),
        costs=("The totals of all users, profiles and the change log. 0.2 s.",),
    ),
)

_DISK = (
    Question(
        title="python -m media_stats_module disk: local files",
        ask_disk=lambda rows: [*rows.local_files(), *rows.local_thumbnails()],
        costs=(
            "A probe of the catalogue.",
            "A page of 1,000, along the unique index on media_id. 2 ms.",
            "A page of 1,000, along the unique index on the thumbnails. 2 ms.",
        ),
    ),
    Question(
        title="python -m media_stats_module disk: URL previews",
        ask_disk=lambda rows: [
            *rows.previews(with_thumbnails=False),
            *rows.dated_previews(with_thumbnails=False),
        ],
        costs=(
            "All previews whose ID has no day, by local_media_repository_url_idx or "
            "else the table.",
            "The next day, along the unique index on media_id.",
        ),
    ),
    Question(
        title="python -m media_stats_module disk: remote files",
        ask_disk=lambda rows: [
            *rows.servers(with_thumbnails=False),
            *rows.of_server(_SERVER, with_thumbnails=False),
        ],
        costs=(
            "A probe of the unique index on (media_origin, media_id) for each server.",
            "The same, from the last server on.",
            "The server's rows, by the same index, sorted by filesystem_id. PostgreSQL "
            "keeps them until CLOSE: 100 bytes a row, on its disk if there are many.",
            "A page of 1,000 of these rows.",
            "Drops these rows.",
        ),
    ),
    Question(
        title="python -m media_stats_module disk: differences, looked at again",
        ask_disk=lambda rows: [
            *rows.find_local(["name"], with_thumbnails=False),
            *rows.find_remote(_SERVER, ["name"], with_thumbnails=False),
            *rows.find_remote_by_path(_SERVER, ["name"], with_thumbnails=False),
            *rows.find_remote_by_path(_SERVER, ["name"], with_thumbnails=True),
        ],
        costs=(
            "A probe of the unique index on media_id for each of up to 20,000 rows.",
            "A probe of that on (media_origin, media_id) for each, likewise.",
            "Of up to 20,000 files of a server: all rows of the server, once.",
            "Likewise, all thumbnails of the server.",
        ),
    ),
)

QUESTIONS = (_ROLLUPS, *_LIVE, *_TOTALS, *_DISK)
