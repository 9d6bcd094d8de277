"""`/v1/files`: whole answers, each filter, each order, and wrong tokens.

test_media_properties.py compares any answer with the model.
"""

import base64
from typing import Any, ClassVar
from unittest import skipUnless

from media_support import ALICE, BOB, MediaTestCase
from support import MEDIA_HAVE_SHA256, LocalMedia, RemoteMedia
from synapse.module_api import JsonDict, LoggingTransaction

from media_stats_module.endpoints.files import MAX_FILES
from media_stats_module.questions import FilesQuestion, Source
from media_stats_module.storage.answers import File, Page
from media_stats_module.storage.files import get_page_of_index_txn
from media_stats_module.storage.sources import local_media

_SHA256 = "0123456789abcdef" * 4


class _FilesTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "files"

    def ids(self, **query: object) -> str:
        """The files of an answer, by their media IDs of one letter."""
        return "".join(file["mxc"][-1] for file in self.answer(query)["files"])

    def ids_of_pages(self, query: JsonDict) -> list[str]:
        """The same for each page, from the first to the last."""
        return [
            "".join(file["mxc"][-1] for file in page) for page in self.file_pages(query)
        ]


class FilesTestCase(_FilesTestCase):
    """The values of a file, and the files of each list in order."""

    def test_answer(self) -> None:
        self.fill(
            LocalMedia(
                user_id=ALICE,
                media_id="a",
                media_length=0,
                created_ts=5,
                url_cache="https://a.example/",
                quarantined_by="@admin:test",
                media_type="Image/PNG; q=1",
                last_access_ts=7,
                upload_name="Zoë.png",
                safe_from_quarantine=True,
                sha256=_SHA256,
            ),
            LocalMedia(user_id=None, media_id="b", media_type=None),
            LocalMedia(user_id=BOB, media_id="c", media_length=None),
            RemoteMedia(media_origin="a.org:8448", media_id="d", upload_name=""),
        )

        assert self.answer() == {
            "files": [
                {
                    "mxc": "mxc://test/a",
                    "user_id": ALICE,
                    "server_name": "test",
                    "media_type": "Image/PNG; q=1",
                    "upload_name": "Zoë.png",
                    "media_length": 0,
                    "created_ts": 5,
                    "last_access_ts": 7,
                    "quarantined_by": "@admin:test",
                    "safe_from_quarantine": True,
                    "url_preview": True,
                    "sha256": _SHA256 if MEDIA_HAVE_SHA256 else None,
                },
                {
                    "mxc": "mxc://test/b",
                    "user_id": None,
                    "server_name": "test",
                    "media_type": None,
                    "upload_name": None,
                    "media_length": 1,
                    "created_ts": 1,
                    "last_access_ts": None,
                    "quarantined_by": None,
                    "safe_from_quarantine": False,
                    "url_preview": False,
                    "sha256": None,
                },
            ]
        }
        assert self.answer({"source": "remote"}) == {
            "files": [
                {
                    "mxc": "mxc://a.org:8448/d",
                    "user_id": None,
                    "server_name": "a.org:8448",
                    "media_type": "image/png",
                    "upload_name": "",
                    "media_length": 1,
                    "created_ts": 1,
                    "last_access_ts": None,
                    "quarantined_by": None,
                    "safe_from_quarantine": None,
                    "url_preview": None,
                    "sha256": None,
                }
            ]
        }

    def test_filters(self) -> None:
        self.fill(
            LocalMedia(user_id=ALICE, media_id="a", media_type="IMAGE/png;x"),
            LocalMedia(user_id=ALICE, media_id="b", media_type="imagery/png"),
            LocalMedia(user_id=BOB, media_id="c", media_type=None, media_length=9),
            LocalMedia(user_id=None, media_id="d", created_ts=3, last_access_ts=8),
            LocalMedia(user_id=BOB, media_id="e", created_ts=6, quarantined_by="@x:y"),
            LocalMedia(user_id=BOB, media_id="f", created_ts=2, url_cache="https://a/"),
            RemoteMedia(media_origin="a.org", media_id="r", media_type="Other"),
        )

        for query, expected in (
            ({}, "abcdef"),
            ({"user": BOB}, "cef"),
            ({"media_type": "image/*"}, "adef"),
            ({"media_type": "Image/PNG ; y"}, "adef"),
            ({"media_type": "image/pn"}, ""),
            ({"media_type": "application/octet-stream"}, "c"),
            ({"min_length": 9}, "c"),
            ({"min_length": 10}, ""),
            ({"from_ts": 3}, "de"),
            ({"until_ts": 3}, "abcdf"),
            ({"quarantined": "true"}, "e"),
            ({"quarantined": "false"}, "abcdf"),
            ({"never_read": "true"}, "abcef"),
            ({"never_read": "false"}, "d"),
            # A file that was never read counts from its creation, at 1 or 6.
            ({"unread_since_ts": 1}, ""),
            ({"unread_since_ts": 2}, "abc"),
            ({"unread_since_ts": 8}, "abcef"),
            ({"unread_since_ts": 9}, "abcdef"),
            ({"unread_since_ts": 9, "never_read": "false"}, "d"),
            ({"user": BOB, "until_ts": 3, "min_length": 2}, "c"),
            ({"group": "image"}, "adef"),
            ({"group": "application"}, "c"),
            ({"group": "other"}, "b"),
            ({"group": "other", "source": "remote"}, "r"),
            ({"group": "text", "source": "remote"}, ""),
            ({"url_preview": "true"}, "f"),
            ({"url_preview": "false"}, "abcde"),
            ({"without_owner": "true"}, "d"),
            ({"without_owner": "false"}, "abcef"),
            ({"without_owner": "false", "url_preview": "false", "user": BOB}, "ce"),
            ({"without_owner": "true", "appservice": ""}, ""),
            ({"source": "remote"}, "r"),
        ):
            assert self.ids(**query) == expected, query
            backwards = {**query, "dir": "b"}
            assert self.ids(**backwards) == expected[::-1], backwards

    def test_media_types_are_compared_as_the_database_does(self) -> None:
        """As in the SQL, only ASCII letters change case, only spaces are removed."""
        self.fill(
            LocalMedia(user_id=ALICE, media_id="a", media_type="Ü/X"),
            LocalMedia(user_id=ALICE, media_id="b", media_type="ü/x"),
            LocalMedia(user_id=ALICE, media_id="c", media_type="\tt/x"),
            LocalMedia(user_id=ALICE, media_id="d", media_type=" T/X "),
            LocalMedia(user_id=ALICE, media_id="e", media_type="t/x\t;y"),
            # Some systems take this letter for a form of "k".
            LocalMedia(user_id=ALICE, media_id="f", media_type="\N{KELVIN SIGN}/x"),
            LocalMedia(user_id=ALICE, media_id="g", media_type="k/x"),
        )
        for media_type, expected in (
            ("Ü/x", "a"),
            ("ü/X", "b"),
            ("Ü/*", "a"),
            ("\tT/x", "c"),
            (" t/x ; z", "d"),
            ("t/x\t", "e"),
            ("\N{KELVIN SIGN}/X", "f"),
            ("K/x", "g"),
        ):
            assert self.ids(media_type=media_type) == expected, media_type

    def test_orders(self) -> None:
        """Equal keys are in order of media IDs, in both directions."""
        self.fill(
            LocalMedia(user_id=BOB, media_id="a", media_length=2, created_ts=5),
            LocalMedia(user_id=ALICE, media_id="b", created_ts=4, last_access_ts=9),
            LocalMedia(user_id=ALICE, media_id="c", created_ts=5),
            LocalMedia(user_id=BOB, media_id="d", created_ts=3, last_access_ts=4),
        )

        for order_by, forwards, backwards in (
            ("media_id", "abcd", "dcba"),
            ("media_length", "bcda", "abcd"),
            ("created_ts", "dbac", "acbd"),
            ("last_access_ts", "dacb", "bacd"),
        ):
            for direction, expected in (("f", forwards), ("b", backwards)):
                query: JsonDict = {"order_by": order_by, "dir": direction}
                assert self.ids(**query) == expected, query
                for limit in (1, 2, 3):
                    pages = self.ids_of_pages({**query, "limit": limit})
                    starts = range(0, 4, limit)
                    assert pages == [expected[at : at + limit] for at in starts]

    def test_copies(self) -> None:
        """Copies of one file, local and remote, unless the request names a source."""
        self.fill(
            LocalMedia(user_id=ALICE, media_id="a", sha256=_SHA256, created_ts=3),
            LocalMedia(user_id=BOB, media_id="b", sha256=_SHA256, created_ts=1),
            LocalMedia(user_id=BOB, media_id="c", sha256="0" * 64),
            LocalMedia(user_id=BOB, media_id="d"),
            RemoteMedia(media_origin="a.org", media_id="e", sha256=_SHA256),
            RemoteMedia(media_origin="B.org", media_id="f", sha256=_SHA256),
            RemoteMedia(media_origin="B.org", media_id="g", sha256="f" * 64),
        )

        for query, expected in (
            ({}, "abfe"),
            ({"dir": "b"}, "efba"),
            ({"order_by": "created_ts"}, "bfea"),
            ({"order_by": "created_ts", "dir": "b"}, "abfe"),
            ({"source": "local"}, "ab"),
            ({"source": "remote"}, "fe"),
            ({"user": BOB}, "b"),
            ({"server_name": "a.org"}, "e"),
            ({"from_ts": 2}, "a"),
        ):
            listed = {"sha256": _SHA256.upper(), **query}
            copies = expected if MEDIA_HAVE_SHA256 else ""
            assert self.ids(**listed) == copies, query
            for limit in (1, 3):
                pages = self.ids_of_pages({**listed, "limit": limit})
                assert "".join(pages) == copies, (query, limit)
            channel = self.request({**listed, "format": "csv"})
            rows = channel.result["body"].decode().splitlines()[1:]
            assert "".join(row.split(",")[0][-1] for row in rows) == copies, query

    def test_remote_files_are_by_server(self) -> None:
        """The same media ID on two servers is two files."""
        self.fill(
            *[
                RemoteMedia(media_origin=origin, media_id=media_id)
                for origin in ("b", "a", "B", "")
                for media_id in "yx"
            ]
        )

        servers = [
            file["mxc"]
            for file in self.answer({"source": "remote", "limit": 9})["files"]
        ]
        assert servers == [
            f"mxc://{origin}/{media_id}" for origin in ("", *"Bab") for media_id in "xy"
        ]
        for order_by in ("media_id", "media_length", "created_ts", "last_access_ts"):
            query = {"source": "remote", "order_by": order_by, "limit": 1}
            assert [
                file["mxc"] for page in self.file_pages(query) for file in page
            ] == servers
        assert self.ids(server_name="a") == "xy"

    def test_limit(self) -> None:
        self.fill(*[LocalMedia(user_id=ALICE) for _ in range(101)])

        assert len(self.answer()["files"]) == 100
        assert "next_token" in self.answer()
        # Otherwise a client would ask for further pages for ever.
        assert self.answer({"limit": 0}) == {"files": []}
        assert "next_token" not in self.answer({"limit": 101})
        assert "next_token" not in self.answer({"limit": 2**63 - 1})

    def test_a_page_has_an_end(self) -> None:
        """At most 10,000 files, whatever the limit."""
        self.fill(*[LocalMedia(user_id=ALICE) for _ in range(MAX_FILES + 1)])

        pages = list(self.file_pages({"limit": MAX_FILES + 1}))
        assert [len(page) for page in pages] == [MAX_FILES, 1]


