"""`duplicates`: the largest sets of identical files."""

from operator import attrgetter
from typing import TYPE_CHECKING

from media_stats_module.endpoints._counted import FROM, totals
from media_stats_module.endpoints._description import Answer, JsonDict, List, Server
from media_stats_module.endpoints.parameters import OWNER_AND_SOURCE, Limit
from media_stats_module.questions import DuplicatesQuestion

if TYPE_CHECKING:
    from media_stats_module.storage import DuplicatedFile, MediaStatsStore


async def _get_page(
    store: "MediaStatsStore", server: Server, question: DuplicatesQuestion
) -> "Answer[DuplicatedFile]":
    page = await store.get_duplicates_page(question)
    if page is None:
        return Answer((), _get_more(question, 0, None))
    return Answer(page.values, _get_more(question, len(page.values), page.total))


def _get_more(question: DuplicatesQuestion, length: int, total: int | None) -> JsonDict:
    # Without a total, this version of Synapse keeps no hashes.
    if total is None:
        return {"total": None}
    return totals(question, length, total)


DUPLICATES = List(
    name="duplicates",
    key="duplicates",
    help="sets of identical files, the largest waste first",
    parameters=(*OWNER_AND_SOURCE, FROM, Limit()),
    question=DuplicatesQuestion,
    get_page=_get_page,
    get_more=_get_more,
    export=lambda store, server, question, write: store.export_duplicates(
        question, write
    ),
    columns=lambda server, question: {
        "sha256": attrgetter("sha256"),
        "media_length": attrgetter("media_length"),
        "copies": attrgetter("copies"),
        "local_copies": attrgetter("local_copies"),
        "remote_copies": attrgetter("remote_copies"),
        "duplicate_length": attrgetter("duplicate_length"),
    },
)
