"""A homeserver for the browser tests, with media of every kind."""

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attr

from demo.client import Account
from demo.homeserver import Homeserver

PATH = "/_synapse/client/media_stats"
DAY_MS = 24 * 60 * 60 * 1000
SERVER_NAME = "example.org"
SOURCES = ("local", "remote")

_MIB = 1 << 20

# Names of people who want to deceive the administrator.
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
BACKWARDS = "evil\u202egnp.exe"
LONG = "long" * 81

TIED = 14
USERS = TIED + 5
SERVERS = 13


@attr.frozen(kw_only=True)
class Server:
    """A homeserver with media and accounts."""

    homeserver: Homeserver
    admin: Account
    ordinary: Account

    @property
    def url(self) -> str:
        return f"{self.homeserver.base_url}{PATH}/"

    @property
    def database(self) -> Path:
        return self.homeserver.directory / "homeserver.db"

    def ask(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The API's answer to the admin."""
        return json.loads(self.ask_bytes(path, query))

    def ask_bytes(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        response = self.homeserver.client.request(
            "GET",
            f"{PATH}/v1/{path}?{urlencode(query or {})}",
            token=self.admin.access_token,
        )
        assert response.status == 200, response.body
        return response.body

    def log_in(self) -> Account:
        """Log the admin in, with a new token."""
        return self.homeserver.client.login(self.admin.user_id, self.admin.password)

    def log_out(self, token: str) -> None:
        self._client("POST", "logout", token, {})

    def accepts(self, token: str) -> bool:
        return self._client("GET", "account/whoami", token) == 200

    def _client(
        self, method: str, path: str, token: str, content: object = None
    ) -> int:
        return self.homeserver.client.request(
            method, f"/_matrix/client/v3/{path}", token=token, content=content
        ).status


def fill(homeserver: Homeserver) -> Server:
    """Register users, and insert media of every kind."""
    admin = homeserver.register("admin", admin=True, displayname="The admin")
    ordinary = homeserver.register("ordinary")
    _upload_everything(homeserver, ordinary)
    server = Server(homeserver=homeserver, admin=admin, ordinary=ordinary)
    connection = sqlite3.connect(server.database, timeout=30)
    with connection:
        _cache_remote_media(connection)
        _change_local_media(connection)
        _date_everything(connection)
    connection.close()
    return server


def _upload_everything(homeserver: Homeserver, ordinary: Account) -> None:
    def upload(account: Account, size: int, kind: str, name: str | None = None) -> None:
        homeserver.client.upload(account, b"x" * size, media_type=kind, name=name)

    for index in range(TIED):
        tied = homeserver.register(f"tied{index:02}", displayname=f"Tied {index % 3}")
        upload(tied, 1000, "image/png")
    hostile = homeserver.register("hostile", displayname=HOSTILE)
    for size in (5, 3 * _MIB, 70_000):
        upload(hostile, size, "video/mp4", HOSTILE)
    for size in range(1, 31):
        upload(hostile, 2000 + size, "text/plain", f"note {size:02}.txt")
    backwards = homeserver.register("backwards", displayname=BACKWARDS)
    upload(backwards, 2 * _MIB, "audio/ogg", BACKWARDS)
    upload(backwards, 1_500_000, "image/png", LONG)
    upload(backwards, 1_400_000, "image/png", "to be emptied")
    upload(homeserver.register("uni", displayname="Ünïcode 山田"), 5000, "image/jpeg")
    upload(homeserver.register("empty", displayname="to be emptied"), 7000, "model/x")
    upload(ordinary, _MIB + 1, "application/pdf", "report.pdf")


def _cache_remote_media(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO remote_media_cache (media_origin, media_id, media_type, "
        "media_length, filesystem_id, created_ts, last_access_ts) "
        "VALUES (?, ?, 'image/webp', ?, ?, 1, 1)",
        [
            (f"s{index % 12:02}.example", f"id{index}", 3000 + index, f"f{index}")
            for index in range(30)
        ]
        + [("<i>.example", "hostile", 4 * _MIB, "fh")],
    )
    connection.execute(
        "INSERT INTO remote_media_cache_thumbnails (media_origin, media_id, "
        "thumbnail_width, thumbnail_height, thumbnail_type, thumbnail_method, "
        "thumbnail_length, filesystem_id) SELECT media_origin, media_id, 32, 32, "
        "'image/png', 'crop', 111000, filesystem_id FROM remote_media_cache LIMIT 7"
    )
    connection.execute(
        "UPDATE remote_media_cache SET quarantined_by = '@admin:example.org' "
        "WHERE media_id = 'id3'"
    )


def _change_local_media(connection: sqlite3.Connection) -> None:
    """Set properties that no upload has at once."""
    local = "UPDATE local_media_repository SET "
    for change in (
        "quarantined_by = '@admin:example.org' WHERE media_length = 70000",
        "safe_from_quarantine = 1 WHERE media_length = 2030",
        # So large that sums with and without it differ on the screen.
        "url_cache = 'https://example.com/', media_length = 900000 "
        "WHERE media_length = 2029",
        "user_id = NULL, media_length = 700000 WHERE media_length = 2028",
        "upload_name = '' WHERE upload_name = 'to be emptied'",
        # Identical files, by their hashes.
        f"sha256 = '{'ab' * 32}' WHERE media_length IN (2001, 2002, 2003)",
    ):
        try:
            connection.execute(local + change)
        except sqlite3.OperationalError:
            # Synapse keeps no hashes before 1.128.
            assert "sha256" in change
    connection.execute(
        "UPDATE profiles SET displayname = '' WHERE displayname = 'to be emptied'"
    )
    connection.execute(
        "INSERT INTO local_media_repository (media_id, created_ts, user_id) "
        "VALUES ('pending', 1, '@uni:example.org')"
    )
    connection.execute(
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_width, "
        "thumbnail_height, thumbnail_type, thumbnail_method, thumbnail_length) "
        "SELECT media_id, 32, 32, 'image/png', 'crop', 22200 "
        "FROM local_media_repository WHERE media_type = 'image/png'"
    )


def _date_everything(connection: sqlite3.Connection) -> None:
    """Give files ages of up to 200 days; two of three were read one day later."""
    now = int(time.time() * 1000)
    for table, days in (("local_media_repository", 3), ("remote_media_cache", 5)):
        connection.execute(
            f"UPDATE {table} SET created_ts = ? - (rowid * ? % 200) * ?",
            (now, days, DAY_MS),
        )
    connection.execute(
        "UPDATE local_media_repository SET last_access_ts = CASE rowid % 3 "
        "WHEN 0 THEN NULL ELSE created_ts + ? END",
        (DAY_MS,),
    )
    connection.execute(
        "UPDATE remote_media_cache SET last_access_ts = created_ts + ?", (DAY_MS,)
    )
