"""Shared by tests on Synapse's harness: a homeserver with the module, and media.

Requests go through the harness's real site. Synapse's built-in endpoint is mounted,
too, so a test can ask both and compare.
"""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar
from unittest.mock import patch
from urllib.parse import urlencode

import attr
from parsed_configuration import parse_once
from prepared_database import use_prepared_database
from shared_homeserver import lend_homeserver
from synapse.http.server import OptionsResource
from synapse.module_api import JsonDict, LoggingTransaction, ModuleApi
from synapse.rest import admin
from synapse.rest.client import login
from synapse.server import HomeServer
from synapse.storage.schema import SCHEMA_VERSION
from synapse.util.httpresourcetree import create_resource_tree
from tests.server import FakeChannel
from tests.unittest import HomeserverTestCase
from twisted.internet.testing import MemoryReactor
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource

from media_stats_module.module import DOCUMENTED_PATH
from media_stats_module.rollups_keeper import ROUND_MS
from media_stats_module.storage import shared_database

_T = TypeVar("_T")

MODULE_PATH = "/_synapse/client/media_stats"

# `profiles.full_user_id` came with schema version 76 (Synapse 1.83).
PROFILES_HAVE_FULL_USER_ID = SCHEMA_VERSION >= 76

# `sha256` came to the media tables with schema version 91 (Synapse 1.128).
MEDIA_HAVE_SHA256 = SCHEMA_VERSION >= 91

# Before schema version 78 (Synapse 1.90), the harness had the server's name outside of
# the configuration.
_HARNESS_WANTS_NAME = SCHEMA_VERSION < 78

_MEDIA_AND_PROFILES = (
    "local_media_repository",
    "local_media_repository_thumbnails",
    "remote_media_cache",
    "remote_media_cache_thumbnails",
    "profiles",
)

# By the column with the user ID.
_ACCOUNTS = {"users": "name", "access_tokens": "user_id"}


def modules(**options: Any) -> list[JsonDict]:
    """The `modules:` block of homeserver.yaml that loads the module.

    For a single test: `@override_config({"modules": modules(path="/...")})`.
    """
    return [{"module": "media_stats_module.MediaStatsModule", "config": options}]


@attr.frozen(kw_only=True)
class LocalMedia:
    """A row of `local_media_repository`.

    Attributes:
        user_id: the uploader; None for rows older than that column.
        media_length: in bytes; None for a pending upload.
        created_ts: in milliseconds since the epoch.
        url_cache: the URL of the preview that it belongs to, if any.
        quarantined_by: the admin who put it into quarantine.
        media_type: None for a pending upload.
        last_access_ts: in milliseconds since the epoch, or None.
        upload_name: the file's name, if it was uploaded with one.
        safe_from_quarantine: whether an admin protects it from quarantine.
        sha256: the hash of the content; left out where Synapse keeps none.
        media_id: None for a random one.
    """

    user_id: str | None
    media_length: int | None = 1
    created_ts: int = 1
    url_cache: str | None = None
    quarantined_by: str | None = None
    media_type: str | None = "image/png"
    last_access_ts: int | None = None
    upload_name: str | None = None
    safe_from_quarantine: bool = False
    sha256: str | None = None
    media_id: str | None = None


@attr.frozen(kw_only=True)
class RemoteMedia:
    """A row of `remote_media_cache`.

    Attributes:
        media_origin: the server that it came from.
        media_length: in bytes.
        created_ts: in milliseconds since the epoch.
        quarantined_by: the admin who put it into quarantine.
        media_type: as the other server gave it.
        last_access_ts: in milliseconds since the epoch.
        upload_name: the file's name, likewise.
        sha256: the hash of the content; left out where Synapse keeps none.
        media_id: None for a random one.
    """

    media_origin: str
    media_length: int = 1
    created_ts: int = 1
    quarantined_by: str | None = None
    media_type: str | None = "image/png"
    last_access_ts: int | None = None
    upload_name: str | None = None
    sha256: str | None = None
    media_id: str | None = None


@attr.frozen(kw_only=True)
class Thumbnail:
    """A smaller version of a file, a row of one of two tables.

    Attributes:
        media_id: the file's.
        media_origin: the server that the file came from; None for a local file.
        thumbnail_length: in bytes.
        thumbnail_width: in pixels; each thumbnail of a file has its own.
    """

    media_id: str
    media_origin: str | None = None
    thumbnail_length: int
    thumbnail_width: int = 32


