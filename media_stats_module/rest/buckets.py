"""The calendar of a timeline: days, weeks from Monday and months, in UTC.

Whoever counts does so by day; days are put together here. Days, weeks and months
with nothing in them are filled in, so that the result can be drawn as it is.
"""

import datetime
from collections.abc import Iterator, Sequence

import attr

from media_stats_module.questions import MAX_INTEGER, Interval, TimelineQuestion
from media_stats_module.storage import DayUsage

# 27 years of days, in an answer of a megabyte.
MAX_BUCKETS = 10_000

_DAY_MS = 24 * 60 * 60 * 1000
_EPOCH = datetime.date(1970, 1, 1).toordinal()
# Days that Python can name, and a year to spare for the end of a bucket.
_DAYS = range(1 - _EPOCH, datetime.date(9999, 1, 1).toordinal() - _EPOCH)

_NOTHING = (0, 0)

_AT_MOST_DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31}


class TooManyBucketsError(Exception):
    """There would be more than `MAX_BUCKETS`, or some beyond the year 9998."""


@attr.frozen
class Bucket:
    """A day, week or month of a timeline.

    Attributes:
        date: its first day.
        from_ts: the first millisecond since the epoch of the part of it that was
            asked for.
        until_ts: the last millisecond of that part.
        media_count: how many files were created in it.
        media_length: how many bytes they are together.
    """

    date: datetime.date
    from_ts: int
    until_ts: int
    media_count: int
    media_length: int


def fill_buckets(
    days: Sequence[DayUsage], query: TimelineQuestion, now_ts: int
) -> list[Bucket]:
    """Put days together to what was asked for, without a gap.

    The first bucket is that of `from_ts`, or else of the first day; the last is that
    of `until_ts`, or else of today, or of the last day if that is later.

    Args:
        days: what was counted, in ascending order. Empty days may be missing.
        query: what is asked.
        now_ts: the time, in milliseconds since the epoch.

    Raises:
        TooManyBucketsError: it would take too many.
    """
    if query.from_ts is not None:
        first = query.from_ts // _DAY_MS
    elif days:
        first = days[0].day
    else:
        return []
    if query.until_ts is not None:
        last = query.until_ts // _DAY_MS
    else:
        last = max(first, now_ts // _DAY_MS, *(day.day for day in days[-1:]))
    if first not in _DAYS or last not in _DAYS:
        raise TooManyBucketsError

    usages: dict[int, tuple[int, int]] = {}
    for day in days:
        start = _start(day.day, query.interval)
        count, length = usages.get(start, _NOTHING)
        usages[start] = (count + day.media_count, length + day.media_length)

    # A week may begin before the epoch, but no request can.
    from_ts = query.from_ts or 0
    until_ts = MAX_INTEGER if query.until_ts is None else query.until_ts
    buckets: list[Bucket] = []
    for start, following in _starts(first, last, query.interval):
        if len(buckets) == MAX_BUCKETS:
            raise TooManyBucketsError
        buckets.append(
            Bucket(
                datetime.date.fromordinal(_EPOCH + start),
                max(start * _DAY_MS, from_ts),
                min(following * _DAY_MS - 1, until_ts),
                *usages.get(start, _NOTHING),
            )
        )
    return buckets


def _starts(first: int, last: int, interval: Interval) -> Iterator[tuple[int, int]]:
    """The day on which each bucket starts, and on which the next one does."""
    start = _start(first, interval)
    at_most = _AT_MOST_DAYS[interval]
    while start <= last:
        following = _start(start + at_most, interval)
        yield start, following
        start = following


def _start(day: int, interval: Interval) -> int:
    """The day on which the bucket of a day starts. Day 0 was a Thursday."""
    if interval is Interval.WEEK:
        return day - (day + 3) % 7
    if interval is Interval.MONTH:
        return day - datetime.date.fromordinal(_EPOCH + day).day + 1
    return day
