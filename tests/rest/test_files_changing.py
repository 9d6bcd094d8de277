"""`/v1/files` is read page by page while files are added and deleted.

Each page has the files that exist and come after the last one of the page before, even
if that one is gone.
"""

from typing import ClassVar

import attr
from hypothesis import given
from hypothesis import strategies as st
from media_model import Media, files_answer
from media_support import ALICE, MediaTestCase
from modes_support import DIRECTIONS
from owners_model import Query
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

# So few that files come before, after and at the end of a page.
_COLUMNS = {
    "media_id": st.text("aBé", min_size=1, max_size=3),
    "media_length": st.integers(0, 2),
    "created_ts": st.integers(0, 2),
    "last_access_ts": st.one_of(st.none(), st.integers(0, 2)),
}

_KINDS: dict[str, st.SearchStrategy[Media]] = {
    "local": st.builds(LocalMedia, user_id=st.just(ALICE), **_COLUMNS),
    "remote": st.builds(RemoteMedia, media_origin=st.sampled_from("aB"), **_COLUMNS),
}


class FilesChangingTestCase(MediaTestCase):
    """Any order, and any change between two pages."""

    endpoint: ClassVar[str] = "files"

    def ids(self, query: Query) -> list[str]:
        """The media IDs on a page."""
        files = self.answer(query)["files"]
        return [file["mxc"].rpartition("/")[2] for file in files]

    def test_example(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=ALICE, media_id=f"m{number}", media_length=number)
                for number in range(10)
            ]
        )
        query: JsonDict = {"order_by": "media_length", "dir": "b", "limit": 3}
        first = self.answer(query)
        assert self.ids(query) == ["m9", "m8", "m7"]
        # One before the end of the page, the end itself, and two after.
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_id="before", media_length=8),
            LocalMedia(user_id=ALICE, media_id="after", media_length=5),
        )
        self.execute(
            "DELETE FROM local_media_repository WHERE media_id IN ('m7', 'm6')"
        )
        query["from"] = first["next_token"]
        second = self.answer(query)
        assert self.ids(query) == ["after", "m5", "m4"]
        query["from"] = second["next_token"]
        assert self.ids(query) == ["m3", "m2", "m1"]

    @given(
        data=st.data(),
        source=st.sampled_from(sorted(_KINDS)),
        order_by=st.sampled_from(
            ["media_id", "media_length", "created_ts", "last_access_ts"]
        ),
        direction=st.sampled_from(DIRECTIONS),
        limit=st.integers(1, 3),
    )
    def test_pages(
        self,
        data: st.DataObject,
        source: str,
        order_by: str,
        direction: str,
        limit: int,
    ) -> None:
        ever = data.draw(
            st.lists(_KINDS[source], min_size=1, max_size=12, unique_by=_name)
        )
        some = st.lists(st.sampled_from(ever), unique=True)
        now = data.draw(some)
        query: Query = {
            "source": source,
            "order_by": order_by,
            "dir": direction,
            "limit": limit,
        }
        last = None
        while True:
            self.fill(*now)
            answer = self.ask_endpoint("files", query)
            following = self._files_after(last, now, query)
            assert answer["files"] == following[:limit]
            assert ("next_token" in answer) == (len(following) > limit)
            if "next_token" not in answer:
                return
            query = {**query, "from": answer["next_token"]}
            (last,) = (
                file
                for file in now
                if self._listed([file], query) == answer["files"][-1:]
            )
            now = data.draw(some)

    def _files_after(
        self, last: Media | None, now: list[Media], query: Query
    ) -> list[JsonDict]:
        """The files that exist and come after a position."""
        if last is None:
            return self._listed(now, query)
        (place,) = self._listed([last], query)
        files = self._listed([*now, *{last}.difference(now)], query)
        return files[files.index(place) + 1 :]

    def _listed(self, media: list[Media], query: Query) -> list[JsonDict]:
        return files_answer(attr.evolve(self.store(), media=media), query)


def _name(file: Media) -> tuple[str | None, str | None]:
    return getattr(file, "media_origin", None), file.media_id
