"""`/v1/timeline`: the age of the media that is stored now."""

from http import HTTPStatus

from synapse.module_api import JsonDict, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.rest._base import usage_body
from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource
from media_stats_module.rest.buckets import (
    MAX_BUCKETS,
    Bucket,
    Timeline,
    TooManyBucketsError,
    make_timeline,
)
from media_stats_module.rest.parameters import parse_timeline_question
from media_stats_module.synapse_internals import current_time_ms

_COLUMNS = ("date", "from_ts", "until_ts", "media_count", "media_length")


class TimelineMediaStatsResource(ListResource):
    """Adds up the stored media by the day, week or month in which it was created.

    It is no history: deleted media is missing from the past.
    """

    async def answer(self, request: SynapseRequest) -> JsonDict:
        timeline = await self._timeline(request)
        return {
            "buckets": Rows(timeline.buckets, _row),
            "before": usage_body(timeline.before),
            "after": usage_body(timeline.after),
        }

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        timeline = await self._timeline(request)
        await self._api.defer_to_thread(file.writer(_COLUMNS, _row), timeline.buckets)
        return "timeline"

    async def _timeline(self, request: SynapseRequest) -> Timeline:
        question = parse_timeline_question(request)
        days = await self._store.get_days(question)
        now_ts = current_time_ms(self._api)
        try:
            # 30 ms for as many buckets as there can be.
            return await self._api.defer_to_thread(
                make_timeline, days, question, now_ts
            )
        except TooManyBucketsError:
            raise SynapseError(
                HTTPStatus.BAD_REQUEST,
                f"The timeline would have more than {MAX_BUCKETS} parts. Ask for less "
                "with from_ts and until_ts, or for longer parts with interval.",
                Codes.INVALID_PARAM,
            ) from None


def _row(bucket: Bucket) -> JsonDict:
    return {
        "date": bucket.date.isoformat(),
        "from_ts": bucket.from_ts,
        "until_ts": bucket.until_ts,
        **usage_body(bucket.usage),
    }
