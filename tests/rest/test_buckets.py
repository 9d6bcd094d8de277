"""The calendar of a timeline, from the first day that there is to the last.

What comes out of the database is in test_timeline.py and test_media_properties.py.
"""

import datetime
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_stats_module.questions import MAX_INTEGER, Interval, TimelineQuestion
from media_stats_module.rest.buckets import (
    MAX_BUCKETS,
    Bucket,
    TooManyBucketsError,
    fill_buckets,
)
from media_stats_module.storage import DayUsage

_DAY_MS = 86_400_000

# Days that begin or end a week, a month, a year, a leap year and a century.
_DAYS = st.one_of(
    st.integers(0, 20_000),
    st.dates(datetime.date(1970, 1, 1), datetime.date(2400, 1, 1)).map(
        lambda date: date.toordinal() - datetime.date(1970, 1, 1).toordinal()
    ),
)

_USAGES = st.builds(DayUsage, _DAYS, st.integers(1, 2**40), st.integers(0, MAX_INTEGER))


def _midnight(date: datetime.date) -> int:
    """By another calendar than the one in the code."""
    moment = datetime.datetime(
        date.year, date.month, date.day, tzinfo=datetime.timezone.utc
    )
    return round(moment.timestamp()) * 1000


def _holds(bucket: Bucket, interval: Interval, day: int) -> bool:
    """Whether a day is in the same day, week or month as a bucket's first."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    if interval is Interval.DAY:
        return date == bucket.date
    if interval is Interval.WEEK:
        return date.isocalendar()[:2] == bucket.date.isocalendar()[:2]
    return (date.year, date.month) == (bucket.date.year, bucket.date.month)


@given(
    days=st.lists(_USAGES, max_size=6, unique_by=lambda usage: usage.day),
    interval=st.sampled_from(Interval),
    now_day=_DAYS,
)
def test_all_time(days: list[DayUsage], interval: Interval, now_day: int) -> None:
    """From the first file to now, or to the last file if that is later."""
    days.sort(key=lambda usage: usage.day)
    query = TimelineQuestion(interval=interval)
    buckets = _fill(days, query, now_day * _DAY_MS + 1)

    if not days:
        assert buckets == []
    elif buckets is not None:
        last = max(days[-1].day, now_day)
        _assert_right(buckets, days, interval)
        assert _holds(buckets[0], interval, days[0].day)
        assert _holds(buckets[-1], interval, last)
        assert buckets[0].from_ts == max(_midnight(buckets[0].date), 0)


@given(
    data=st.data(),
    interval=st.sampled_from(Interval),
    ends=st.lists(
        st.builds(lambda day, ms: day * _DAY_MS + ms, _DAYS, st.integers(0, 2)),
        min_size=2,
        max_size=2,
        unique=True,
    ).map(sorted),
)
def test_window(data: st.DataObject, interval: Interval, ends: list[int]) -> None:
    """Its ends are those of the first and the last bucket, whatever is in them."""
    from_ts, until_ts = ends
    in_window = st.integers(from_ts // _DAY_MS, until_ts // _DAY_MS)
    days = [
        DayUsage(day, 1, day)
        for day in sorted(data.draw(st.sets(in_window, max_size=4)))
    ]
    query = TimelineQuestion(
        interval=interval, from_ts=from_ts or None, until_ts=until_ts
    )
    buckets = _fill(days, query, now_ts=0)

    if not from_ts and not days:
        assert buckets == []
    elif buckets is not None:
        _assert_right(buckets, days, interval)
        assert buckets[-1].until_ts == until_ts
        assert _holds(buckets[-1], interval, until_ts // _DAY_MS)
        if from_ts:
            assert buckets[0].from_ts == from_ts
            assert _holds(buckets[0], interval, from_ts // _DAY_MS)


@pytest.mark.parametrize(
    ("interval", "most_days"),
    [
        (Interval.DAY, MAX_BUCKETS),
        # From the first Monday.
        (Interval.WEEK, 4 + 7 * MAX_BUCKETS),
        # 833 years and four months, with their leap days.
        (Interval.MONTH, (datetime.date(2803, 5, 1) - datetime.date(1970, 1, 1)).days),
    ],
)
def test_as_many_as_there_may_be(interval: Interval, most_days: int) -> None:
    from_ts = 4 * _DAY_MS if interval is Interval.WEEK else 1
    last_ts = most_days * _DAY_MS - 1
    query = TimelineQuestion(interval=interval, from_ts=from_ts, until_ts=last_ts)
    assert len(fill_buckets([], query, 0)) == MAX_BUCKETS

    query = TimelineQuestion(interval=interval, from_ts=from_ts, until_ts=last_ts + 1)
    with pytest.raises(TooManyBucketsError):
        fill_buckets([], query, 0)
    # Without an end it ends today.
    with pytest.raises(TooManyBucketsError):
        fill_buckets([], TimelineQuestion(interval=interval, from_ts=1), last_ts + 1)


@given(st.integers(0, MAX_INTEGER), st.integers(0, MAX_INTEGER))
def test_no_time_is_another_error(one: int, other: int) -> None:
    """Nobody can ask for a year that Python has no name for."""
    from_ts, until_ts = sorted((one, other))
    for interval in Interval:
        query = TimelineQuestion(
            interval=interval, from_ts=from_ts or None, until_ts=until_ts
        )
        _fill([DayUsage(from_ts // _DAY_MS, 1, 1)], query, now_ts=1)


def _fill(
    days: Sequence[DayUsage], query: TimelineQuestion, now_ts: int
) -> list[Bucket] | None:
    """The buckets; None if there would be too many."""
    try:
        return fill_buckets(days, query, now_ts)
    except TooManyBucketsError:
        return None


def _assert_right(
    buckets: list[Bucket], days: list[DayUsage], interval: Interval
) -> None:
    """There is no gap, and each day is in the bucket that it belongs to."""
    for bucket, following in pairwise(buckets):
        assert bucket.until_ts + 1 == following.from_ts == _midnight(following.date)
    for bucket in buckets:
        assert bucket.from_ts <= bucket.until_ts
        if interval is Interval.WEEK:
            assert bucket.date.isoweekday() == 1
        if interval is Interval.MONTH:
            assert bucket.date.day == 1
        held = [usage for usage in days if _holds(bucket, interval, usage.day)]
        assert bucket.media_count == sum(usage.media_count for usage in held)
        assert bucket.media_length == sum(usage.media_length for usage in held)
