"""The command line and HTTP give the same answers."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from parameterized import parameterized  # type: ignore[import-untyped]
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia, Thumbnail
from synapse.module_api import LoggingTransaction

from media_stats_module.__main__ import main
from media_stats_module.endpoints import ENDPOINTS, List
from media_stats_module.rest import api
from media_stats_module.storage import OfflineDatabase

pytestmark = pytest.mark.any_database

_NOW_TS = 1_700_000_000_000

_QUERIES: dict[str, list[dict[str, object]]] = {
    "users": [
        {},
        {"order_by": "media_length", "dir": "b", "limit": 2},
        {"from": 1, "limit": 2**63 - 1},
        {"search_term": "ÜN"},
        {"from_ts": 3, "until_ts": 5},
        {"deactivated": "false"},
        {"appservice": "", "has_account": "true"},
    ],
    "servers": [{}, {"order_by": "media_count", "limit": 1, "search_term": "A."}],
    "summary": [{}, {"duplicates": "true"}, {"user": "@a:test"}],
    "reclaimable": [
        {},
        {"before_ts": _NOW_TS, "size_gt": 20, "keep_profiles": "false"},
    ],
    "timeline": [{"interval": "month"}, {"source": "remote", "until_ts": 86_400_000}],
    "types": [{}, {"group": "true", "order_by": "media_length", "dir": "b"}],
    "files": [
        {},
        {"order_by": "created_ts", "limit": 2, "media_type": "image/*"},
        {"source": "remote", "min_length": 2},
        {"reclaimable_before_ts": _NOW_TS, "quarantined": "false"},
        {"group": "other", "url_preview": "false", "without_owner": "false"},
    ],
    "appservices": [{}, {"order_by": "users", "dir": "f", "limit": 1}],
    "duplicates": [{}, {"source": "local", "limit": 1}],
}


class AnswersTestCase(MediaStatsTestCase):
    shares_homeserver: ClassVar[bool] = True

    def setUp(self) -> None:
        super().setUp()
        for patcher in (
            patch.object(api, "current_time_ms", lambda _: _NOW_TS),
            patch.object(OfflineDatabase, "now_ts", lambda _: _NOW_TS),
        ):
            patcher.start()
            self.addCleanup(patcher.stop)
        self.insert_local_media(
            *(
                LocalMedia(
                    user_id=user_id,
                    media_length=10 * number,
                    created_ts=number,
                    media_type=media_type,
                    upload_name=f"=name\r\n{number}",
                    sha256=f"{number % 2}" * 64,
                )
                for number, (user_id, media_type) in enumerate(
                    [
                        ("@a:test", "image/png"),
                        ("@b:test", "video/mp4"),
                        ("@ünïcode:test", "image/webp"),
                        ("@a:test", "text/plain"),
                        (None, "image/png"),
                    ],
                    1,
                )
            )
        )
        self.insert_remote_media(
            RemoteMedia(media_origin="a.example", media_length=1, last_access_ts=1),
            RemoteMedia(media_origin="b.example", media_length=2, last_access_ts=2),
        )
        self.insert_thumbnails(
            Thumbnail(media_id="x", thumbnail_width=1, thumbnail_length=3)
        )
        self.insert_profiles({"@a:test": "Alice"})

    def command(self, *arguments: str, settings: str = "") -> bytes:
        """Run the command, with more lines in the configuration; return its output."""
        printed = BytesIO()
        with (
            TemporaryDirectory() as directory,
            TextIOWrapper(printed, "utf-8", newline="\n") as out,
        ):
            config = Path(directory) / "homeserver.yaml"
            database = config.with_suffix(".db")
            config.write_text(
                "server_name: test\nreport_stats: false\n"
                f"database: {{name: sqlite3, args: {{database: {database}}}}}\n"
                f"{settings}"
            )
            with closing(sqlite3.connect(database)) as copy:
                self.in_transaction(lambda txn: _copy(txn, copy))
            with redirect_stdout(out):
                assert main([*arguments, "-c", str(config)]) == 0
            return printed.getvalue()

    @parameterized.expand([(each.name,) for each in ENDPOINTS])  # type: ignore[untyped-decorator]
    def test_json(self, name: str) -> None:
        for query in _QUERIES.get(name, [{}]):
            channel = self.ask(f"{MODULE_PATH}/v1/{name}", query)
            assert channel.code == 200, channel.result
            body = channel.result["body"]
            if name == "rollups":
                # Only the process for background tasks knows.
                body = body.replace(b'"failures":{}', b'"failures":null')
            assert self.command(name, *_options(query), "--json") == body + b"\n", query

    @parameterized.expand(  # type: ignore[untyped-decorator]
        [(each.name,) for each in ENDPOINTS if isinstance(each, List)]
    )
    def test_csv(self, name: str) -> None:
        for query in _QUERIES.get(name, [{}]):
            channel = self.ask(f"{MODULE_PATH}/v1/{name}", {**query, "format": "csv"})
            printed = self.command(name, *_options(query), "--csv")
            assert printed == channel.result["body"], query

    @parameterized.expand([(each.name,) for each in ENDPOINTS])  # type: ignore[untyped-decorator]
    def test_table(self, name: str) -> None:
        """The table contains every text of the answer."""
        for query in _QUERIES.get(name, [{}]):
            body = json.loads(self.command(name, *_options(query), "--json"))
            table = self.command(name, *_options(query)).decode()
            for text in _texts(body):
                shown = text.replace("\r\n", "\\r\\n")
                assert shown in table, (query, text)

    def test_settings(self) -> None:
        """Of a configuration that Synapse has not loaded."""
        settings = (
            "media_retention: {local_media_lifetime: 1d}\nurl_preview_enabled: true\n"
        )
        arguments = ("summary", "--limits", "true", "--json")
        limits = json.loads(self.command(*arguments, settings=settings))["limits"]
        assert limits["media_retention"] == {
            "local_media_lifetime": 86_400_000,
            "remote_media_lifetime": None,
        }
        assert limits["url_preview_enabled"] is True
        limits = json.loads(self.command(*arguments))["limits"]
        assert limits["url_preview_enabled"] is False

    def test_next_page(self) -> None:
        """The table ends with the option for the next page, ready to be copied."""
        self.insert_local_media(
            *(
                LocalMedia(user_id=f"@{n}:test", media_id=f"{n:0255}")
                for n in range(999)
            )
        )
        for name, rows in (("users", 1_000), ("files", 2)):
            asked = (name, f"--limit={rows}")
            *_, last = self.command(*asked).decode().splitlines()
            assert last.startswith("next page: --from=")
            second = json.loads(self.command(*asked, last.split()[-1], "--json"))
            first = json.loads(self.command(*asked, "--json"))
            assert len(first[name]) == rows
            assert second[name][0] not in first[name]


def _copy(txn: LoggingTransaction, copy: sqlite3.Connection) -> None:
    source: Any = txn.txn
    source.connection.backup(copy)


def _options(query: dict[str, object]) -> Iterator[str]:
    for name, value in query.items():
        yield f"--{name.replace('_', '-')}={value}"


def _texts(body: Any) -> Iterator[str]:
    """The texts in an answer."""
    if isinstance(body, dict):
        body = list(body.values())
    if isinstance(body, list):
        for value in body:
            yield from _texts(value)
    elif isinstance(body, str):
        yield body