@functools.cache
def _media_store_path() -> str:
    # The same for all tests, so the harness can parse equal configurations once.
    path = tempfile.mkdtemp(prefix="media-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def patch_transactions(
    around: Callable[[LoggingTransaction, Callable[[], Any]], Any],
) -> AbstractContextManager[object]:
    """Patch the transactions of questions on Synapse's pool.

    Args:
        around: called in each transaction, with a function that asks the question;
            returns the answer.
    """
    run_db_interaction = ModuleApi.run_db_interaction

    async def patched(
        api: ModuleApi, name: str, ask: Callable[..., Any], *args: Any
    ) -> Any:
        def txn_function(txn: LoggingTransaction) -> Any:
            return around(txn, functools.partial(ask, txn, *args))

        return await run_db_interaction(api, name, txn_function)

    return patch.object(ModuleApi, "run_db_interaction", patched)


def headers(channel: FakeChannel) -> Headers:
    """The headers of an answer."""
    # An older harness stores what Twisted gave it, and cannot read that.
    held = channel.result["headers"]
    return held if isinstance(held, Headers) else channel.headers


class MediaStatsTestCase(HomeserverTestCase):
    """A homeserver that has loaded the module, an admin, and no media.

    Attributes:
        server_name: the homeserver's name, which may have a port.
        module_options: the module's `config` block.
        serves_admin_api: whether Synapse's own admin API is mounted. It takes the
            documented path for itself; without it the module answers there.
        shares_homeserver: whether the tests run on one homeserver, together with those
            of other classes that configure it alike. What `insert_...` and `make_user`
            put into the database is gone when the next test starts.
        admin: the user ID of a server admin, whose token requests carry.
        admin_token: that admin's access token.
    """

    server_name: ClassVar[str] = "test"
    module_options: ClassVar[JsonDict] = {}
    serves_admin_api: ClassVar[bool] = True
    shares_homeserver: ClassVar[bool] = False

    servlets = [admin.register_servlets, login.register_servlets]  # noqa: RUF012

    admin: str
    admin_token: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        use_prepared_database()
        parse_once()
        # On a busy machine, a probe may take long, and tests are about answers.
        shared_database._PROBE_TIMEOUT_MS = 600_000

    def setUp(self) -> None:
        # With options of its own, a test needs a homeserver of its own.
        if self.shares_homeserver and self._extra_config is None:
            lend_homeserver(self, (self.serves_admin_api, *self.servlets))
            self.delete_media_and_profiles()
            for table, user_id in _ACCOUNTS.items():
                self.execute(f"DELETE FROM {table} WHERE {user_id} <> ?", self.admin)
        else:
            super().setUp()

    def default_config(self) -> JsonDict:
        config: JsonDict = super().default_config()
        config["server_name"] = self.server_name
        config.setdefault("modules", modules(**self.module_options))
        config["media_store_path"] = _media_store_path()
        return config

    def make_homeserver(self, reactor: MemoryReactor, clock: Any) -> HomeServer:
        name: dict[str, Any] = {}
        if _HARNESS_WANTS_NAME:
            name["name"] = self.server_name
        homeserver: HomeServer = self.setup_test_homeserver(**name)
        return homeserver

    def create_test_resource(self) -> Resource:
        # The root of Synapse's resources, which answers preflights. Older harnesses use
        # another one.
        root: Resource = create_resource_tree(
            self.create_resource_dict(),
            OptionsResource(),  # type: ignore[no-untyped-call]
        )
        return root

    def create_resource_dict(self) -> dict[str, Resource]:
        resources: dict[str, Resource] = super().create_resource_dict()
        # As on a real process. The harness sorts the keys of every answer.
        resources["/_synapse/admin"].canonical_json = False  # type: ignore[attr-defined]
        # The harness loads modules, but leaves out their resources.
        resources.update(self.hs._module_web_resources)
        if self.serves_admin_api:
            del resources[DOCUMENTED_PATH]
        else:
            del resources["/_synapse/admin"]
        return resources

    def prepare(self, reactor: MemoryReactor, clock: Any, hs: HomeServer) -> None:
        super().prepare(reactor, clock, hs)
        self.admin, self.admin_token = self.make_user("admin", admin=True)

    def make_user(self, localpart: str, *, admin: bool = False) -> tuple[str, str]:
        """Make a user without a profile; return the user ID and an access token."""
        user_id = f"@{localpart}:{self.server_name}"
        token = f"token_of_{localpart}"
        store = self.hs.get_datastores().main
        self.get_success(store.register_user(user_id=user_id, admin=admin))
        self.get_success(
            store.add_access_token_to_user(
                user_id=user_id, token=token, device_id=None, valid_until_ms=None
            )
        )
        return user_id, token

    # Requests

    def ask(
        self,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        token: str | None = None,
    ) -> FakeChannel:
        """`GET` a path as the admin, or with another token ("" for none)."""
        access_token = self.admin_token if token is None else token
        channel = self.make_request(
            "GET",
            f"{path}?{urlencode(query)}" if query else path,
            access_token=access_token or None,
            await_result=False,
        )
        # The default is too short for an answer in many pieces.
        channel.await_result(timeout_ms=60_000)
        return channel

    def ask_module(
        self, query: Mapping[str, object] | None = None, *, token: str | None = None
    ) -> FakeChannel:
        """Ask the module for users, at its own path."""
        return self.ask(f"{MODULE_PATH}/v1/users", query, token=token)

    def ask_builtin(
        self, query: Mapping[str, object] | None = None, *, token: str | None = None
    ) -> FakeChannel:
        """Ask Synapse's own endpoint, at the documented path."""
        assert self.serves_admin_api
        return self.ask(DOCUMENTED_PATH, query, token=token)

    def users(self, query: Mapping[str, object] | None = None) -> JsonDict:
        """Ask the module for users; return the answer, which must have status 200."""
        channel = self.ask_module(query)
        assert channel.code == 200, channel.result
        answer: JsonDict = channel.json_body
        return answer

    def run_round(self) -> None:
        """Let the background process do one round of its work."""
        # Each step runs when the database has answered. The harness's own `pump` would
        # run a round per step.
        self.reactor.pump([ROUND_MS / 1000] + [0.0] * 100)

    # The database

    def delete_media_and_profiles(self) -> None:
        """Delete all media, thumbnails and profiles."""

        def delete_txn(txn: LoggingTransaction) -> None:
            for table in _MEDIA_AND_PROFILES:
                txn.execute(f"DELETE FROM {table}")

        self.in_transaction(delete_txn)

    def insert_local_media(self, *rows: LocalMedia) -> list[str]:
        """Insert rows of `local_media_repository`; return their media IDs."""
        return self._insert_media("local_media_repository", "local", rows)

    def insert_remote_media(self, *rows: RemoteMedia) -> list[str]:
        """Insert rows of `remote_media_cache`; return their media IDs."""
        return self._insert_media("remote_media_cache", "remote", rows)

    def insert_thumbnails(self, *thumbnails: Thumbnail) -> None:
        """Insert rows of `local_media_repository_thumbnails`, or of the remote ones."""
        local, remote = [], []
        for thumbnail in thumbnails:
            columns = attr.asdict(thumbnail) | {
                "thumbnail_height": thumbnail.thumbnail_width,
                "thumbnail_type": "image/png",
                "thumbnail_method": "scale",
            }
            if thumbnail.media_origin is None:
                del columns["media_origin"]
                local.append(columns)
            else:
                remote.append({**columns, "filesystem_id": thumbnail.media_id})
        self._insert("local_media_repository_thumbnails", local)
        self._insert("remote_media_cache_thumbnails", remote)

    def insert_profiles(self, displaynames: Mapping[str, str | None]) -> None:
        """Give users profiles with these displaynames; None for no displayname.

        Args:
            displaynames: by user ID.
        """
        rows: list[dict[str, object]] = []
        for user_id, displayname in displaynames.items():
            localpart = user_id[1:].split(":")[0]
            rows.append({"user_id": localpart, "displayname": displayname})
            if PROFILES_HAVE_FULL_USER_ID:
                rows[-1]["full_user_id"] = user_id
        self._insert("profiles", rows)

    def insert_deactivated_users(self, user_ids: Iterable[str]) -> None:
        """Give users deactivated accounts."""
        self._insert("users", [{"name": name, "deactivated": 1} for name in user_ids])

    def execute(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own; return its rows, if any."""

        def txn_function(txn: LoggingTransaction) -> list[tuple[Any, ...]]:
            txn.execute(sql, args)
            return txn.fetchall() if txn.description else []

        return self.in_transaction(txn_function)

    def in_transaction(self, function: Callable[[LoggingTransaction], _T]) -> _T:
        """Call a function with a transaction; return its result."""
        db_pool = self.hs.get_datastores().main.db_pool
        result: _T = self.get_success(db_pool.runInteraction("tests", function))
        return result

    def _insert_media(
        self, table: str, prefix: str, rows: tuple[LocalMedia | RemoteMedia, ...]
    ) -> list[str]:
        if not rows:
            return []
        ((before,),) = self.execute(f"SELECT COUNT(*) FROM {table}")
        ids = [
            row.media_id or f"{prefix}{before + index:020}"
            for index, row in enumerate(rows)
        ]
        inserted = []
        for media_id, row in zip(ids, rows, strict=True):
            columns = {**attr.asdict(row), "media_id": media_id}
            if not MEDIA_HAVE_SHA256:
                del columns["sha256"]
            if prefix == "remote":
                columns["filesystem_id"] = media_id
            inserted.append(columns)
        self._insert(table, inserted)
        return ids

    def _insert(self, table: str, rows: list[dict[str, object]]) -> None:
        if not rows:
            return
        columns = list(rows[0])
        marks = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"

        self.in_transaction(
            lambda txn: txn.execute_batch(sql, [tuple(row.values()) for row in rows])
        )
