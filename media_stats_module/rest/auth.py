"""The admin check, by Synapse's own rule."""

from http import HTTPStatus

from synapse.module_api import ModuleApi, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError

from media_stats_module.synapse_internals import is_requester_admin


async def assert_requester_is_admin(api: ModuleApi, request: SynapseRequest) -> None:
    """Refuse everybody but server admins, as Synapse's own admin API does.

    Call it first: others must not even learn that a parameter is wrong.

    Raises:
        InvalidClientCredentialsError: 401, the token is missing or not valid.
        SynapseError: 403 `M_FORBIDDEN`, the requester is not a server admin.
    """
    if not await is_requester_admin(api, request):
        raise SynapseError(
            HTTPStatus.FORBIDDEN, "You are not a server admin", Codes.FORBIDDEN
        )
