"""`files`: the files themselves, such as the largest or the least recently read.

There is no total: counting would read the whole table for each page.
"""

import re
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import attr

from media_stats_module.endpoints._deletion import deletion_parameters, read_rules
from media_stats_module.endpoints._description import JsonDict, List, Server
from media_stats_module.endpoints.cursors import read_cursor, write_cursor
from media_stats_module.endpoints.parameters import (
    ACCOUNTS,
    OWNER_AND_SOURCE,
    WINDOW,
    Arguments,
    Boolean,
    Choice,
    Direction,
    Integer,
    InvalidParameterError,
    Limit,
    Parameter,
    Text,
    Values,
    default_to_local,
    require_local,
)
from media_stats_module.questions import (
    MEDIA_GROUPS,
    Deletion,
    FilesOrder,
    FilesPosition,
    FilesQuestion,
)

if TYPE_CHECKING:
    from media_stats_module.storage import File

# A page is in memory. Further pages cost no more than the first.
MAX_FILES = 10_000

# `image/*`, or anything without a star: stored types need not be well-formed.
_MEDIA_TYPE = re.compile(r"[^*]+/\*|[^*]+")

_SHA256 = re.compile("[0-9A-Fa-f]{64}")


class _Cursor(Parameter):
    """The `next_token` of a page."""

    @property
    def values(self) -> str:
        return "token"

    def read(self, arguments: Arguments) -> str | None:
        return arguments.checks.string(arguments.given, self.name)


def _check_sha256(values: Values) -> None:
    if (text := values["sha256"]) is not None:
        if not _SHA256.fullmatch(text):
            raise InvalidParameterError(
                "Query parameter sha256 must be 64 hexadecimal digits."
            )
        # As Synapse writes it.
        values["sha256"] = text.lower()


def _check_source(values: Values) -> None:
    # Copies of a file can be local and remote.
    if values["sha256"] is None:
        default_to_local(values)


def _check_media_type(values: Values) -> None:
    if (text := values["media_type"]) is not None:
        # Like the SQL: only ASCII letters change their case, only spaces are removed.
        media_type = text.split(";")[0].strip(" ").encode().lower().decode()
        if not _MEDIA_TYPE.fullmatch(media_type):
            raise InvalidParameterError(
                "Query parameter media_type must be a media type, such as image/png, "
                "or image/* for all types that begin with image/."
            )
        values["media_type"] = media_type


def _check_local(values: Values) -> None:
    for name in ("url_preview", "without_owner"):
        if values[name] is not None:
            require_local(values, name, "local files")


def _read_deletion(values: Values) -> None:
    before_ts = values.pop("before_ts")
    for name in ("size_gt", "keep_profiles"):
        if values[name] is None:
            continue
        if before_ts is None:
            raise InvalidParameterError(
                f"Query parameter {name} goes with reclaimable_before_ts only."
            )
        if values["source"] is None:
            raise InvalidParameterError(
                f"Query parameter {name} is about local files, and goes with "
                "source=local only."
            )
    rules = read_rules(values)
    values["deletion"] = None
    if before_ts is not None:
        values["deletion"] = Deletion(before_ts=before_ts, **attr.asdict(rules))


def _question(*, after: str | None, **others: Any) -> FilesQuestion:
    question = FilesQuestion(**others)
    if after is None:
        return question
    return attr.evolve(question, after=_position(question, after))


def _position(question: FilesQuestion, token: str) -> FilesPosition:
    with suppress(ValueError):
        position = read_cursor(question.list_name, token)
        if question.can_end_at(position):
            return position
    raise InvalidParameterError(
        "Query parameter from must be the next_token of a page of this list, in the "
        "same order."
    )


def _origin(file: "File", server: Server) -> str:
    # A row that was altered by hand can have an empty name.
    return server.name if file.server_name is None else file.server_name


def _get_more(
    question: FilesQuestion, length: int, end: FilesPosition | None
) -> JsonDict:
    if end is None:
        return {}
    return {"next_token": write_cursor(question.list_name, end)}


FILES = List(
    name="files",
    help="the files themselves",
    parameters=(
        Text(name="sha256", help="only files with this SHA-256, in hexadecimal digits"),
        _check_sha256,
        *OWNER_AND_SOURCE,
        _check_source,
        *WINDOW,
        *ACCOUNTS,
        Text(name="media_type", help="only files of this type, or of image/*"),
        _check_media_type,
        Choice(
            name="group",
            help="only files of this group of types",
            attribute="media_group",
            choices={group: group for group in MEDIA_GROUPS},
        ),
        Integer(name="min_length", help="only files of at least this many bytes"),
        *deletion_parameters(
            "reclaimable_before_ts",
            "only files that Synapse would delete with this before_ts",
        ),
        _read_deletion,
        Integer(
            name="unread_since_ts",
            help="only files last read before this time, in ms since the epoch",
        ),
        Boolean(
            name="never_read",
            help="only files that were never read (or that were)",
        ),
        Boolean(
            name="quarantined", help="only files that are (or are not) in quarantine"
        ),
        Boolean(
            name="url_preview",
            help="true: only images of URL previews; false: only other local files",
        ),
        Boolean(
            name="without_owner",
            help="true: only local files that have no user; false: only those of users",
        ),
        _check_local,
        Choice(
            name="order_by",
            help="the sort key (default media_id)",
            choices={order.value: order for order in FilesOrder},
            default=FilesOrder.MEDIA_ID,
        ),
        Direction(),
        Limit(
            help=f"the maximum number of rows, up to {MAX_FILES:,} (default 100; as "
            "CSV, all)",
            largest_page=MAX_FILES,
        ),
        _Cursor(
            name="from", help="the next_token of the page before", attribute="after"
        ),
    ),
    question=_question,
    get_page=lambda store, server, question: store.get_files_page(question),
    export=lambda store, server, question, write: store.export_files(question, write),
    get_more=_get_more,
    # The same columns for local and remote files, which can be in one list.
    columns=lambda server, question: {
        "mxc": lambda file: f"mxc://{_origin(file, server)}/{file.media_id}",
        "user_id": attrgetter("user_id"),
        "server_name": lambda file: _origin(file, server),
        "media_type": attrgetter("media_type"),
        "upload_name": attrgetter("upload_name"),
        "media_length": attrgetter("media_length"),
        "created_ts": attrgetter("created_ts"),
        "last_access_ts": attrgetter("last_access_ts"),
        "quarantined_by": attrgetter("quarantined_by"),
        "safe_from_quarantine": attrgetter("safe_from_quarantine"),
        "url_preview": attrgetter("url_preview"),
        "sha256": attrgetter("sha256"),
    },
)
