"""`appservices`: how much media the users of each application service have here."""

from operator import attrgetter

from media_stats_module.endpoints._description import List
from media_stats_module.endpoints._totals import FROM, get_totals
from media_stats_module.endpoints.parameters import WINDOW, Choice, Direction, Limit
from media_stats_module.questions import AppservicesOrder, AppservicesQuestion

APPSERVICES = List(
    name="appservices",
    help="local media of each application service's users, and of people",
    parameters=(
        Choice(
            name="order_by",
            help="the sort key (default media_length)",
            choices={order.value: order for order in AppservicesOrder},
            default=AppservicesOrder.MEDIA_LENGTH,
        ),
        Direction(
            help="f: the smallest first; b: the largest first (default)", default=True
        ),
        FROM,
        Limit(),
        *WINDOW,
    ),
    question=AppservicesQuestion,
    get_page=lambda store, server, question: store.get_appservices_page(question),
    get_more=get_totals,
    export=lambda store, server, question, write: store.export_appservices(
        question, write
    ),
    columns=lambda server, question: {
        "appservice_id": attrgetter("appservice_id"),
        "has_account": attrgetter("has_account"),
        "users": attrgetter("users"),
        "media_count": attrgetter("media_count"),
        "media_length": attrgetter("media_length"),
        "deactivated_users": attrgetter("deactivated_users"),
        "deactivated_media_count": attrgetter("deactivated_media_count"),
        "deactivated_media_length": attrgetter("deactivated_media_length"),
    },
)
