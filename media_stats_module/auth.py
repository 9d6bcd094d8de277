"""Who may ask: server admins, by Synapse's own rule, and nobody else."""

from http import HTTPStatus

from synapse.module_api import ModuleApi, SynapseRequest
from synapse.module_api.errors import Codes, SynapseError


async def assert_requester_is_admin(api: ModuleApi, request: SynapseRequest) -> None:
    """Let server admins pass, as Synapse's own admin API does.

    Call it before anything else: a request that is not an admin's learns nothing,
    not even that a parameter is wrong.

    Raises:
        InvalidClientCredentialsError: 401, no token or one that is not valid.
        SynapseError: 403 `M_FORBIDDEN`, the requester is not a server admin.
    """
    requester = await api.get_user_by_req(request)
    # Private, because no public call is right: `ModuleApi.is_user_admin` reads the
    # admin flag in the database, which means nothing when Matrix Authentication
    # Service issues the tokens. There the token's scope decides, and only the
    # requester knows it.
    if not await api._auth.is_server_admin(requester):
        raise SynapseError(
            HTTPStatus.FORBIDDEN, "You are not a server admin", Codes.FORBIDDEN
        )
