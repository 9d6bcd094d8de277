"""The command on a store that a real Synapse made, with every kind of difference."""

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attr
import psycopg2
import pytest
from disk_command import names_in_list, run_disk
from disk_media import local_path, picture
from federation import served_with_tls
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer
from synapse import __version__ as synapse_version
from synapse.config import repository

from demo.client import Account, Client
from demo.homeserver import Homeserver
from demo.process import free_port

pytestmark = [pytest.mark.any_database]

_VERSION = tuple(int(part) for part in synapse_version.split(".")[:2])
_HAS_UPLOAD_LIMITS = hasattr(repository, "MediaUploadLimit")
_HAS_PENDING_UPLOADS = _VERSION >= (1, 97)

_DAY_MS = 24 * 60 * 60 * 1000

# The number of runs of the command while files come and go.
_ROUNDS = int(os.environ.get("STRESS", "1")) * 5


@attr.frozen
class Server:
    """A real Synapse, and its parts.

    Attributes:
        homeserver: its process.
        admin: a server admin.
        execute: runs a statement in its database.
    """

    homeserver: Homeserver
    admin: Account
    execute: Callable[..., list[tuple[Any, ...]]]

    @property
    def client(self) -> Client:
        return self.homeserver.client

    @property
    def store(self) -> Path:
        return self.homeserver.directory / "media"

    def ask(self, method: str, path: str, content: object = None) -> Any:
        """Make a request as the admin."""
        response = self.client.request(
            method, path, token=self.admin.access_token, content=content
        )
        assert response.status == 200, (path, response.body)
        return response.json()

    def upload(self, content: bytes, media_type: str = "text/plain") -> str:
        """Upload a file; return its media ID."""
        uri = self.client.upload(self.admin, content, media_type=media_type)
        return uri.rpartition("/")[2]

    def download(self, server_name: str, media_id: str, thumbnail: str = "") -> int:
        """Read a file, or a thumbnail of it; return the status."""
        # Newer versions have another path, which needs a token.
        prefixes = ("/_matrix/client/v1/media", "/_matrix/media/v3")
        kind = "thumbnail" if thumbnail else "download"
        for prefix in prefixes:
            response = self.client.request(
                "GET",
                f"{prefix}/{kind}/{server_name}/{media_id}{thumbnail}",
                token=self.admin.access_token,
            )
            if b"M_UNRECOGNIZED" not in response.body:
                break
        return response.status

    def paths(self) -> set[str]:
        """All files of its media store."""
        return {
            str(path.relative_to(self.store))
            for path in self.store.rglob("*")
            if path.is_file()
        }

    def make_old(self) -> None:
        """Make all files three days old.

        But not the rows of URL previews, which Synapse would delete.
        """
        # Before that, the number of blocks of each file may still change.
        os.sync()
        then = time.time() - 3 * _DAY_MS / 1000
        for path in self.paths():
            # Synapse may remove a file meanwhile.
            with suppress(FileNotFoundError):
                os.utime(self.store / path, (then, then))
        self.execute(
            "UPDATE local_media_repository SET created_ts = ? WHERE url_cache IS NULL",
            int(then * 1000),
        )
        self.execute("UPDATE remote_media_cache SET created_ts = ?", int(then * 1000))

    def run(self, *arguments: str) -> bytes:
        """Run the command; return its output."""
        return run_disk(self.homeserver.config_path, *arguments)

    def listed(self, cause: str, **options: Any) -> set[str]:
        """The names in a list."""
        names = names_in_list(self.homeserver.config_path, self.store, cause, **options)
        assert len(set(names)) == len(names)
        return set(names)


