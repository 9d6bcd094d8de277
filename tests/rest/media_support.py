"""Shared by the tests of summary, timeline, types and files."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import attr
from media_model import (
    Store,
    files_answer,
    summary_answer,
    timeline_answer,
    types_answer,
)
from modes_support import ModesTestCase
from owners_model import Query
from support import MEDIA_HAVE_SHA256, MODULE_PATH, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict

from media_stats_module.endpoints import buckets
from media_stats_module.rest import api

DAY_MS = 24 * 60 * 60 * 1000

ALICE = "@alice:test"
BOB = "@bob:test"

USAGE_OF_NOTHING = {"media_count": 0, "media_length": 0}


def usage(*lengths: int) -> JsonDict:
    """The number of files of these lengths, and their bytes, as answers have them."""
    return {"media_count": len(lengths), "media_length": sum(lengths)}


class MediaTestCase(ModesTestCase):
    """Asks one endpoint, or all of them in turn."""

    thumbnails: tuple[Thumbnail, ...] = ()

    today_ts: int = 70 * DAY_MS
    """The time at which a timeline ends by itself. A test can set it."""

    def setUp(self) -> None:
        super().setUp()
        # All media of these tests is of 1970.
        for patcher in (
            patch.object(buckets, "_EARLIEST", 0),
            patch.object(api, "current_time_ms", lambda api: self.today_ts),
        ):
            patcher.start()
            self.addCleanup(patcher.stop)

    def store(self) -> Store:
        """All that is stored, for the model."""
        return Store(
            media=self.media,
            thumbnails=self.thumbnails,
            count_url_previews=self.count_url_previews,
            keeps_hashes=MEDIA_HAVE_SHA256,
            now_ts=self.today_ts,
            server_name=self.server_name,
            deactivated=self.deactivated,
        )

    def fill(
        self,
        *media: LocalMedia | RemoteMedia,
        thumbnails: tuple[Thumbnail, ...] = (),
        **more: Any,
    ) -> None:
        named = (
            row if row.media_id else attr.evolve(row, media_id=f"media{index:04}")
            for index, row in enumerate(media)
        )
        self.thumbnails = thumbnails
        super().fill(*named, thumbnails=thumbnails, **more)

    @property
    def now_ts(self) -> int:
        """The homeserver's time, in milliseconds since the epoch."""
        return int(self.hs.get_clock().time_msec())

    def ask_endpoint(self, endpoint: str, query: Query) -> JsonDict:
        """Ask any endpoint; return the answer, which must have status 200."""
        channel = self.ask(f"{MODULE_PATH}/v1/{endpoint}", query)
        assert channel.code == 200, (endpoint, query, channel.result)
        answer: JsonDict = channel.json_body
        return answer

    def file_pages(self, query: Query) -> Iterator[list[JsonDict]]:
        """Yield the files of a page of `/v1/files`, and of all further pages."""
        tokens: set[str] = set()
        while True:
            answer = self.ask_endpoint("files", query)
            yield answer["files"]
            if "next_token" not in answer:
                return
            token = answer["next_token"]
            # Otherwise, there would be no end of pages.
            assert token not in tokens, query
            tokens.add(token)
            # Fits into a request line, whatever the file's ID.
            assert len(token) < 2_500
            query = {**query, "from": token}

    def assert_as_model(self, endpoint: str, query: Query) -> None:
        """Check that an endpoint answers as the model."""
        if endpoint == "files":
            limit = int(str(query.get("limit", 100)))
            pages = list(self.file_pages(query))
            expected = files_answer(self.store(), query)
            assert [file for page in pages for file in page] == expected, query
            # Only the last page may be short, and only the first may be empty.
            assert all(len(page) == limit for page in pages[:-1]), query
            assert pages[-1] or not expected, query
            return
        model = {
            "summary": summary_answer,
            "timeline": timeline_answer,
            "types": types_answer,
        }[endpoint]
        expected_answer = model(self.store(), query)
        answer = self.ask_endpoint(endpoint, query)
        assert answer == expected_answer, (endpoint, query, answer, expected_answer)
