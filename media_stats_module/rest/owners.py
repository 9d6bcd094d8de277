"""`/v1/users` and `/v1/servers`: how much media each user or server has here."""

from collections.abc import Callable, Iterable, Sequence

from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.questions import OwnersQuestion
from media_stats_module.rest._counted_list import CountedListResource, Page
from media_stats_module.rest.parameters import (
    parse_servers_question,
    parse_users_question,
)
from media_stats_module.storage import OwnerUsage


class UsersMediaStatsResource(CountedListResource[OwnersQuestion, OwnerUsage]):
    """Lists the users who have local media: the documented endpoint of Synapse."""

    name = "users"

    def parse(self, request: SynapseRequest) -> OwnersQuestion:
        return parse_users_question(request)

    async def get_page(self, question: OwnersQuestion) -> Page[OwnerUsage]:
        page = await self._store.get_users_page(question)
        return Page(page.owners, page.total)

    async def export_rows(
        self, question: OwnersQuestion, write: Callable[[Iterable[OwnerUsage]], None]
    ) -> None:
        await self._store.export_users(question, write)

    def columns(self, question: OwnersQuestion) -> Sequence[str]:
        return ("user_id", "displayname", "media_count", "media_length")

    def to_row(self, question: OwnersQuestion) -> Callable[[OwnerUsage], JsonDict]:
        return _user


class ServersMediaStatsResource(CountedListResource[OwnersQuestion, OwnerUsage]):
    """Lists the servers whose media is cached here."""

    name = "servers"

    def parse(self, request: SynapseRequest) -> OwnersQuestion:
        return parse_servers_question(request)

    async def get_page(self, question: OwnersQuestion) -> Page[OwnerUsage]:
        page = await self._store.get_servers_page(question)
        return Page(page.owners, page.total)

    async def export_rows(
        self, question: OwnersQuestion, write: Callable[[Iterable[OwnerUsage]], None]
    ) -> None:
        await self._store.export_servers(question, write)

    def columns(self, question: OwnersQuestion) -> Sequence[str]:
        return ("server_name", "media_count", "media_length")

    def to_row(self, question: OwnersQuestion) -> Callable[[OwnerUsage], JsonDict]:
        return _server


def _user(usage: OwnerUsage) -> JsonDict:
    return {
        "user_id": usage.owner,
        "displayname": usage.displayname,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }


def _server(usage: OwnerUsage) -> JsonDict:
    return {
        "server_name": usage.owner,
        "media_count": usage.media_count,
        "media_length": usage.media_length,
    }
