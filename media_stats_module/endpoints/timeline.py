"""`timeline`: the age of the media that is stored now.

It is not a history: deleted media is missing from the past.
"""

from operator import attrgetter
from typing import TYPE_CHECKING

from media_stats_module.endpoints._description import JsonDict, List, Server, Write
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
    from media_stats_module.storage import MediaStatsStore, Page


async def _get_page(
    store: "MediaStatsStore", server: Server, question: TimelineQuestion
) -> "Page[Bucket, Timeline]":
    # Imports all of Synapse, which takes seconds.
    from media_stats_module.endpoints import buckets
    from media_stats_module.storage import Page

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
    return Page(timeline.buckets, timeline)


async def _export(
    store: "MediaStatsStore",
    server: Server,
    question: TimelineQuestion,
    write: "Write[Bucket]",
) -> "Timeline":
    page = await _get_page(store, server, question)
    await server.in_thread(write, iter(page.values))
    return page.end


def _get_more(
    question: TimelineQuestion, length: int, timeline: "Timeline"
) -> JsonDict:
    return {"before": timeline.before, "after": timeline.after}


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
    get_more=_get_more,
    has_limit=False,
    columns=lambda server, question: {
        "date": lambda bucket: bucket.date.isoformat(),
        "from_ts": attrgetter("from_ts"),
        "until_ts": attrgetter("until_ts"),
        "media_count": attrgetter("usage.media_count"),
        "media_length": attrgetter("usage.media_length"),
    },
)
