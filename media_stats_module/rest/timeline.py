"""`/v1/timeline`: how much media was created when."""

from collections.abc import Sequence
from http import HTTPStatus

from synapse.module_api import JsonDict, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.rest._csv import CsvFile
from media_stats_module.rest._json import Rows
from media_stats_module.rest._list import ListResource
from media_stats_module.rest.buckets import (
    MAX_BUCKETS,
    Bucket,
    TooManyBucketsError,
    fill_buckets,
)
from media_stats_module.rest.parameters import parse_timeline_query
from media_stats_module.synapse_internals import current_time_ms

_BUCKET = ("date", "from_ts", "until_ts", "media_count", "media_length")


class TimelineMediaStatsResource(ListResource):
    """Adds up what was created each day, week or month."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        buckets = await self._buckets(request)
        return {"buckets": Rows(buckets, _bucket)}

    async def export(self, request: SynapseRequest, file: CsvFile) -> str:
        buckets = await self._buckets(request)
        await self._api.defer_to_thread(file.writer(_BUCKET, _bucket), buckets)
        return "timeline"

    async def _buckets(self, request: SynapseRequest) -> Sequence[Bucket]:
        query = parse_timeline_query(request)
        days = await self._store.get_days(query)
        now_ts = current_time_ms(self._api)
        try:
            # 30 ms for as many as there can be.
            return await self._api.defer_to_thread(fill_buckets, days, query, now_ts)
        except TooManyBucketsError:
            raise SynapseError(
                HTTPStatus.BAD_REQUEST,
                f"The timeline would have more than {MAX_BUCKETS} parts. Ask for less "
                "with from_ts and until_ts, or for longer parts with interval.",
                Codes.INVALID_PARAM,
            ) from None


def _bucket(bucket: Bucket) -> JsonDict:
    return {
        "date": bucket.date.isoformat(),
        "from_ts": bucket.from_ts,
        "until_ts": bucket.until_ts,
        "media_count": bucket.media_count,
        "media_length": bucket.media_length,
    }
