"""`/v1/types`: each parameter, and which media counts.

test_media_properties.py compares any answer with the model.
"""

from typing import ClassVar

import pytest
from media_support import ALICE, BOB, MediaTestCase, usage
from modes_support import in_every_mode
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict
from tests.utils import USE_POSTGRES_FOR_TESTS

_PREVIEW = "https://a.example/"

_MEDIA = (
    LocalMedia(user_id=ALICE, media_type="video/mp4", media_length=9, created_ts=5),
    LocalMedia(user_id=ALICE, media_type="audio/ogg", media_length=4),
    LocalMedia(user_id=BOB, media_type="audio/OGG", media_length=5),
    LocalMedia(user_id=BOB, media_type="text/plain", url_cache=_PREVIEW),
    LocalMedia(user_id=BOB, media_type="font/ttf", media_length=2, created_ts=6),
    LocalMedia(user_id=BOB, media_type="audio", media_length=3),
    # Pending, and without an owner.
    LocalMedia(user_id=ALICE, media_type="a/pending", media_length=None),
    LocalMedia(user_id=None, media_type="a/orphan"),
    RemoteMedia(media_origin="a.org", media_type="x/y", media_length=7),
    RemoteMedia(media_origin="b.org", media_type="x/y", media_length=8),
)


class _TypesTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "types"

    def setUp(self) -> None:
        super().setUp()
        self.fill(*_MEDIA)

    def types(self, **query: object) -> list[str]:
        """The types or groups on a page."""
        name = "group" if query.get("group") == "true" else "media_type"
        return [entry[name] for entry in self.answer(query)["types"]]


@in_every_mode
class TypesTestCase(_TypesTestCase):
    """The types, and their order."""

    def test_answer(self) -> None:
        assert self.answer() == {
            "types": [
                {"media_type": "audio", **usage(3)},
                {"media_type": "audio/ogg", **usage(4, 5)},
                {"media_type": "font/ttf", **usage(2)},
                {"media_type": "text/plain", **usage(1)},
                {"media_type": "video/mp4", **usage(9)},
            ],
            "total": 5,
        }
        assert self.answer({"group": "true"}) == {
            "types": [
                {"group": "audio", **usage(4, 5)},
                {"group": "other", **usage(3, 2)},
                {"group": "text", **usage(1)},
                {"group": "video", **usage(9)},
            ],
            "total": 4,
        }

    def test_groups_that_are_gone(self) -> None:
        """A group whose last file is deleted is not listed with zero files."""
        assert "video" in self.types(group="true")
        self.execute(
            "DELETE FROM local_media_repository WHERE media_type = 'video/mp4'"
        )
        answer = self.answer({"group": "true"})
        groups = [entry["group"] for entry in answer["types"]]
        assert (groups, answer["total"]) == (["audio", "other", "text"], 3)

    def test_orders(self) -> None:
        """Equal keys are in order of the types, in both directions."""
        for order_by, direction, expected in (
            ("media_type", "f", ["audio", "other", "text", "video"]),
            ("media_type", "b", ["video", "text", "other", "audio"]),
            ("media_count", "f", ["text", "video", "audio", "other"]),
            ("media_count", "b", ["audio", "other", "text", "video"]),
            ("media_length", "f", ["text", "other", "audio", "video"]),
            ("media_length", "b", ["audio", "video", "other", "text"]),
        ):
            query = {"group": "true", "order_by": order_by, "dir": direction}
            assert self.types(**query) == expected, query

    def test_pages(self) -> None:
        for start, limit, expected, next_token in (
            (0, 2, ["audio", "audio/ogg"], 2),
            (2, 2, ["font/ttf", "text/plain"], 4),
            (4, 2, ["video/mp4"], None),
            (3, 2, ["text/plain", "video/mp4"], None),
            (5, 2, [], None),
            (0, 0, [], None),
        ):
            query: JsonDict = {"from": start, "limit": limit}
            assert self.types(**query) == expected
            answer = self.answer(query)
            assert (answer["total"], answer.get("next_token")) == (5, next_token)

    def test_scope(self) -> None:
        for query, expected in (
            ({"user": ALICE}, ["audio/ogg", "video/mp4"]),
            ({"user": "@nobody:test"}, []),
            ({"from_ts": 5}, ["font/ttf", "video/mp4"]),
            ({"from_ts": 5, "until_ts": 6, "user": BOB}, ["font/ttf"]),
            ({"until_ts": 5, "user": ALICE}, ["audio/ogg", "video/mp4"]),
            ({"source": "remote"}, ["x/y"]),
        ):
            assert self.types(**query) == expected, query
        assert self.answer({"server_name": "b.org"}) == {
            "types": [{"media_type": "x/y", **usage(8)}],
            "total": 1,
        }