class TokensTestCase(_FilesTestCase):
    """A wrong token is refused, and is never an error of the database."""

    def test_a_token_is_for_one_list(self) -> None:
        self.fill(*[LocalMedia(user_id=ALICE) for _ in range(3)])
        token = self.answer({"limit": 1})["next_token"]
        for other in (
            {"dir": "b"},
            {"order_by": "created_ts"},
            {"source": "remote"},
        ):
            query = {"from": token, **other}
            self.assert_refused(self.request(query), "from must be the next_token")

    def test_what_is_no_token(self) -> None:
        for text in (
            b"",
            b"local media_id f",
            b"local media_id f\n\n\na\0b",
            b"local media_length f\n9223372036854775808\n\na",
            b"local media_length f\nx\n\na",
            # An incomplete position would give an empty page, as if the list ended
            # there.
            b"local media_length f\n\n\na",
            b"local media_id f\n5\n\na",
            b"local media_id f\n\na.org\na",
            b"remote media_id f\n\n\na",
            b"remote media_length f\n\na.org\na",
            # Decodes to a position, but is not the token that would be written.
            b"local media_length f\n 5\n\na",
            b"local media_length f\n05\n\na",
            b"local media_id f\n\n\n\xff",
        ):
            list_name, _, _ = (text or b"local media_id f").partition(b"\n")
            source, order_by, _ = list_name.decode().split(" ")
            token = base64.urlsafe_b64encode(text).decode()
            query = {"source": source, "order_by": order_by, "from": token}
            self.assert_refused(self.request(query), "from must be the next_token")

    def test_what_is_no_base64(self) -> None:
        for token in ("*", "a", "=", "%", "é", "a b"):
            assert self.request({"from": token}).code == 400, token

    def test_media_ids_are_what_other_servers_say(self) -> None:
        names = ["\n", "a\nb", "a\n\n", "é\n", "=", "+/"]
        self.fill(*[RemoteMedia(media_origin="a.org", media_id=name) for name in names])

        for order_by in ("media_id", "media_length"):
            query = {"source": "remote", "order_by": order_by, "limit": 1}
            listed = [file["mxc"] for page in self.file_pages(query) for file in page]
            assert listed == [f"mxc://a.org/{name}" for name in sorted(names)]


