"""`timeline`: the age of the media that is stored now.

It is not a history: deleted media is missing from the past.
"""

from operator import attrgetter
from typing import TYPE_CHECKING

from media_stats_module.endpoints._description import Answer, List, Server, Write
from media_stats_module.endpoints.parameters import (
    ACCOUNTS,
    OWNER_AND_SOURCE,
    WINDOW,
    Choice,
    InvalidParameterError,
    default_to_local,
)
from media_stats_module.questions import Interval, TimelineQuestion

if TYPE_CHECKING:
    from media_stats_module.endpoints.buckets import Bucket, Timeline
    from media_stats_module.storage import MediaStatsStore


async def _get_page(
    store: "MediaStatsStore", server: Server, question: TimelineQuestion
) -> "Answer[Bucket]":
    timeline = await _get_timeline(store, server, question)
    more = {"before": timeline.before, "after": timeline.after}
    return Answer(timeline.buckets, more)


async def _export(
    store: "MediaStatsStore",
    server: Server,
    question: TimelineQuestion,
    write: "Write[Bucket]",
) -> None:
    timeline = await _get_timeline(store, server, question)
    await server.in_thread(write, iter(timeline.buckets))


async def _get_timeline(
    store: "MediaStatsStore", server: Server, question: TimelineQuestion
) -> "Timeline":
    # Imports all of storage and Synapse, which takes seconds.
    from media_stats_module.endpoints import buckets

    days = await store.get_days(question)
    try:
        # Takes 30 ms for the largest number of buckets.
        timeline: Timeline = await server.in_thread(
            buckets.make_timeline, days, question, server.now_ts()
        )
    except buckets.TooManyBucketsError:
        raise InvalidParameterError(
            f"The timeline would have more than {buckets.MAX_BUCKETS} parts. Ask for "
            "less with from_ts and until_ts, or for longer parts with interval."
        ) from None
    return timeline


TIMELINE = List(
    name="timeline",
    key="buckets",
    help="the media stored now, by the day, week or month it was created",
    parameters=(
        *OWNER_AND_SOURCE,
        *ACCOUNTS,
        default_to_local,
        *WINDOW,
        Choice(
            name="interval",
            help="the length of a bucket (default day)",
            choices={interval.value: interval for interval in Interval},
            default=Interval.DAY,
        ),
    ),
    question=TimelineQuestion,
    get_page=_get_page,
    export=_export,
    columns=lambda server, question: {
        "date": lambda bucket: bucket.date.isoformat(),
        "from_ts": attrgetter("from_ts"),
        "until_ts": attrgetter("until_ts"),
        "media_count": attrgetter("usage.media_count"),
        "media_length": attrgetter("usage.media_length"),
    },
)
