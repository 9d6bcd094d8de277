"""The parameters that lists of owners share, in the order in which Synapse checks."""

from collections.abc import Mapping

from media_stats_module.endpoints._totals import FROM
from media_stats_module.endpoints.parameters import (
    WINDOW,
    Choice,
    Direction,
    Limit,
    Parameters,
    Text,
)
from media_stats_module.questions import OwnersOrder


def owners_parameters(
    owner: str, *, search_help: str, more_orders: Mapping[str, OwnersOrder] = {}
) -> Parameters:
    """The parameters of a list of owners.

    Args:
        owner: the name of the column with the owner, which is the default sort key.
        search_help: the help for `search_term`.
        more_orders: the sort keys that other lists of owners do not have, by name.
    """
    orders = {
        "media_length": OwnersOrder.MEDIA_LENGTH,
        "media_count": OwnersOrder.MEDIA_COUNT,
        owner: OwnersOrder.OWNER,
        **more_orders,
    }
    return (
        Choice(
            name="order_by",
            help=f"the sort key (default {owner})",
            choices=orders,
            default=OwnersOrder.OWNER,
        ),
        FROM,
        Limit(),
        *WINDOW,
        Text(name="search_term", help=search_help, is_bounded=False),
        Direction(),
    )
