"""What schemathesis has to know of the API that the OpenAPI document cannot say."""

from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

# Parameters that are right by themselves, and wrong together or at this time.
_CONTRADICTIONS = (
    "until_ts must be greater than from_ts",
    "do not go together",
    "does not go with",
    "goes with source=local only",
    "from must be the next_token",
    "The timeline would have more than",
)


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: Case[Any], response: Response
) -> bool:
    """Whether something is wrong with an answer that a check complains of."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    error = response.json()["error"]
    return not any(contradiction in error for contradiction in _CONTRADICTIONS)
