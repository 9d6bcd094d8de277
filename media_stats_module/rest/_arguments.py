"""Synapse's own checks of the parameters of a request."""

from typing import Any

import attr
from synapse.module_api.errors import SynapseError

from media_stats_module.endpoints import (
    Arguments,
    Checks,
    Endpoint,
    InvalidParameterError,
    Parameter,
)
from media_stats_module.synapse_internals import (
    parse_boolean_from_args,
    parse_direction_from_args,
    parse_integer_from_args,
    parse_string_from_args,
)

# Errors are in Synapse's words, of the version that runs.
SYNAPSE_CHECKS = Checks(
    integer=parse_integer_from_args,
    boolean=parse_boolean_from_args,
    string=parse_string_from_args,
    direction=parse_direction_from_args,
)


def without_unknown_additions(
    endpoint: Endpoint[Any], arguments: Arguments
) -> Arguments:
    """Leave additional parameters out whose values are not known.

    Clients of Synapse's own endpoint may send them for other lists, and it ignores
    what it does not know.
    """
    for parameter in endpoint.parameters:
        if isinstance(parameter, Parameter) and parameter.is_addition:
            name = parameter.name.encode()
            try:
                parameter.read(arguments)
            except (InvalidParameterError, SynapseError):
                given = {
                    each: values
                    for each, values in arguments.given.items()
                    if each != name
                }
                arguments = attr.evolve(arguments, given=given)
    return arguments
