"""A setup like that of large servers: PostgreSQL, Valkey, and Synapse with a worker."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attr
import pytest
import readme

from demo.client import Account, Client, Response
from demo.homeserver import Homeserver, Redis, Resources
from realservers.postgres import PostgresServer
from realservers.proxies import Proxy
from realservers.valkey import ValkeyServer

_WAIT_TIMEOUT_S = 120.0


@attr.s(frozen=True, auto_attribs=True, kw_only=True)
class Deployment:
    """A homeserver with a worker, and two accounts.

    Attributes:
        homeserver: on PostgreSQL.
        database: the keyword arguments with which psycopg2 connects to its database.
        admin: a server admin.
        user: not an admin.
    """

    homeserver: Homeserver
    database: Mapping[str, Any]
    admin: Account
    user: Account

    @property
    def main(self) -> Client:
        """A client of the main process."""
        return self.homeserver.client

    @property
    def worker(self) -> Client:
        """A client of the worker."""
        return self.homeserver.workers["worker"].client

    def ask(self, client: Client, path: str, method: str = "GET") -> Response:
        """Ask as the admin."""
        return client.request(method, path, token=self.admin.access_token)

    @contextmanager
    def behind(
        self, kind: type[Proxy], directory: Path, heading: str | None = None
    ) -> Iterator[Client]:
        """A client of a proxy with a recipe of the documents, to the worker.

        Args:
            kind: the class of the proxy.
            directory: an empty one.
            heading: above the recipe; by default, the one that rewrites.
        """
        missing = kind.missing()
        if missing is not None:
            pytest.skip(missing)
        recipe = readme.recipe(
            heading or kind.name, urlsplit(self.worker.base_url).netloc
        )
        with kind(directory, recipe, self.main.base_url) as proxy:
            yield Client(proxy.url)


@contextmanager
def deployed(
    directory: Path,
    module: Mapping[str, object],
    *,
    listeners: Sequence[Resources] = (("client",),),
    worker_listeners: Sequence[Resources] = (("client",),),
) -> Iterator[Deployment]:
    """Start one, with an admin and a user.

    Args:
        directory: holds everything of Synapse's.
        module: its options.
        listeners: those of the main process.
        worker_listeners: those of the worker.
    """
    # The data need not survive a power cut.
    settings = {"fsync": "off", "synchronous_commit": "off"}
    with PostgresServer.start(settings=settings) as postgres, ValkeyServer() as valkey:
        postgres.create_database("synapse")
        database = postgres.dsn("synapse")
        homeserver = Homeserver(
            directory,
            # With a port: a search by Synapse's own endpoint then matches the server
            # name.
            server_name="localhost:8448",
            module=module,
            listeners=listeners,
            workers={"worker": worker_listeners},
            postgres=database,
            redis=Redis(valkey.host, valkey.port),
        )
        with homeserver:
            yield Deployment(
                homeserver=homeserver,
                database=database,
                admin=homeserver.register("admin", admin=True),
                user=homeserver.register("user", displayname="Ünïcode"),
            )


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until a condition is true, also on a loaded machine."""
    deadline = time.monotonic() + _WAIT_TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
