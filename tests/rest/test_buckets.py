"""The calendar of a timeline, from its first day to its last.

test_timeline.py and test_media_properties.py test it with a database.
"""

import datetime
from collections.abc import Iterable, Sequence
from itertools import pairwise

import attr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_stats_module.endpoints.buckets import (
    MAX_BUCKETS,
    Bucket,
    Timeline,
    TooManyBucketsError,
    make_timeline,
)
from media_stats_module.questions import MAX_INTEGER, Interval, TimelineQuestion
from media_stats_module.storage import DayUsage, Usage

# The days of a calendar.
pytestmark = pytest.mark.once

_DAY_MS = 86_400_000

# The days that Python has a name for.
_NAMED_DAYS = tuple(
    (date - datetime.date(1970, 1, 1)).days
    for date in (datetime.date.min, datetime.date.max)
)

_EARLIEST = (datetime.date(2014, 1, 1) - datetime.date(1970, 1, 1)).days

# First and last days of a week, a month, a year, a leap year and a century.
_DAYS = st.one_of(
    st.integers(0, 20_000),
    st.dates(datetime.date(1970, 1, 1), datetime.date(2400, 1, 1)).map(
        lambda date: date.toordinal() - datetime.date(1970, 1, 1).toordinal()
    ),
)

# Also wrong times: before 1970, and in microseconds.
_ANY_DAYS = st.one_of(
    _DAYS,
    st.integers(_EARLIEST - 40, _EARLIEST + 40),
    st.integers(-(2**63) // 86_400_000, 2**63 // 86_400_000),
)

_USAGES = st.builds(
    DayUsage, _ANY_DAYS, st.integers(1, 2**40), st.integers(0, MAX_INTEGER)
)


def _midnight(date: datetime.date) -> int:
    """Computed another way than in the code."""
    moment = datetime.datetime(
        date.year, date.month, date.day, tzinfo=datetime.timezone.utc
    )
    return round(moment.timestamp()) * 1000


def _holds(bucket: Bucket, interval: Interval, day: int) -> bool:
    """Whether a day is in the same day, week or month as the first day of a bucket."""
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
    """From the first file since 2014 to now."""
    days.sort(key=lambda usage: usage.day)
    question = TimelineQuestion(interval=interval)
    timeline = _make(days, question, now_day * _DAY_MS + 1)

    known = [usage.day for usage in days if _EARLIEST <= usage.day <= now_day]
    if timeline is None:
        most = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31}[interval]
        assert (now_day - known[0]) // most >= MAX_BUCKETS - 800
    elif known:
        _assert_right(timeline, days, interval)
        assert _holds(timeline.buckets[0], interval, known[0])
        assert _holds(timeline.buckets[-1], interval, now_day)
        assert timeline.buckets[0].from_ts == _midnight(timeline.buckets[0].date)
    else:
        assert timeline == Timeline(
            [],
            before=_sum(usage for usage in days if usage.day < _EARLIEST),
            after=_sum(usage for usage in days if usage.day >= _EARLIEST),
        )


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize(
    "created_ts",
    [
        pytest.param(0, id="zero"),
        pytest.param(-1, id="negative"),
        pytest.param(-(2**63), id="smallest"),
        pytest.param(1_750_000_000, id="seconds"),
        pytest.param(1_750_000_000_000_000, id="microseconds"),
        pytest.param(2**63 - 1, id="largest"),
        pytest.param(4_300_000_000_000, id="year 2106"),
    ],
)
def test_one_wrong_time(interval: Interval, created_ts: int) -> None:
    """A file with a wrong time does not change the timeline, and is counted."""
    now_ts = 1_764_000_000_000
    today = now_ts // _DAY_MS
    days = [DayUsage(today - 40, 1, 10), DayUsage(today - 3, 2, 20)]
    wrong = DayUsage(created_ts // _DAY_MS, 1, 5)
    both = sorted([*days, wrong], key=lambda usage: usage.day)
    for question in (
        TimelineQuestion(interval=interval),
        TimelineQuestion(interval=interval, from_ts=now_ts - 50 * _DAY_MS),
    ):
        without = make_timeline(days, question, now_ts)
        timeline = make_timeline(both, question, now_ts)
        assert timeline.buckets == without.buckets
        outside = (timeline.before, timeline.after)
        counted, nothing = Usage(1, 5), Usage(0, 0)
        is_old = created_ts < now_ts
        assert outside == ((counted, nothing) if is_old else (nothing, counted))


def test_window_in_the_future() -> None:
    """Without an end there is one bucket; files behind it count as `after`."""
    day = 40_000
    question = TimelineQuestion(from_ts=day * _DAY_MS + 1)
    days = [DayUsage(day, 1, 1), DayUsage(day + 1, 1, 2)]
    timeline = make_timeline(days, question, now_ts=0)
    assert [bucket.usage for bucket in timeline.buckets] == [Usage(1, 1)]
    assert (timeline.before, timeline.after) == (Usage(0, 0), Usage(1, 2))


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
    """The window's ends are those of the first and the last bucket."""
    from_ts, until_ts = ends
    in_window = st.integers(from_ts // _DAY_MS, until_ts // _DAY_MS)
    days = [
        DayUsage(day, 1, day)
        for day in sorted(data.draw(st.sets(in_window, max_size=4)))
    ]
    question = TimelineQuestion(interval=interval, from_ts=from_ts, until_ts=until_ts)
    timeline = _make(days, question, now_ts=0)

    if timeline is not None:
        buckets = timeline.buckets
        _assert_right(timeline, days, interval)
        assert buckets[-1].until_ts == until_ts
        assert _holds(buckets[-1], interval, until_ts // _DAY_MS)
        assert buckets[0].from_ts == from_ts
        assert _holds(buckets[0], interval, from_ts // _DAY_MS)
        assert timeline.before == timeline.after == Usage(0, 0)


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
    question = TimelineQuestion(interval=interval, from_ts=from_ts, until_ts=last_ts)
    assert len(make_timeline([], question, 0).buckets) == MAX_BUCKETS

    question = attr.evolve(question, until_ts=last_ts + 1)
    with pytest.raises(TooManyBucketsError):
        make_timeline([], question, 0)
    # Without an end, it ends today.
    question = attr.evolve(question, until_ts=None)
    with pytest.raises(TooManyBucketsError):
        make_timeline([], question, last_ts + 1)


def test_after_the_year_9998() -> None:
    """Python has no name for the end of a later year."""
    first_of_9999 = _midnight(datetime.date(9999, 1, 1))
    for interval in Interval:
        question = TimelineQuestion(
            interval=interval,
            from_ts=first_of_9999 - 1,
            until_ts=first_of_9999,
        )
        with pytest.raises(TooManyBucketsError):
            make_timeline([], question, 0)
        with pytest.raises(TooManyBucketsError):
            make_timeline([], attr.evolve(question, from_ts=first_of_9999), 0)
        last = attr.evolve(question, until_ts=first_of_9999 - 1, from_ts=1 * _DAY_MS)
        last = attr.evolve(last, from_ts=first_of_9999 - 2)
        (bucket,) = make_timeline([], last, 0).buckets
        assert bucket.date.year == 9998


@given(st.integers(0, MAX_INTEGER), st.integers(0, MAX_INTEGER))
def test_no_time_is_another_error(one: int, other: int) -> None:
    """No request can name a year that Python has no name for."""
    from_ts, until_ts = sorted((one, other))
    for interval in Interval:
        question = TimelineQuestion(
            interval=interval, from_ts=from_ts or None, until_ts=until_ts
        )
        _make([DayUsage(from_ts // _DAY_MS, 1, 1)], question, now_ts=1)


def _make(
    days: Sequence[DayUsage], question: TimelineQuestion, now_ts: int
) -> Timeline | None:
    """Make the timeline; None if it would have too many buckets."""
    try:
        return make_timeline(days, question, now_ts)
    except TooManyBucketsError:
        return None


def _sum(days: Iterable[DayUsage]) -> Usage:
    total = Usage(0, 0)
    for day in days:
        total += Usage(day.media_count, day.media_length)
    return total


def _assert_right(timeline: Timeline, days: list[DayUsage], interval: Interval) -> None:
    """Check that there is no gap, and that each day is in its own bucket."""
    buckets = timeline.buckets
    for bucket, following in pairwise(buckets):
        assert bucket.until_ts + 1 == following.from_ts == _midnight(following.date)
    for bucket in buckets:
        assert bucket.from_ts <= bucket.until_ts
        if interval is Interval.WEEK:
            assert bucket.date.isoweekday() == 1
        if interval is Interval.MONTH:
            assert bucket.date.day == 1
        assert bucket.usage == _sum(
            day
            for day in days
            if _NAMED_DAYS[0] <= day.day <= _NAMED_DAYS[1]
            and _holds(bucket, interval, day.day)
        )
    counted = timeline.before + timeline.after
    for bucket in buckets:
        counted += bucket.usage
    assert counted == _sum(days)
