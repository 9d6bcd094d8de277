"""`/v1/summary`: whole answers, with each kind of media.

test_media_properties.py compares any answer with the model.
"""

from typing import ClassVar

from media_model import NO_ACCOUNT
from media_support import ALICE, BOB, MediaTestCase, usage
from modes_support import in_every_mode
from support import MEDIA_HAVE_SHA256, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict

_MEDIA = (
    LocalMedia(user_id=ALICE, media_id="upload", media_length=1),
    LocalMedia(user_id=ALICE, media_length=2, quarantined_by="@admin:test"),
    LocalMedia(user_id=ALICE, media_length=4, url_cache="https://a.example/"),
    LocalMedia(user_id=ALICE, media_length=None, media_type=None),
    LocalMedia(user_id=BOB, media_id="of_bob", media_length=8, url_cache="https://b/"),
    LocalMedia(user_id=None, media_length=16, safe_from_quarantine=True),
    RemoteMedia(media_origin="a.org", media_id="remote", media_length=32),
    RemoteMedia(media_origin="a.org", media_length=64, quarantined_by="@admin:test"),
    RemoteMedia(media_origin="b.org:8448", media_id="remote", media_length=128),
)

_THUMBNAILS = (
    Thumbnail(media_id="upload", thumbnail_length=3),
    Thumbnail(media_id="upload", thumbnail_length=5, thumbnail_width=96),
    Thumbnail(media_id="of_bob", thumbnail_length=7),
    Thumbnail(media_id="remote", media_origin="a.org", thumbnail_length=11),
    Thumbnail(media_id="remote", media_origin="b.org:8448", thumbnail_length=13),
)


class _SummaryTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "summary"

    def setUp(self) -> None:
        super().setUp()
        self.fill(*_MEDIA, thumbnails=_THUMBNAILS)

    def summary(self, **query: object) -> JsonDict:
        """The answer, without duplicates."""
        answer: JsonDict = self.answer(query)
        return answer


@in_every_mode
class SummaryTestCase(_SummaryTestCase):
    """The summary of all, of a user and of a server."""

    def test_of_everybody(self) -> None:
        assert self.summary() == {
            "total": usage(1, 2, 4, 8, 16, 3, 5, 7, 32, 64, 128, 11, 13),
            "local": {
                "total": usage(1, 2, 4, 8, 16, 3, 5, 7),
                "uploads": usage(1, 2),
                "url_previews": usage(4, 8),
                "without_owner": usage(16),
                "thumbnails": usage(3, 5, 7),
                "quarantined": usage(2),
                "protected": usage(16),
                "pending": {"media_count": 1},
                "users": 2,
            },
            "remote": {
                "total": usage(32, 64, 128, 11, 13),
                "cached": usage(32, 64, 128),
                "thumbnails": usage(11, 13),
                "quarantined": usage(64),
                "servers": 2,
            },
        }

    def test_of_a_user(self) -> None:
        assert self.summary(user=ALICE) == {
            "total": usage(1, 2, 4, 3, 5),
            "local": {
                "total": usage(1, 2, 4, 3, 5),
                "uploads": usage(1, 2),
                "url_previews": usage(4),
                "without_owner": usage(),
                "thumbnails": usage(3, 5),
                "quarantined": usage(2),
                "protected": usage(),
                "pending": {"media_count": 1},
                "users": 1,
            },
            "account": NO_ACCOUNT,
        }

    def test_of_a_server(self) -> None:
        assert self.summary(server_name="a.org") == {
            "total": usage(32, 64, 11),
            "remote": {
                "total": usage(32, 64, 11),
                "cached": usage(32, 64),
                "thumbnails": usage(11),
                "quarantined": usage(64),
                "servers": 1,
            },
        }

    def test_of_nobody(self) -> None:
        for query, part, owners in (
            ({"user": "@nobody:test"}, "local", "users"),
            ({"server_name": "a"}, "remote", "servers"),
        ):
            answer = self.summary(**query)
            answer.pop("account", None)
            assert set(answer) == {"total", part}
            assert answer["total"] == answer[part]["total"] == usage()
            assert answer[part][owners] == 0


@in_every_mode
class DuplicatesTestCase(MediaTestCase):
    """Identical files."""

    endpoint: ClassVar[str] = "summary"

    def test_duplicates(self) -> None:
        """A set counts without one file; files without a hash do not count."""
        self.fill(
            LocalMedia(user_id=ALICE, media_length=5, sha256="a"),
            LocalMedia(user_id=BOB, media_length=5, sha256="a"),
            RemoteMedia(media_origin="a.org", media_length=5, sha256="a"),
            LocalMedia(user_id=ALICE, media_length=7),
            LocalMedia(user_id=BOB, media_length=7),
            LocalMedia(user_id=BOB, media_length=9, sha256="b"),
            LocalMedia(user_id=BOB, media_length=9, sha256="b"),
            LocalMedia(user_id=BOB, media_length=11, sha256="c"),
            # Pending uploads have no content, whatever the other columns say.
            LocalMedia(user_id=BOB, media_length=None, sha256="c"),
            LocalMedia(user_id=BOB, media_length=None, sha256="d"),
            LocalMedia(user_id=BOB, media_length=None, sha256="d"),
        )
        for query, duplicates in (
            ({}, usage(5, 5, 9)),
            ({"user": BOB}, usage(9)),
            ({"server_name": "a.org"}, usage()),
        ):
            answer = self.answer(query)
            assert "duplicates" not in answer
            assert self.answer({**query, "duplicates": "true"}) == {
                **answer,
                "duplicates": duplicates if MEDIA_HAVE_SHA256 else None,
            }


@in_every_mode
class WithoutUrlPreviewsTestCase(_SummaryTestCase):
    """`count_url_previews: false` changes only the number of users.

    The images are on the disk all the same.
    """

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_previews_are_shown(self) -> None:
        local = self.summary()["local"]
        assert local["users"] == 1
        assert local["url_previews"] == usage(4, 8)
        assert local["total"] == usage(1, 2, 4, 8, 16, 3, 5, 7)
        assert self.summary(user=BOB)["local"]["users"] == 0