class WithoutUrlPreviewsTestCase(_FilesTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_previews_are_not_listed(self) -> None:
        self.fill(
            LocalMedia(user_id=ALICE, media_id="a", url_cache="https://a.example/"),
            LocalMedia(user_id=ALICE, media_id="b"),
            LocalMedia(user_id=None, media_id="c", url_cache="https://a.example/"),
        )

        assert self.ids() == "b"
        assert self.ids(user=ALICE, order_by="created_ts") == "b"
        # As in the summary.
        assert self.ids(without_owner="true") == "c"
        assert self.ids(url_preview="false") == "b"

    def test_previews_are_listed_if_asked_for(self) -> None:
        self.fill(
            LocalMedia(
                user_id=ALICE, media_id="a", url_cache="https://a/", sha256=_SHA256
            ),
            LocalMedia(user_id=ALICE, media_id="b"),
            LocalMedia(user_id=BOB, media_id="c", url_cache="https://a.example/"),
            LocalMedia(
                user_id=BOB, media_id="d", url_cache="https://a/", media_length=None
            ),
        )

        assert self.ids(url_preview="true") == "ac"
        assert self.ids(url_preview="true", user=ALICE) == "a"
        assert self.ids(url_preview="true", order_by="created_ts", dir="b") == "ac"
        # `/v1/duplicates` counts all copies.
        assert self.ids(sha256=_SHA256) == ("a" if MEDIA_HAVE_SHA256 else "")
        assert self.ids(sha256=_SHA256, url_preview="false") == ""


class IndexOfHashesTestCase(MediaTestCase):
    """Synapse creates the index in the background, which can take hours."""

    @skipUnless(MEDIA_HAVE_SHA256, "This version of Synapse keeps no hashes")
    def test_copies_without_it_wait_for_their_turn(self) -> None:
        index = "local_media_repository_sha256"

        def get_page(*statements: str) -> Page[File, Any] | None:
            def get_page_txn(txn: LoggingTransaction) -> Page[File, Any] | None:
                for statement in statements:
                    txn.execute(statement)
                return get_page_of_index_txn(
                    txn,
                    [local_media(count_url_previews=True)],
                    FilesQuestion(source=Source.LOCAL, sha256=_SHA256),
                    server_name="test",
                )

            return self.in_transaction(get_page_txn)

        columns = "ON local_media_repository (sha256)"
        drop = f"DROP INDEX IF EXISTS {index}"
        assert get_page(drop) is None
        create = f"CREATE INDEX {index} {columns} WHERE sha256 IS NOT NULL"
        assert get_page(create) is not None
        # A partial index with another condition may lack any row.
        other = f"CREATE INDEX {index} {columns} WHERE media_length > 7"
        assert get_page(drop, other) is None
        assert get_page(drop, f"CREATE INDEX {index} {columns}") is not None
