"""Every question has an answer, whatever values the rows have."""

from collections.abc import Iterator
from itertools import product
from typing import Any, ClassVar
from unittest.mock import AsyncMock, patch

import pytest
from media_support import ALICE, BOB, DAY_MS, MediaTestCase
from modes_support import DIRECTIONS
from support import MEDIA_HAVE_SHA256, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage import Maintenance

pytestmark = pytest.mark.once

_INTEGERS = {
    "local_media_repository": ("media_length", "created_ts", "last_access_ts"),
    "remote_media_cache": ("media_length", "created_ts", "last_access_ts"),
    "local_media_repository_thumbnails": ("thumbnail_length",),
    "remote_media_cache_thumbnails": ("thumbnail_length",),
}
_TEXTS = {
    "local_media_repository": (
        "media_id",
        "media_type",
        "upload_name",
        "user_id",
        "quarantined_by",
        "url_cache",
        *(["sha256"] if MEDIA_HAVE_SHA256 else []),
    ),
    "remote_media_cache": (
        "media_id",
        "media_origin",
        "media_type",
        "upload_name",
        "quarantined_by",
    ),
    "profiles": ("displayname", "avatar_url"),
    "users": ("appservice_id",),
}
_OTHERS = {
    "local_media_repository": ("safe_from_quarantine",),
    "users": ("deactivated",),
}

_OF_64_BITS = (-(2**63), -(2**53) - 1, 2**63 - 1)
_OF_TEXT = ("", "\x01\x7f", "a\nb", "\ud7ff\U0010ffff", "İI", "%_\\", "x" * 10_000)
_OF_SQLITE = (
    *_OF_64_BITS,
    *_OF_TEXT,
    b"",
    b"\xff\x00",
    "a\x00b",
    "9" * 30,
    1.5,
    -0.0,
    1e300,
    float("inf"),
    float("-inf"),
)

# Too long for a request line, and not an ID of Matrix.
_IDS: list[tuple[str, Any]] = [
    ("?", each)
    for each in ("", "a", "b\nc", *("b" * n for n in (255, 256, 257)), "c" * 20_000)
]
if not USE_POSTGRES_FOR_TESTS:
    _IDS += [("?", each) for each in ("a\x00b", "a\ufffd", b"", b"\xff", b"a")]
    _IDS += [("CAST(? AS TEXT)", each) for each in (b"\xff", b"\xfe", b"\xffa")]

_VALUES = (
    ((_INTEGERS, _OF_64_BITS), (_TEXTS, _OF_TEXT))
    if USE_POSTGRES_FOR_TESTS
    else ((_INTEGERS, _OF_SQLITE), (_TEXTS, _OF_SQLITE), (_OTHERS, _OF_SQLITE))
)

_KINDS_OF_FILES = ("uploads", "url_previews", "without_owner")

_FILES: list[JsonDict] = [
    {"order_by": order_by, "dir": direction, **which, **more}
    for order_by, direction, which, more in product(
        ("media_id", "media_length", "created_ts", "last_access_ts"),
        DIRECTIONS,
        ({}, {"user": ALICE}, {"source": "remote"}, {"server_name": "a.org"}),
        ({}, {"reclaimable_before_ts": 10**12}),
    )
] + [
    {"media_type": "image/*", "from_ts": 1, "min_length": 1},
    *([{"sha256": "a" * 64}] if MEDIA_HAVE_SHA256 else []),
    {"unread_since_ts": 10**12, "never_read": "false"},
    {"url_preview": "true"},
    {"group": "other", "url_preview": "false", "without_owner": "false"},
]
_QUERIES: dict[str, list[JsonDict]] = {
    "users": [
        {"order_by": order_by, "dir": direction, **more}
        for order_by, direction in product(
            ("user_id", "displayname", "media_length", "media_count"), DIRECTIONS
        )
        for more in (
            {},
            {"search_term": "i"},
            {"from_ts": 1},
            {"deactivated": "false"},
            {"appservice": ""},
            {"appservice": "%_\\"},
        )
    ],
    "appservices": [
        {"order_by": order_by, "dir": direction}
        for order_by, direction in product(
            ("appservice_id", "users", "media_length", "media_count"), DIRECTIONS
        )
    ],
    "duplicates": [{}, {"source": "local"}, {"user": ALICE}, {"server_name": "a.org"}],
    "servers": [{"order_by": "server_name"}, {"order_by": "media_length", "dir": "b"}],
    "summary": [{"duplicates": "true"}, {"user": ALICE}, {"server_name": "a.org"}],
    "timeline": [{}, {"source": "remote"}, {"user": ALICE}, {"until_ts": DAY_MS - 2}],
    "types": [
        {"group": group, "order_by": order_by}
        for group, order_by in product(
            ("false", "true"), ("media_type", "media_length", "media_count")
        )
    ],
    "reclaimable": [
        {},
        {"thumbnails": "true"},
        {"before_ts": 10**12},
        {"before_ts": 2**63 - 1},
    ],
}


