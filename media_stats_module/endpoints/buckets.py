"""The calendar of a timeline: days, weeks from Monday and months, in UTC.

Storage adds up media by day. Here the days become buckets without gaps, so that a
client can draw them as they are.

A file can have a wrong time: in seconds or microseconds, zero, negative, or from a
wrong clock. Such files must not stretch the timeline over centuries. So the timeline is
bounded at both ends, and counts the files outside.
"""

import datetime
from collections.abc import Iterator, Sequence

import attr

from media_stats_module.questions import MAX_INTEGER, Interval, TimelineQuestion
from media_stats_module.storage import DayUsage, Usage

# 27 years of days, in an answer of a megabyte.
MAX_BUCKETS = 10_000

_DAY_MS = 24 * 60 * 60 * 1000
_EPOCH = datetime.date(1970, 1, 1).toordinal()
# Matrix began in 2014. No file is older, whatever its time says.
_EARLIEST = datetime.date(2014, 1, 1).toordinal() - _EPOCH
# Python has no name for days after the year 9999, in which the last bucket may end.
_TOO_LATE = datetime.date(9999, 1, 1).toordinal() - _EPOCH

_NOTHING = Usage(0, 0)

_AT_MOST_DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 31}


class TooManyBucketsError(Exception):
    """The timeline would have more than `MAX_BUCKETS`, or some after the year 9998."""


@attr.frozen
class Bucket:
    """A day, week or month of a timeline.

    Attributes:
        date: its first day.
        from_ts: its first millisecond since the epoch, or that of the window.
        until_ts: its last millisecond, or that of the window.
        usage: the files that were created in it.
    """

    date: datetime.date
    from_ts: int
    until_ts: int
    usage: Usage


@attr.frozen
class Timeline:
    """Buckets, and the files outside of them: together, every file of the window.

    Attributes:
        buckets: without a gap, in order.
        before: the files of the window that are older than the first bucket.
        after: the files of the window that are newer than the last bucket.
    """

    buckets: Sequence[Bucket]
    before: Usage
    after: Usage


def make_timeline(
    days: Sequence[DayUsage], question: TimelineQuestion, now_ts: int
) -> Timeline:
    """Make a timeline from days.

    The first bucket is that of `from_ts`; without it, that of the first file since
    2014. The last bucket is that of `until_ts`; without it, that of now.

    Args:
        days: the days of the window that have files, in ascending order.
        question: the window, and the length of a bucket.
        now_ts: the time, in milliseconds since the epoch.

    Raises:
        TooManyBucketsError: the window is too long for buckets of this length.
    """
    dates = list(_bucket_days(days, question, now_ts // _DAY_MS))
    begin = dates[0][0] if dates else _EARLIEST
    end = dates[-1][1] if dates else _EARLIEST

    before = after = _NOTHING
    usages: dict[int, Usage] = {}
    for day in days:
        usage = Usage(day.media_count, day.media_length)
        if day.day < begin:
            before += usage
        elif day.day >= end:
            after += usage
        else:
            start = _start(day.day, question.interval)
            usages[start] = usages.get(start, _NOTHING) + usage

    # A week may begin before the epoch, but no request can.
    from_ts = question.from_ts or 0
    until_ts = MAX_INTEGER if question.until_ts is None else question.until_ts
    buckets = [
        Bucket(
            datetime.date.fromordinal(_EPOCH + start),
            max(start * _DAY_MS, from_ts),
            min(following * _DAY_MS - 1, until_ts),
            usages.get(start, _NOTHING),
        )
        for start, following in dates
    ]
    return Timeline(buckets, before, after)


def _bucket_days(
    days: Sequence[DayUsage], question: TimelineQuestion, today: int
) -> Iterator[tuple[int, int]]:
    """For each bucket, its first day and that of the next one."""
    last = today if question.until_ts is None else question.until_ts // _DAY_MS
    if question.from_ts is not None:
        first = question.from_ts // _DAY_MS
        last = max(first, last)
    else:
        known = [day.day for day in days if _EARLIEST <= day.day <= last]
        if not known:
            return
        first = known[0]
    if last >= _TOO_LATE:
        raise TooManyBucketsError

    start = _start(first, question.interval)
    for _ in range(MAX_BUCKETS):
        following = _start(start + _AT_MOST_DAYS[question.interval], question.interval)
        yield start, following
        if following > last:
            return
        start = following
    raise TooManyBucketsError


def _start(day: int, interval: Interval) -> int:
    """The first day of the bucket that contains a day. Day 0 was a Thursday."""
    if interval is Interval.WEEK:
        return day - (day + 3) % 7
    if interval is Interval.MONTH:
        return day - datetime.date.fromordinal(_EPOCH + day).day + 1
    return day
