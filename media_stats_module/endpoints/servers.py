"""`servers`: the amount of cached media of each other server."""

from operator import attrgetter

from media_stats_module.endpoints._counted import FROM, counted_list
from media_stats_module.endpoints.parameters import (
    WINDOW,
    Choice,
    Direction,
    Limit,
    Text,
)
from media_stats_module.questions import OwnersOrder, OwnersQuestion

SERVERS = counted_list(
    name="servers",
    help="cached remote media per server",
    parameters=(
        Choice(
            name="order_by",
            help="the sort key (default server_name)",
            choices={
                "media_length": OwnersOrder.MEDIA_LENGTH,
                "media_count": OwnersOrder.MEDIA_COUNT,
                "server_name": OwnersOrder.OWNER,
            },
            default=OwnersOrder.OWNER,
        ),
        FROM,
        Limit(),
        *WINDOW,
        Text(
            name="search_term",
            help="only servers whose name contains this text",
            is_bounded=False,
        ),
        Direction(),
    ),
    question=OwnersQuestion,
    get_page=lambda store, question: store.get_servers_page(question),
    export=lambda store, question, write: store.export_servers(question, write),
    columns=lambda question: {
        "server_name": attrgetter("owner"),
        "media_count": attrgetter("media_count"),
        "media_length": attrgetter("media_length"),
    },
)