class AnyValueTestCase(MediaTestCase):
    """A row for each value in each column that can hold it."""

    endpoint: ClassVar[str] = "files"
    shares_homeserver: ClassVar[bool] = False

    def setUp(self) -> None:
        super().setUp()
        if USE_POSTGRES_FOR_TESTS:
            for table, columns in _INTEGERS.items():
                for column in columns:
                    self.execute(
                        f"ALTER TABLE {table} ALTER COLUMN {column} TYPE BIGINT"
                    )
        else:
            # As on the module's own connections to a file.
            self.in_transaction(_replace_what_is_not_utf_8)
        self.put_all()

    def put_all(self) -> None:
        """Put each value into each column, in a row of its own."""
        local = _cells("local_media_repository")
        remote = _cells("remote_media_cache")
        self.fill(
            *(
                LocalMedia(
                    user_id=ALICE,
                    media_id=media_id,
                    media_length=10,
                    created_ts=DAY_MS,
                    sha256="a" * 64,
                )
                for media_id in local
            ),
            *(
                LocalMedia(user_id=f"@{user}:test", media_id=f"of {user}")
                for user in _cells("users")
            ),
            *(
                RemoteMedia(
                    media_origin="a.org",
                    media_id=media_id,
                    media_length=10,
                    created_ts=DAY_MS,
                    last_access_ts=DAY_MS,
                )
                for media_id in remote
            ),
            thumbnails=(
                *(
                    Thumbnail(media_id=media_id, thumbnail_length=1)
                    for media_id in local
                ),
                *(
                    Thumbnail(
                        media_id=media_id, media_origin="a.org", thumbnail_length=1
                    )
                    for media_id in remote
                ),
            ),
            displaynames={f"@{user}:test": "" for user in _cells("profiles")},
        )
        for user in _cells("users"):
            self.execute("INSERT INTO users (name) VALUES (?)", f"@{user}:test")
        for table in ("local_media_repository", "remote_media_cache"):
            lengths = [
                (media_id, value)
                for media_id, (column, value) in _cells(table).items()
                if column == "media_length"
            ]
            for media_id, value in lengths:
                self.execute(
                    f"UPDATE {table}_thumbnails SET thumbnail_length = ? "
                    "WHERE media_id = ?",
                    value,
                    media_id,
                )
        for table, key in (
            ("local_media_repository", "media_id"),
            ("remote_media_cache", "media_id"),
            ("profiles", "user_id"),
            ("users", "substr(name, 2, length(name) - 6)"),
        ):
            for name, (column, value) in _cells(table).items():
                self.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {key} = ?", value, name
                )

    def test_lists_and_sums(self) -> None:
        for endpoint, queries in _QUERIES.items():
            for query in queries:
                self.ask_endpoint(endpoint, query)
        for endpoint in ("users", "servers", "types", "appservices", "duplicates"):
            for query in _QUERIES[endpoint]:
                self._get_csv(endpoint, query)

    def test_files(self) -> None:
        """The same in pages, which come to an end, as in one file.

        The lengths are those that the summary adds up.
        """
        summary = self.ask_endpoint("summary", {})
        for query in _FILES:
            pages = list(self.file_pages({**query, "limit": 50}))
            csv = self._get_csv("files", query)
            assert sum(map(len, pages)) > 0, query
            assert len(csv) > 100
            if query.keys() == {"order_by", "dir"}:
                local = summary["local"]
                assert sum(file["media_length"] for page in pages for file in page) == (
                    sum(local[kind]["media_length"] for kind in _KINDS_OF_FILES)
                )

    def test_odd_ids(self) -> None:
        """One by one, each row comes once, in the order of one large page."""
        self.fill(
            *(
                LocalMedia(user_id=user_id, media_id=f"{prefix}{number}")
                for user_id, prefix in ((ALICE, ""), (BOB, "of "))
                for number in range(len(_IDS))
            ),
            *(
                RemoteMedia(media_origin=origin, media_id=f"{number}")
                for origin, number in product(("a.org", "b.org"), range(len(_IDS)))
            ),
        )
        self.execute("UPDATE local_media_repository SET upload_name = media_id")
        self.execute(
            "UPDATE remote_media_cache SET upload_name = media_origin || media_id"
        )
        for number, (mark, text) in enumerate(_IDS):
            for column, name in (
                ("local_media_repository SET media_id", f"{number}"),
                ("local_media_repository SET user_id", f"of {number}"),
                ("remote_media_cache SET media_id", f"a.org{number}"),
                ("remote_media_cache SET media_origin", f"b.org{number}"),
            ):
                self.execute(
                    f"UPDATE {column} = {mark} WHERE upload_name = ?", text, name
                )
        for query in _FILES:
            if "reclaimable_before_ts" in query:
                continue
            names, whole = (
                [
                    file["upload_name"]
                    for page in self.file_pages({**query, "limit": limit})
                    for file in page
                ]
                for limit in (1, 100)
            )
            assert names == whole, query
        for endpoint, query in (
            ("users", {}),
            ("users", {"order_by": "displayname", "dir": "b"}),
            ("users", {"search_term": "a"}),
            ("servers", {"order_by": "server_name"}),
        ):
            owners = [
                self.ask_endpoint(endpoint, {**query, "limit": 1, "from": start})
                for start in range(len(_IDS) + 2)
            ]
            assert [owner for page in owners for owner in page[endpoint]] == (
                self.ask_endpoint(endpoint, query)[endpoint]
            )

    def _get_csv(self, endpoint: str, query: JsonDict) -> bytes:
        path = f"{self.path.rpartition('/')[0]}/{endpoint}"
        channel = self.ask(path, {**query, "format": "csv"})
        assert channel.code == 200, (endpoint, query, channel.result)
        body: bytes = channel.result["body"]
        return body


@pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="rollups are on PostgreSQL")
class TotalsOfAnyValueTestCase(AnyValueTestCase):
    """With rollups, the totals answer, and equal the answers from the media."""

    mode_options: ClassVar[JsonDict] = {"rollups": True}

    def put_all(self) -> None:
        super().put_all()
        self.run_round()

    def test_totals_are_right(self) -> None:
        from_totals = list(self._answers())
        states = self.ask_endpoint("rollups", {})["rollups"].values()
        assert [state["status"] for state in states] == ["exact", "exact"]
        # The background work would mend that during the test.
        self.execute("UPDATE media_stats_state SET fingerprint = ''")
        # The background work would mend that while the test asks.
        with patch.object(Maintenance, "install", AsyncMock()):
            assert list(self._answers()) == from_totals
            states = self.ask_endpoint("rollups", {})["rollups"].values()
        assert [state["status"] for state in states] == ["outdated", "outdated"]

    def _answers(self) -> Iterator[JsonDict]:
        for endpoint, queries in _QUERIES.items():
            for query in queries:
                if endpoint != "reclaimable":
                    yield self.ask_endpoint(endpoint, query)


def _cells(table: str) -> dict[str, tuple[str, Any]]:
    """The names of the rows, each with a column and its value."""
    cells = {}
    for columns, values in _VALUES:
        for column, (number, value) in product(
            columns.get(table, ()), enumerate(values)
        ):
            cells[f"{column}{number}"] = column, value
    return cells


def _replace_what_is_not_utf_8(txn: LoggingTransaction) -> None:
    cursor: Any = txn.txn
    cursor.connection.text_factory = lambda text: text.decode("utf-8", "replace")