@contextmanager
def _running(directory: Path, postgres: "PostgresServer | None") -> Iterator[Server]:
    directory.mkdir()
    port = free_port()
    database = None
    if postgres is not None:
        postgres.create_database("synapse")
        database = postgres.dsn("synapse")
    overrides: dict[str, object] = {
        "media_retention": {
            "local_media_lifetime": "30d",
            "remote_media_lifetime": "30d",
        },
        "modules": [{"module": "hasty_retention.HastyRetention"}],
        "federation_verify_certificates": False,
        "ip_range_blacklist": [],
        "url_preview_enabled": True,
        "url_preview_ip_range_blacklist": ["203.0.113.0/24"],
    }
    if _HAS_UPLOAD_LIMITS:
        overrides["media_upload_limits"] = [{"time_period": "1h", "max_size": "1M"}]

    def execute(sql: str, *args: object) -> list[tuple[Any, ...]]:
        connection: Any
        if database is None:
            connection = sqlite3.connect(directory / "homeserver.db", timeout=60)
        else:
            connection = psycopg2.connect(**database)
            sql = sql.replace("?", "%s")
        with closing(connection):
            cursor = connection.cursor()
            cursor.execute(sql, args)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows

    with served_with_tls(directory, port) as federation_port:
        homeserver = Homeserver(
            directory,
            server_name=f"localhost:{federation_port}",
            port=port,
            listeners=[["client", "federation", "media"]],
            postgres=database,
            overrides=overrides,
        )
        with homeserver:
            admin = homeserver.register("admin", admin=True)
            yield Server(homeserver, admin, execute)


