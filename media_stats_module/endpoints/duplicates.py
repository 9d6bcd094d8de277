"""`duplicates`: the largest sets of identical files."""

from operator import attrgetter

from media_stats_module.endpoints._description import List
from media_stats_module.endpoints._totals import FROM, get_totals
from media_stats_module.endpoints.parameters import OWNER_AND_SOURCE, Limit
from media_stats_module.questions import DuplicatesQuestion

DUPLICATES = List(
    name="duplicates",
    help="sets of identical files, the largest waste first",
    parameters=(*OWNER_AND_SOURCE, FROM, Limit()),
    question=DuplicatesQuestion,
    get_page=lambda store, server, question: store.get_duplicates_page(question),
    get_more=get_totals,
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
