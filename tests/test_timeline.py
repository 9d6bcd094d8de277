"""`/v1/timeline`: what counts, and the ends of what is asked for.

The calendar is in test_media_questions.py; that any answer is right is in
test_media_properties.py.
"""

from typing import ClassVar

from media_support import ALICE, BOB, DAY_MS, MediaTestCase, usage
from modes_support import in_every_mode
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

_MEDIA = (
    LocalMedia(user_id=ALICE, created_ts=DAY_MS - 1, media_length=1),
    LocalMedia(user_id=ALICE, created_ts=DAY_MS, media_length=2),
    LocalMedia(user_id=BOB, created_ts=DAY_MS, media_length=4, url_cache="https://a/"),
    LocalMedia(user_id=BOB, created_ts=2 * DAY_MS - 1, media_length=8),
    # Announced, and nobody's.
    LocalMedia(user_id=ALICE, created_ts=DAY_MS, media_length=None),
    LocalMedia(user_id=None, created_ts=DAY_MS, media_length=16),
    RemoteMedia(media_origin="a.org", created_ts=DAY_MS, media_length=32),
    RemoteMedia(media_origin="b.org", created_ts=DAY_MS, media_length=64),
)

# Before the time is set forward it is still the first of January 1970.
_FIRST, _SECOND = "1970-01-01", "1970-01-02"


class _TimelineTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "timeline"

    def setUp(self) -> None:
        super().setUp()
        self.fill(*_MEDIA)

    def days(self, **query: object) -> dict[str, JsonDict]:
        """How much was created each day."""
        return {
            bucket["date"]: {name: bucket[name] for name in usage()}
            for bucket in self.answer(query)["buckets"]
        }


@in_every_mode
class TimelineTestCase(_TimelineTestCase):
    """Of everybody, of an owner, and of a window that begins within a day."""

    def test_answer(self) -> None:
        assert self.answer({"until_ts": 3 * DAY_MS - 1}) == {
            "buckets": [
                {"date": _FIRST, "from_ts": 0, "until_ts": DAY_MS - 1, **usage(1)},
                {
                    "date": _SECOND,
                    "from_ts": DAY_MS,
                    "until_ts": 2 * DAY_MS - 1,
                    **usage(2, 4, 8),
                },
                {
                    "date": "1970-01-03",
                    "from_ts": 2 * DAY_MS,
                    "until_ts": 3 * DAY_MS - 1,
                    **usage(),
                },
            ]
        }

    def test_scope(self) -> None:
        """It ends with the last file if that is later than today."""
        for query, expected in (
            ({}, {_FIRST: usage(1), _SECOND: usage(2, 4, 8)}),
            ({"user_id": ALICE}, {_FIRST: usage(1), _SECOND: usage(2)}),
            ({"user_id": BOB}, {_SECOND: usage(4, 8)}),
            ({"user_id": "@nobody:test"}, {}),
            ({"user_id": "@nobody:test", "from_ts": 1}, {_FIRST: usage()}),
            ({"source": "remote"}, {_SECOND: usage(32, 64)}),
            ({"server_name": "a.org"}, {_SECOND: usage(32)}),
            ({"from_ts": DAY_MS + 1}, {_SECOND: usage(8)}),
            ({"until_ts": DAY_MS}, {_FIRST: usage(1), _SECOND: usage(2, 4)}),
            ({"until_ts": DAY_MS - 1}, {_FIRST: usage(1)}),
            (
                {"from_ts": DAY_MS - 1, "until_ts": DAY_MS},
                {_FIRST: usage(1), _SECOND: usage(2, 4)},
            ),
            ({"interval": "month"}, {_FIRST: usage(1, 2, 4, 8)}),
        ):
            assert self.days(**query) == expected, query


@in_every_mode
class WithoutUrlPreviewsTestCase(_TimelineTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    def test_previews_do_not_count(self) -> None:
        assert self.days() == {_FIRST: usage(1), _SECOND: usage(2, 8)}
        assert self.days(user_id=BOB) == {_SECOND: usage(8)}