class ComparedTypesTestCase(MediaTestCase):
    """Which types are the same."""

    endpoint: ClassVar[str] = "types"

    def test_types_are_compared_without_case_and_parameters(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=ALICE, media_type=media_type, media_length=length)
                for length, media_type in enumerate(
                    ("image/png", "IMAGE/PNG; q=1", " image/png", None, "", "imagex/y")
                )
            ]
        )
        assert self.answer({}) == {
            "types": [
                {"media_type": "application/octet-stream", **usage(3, 4)},
                {"media_type": "image/png", **usage(0, 1, 2)},
                {"media_type": "imagex/y", **usage(5)},
            ],
            "total": 3,
        }
        assert self.answer(
            {"group": "true", "order_by": "media_count", "dir": "b"}
        ) == {
            "types": [
                {"group": "image", **usage(0, 1, 2)},
                {"group": "application", **usage(3, 4)},
                {"group": "other", **usage(5)},
            ],
            "total": 3,
        }

    def test_spellings_are_added_up_however_often_each_was_used(self) -> None:
        self.fill(
            LocalMedia(user_id=ALICE, media_type="image/png", media_length=1),
            LocalMedia(user_id=ALICE, media_type="image/png", media_length=2),
            LocalMedia(user_id=ALICE, media_type="IMAGE/PNG", media_length=4),
        )
        assert self.answer() == {
            "types": [{"media_type": "image/png", **usage(1, 2, 4)}],
            "total": 1,
        }

    def test_ties_are_in_the_order_of_the_types(self) -> None:
        """The database finds them in another order."""
        self.fill(
            *[
                LocalMedia(user_id=ALICE, media_type=f"{group}/{name}")
                for group in ("video", "image", "audio", "font")
                for name in ("b", "a")
            ]
        )
        types = [
            f"{group}/{name}"
            for group in ("audio", "font", "image", "video")
            for name in ("a", "b")
        ]
        for order_by in ("media_count", "media_length"):
            for direction in ("f", "b"):
                answer = self.answer({"order_by": order_by, "dir": direction})
                found = [entry["media_type"] for entry in answer["types"]]
                assert found == types, (order_by, direction)


@in_every_mode
class WithoutUrlPreviewsTestCase(_TypesTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_previews_do_not_count(self) -> None:
        assert self.types(group="true") == ["audio", "other", "video"]
        assert self.types(user=BOB) == ["audio", "audio/ogg", "font/ttf"]


class LocaleTestCase(_TypesTestCase):
    """The database's locale does not matter."""

    shares_homeserver: ClassVar[bool] = False

    def test_case_of_ascii_letters_only(self) -> None:
        """In Turkish, IMAGE/PNG would otherwise be another type."""
        if USE_POSTGRES_FOR_TESTS:
            rows = self.execute(
                "SELECT 1 FROM pg_collation WHERE collname = 'pg_c_utf8'"
            )
            if not rows:
                pytest.skip("PostgreSQL before 17 has no other locale at hand")
            # This letter has a lower case form in all locales.
            self.execute(
                "ALTER TABLE local_media_repository "
                'ALTER COLUMN media_type TYPE TEXT COLLATE "pg_c_utf8"'
            )
        self.fill(
            LocalMedia(user_id=ALICE, media_type="image/Ü", media_length=1),
            LocalMedia(user_id=ALICE, media_type="IMAGE/ü", media_length=2),
        )
        assert self.types() == ["image/Ü", "image/ü"]
        files = self.ask_endpoint("files", {"media_type": "image/Ü"})["files"]
        assert [file["media_length"] for file in files] == [1]
