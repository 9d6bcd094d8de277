"""The calendar of a timeline: days, weeks from Monday and months, in UTC.

Whoever counts does so by day; days are put together here. Days, weeks and months
with nothing in them are filled in, so that the result can be drawn as it is.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence

import attr

from media_stats_module.query import Interval, TimelineQuery
from media_stats_module.storage import DayUsage

# 27 years of days, in an answer of a megabyte.
MAX_BUCKETS = 10_000

_DAY_MS = 24 * 60 * 60 * 1000
_EPOCH = datetime.date(1970, 1, 1).toordinal()
# Days that Python can name, and a year to spare for the end of a bucket.
_DAYS = range(1 - _EPOCH, datetime.date(9999, 1, 1).toordinal() - _EPOCH)

_AT_MOST_DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31}


class TooManyBucketsError(Exception):
    """There would be more than `MAX_BUCKETS`, or some beyond the year 9998."""


@attr.s(auto_attribs=True, frozen=True, slots=True)
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
    days: Sequence[DayUsage], query: TimelineQuery, now_ts: int
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

    counts: dict[datetime.date, int] = defaultdict(int)
    lengths: dict[datetime.date, int] = defaultdict(int)
    for day in days:
        date = _first_date(day.day, query.interval)
        counts[date] += day.media_count
        lengths[date] += day.media_length

    buckets: list[Bucket] = []
    for date, following in _dates(first, last, query.interval):
        if len(buckets) == MAX_BUCKETS:
            raise TooManyBucketsError
        until_ts = _start_ts(following) - 1
        buckets.append(
            Bucket(
                date=date,
                from_ts=max(_start_ts(date), query.from_ts or 0),
                until_ts=min(until_ts, query.until_ts or until_ts),
                media_count=counts[date],
                media_length=lengths[date],
            )
        )
    return buckets


def _dates(
    first: int, last: int, interval: Interval
) -> Iterator[tuple[datetime.date, datetime.date]]:
    """Each bucket's first date, and the next one's."""
    end = datetime.date.fromordinal(_EPOCH + last)
    date = _first_date(first, interval)
    while date <= end:
        day = date.toordinal() - _EPOCH
        following = _first_date(day + _AT_MOST_DAYS[interval], interval)
        yield date, following
        date = following


def _first_date(day: int, interval: Interval) -> datetime.date:
    """The first date of the bucket in which a day is."""
    date = datetime.date.fromordinal(_EPOCH + day)
    if interval is Interval.WEEK:
        return date - datetime.timedelta(days=date.weekday())
    if interval is Interval.MONTH:
        return date.replace(day=1)
    return date


def _start_ts(date: datetime.date) -> int:
    return (date.toordinal() - _EPOCH) * _DAY_MS
