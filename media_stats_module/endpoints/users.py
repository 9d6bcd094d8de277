"""`users`: the amount of media of each user, the endpoint that Synapse documents.

Names, defaults and errors of the parameters are those of Synapse's Admin API
documentation (v1.75, *Users' media usage statistics*) and of its implementation. The
filters of accounts are the module's own.
"""

from operator import attrgetter

from media_stats_module.endpoints._description import List
from media_stats_module.endpoints._owners import owners_parameters
from media_stats_module.endpoints._totals import get_totals
from media_stats_module.endpoints.parameters import ACCOUNTS
from media_stats_module.questions import OwnersOrder, OwnersQuestion

USERS = List(
    name="users",
    help="local media per user",
    is_documented=True,
    parameters=(
        *owners_parameters(
            "user_id",
            search_help="only users whose localpart or displayname contains this text, "
            "or whose user ID it is",
            more_orders={"displayname": OwnersOrder.DISPLAYNAME},
        ),
        *ACCOUNTS,
    ),
    question=OwnersQuestion,
    get_page=lambda store, server, question: store.get_users_page(question),
    get_more=get_totals,
    export=lambda store, server, question, write: store.export_users(question, write),
    columns=lambda server, question: {
        "user_id": attrgetter("owner"),
        "displayname": attrgetter("displayname"),
        "media_count": attrgetter("media_count"),
        "media_length": attrgetter("media_length"),
    },
)
