"""Synapse's own checks of the parameters of a request."""

from media_stats_module.endpoints import Checks
from media_stats_module.synapse_internals import (
    parse_boolean_from_args,
    parse_direction_from_args,
    parse_integer_from_args,
    parse_string_from_args,
)

# Errors have the words of the running version of Synapse.
SYNAPSE_CHECKS = Checks(
    integer=parse_integer_from_args,
    boolean=parse_boolean_from_args,
    string=parse_string_from_args,
    direction=parse_direction_from_args,
)
