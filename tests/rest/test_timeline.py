"""`/v1/timeline`: which media counts, the calendar, and the ends of the window.

test_buckets.py tests any calendar, and test_media_properties.py any answer.
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
    # Pending, and without an owner.
    LocalMedia(user_id=ALICE, created_ts=DAY_MS, media_length=None),
    LocalMedia(user_id=None, created_ts=DAY_MS, media_length=16),
    RemoteMedia(media_origin="a.org", created_ts=DAY_MS, media_length=32),
    RemoteMedia(media_origin="b.org", created_ts=DAY_MS, media_length=64),
)

# The first of January 1970 was a Thursday, the fifth the first Monday.
_MONDAY = 4 * DAY_MS

_FIRST, _SECOND = "1970-01-01", "1970-01-02"


class _TimelineTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "timeline"

    def setUp(self) -> None:
        super().setUp()
        self.fill(*_MEDIA)

    def days(self, **query: object) -> dict[str, JsonDict]:
        """The media of each day."""
        return {
            bucket["date"]: {name: bucket[name] for name in usage()}
            for bucket in self.answer(query)["buckets"]
        }


@in_every_mode
class TimelineTestCase(_TimelineTestCase):
    """All media, that of an owner, and a window that begins within a day."""

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
            ],
            "before": usage(),
            "after": usage(),
        }

    def test_scope(self) -> None:
        """Without until_ts, it ends today."""
        self.today_ts = 2 * DAY_MS - 1
        for query, expected in (
            ({}, {_FIRST: usage(1), _SECOND: usage(2, 4, 8)}),
            ({"user": ALICE}, {_FIRST: usage(1), _SECOND: usage(2)}),
            ({"user": BOB}, {_SECOND: usage(4, 8)}),
            ({"user": "@nobody:test"}, {}),
            (
                {"user": "@nobody:test", "from_ts": 1},
                {_FIRST: usage(), _SECOND: usage()},
            ),
            ({"source": "remote"}, {_SECOND: usage(32, 64)}),
            ({"server_name": "a.org"}, {_SECOND: usage(32)}),
            ({"from_ts": DAY_MS - 1}, {_FIRST: usage(1), _SECOND: usage(2, 4, 8)}),
            ({"from_ts": DAY_MS}, {_SECOND: usage(2, 4, 8)}),
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
class CalendarTestCase(MediaTestCase):
    """The first day of weeks and months, and the end of the last bucket."""

    endpoint: ClassVar[str] = "timeline"

    def dates(self, **query: object) -> list[tuple[object, ...]]:
        """The buckets, without their bytes."""
        names = ("date", "from_ts", "until_ts", "media_count")
        return [
            tuple(bucket[name] for name in names)
            for bucket in self.answer(query)["buckets"]
        ]

    def test_weeks_begin_on_monday(self) -> None:
        self.fill(
            LocalMedia(user_id=ALICE, created_ts=_MONDAY - 1),
            LocalMedia(user_id=ALICE, created_ts=_MONDAY),
            LocalMedia(user_id=BOB, created_ts=_MONDAY + 7 * DAY_MS - 1),
        )
        assert self.dates(interval="week", until_ts=_MONDAY + 8 * DAY_MS) == [
            ("1969-12-29", 0, _MONDAY - 1, 1),
            ("1970-01-05", _MONDAY, _MONDAY + 7 * DAY_MS - 1, 2),
            ("1970-01-12", _MONDAY + 7 * DAY_MS, _MONDAY + 8 * DAY_MS, 0),
        ]
        assert self.dates(interval="week", user=BOB, until_ts=_MONDAY + 8) == []

    def test_months(self) -> None:
        leap_day = (2 * 365 + 31 + 28) * DAY_MS
        self.fill(LocalMedia(user_id=ALICE, created_ts=leap_day))
        january = 2 * 365 * DAY_MS
        assert self.dates(
            interval="month", from_ts=january + 5, until_ts=leap_day + DAY_MS
        ) == [
            ("1972-01-01", january + 5, january + 31 * DAY_MS - 1, 0),
            ("1972-02-01", january + 31 * DAY_MS, leap_day + DAY_MS - 1, 1),
            ("1972-03-01", leap_day + DAY_MS, leap_day + DAY_MS, 0),
        ]

    def test_until_now(self) -> None:
        """Without a window, it goes from the first file to today."""
        self.fill(LocalMedia(user_id=ALICE, created_ts=0))
        self.today_ts = 2 * DAY_MS
        assert [date for date, *_ in self.dates()] == [
            "1970-01-01",
            "1970-01-02",
            "1970-01-03",
        ]
        assert self.dates(source="remote") == []

    def test_wrong_times(self) -> None:
        """Wrong times do not stretch the timeline, and are counted."""
        self.fill(
            LocalMedia(user_id=ALICE, created_ts=-DAY_MS - 1, media_length=1),
            LocalMedia(user_id=ALICE, created_ts=-1, media_length=2),
            LocalMedia(user_id=ALICE, created_ts=DAY_MS, media_length=4),
            LocalMedia(user_id=ALICE, created_ts=3 * DAY_MS - 1, media_length=8),
            LocalMedia(user_id=ALICE, created_ts=3 * DAY_MS, media_length=16),
            # In microseconds.
            LocalMedia(user_id=ALICE, created_ts=1_700 * 10**12, media_length=32),
        )
        self.today_ts = 2 * DAY_MS + 5
        answer = self.answer({})
        assert (answer["before"], answer["after"]) == (usage(1, 2), usage(16, 32))
        assert [bucket["media_length"] for bucket in answer["buckets"]] == [4, 8]
        # A window leaves them out, also of `before` and `after`.
        answer = self.answer({"from_ts": DAY_MS})
        assert (answer["before"], answer["after"]) == (usage(), usage(16, 32))
        answer = self.answer({"until_ts": 3 * DAY_MS})
        assert (answer["before"], answer["after"]) == (usage(1, 2), usage())

    def test_as_many_as_there_may_be(self) -> None:
        buckets = self.answer({"from_ts": 1, "until_ts": 10_000 * DAY_MS - 1})[
            "buckets"
        ]
        assert len(buckets) == 10_000


@in_every_mode
class WithoutUrlPreviewsTestCase(_TimelineTestCase):
    """`count_url_previews: false` leaves out the images of previews."""

    module_options: ClassVar[JsonDict] = {"count_url_previews": False}

    today_ts = 2 * DAY_MS - 1

    def test_previews_do_not_count(self) -> None:
        assert self.days() == {_FIRST: usage(1), _SECOND: usage(2, 8)}
        assert self.days(user=BOB) == {_SECOND: usage(8)}
