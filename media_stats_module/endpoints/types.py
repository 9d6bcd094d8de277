"""`types`: the amount of media of each media type, or of a few groups of types."""

from operator import attrgetter

from media_stats_module.endpoints._description import List
from media_stats_module.endpoints._totals import FROM, get_totals
from media_stats_module.endpoints.parameters import (
    ACCOUNTS,
    OWNER_AND_SOURCE,
    WINDOW,
    Boolean,
    Choice,
    Direction,
    Limit,
    default_to_local,
)
from media_stats_module.questions import TypesOrder, TypesQuestion

TYPES = List(
    name="types",
    help="media per media type, or per group of types",
    parameters=(
        *OWNER_AND_SOURCE,
        *ACCOUNTS,
        default_to_local,
        *WINDOW,
        Boolean(
            name="group",
            help="whether to list a few groups in place of the types (default false)",
            attribute="grouped",
            default=False,
        ),
        Choice(
            name="order_by",
            help="the sort key (default media_type)",
            choices={order.value: order for order in TypesOrder},
            default=TypesOrder.MEDIA_TYPE,
        ),
        Direction(),
        FROM,
        Limit(),
    ),
    question=TypesQuestion,
    get_page=lambda store, server, question: store.get_types_page(question),
    get_more=get_totals,
    export=lambda store, server, question, write: store.export_types(question, write),
    columns=lambda server, question: {
        "group" if question.grouped else "media_type": attrgetter("media_type"),
        "media_count": attrgetter("media_count"),
        "media_length": attrgetter("media_length"),
    },
)
