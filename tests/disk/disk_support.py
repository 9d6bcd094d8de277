"""A homeserver on the harness with a media store of its own, and the command for it."""

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast
from unittest.mock import patch

import attr
from support import LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import JsonDict, LoggingTransaction

from media_stats_module.disk import command, second_look
from media_stats_module.storage import DiskRows, OfflineDatabase
from media_stats_module.storage.database import Cost

_T = TypeVar("_T")

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS

NOTHING = {"media_count": 0, "media_length": 0}


@attr.frozen
class Printed:
    """The output of the command."""

    out: bytes
    err: str


class DiskTestCase(MediaStatsTestCase):
    """An empty media store, in a folder that is removed after the test.

    Attributes:
        root: the folder of the media store.
        homeserver_yaml: further options of homeserver.yaml.
        now_ts: the time.
    """

    homeserver_yaml: ClassVar[JsonDict] = {}
    shares_homeserver = True

    root: Path

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="disk-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.root = Path(folder) / "media"
        self.root.mkdir()
        self.now_ts = int(time.time() * 1000)
        super().setUp()

    # The command

    def run_command(self, *arguments: str) -> Printed:
        """Run the command; a refusal is raised."""
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        configuration = {
            "server_name": self.server_name,
            "media_store_path": str(self.root),
            **self.homeserver_yaml,
        }
        out, err = io.BytesIO(), io.StringIO()
        with (
            redirect_stdout(io.TextIOWrapper(out, write_through=True)),
            redirect_stderr(err),
            # No file is deleted meanwhile.
            patch.object(second_look, "DELETION_S", 0.0),
        ):
            options = parser.parse_args(arguments)
            command.run(options, configuration, self.database())
            sys.stdout.flush()
            return Printed(out.getvalue(), err.getvalue())

    def report(self, *arguments: str) -> JsonDict:
        """The report as JSON. Its numbers must add up."""
        report: JsonDict = json.loads(self.run_command("--json", *arguments).out)
        difference = report["difference"]
        causes = sum(cause["media_length"] for cause in difference["causes"].values())
        assert difference["rows_length"] + causes == difference["media_length"]
        assert (
            difference["media_length"]
            + difference["blocks_length"]
            + difference["folders_length"]
            == difference["allocated_length"]
        )
        kinds = report["kinds"].values()
        assert difference["rows_length"] == sum(
            kind["rows"]["media_length"] for kind in kinds
        )
        assert difference["allocated_length"] == sum(
            kind["on_disk"]["allocated_length"] for kind in kinds
        )
        return report

    def differences(self, *arguments: str) -> dict[str, JsonDict]:
        """The differences by kind, without zeros."""
        found = {}
        for name, kind in self.report(*arguments)["kinds"].items():
            figures = {
                difference: kind[difference]
                for difference in ("without_row", "without_file", "other_length")
                if kind[difference] != NOTHING
            }
            if figures:
                found[name] = figures
        return found

    def causes(self, *arguments: str) -> dict[str, tuple[int, int]]:
        """The reasons why disk and database differ."""
        causes = self.report(*arguments)["difference"]["causes"]
        return {name: tuple(tally.values()) for name, tally in causes.items()}

    def listed(self, cause: str, *arguments: str) -> list[str]:
        """The names in a list."""
        printed = self.run_command("--list", cause, "--null", "--force", *arguments)
        lines = os.fsdecode(printed.out).split("\0")
        assert lines.pop() == ""
        root = f"{self.root}/"
        return [line.split("\t", 2)[2].removeprefix(root) for line in lines]

    # The disk and the database

    def put(
        self, path: str | bytes, content: bytes = b"x", *, age_ms: int = DAY_MS
    ) -> Path:
        """Write a file below the folder of the media store."""
        file = self.root / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.make_old(file, age_ms)
        return file

    def make_old(self, path: Path, age_ms: int = DAY_MS) -> None:
        """Give a file a time in the past."""
        seconds = (self.now_ts - age_ms) / 1000
        os.utime(path, (seconds, seconds))

    def local(self, media_id: str, length: int | None = 1, **columns: Any) -> None:
        """Insert a row of an upload, a day old."""
        columns = {"created_ts": self.now_ts - DAY_MS, **columns}
        self.insert_local_media(
            LocalMedia(
                user_id="@user:test", media_id=media_id, media_length=length, **columns
            )
        )

    def remote(
        self, server: str, media_id: str, filesystem_id: str | None, length: int = 1
    ) -> None:
        """Insert a row of a remote file, a day old."""
        self.insert_remote_media(
            RemoteMedia(
                media_origin=server,
                media_id=media_id,
                media_length=length,
                created_ts=self.now_ts - DAY_MS,
            )
        )
        self.execute(
            "UPDATE remote_media_cache SET filesystem_id = ? "
            "WHERE media_origin = ? AND media_id = ?",
            filesystem_id,
            server,
            media_id,
        )

    def thumbnail(
        self,
        media_id: str,
        length: int = 1,
        *,
        server: str | None = None,
        filesystem_id: str | None = None,
        width: int | None = 32,
        height: int | None = 32,
        content_type: str | None = "image/png",
        method: str | None = "scale",
    ) -> None:
        """Insert a row of a thumbnail."""
        columns: dict[str, object] = {
            "media_id": media_id,
            "thumbnail_width": width,
            "thumbnail_height": height,
            "thumbnail_type": content_type,
            "thumbnail_method": method,
            "thumbnail_length": length,
        }
        table = "local_media_repository_thumbnails"
        if server is not None:
            table = "remote_media_cache_thumbnails"
            columns |= {"media_origin": server, "filesystem_id": filesystem_id}
        marks = ", ".join("?" * len(columns))
        self.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
            *columns.values(),
        )

    def disk_rows(self) -> DiskRows:
        """Reads the rows of the homeserver's database."""
        return DiskRows(self.database())

    def database(self) -> OfflineDatabase:
        """The database of the harness, for the command line."""
        return cast(OfflineDatabase, _Database(self))


class _Database:
    def __init__(self, test_case: DiskTestCase) -> None:
        self._test_case = test_case
        self.server_name = test_case.server_name

    def now_ts(self) -> int:
        return int(time.time() * 1000)

    async def read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T],
        costs: Sequence[Cost],
    ) -> _T:
        return self._test_case.in_transaction(lambda txn: function(txn, costs[-1]))
