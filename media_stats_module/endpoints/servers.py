"""`servers`: the amount of cached media of each other server."""

from operator import attrgetter

from media_stats_module.endpoints._description import List
from media_stats_module.endpoints._owners import owners_parameters
from media_stats_module.endpoints._totals import get_totals
from media_stats_module.questions import OwnersQuestion

SERVERS = List(
    name="servers",
    help="cached remote media per server",
    parameters=owners_parameters(
        "server_name",
        search_help="only servers whose name contains this text",
    ),
    question=OwnersQuestion,
    get_page=lambda store, server, question: store.get_servers_page(question),
    get_more=get_totals,
    export=lambda store, server, question, write: store.export_servers(question, write),
    columns=lambda server, question: {
        "server_name": attrgetter("owner"),
        "media_count": attrgetter("media_count"),
        "media_length": attrgetter("media_length"),
    },
)
