"""`summary`: the totals of the media store, by kind."""

from typing import TYPE_CHECKING

import attr

from media_stats_module.endpoints._description import (
    Document,
    JsonDict,
    Server,
)
from media_stats_module.endpoints.parameters import OWNER, Boolean
from media_stats_module.questions import SummaryQuestion

if TYPE_CHECKING:
    from media_stats_module.storage import MediaStatsStore


async def _answer(
    store: "MediaStatsStore", server: Server, question: SummaryQuestion
) -> JsonDict:
    summary = await store.get_summary(question)
    answer: JsonDict = {"total": summary.total}
    if local := summary.local:
        answer["local"] = {
            "total": local.total,
            "uploads": local.uploads,
            "url_previews": local.url_previews,
            "without_owner": local.without_owner,
            "thumbnails": local.thumbnails,
            "quarantined": local.quarantined,
            "protected": local.protected,
            "pending": {"media_count": local.pending},
            "users": local.users,
        }
    if remote := summary.remote:
        answer["remote"] = {
            "total": remote.total,
            "cached": remote.cached,
            "thumbnails": remote.thumbnails,
            "quarantined": remote.quarantined,
            "servers": remote.servers,
        }
    if question.duplicates:
        answer["duplicates"] = summary.duplicates
    if summary.account:
        answer["account"] = attr.asdict(summary.account)
    if question.limits:
        local_lifetime, remote_lifetime = server.media_retention()
        answer["limits"] = {
            "file_system": await server.in_thread(server.file_system),
            "media_retention": {
                "local_media_lifetime": local_lifetime,
                "remote_media_lifetime": remote_lifetime,
            },
            "url_preview_enabled": server.url_preview_enabled(),
        }
    return answer


SUMMARY = Document(
    name="summary",
    help="totals of the media store, by kind",
    parameters=(
        *OWNER,
        Boolean(
            name="duplicates",
            help="whether to add up duplicates (takes longer; default false)",
            default=False,
        ),
        Boolean(
            name="limits",
            help="whether to add the size of the file system, and the settings "
            "media_retention and url_preview_enabled (default false)",
            default=False,
        ),
    ),
    question=SummaryQuestion,
    answer=_answer,
)