class _Page(BaseHTTPRequestHandler):
    """A page with a picture, for a preview."""

    def do_GET(self) -> None:
        content = picture(64, 64)
        content_type = "image/png"
        if not self.path.endswith(".png"):
            content = (
                b'<html><head><meta property="og:title" content="A page">'
                b'<meta property="og:image" content="/picture.png"></head></html>'
            )
            content_type = "text/html"
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """The address of a page with a picture."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of the remote files."""
    with _running(tmp_path_factory.mktemp("other") / "synapse", None) as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server without media."""
    directory = tmp_path_factory.mktemp("one") / "synapse"
    if request.param == "sqlite":
        with _running(directory, None) as server:
            yield server
        return
    settings = {"fsync": "off", "synchronous_commit": "off"}
    with (
        PostgresServer.start(settings=settings) as postgres,
        _running(directory, postgres) as server,
    ):
        yield server


def _remote_name(other: Server) -> str:
    return other.admin.user_id.partition(":")[2]


def _new_paths(server: Server, work: Callable[[], object]) -> set[str]:
    before = server.paths()
    work()
    return server.paths() - before


def test_every_difference(server: Server, other: Server, page: str) -> None:
    origin = _remote_name(other)
    without_row: set[str] = set()
    without_file: set[str] = set()
    other_length: set[str] = set()

    # A purge of the cache deletes these.
    purged = other.upload(b"purged")
    assert server.download(origin, purged) == 200
    now_ts = int(time.time() * 1000)
    purge = f"/_synapse/admin/v1/purge_media_cache?before_ts={now_ts + 1000}"
    assert server.ask("POST", purge)["deleted"] == 1

    # These are intact.
    kept = server.upload(b"kept" * 1000)
    server.upload(picture(900, 700), "image/png")
    quarantined = server.upload(b"quarantined" * 10)
    name = server.admin.user_id.partition(":")[2]
    server.ask("POST", f"/_synapse/admin/v1/media/quarantine/{name}/{quarantined}", {})
    for content, media_type in (
        (b"remote", "text/plain"),
        (picture(900, 700), "image/png"),
    ):
        media_id = other.upload(content, media_type)
        assert server.download(origin, media_id) == 200
    thumbnail = "?width=64&height=64&method=crop"
    assert server.download(origin, media_id, thumbnail) == 200
    previewed = _new_paths(server, lambda: _preview(server, f"{page}/kept"))
    # The page, its picture, and the picture's thumbnails.
    assert len(previewed) >= 3
    assert {path.partition("/")[0] for path in previewed} == {
        "url_cache",
        "url_cache_thumbnails",
    }
    if _HAS_PENDING_UPLOADS:
        server.ask("POST", "/_matrix/media/v1/create", {})

    # A refused upload.
    if _HAS_UPLOAD_LIMITS:
        refused = _new_paths(server, lambda: _upload_too_much(server))
        assert len(refused) == 1
        without_row |= refused

    # A failed download.
    lost = other.upload(b"lost")
    (other.store / local_path(lost)).unlink()
    failed = _new_paths(server, lambda: server.download(origin, lost))
    without_row |= failed

    # Deletion, by the other APIs.
    deleted = server.upload(b"deleted")
    server.ask("DELETE", f"/_synapse/admin/v1/media/{name}/{deleted}")
    large = server.upload(b"x" * 60_000)
    now_ts = int(time.time() * 1000)
    # The path in all versions.
    path = f"/_synapse/admin/v1/media/{name}/delete"
    delete = f"{path}?before_ts={now_ts + 1000}&size_gt=50000"
    assert server.ask("POST", delete)["deleted_media"] == [large]
    user = server.homeserver.register("user")
    uploaded = server.client.upload(user, b"of a user").rpartition("/")[2]
    server.ask("DELETE", f"/_synapse/admin/v1/users/{user.user_id}/media")
    assert not (server.store / local_path(uploaded)).exists()

    # Deletion by media_retention.
    unread = _new_paths(server, lambda: server.upload(b"unread" * 10))
    unread |= _new_paths(
        server, lambda: server.download(origin, other.upload(b"unread" * 10))
    )
    assert len(unread) == 2

    def are_gone() -> bool:
        for table in ("local_media_repository", "remote_media_cache"):
            server.execute(
                f"UPDATE {table} SET created_ts = 1, last_access_ts = 1 "
                "WHERE media_length = 60"
            )
        return not unread & server.paths()

    wait_until(are_gone)

    # Synapse deletes the rows of a preview and leaves its files.
    forgotten = _new_paths(server, lambda: _preview(server, f"{page}/forgotten"))
    for path in forgotten:
        if path.startswith("url_cache/"):
            media_id = "_".join(path.split("/")[1:])
            found = server.execute(
                "SELECT media_id FROM local_media_repository WHERE media_id IN (?, ?)",
                media_id,
                media_id.replace("_", "-"),
            )
            ((media_id,),) = found
            server.ask("DELETE", f"/_synapse/admin/v1/media/{name}/{media_id}")
    assert all((server.store / path).exists() for path in forgotten)
    without_row |= forgotten

    # Otherwise, the file system may still change the number of blocks.
    later = server.upload(b"later")
    server.execute("DELETE FROM local_media_repository WHERE media_id = ?", later)
    without_row.add(local_path(later))
    server.execute(
        "INSERT INTO local_media_repository (media_id, media_length, created_ts, "
        "media_type, user_id) VALUES (?, 7, ?, 'text/plain', ?)",
        deleted,
        int(time.time() * 1000),
        server.admin.user_id,
    )
    without_file.add(f"mxc://{name}/{deleted}")

    # Files lost from the disk.
    cut = server.upload(b"cut off" * 100)
    os.truncate(server.store / local_path(cut), 3)
    other_length.add(local_path(cut))
    gone = other.upload(b"gone")
    gone_path = _new_paths(server, lambda: server.download(origin, gone))
    (server.store / next(iter(gone_path))).unlink()
    without_file.add(f"mxc://{origin}/{gone}")

    # So far all of it is young.
    assert server.listed("without-row") == set()
    server.make_old()

    assert server.listed("without-row") == without_row
    assert server.listed("without-file") == without_file
    assert server.listed("another-length") == other_length

    # Else the file system may still change how many blocks the files take.
    os.sync()
    report = json.loads(server.run("--json"))
    difference = report["difference"]
    assert set(difference["causes"]) == {"without_row", "without_file", "other_length"}
    du = subprocess.check_output(["du", "-s", "-B1", str(server.store)], text=True)
    assert difference["allocated_length"] == int(du.split()[0])
    kinds = report["kinds"]
    assert kinds["local_files"]["rows"]["media_count"] == 5
    assert kinds["local_thumbnails"]["without_row"]["media_count"] == 0
    assert kinds["local_thumbnails"]["on_disk"]["media_count"] > 0
    assert kinds["remote_thumbnails"]["on_disk"]["media_count"] > 0
    if failed:
        # With the folders that a failed download makes.
        assert kinds["remote_files"]["on_disk"]["empty_folders"] >= 0
    table = server.run().decode()
    assert str(server.store) in table
    assert f"= {int(du.split()[0]):,}" in " ".join(table.split())
    csv = server.run("--csv").decode().splitlines()
    assert csv[0].startswith("kind,rows_media_count,rows_media_length,")
    assert len(csv) == 8
    # The command has changed nothing.
    assert server.download(name, kept) == 200


def test_while_files_come_and_go(server: Server, other: Server) -> None:
    """No line is wrong: files that Synapse works on are not judged."""
    origin = _remote_name(other)
    name = server.admin.user_id.partition(":")[2]
    lists = ("without-row", "without-file", "another-length")
    remote = [other.upload(b"y" * 10) for _ in range(_ROUNDS)]
    for media_id in remote:
        assert server.download(origin, media_id) == 200
    server.make_old()
    expected = {cause: server.listed(cause) for cause in lists}
    ended = threading.Event()
    failures: list[BaseException] = []
    rounds = 0

    def come_and_go() -> None:
        nonlocal rounds
        there: list[str] = []
        try:
            while not ended.is_set():
                media_id = server.upload(picture(200, 200), "image/png")
                os.utime(server.store / local_path(media_id), (1, 1))
                server.execute(
                    "UPDATE local_media_repository SET created_ts = ? "
                    "WHERE media_id = ?",
                    int(time.time() * 1000) - 3 * _DAY_MS,
                    media_id,
                )
                there.append(media_id)
                if len(there) > 10:
                    media_id = there.pop(0)
                    server.ask("DELETE", f"/_synapse/admin/v1/media/{name}/{media_id}")
                rounds += 1
        except BaseException as error:
            failures.append(error)
        finally:
            ended.set()

    def pause(seconds: float) -> None:
        """Wait until a deletion that had begun is complete."""
        before = rounds
        wait_until(lambda: rounds > before or ended.is_set())

    worker = threading.Thread(target=come_and_go)
    worker.start()
    try:
        for number in range(_ROUNDS):
            cause = lists[number % len(lists)]
            assert server.listed(cause, pause=pause) == expected[cause], number
        purge = "/_synapse/admin/v1/purge_media_cache?before_ts="
        server.ask("POST", f"{purge}{int(time.time() * 1000) + 1000}")
        expected["without-file"] = {
            uri for uri in expected["without-file"] if origin not in uri
        }
        missing = server.listed("without-file", pause=pause)
        assert missing == expected["without-file"]
    finally:
        ended.set()
        worker.join()
    assert not failures


def _preview(server: Server, url: str) -> None:
    for prefix in ("/_matrix/client/v1/media", "/_matrix/media/v3"):
        response = server.client.request(
            "GET",
            f"{prefix}/preview_url?url={quote(url, safe='')}",
            token=server.admin.access_token,
        )
        if b"M_UNRECOGNIZED" not in response.body:
            break
    assert response.status == 200, response.body
    assert response.json()["og:title"] == "A page"
    assert "og:image" in response.json()


def _upload_too_much(server: Server) -> None:
    response = server.client.request(
        "POST",
        "/_matrix/media/v3/upload",
        token=server.admin.access_token,
        body=b"x" * 1_100_000,
        headers={"Content-Type": "text/plain"},
    )
    # Depends on the version of Synapse.
    assert response.status in (400, 403, 413, 429), response.body
