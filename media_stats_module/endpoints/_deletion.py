"""The parameters of Synapse's own deletion APIs, with their checks, order and words."""

from media_stats_module.endpoints.parameters import (
    Boolean,
    Integer,
    InvalidParameterError,
    Parameters,
    Values,
    assert_in_bounds,
)
from media_stats_module.questions import MAX_INTEGER

# In milliseconds that is December 1970. Synapse takes less for a mistake.
_FIRST_BEFORE_TS = 30_000_000_000


def deletion_parameters(name: str, help_text: str) -> Parameters:
    """The parameters of a deletion.

    Args:
        name: the name here of the parameter that Synapse calls `before_ts`.
        help_text: what that is for.
    """

    def check(values: Values) -> None:
        before_ts = values["before_ts"]
        if before_ts is not None:
            if before_ts < 0:
                # Since 1.110 Synapse's function refuses them.
                raise InvalidParameterError(
                    f"Query parameter {name} must be a positive integer."
                )
            if before_ts < _FIRST_BEFORE_TS:
                raise InvalidParameterError(
                    f"Query parameter {name} you provided is from the year 1970. "
                    "Double check that you are providing a timestamp in milliseconds."
                )
            if before_ts > MAX_INTEGER:
                raise InvalidParameterError(
                    f"Query parameter {name} must be an integer from 0 to "
                    f"{MAX_INTEGER}."
                )
        # Before 1.110 Synapse sees last that it is negative.
        assert_in_bounds("size_gt", values["size_gt"])

    return (
        Integer(name=name, help=help_text, attribute="before_ts", is_bounded=False),
        Integer(
            name="size_gt",
            help="only local files of more than this many bytes",
            default=0,
            is_bounded=False,
        ),
        Boolean(
            name="keep_profiles",
            help="whether to keep local files that are avatars (default true)",
            default=True,
        ),
        check,
    )
