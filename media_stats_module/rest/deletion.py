"""The parameters that say what a deletion of Synapse's own would be told."""

from synapse.module_api import SynapseRequest

from media_stats_module.questions import MAX_INTEGER, Deletion, DeletionRules
from media_stats_module.rest._parse import invalid_parameter, parse_integer_or
from media_stats_module.synapse_internals import parse_boolean, parse_integer

# In milliseconds that is December 1970. Synapse takes less for a mistake.
_FIRST_BEFORE_TS = 30_000_000_000


def parse_deletion(
    request: SynapseRequest, name: str
) -> tuple[int | None, DeletionRules]:
    """Read a deletion, with the checks of Synapse's own API, in its order and words.

    Args:
        request: has the parameters.
        name: the name here of the parameter that Synapse calls `before_ts`.

    Returns:
        the time, None if it is not given; and the other parameters.

    Raises:
        SynapseError: 400, one is wrong.
    """
    before_ts = parse_integer(request, name)
    # Before 1.110 Synapse sees last that it is negative.
    parse_integer(request, "size_gt")
    keep_profiles = parse_boolean(request, "keep_profiles", default=True)
    if before_ts is not None:
        if before_ts < 0:
            # Since 1.110 Synapse's function refuses them.
            raise invalid_parameter(
                f"Query parameter {name} must be a positive integer."
            )
        if before_ts < _FIRST_BEFORE_TS:
            raise invalid_parameter(
                f"Query parameter {name} you provided is from the year 1970. Double "
                "check that you are providing a timestamp in milliseconds."
            )
        if before_ts > MAX_INTEGER:
            raise invalid_parameter(
                f"Query parameter {name} must be an integer from 0 to {MAX_INTEGER}."
            )
    size_gt = parse_integer_or(request, "size_gt", 0)
    return before_ts, DeletionRules(size_gt=size_gt, keep_profiles=keep_profiles)


def parse_files_deletion(request: SynapseRequest) -> Deletion | None:
    """Read the deletion whose files are to be listed; None if there is none.

    Raises:
        SynapseError: 400, a parameter is wrong.
    """
    before_ts, rules = parse_deletion(request, "reclaimable_before_ts")
    if before_ts is None:
        return None
    return Deletion(
        before_ts=before_ts, size_gt=rules.size_gt, keep_profiles=rules.keep_profiles
    )
