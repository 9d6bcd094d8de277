"""The parameters of Synapse's own deletion APIs, with its checks and error texts."""

from media_stats_module.endpoints.parameters import (
    Boolean,
    Integer,
    InvalidParameterError,
    Parameters,
    Values,
    assert_in_bounds,
)
from media_stats_module.questions import MAX_INTEGER, DeletionRules, Source

# December 1970 in milliseconds. Synapse refuses an earlier time as a mistake.
_FIRST_BEFORE_TS = 30_000_000_000


def deletion_parameters(name: str, help_text: str) -> Parameters:
    """The parameters of a deletion.

    Args:
        name: the name here of the parameter that Synapse calls `before_ts`.
        help_text: the help for it.
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
        if (size_gt := values["size_gt"]) is not None:
            # Before 1.110, Synapse checks last that it is not negative.
            assert_in_bounds("size_gt", size_gt)

    return (
        Integer(name=name, help=help_text, attribute="before_ts", is_bounded=False),
        Integer(
            name="size_gt",
            help="only local files of more than this many bytes",
            is_bounded=False,
        ),
        Boolean(
            name="keep_profiles",
            help="whether to keep local files that are avatars (default true)",
        ),
        check,
    )


def read_rules(values: Values) -> DeletionRules:
    """Read the parameters of a deletion besides the time.

    Raises:
        InvalidParameterError: a parameter has no effect on this media.
    """
    rules = {}
    for name in ("size_gt", "keep_profiles"):
        value = values.pop(name)
        if value is None:
            continue
        if values["source"] is Source.REMOTE:
            raise InvalidParameterError(
                f"Query parameter {name} goes with source=local only: what Synapse "
                "deletes of remote media depends on the time alone."
            )
        rules[name] = value
    return DeletionRules(**rules)
