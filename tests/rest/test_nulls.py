"""Rows with NULL in columns that Synapse always fills, but its schema lets be NULL.

Every question has an answer, and all answers count the same files.
"""

from typing import ClassVar

from media_support import ALICE, DAY_MS, MediaTestCase, usage
from modes_support import in_every_mode
from support import LocalMedia, RemoteMedia

_MEDIA = (
    LocalMedia(user_id=ALICE, media_id="a", media_length=1, created_ts=2 * DAY_MS),
    LocalMedia(user_id=ALICE, media_id="no_time", media_length=2, media_type="b/c"),
    RemoteMedia(media_origin="a.org", media_id="a", media_length=4),
    RemoteMedia(media_origin="a.org", media_id="no_time", media_length=8),
    RemoteMedia(media_origin="a.org", media_id="no_length", media_length=16),
    RemoteMedia(media_origin="b.org", media_id="no_origin", media_length=32),
)

_EMPTIED = (
    ("local_media_repository", "created_ts", "no_time"),
    ("remote_media_cache", "created_ts", "no_time"),
    ("remote_media_cache", "media_length", "no_length"),
    ("remote_media_cache", "media_origin", "no_origin"),
)


@in_every_mode
class NullsTestCase(MediaTestCase):
    """A time, a length or a server is missing."""

    endpoint: ClassVar[str] = "files"

    def setUp(self) -> None:
        super().setUp()
        self.fill(*_MEDIA)
        for table, column, media_id in _EMPTIED:
            self.execute(
                f"UPDATE {table} SET {column} = NULL WHERE media_id = ?", media_id
            )
        if self.applied == 1:
            self.run_round()

    def test_owners(self) -> None:
        """Media without a time is in no window."""
        for query, lengths in (({}, (1, 2)), ({"until_ts": 3 * DAY_MS}, (1,))):
            assert self.ask_endpoint("users", query) == {
                "users": [{"user_id": ALICE, "displayname": None, **usage(*lengths)}],
                "total": 1,
            }
        (server,) = self.ask_endpoint("servers", {})["servers"]
        assert server.items() >= usage(4, 8).items()

    def test_summary(self) -> None:
        answer = self.ask_endpoint("summary", {})
        assert answer["local"]["uploads"] == usage(1, 2)
        assert answer["local"]["pending"] == {"media_count": 0}
        assert answer["remote"]["servers"] == 1

    def test_timeline(self) -> None:
        """Media without a time belongs to the first day."""
        self.today_ts = 2 * DAY_MS
        buckets = self.ask_endpoint("timeline", {})["buckets"]
        assert [(bucket["date"], bucket["media_length"]) for bucket in buckets] == [
            ("1970-01-01", 2),
            ("1970-01-02", 0),
            ("1970-01-03", 1),
        ]

    def test_types(self) -> None:
        assert self.ask_endpoint("types", {}) == {
            "types": [
                {"media_type": "b/c", **usage(2)},
                {"media_type": "image/png", **usage(1)},
            ],
            "total": 2,
        }

    def test_files(self) -> None:
        """A file without a position in an order by time is not listed."""
        for query, expected in (
            ({}, ["mxc://test/a"]),
            ({"order_by": "created_ts"}, ["mxc://test/a"]),
            ({"order_by": "media_length", "dir": "b"}, ["mxc://test/a"]),
            ({"source": "remote"}, ["mxc://a.org/a"]),
            ({"source": "remote", "order_by": "last_access_ts"}, ["mxc://a.org/a"]),
        ):
            files = self.answer(query)["files"]
            assert [file["mxc"] for file in files] == expected, query

    def test_reclaimable(self) -> None:
        """As Synapse deletes them: with an ID and, if remote, a server."""
        for table in ("local_media_repository", "remote_media_cache"):
            self.execute(f"UPDATE {table} SET last_access_ts = 5 WHERE media_id <> 'a'")
        old = 10**12
        answer = self.ask_endpoint("reclaimable", {"before_ts": old})
        assert answer["local"]["media_count"] == 2
        assert answer["local"]["media_length"] == 3
        assert answer["remote"]["media_count"] == 2
        assert answer["remote"]["media_length"] == 8
        for order_by in ("media_id", "media_length", "created_ts", "last_access_ts"):
            for source, expected in (
                ("local", [("a", 1), ("no_time", 2)]),
                ("remote", [("no_length", 0), ("no_time", 8)]),
            ):
                query = {
                    "source": source,
                    "reclaimable_before_ts": old,
                    "order_by": order_by,
                    "limit": 1,
                }
                files = [file for page in self.file_pages(query) for file in page]
                assert expected == sorted(
                    (file["mxc"].rpartition("/")[2], file["media_length"])
                    for file in files
                ), query

    def test_files_without_a_name(self) -> None:
        """They end no page early."""
        self.fill(
            *(
                LocalMedia(user_id=ALICE, media_id=media_id, media_length=length)
                for length, media_id in enumerate(("a", "no_id", "z"))
            )
        )
        self.execute(
            "UPDATE local_media_repository SET media_id = NULL WHERE media_id = 'no_id'"
        )
        first = self.answer({"order_by": "media_length", "limit": 1})
        second = self.answer(
            {"order_by": "media_length", "limit": 1, "from": first["next_token"]}
        )
        assert [file["mxc"] for file in first["files"]] == ["mxc://test/a"]
        assert [file["mxc"] for file in second["files"]] == ["mxc://test/z"]
        assert "next_token" not in second
