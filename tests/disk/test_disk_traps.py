"""Apparent differences between disk and database, and real ones."""

import errno
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from disk_support import DAY_MS, HOUR_MS, NOTHING, DiskTestCase

from media_stats_module.disk import second_look, walk
from media_stats_module.disk.paths import FOLDERS
from media_stats_module.disk.second_look import SecondLook
from media_stats_module.errors import RefusedError
from media_stats_module.storage import disk
from media_stats_module.synapse_internals import has_postgres

LOCAL = "local_content/aa/bb/cccc"
REMOTE = "remote_content/s.example/aa/bb/cccc"


def one(length: int = 1) -> dict[str, int]:
    return {"media_count": 1, "media_length": length}


class DiskTrapsTestCase(DiskTestCase):
    def test_nothing_is_different(self) -> None:
        self.local("aabbcccc", 3)
        self.put(LOCAL, b"abc")
        self.thumbnail("aabbcccc", 2)
        self.put("local_thumbnails/aa/bb/cccc/32-32-image-png-scale", b"ab")
        self.remote("s.example", "id", "aabbcccc", 4)
        self.put(REMOTE, b"abcd")
        self.thumbnail("id", 5, server="s.example", filesystem_id="aabbcccc")
        self.put(
            "remote_thumbnail/s.example/aa/bb/cccc/32-32-image-png-scale", b"abcde"
        )
        self.local("2026-01-02_abc", 6, url_cache="https://example.com")
        self.put("url_cache/2026-01-02/abc", b"abcdef")
        self.thumbnail("2026-01-02_abc", 7)
        self.put("url_cache_thumbnails/2026-01-02/abc/32-32-image-png-scale", b"7" * 7)

        report = self.report()
        for name, kind in report["kinds"].items():
            if name != "other":
                assert kind["rows"]["media_count"] == 1, name
                assert kind["on_disk"]["media_count"] == 1, name
                assert kind["rows"]["media_length"] == kind["on_disk"]["media_length"]
        assert self.differences() == {}
        assert self.causes() == {}
        assert report["media_store_path"] == str(self.root)
        status = os.statvfs(self.root)
        assert (
            report["file_system"]["total_length"] == status.f_blocks * status.f_frsize
        )
        assert abs(report["looked_at_ts"] - self.now_ts) < HOUR_MS

    def test_json_is_as_documented(self) -> None:
        page = (Path(__file__).parents[2] / "docs/disk.md").read_text()
        documented = json.loads(page.partition("```json\n")[2].partition("```")[0])
        report = self.report()
        for shown in (documented, report):
            shown["kinds"] = shown["kinds"]["local_files"]
            shown["difference"]["causes"] = {}
        assert _shape(documented) == _shape(report)

    def test_differences(self) -> None:
        self.local("aabbcccc", 3)
        self.local("aabbdddd", 3)
        self.local("aabbeeee", 3)
        self.put(LOCAL, b"abc")
        self.put("local_content/aa/bb/dddd", b"ab")
        self.put("local_content/aa/bb/ffff", b"abcd")

        assert self.differences() == {
            "local_files": {
                "without_row": one(4),
                "without_file": one(3),
                "other_length": one(3),
            }
        }
        assert self.causes() == {
            "without_file": (1, -3),
            "other_length": (1, -1),
            "without_row": (1, 4),
        }
        assert self.listed("without-row") == ["local_content/aa/bb/ffff"]
        assert self.listed("without-file") == ["mxc://test/aabbeeee"]
        assert self.listed("another-length") == ["local_content/aa/bb/dddd"]

    def test_forms_of_a_list(self) -> None:
        self.remote("s.example", "gone", "aabbcccc", 3)
        self.put("remote_content/s.example/aa/bb/o\nn", b"abcd")

        printed = self.run_command("--list", "without-row", "--force")
        (text,) = printed.out.decode().splitlines()
        looked_at, length, path = text.split("\t")
        assert looked_at.startswith("20")
        assert looked_at.endswith("Z")
        assert length == "4"
        # As a terminal can show it.
        assert path.endswith("/remote_content/s.example/aa/bb/o\\nn")
        assert self.listed("without-row") == ["remote_content/s.example/aa/bb/o\nn"]

        (entry,) = json.loads(
            self.run_command("--list", "without-file", "--json", "--force").out
        )
        assert entry.pop("looked_at_ts") >= self.now_ts
        assert entry == {
            "kind": "remote_files",
            "path": f"{self.root}/{REMOTE}",
            "uri": "mxc://s.example/gone",
            "media_length": None,
            "row_length": 3,
        }
        csv = self.run_command("--list", "without-file", "--csv", "--force").out
        header, line = csv.decode().splitlines()
        assert header == "looked_at_ts,kind,path,uri,media_length,row_length"
        assert line.endswith(
            f"remote_files,{self.root}/{REMOTE},mxc://s.example/gone,,3"
        )

    # Files that are not judged

    def test_what_is_young_is_not_judged(self) -> None:
        self.local("aabbcccc", created_ts=self.now_ts - HOUR_MS // 2)
        self.put("local_content/aa/bb/dddd", age_ms=HOUR_MS // 2)
        self.local("aabbeeee", 3)
        self.put("local_content/aa/bb/eeee", age_ms=HOUR_MS // 2)

        assert self.differences() == {}
        assert self.causes() == {"young": (3, -1 + 1 - 2)}
        assert self.differences("--min-age", "10m") == {
            "local_files": {
                "without_row": one(),
                "without_file": one(),
                "other_length": one(3),
            }
        }

    def test_pending_uploads(self) -> None:
        """They have no file, or one whose row may still come."""
        recently = self.now_ts - 2 * HOUR_MS
        self.local("aabbcccc", None, created_ts=recently)
        self.local("aabbdddd", None, created_ts=recently)
        self.put("local_content/aa/bb/dddd", age_ms=2 * HOUR_MS)

        assert self.report()["kinds"]["local_files"]["rows"] == NOTHING
        assert self.differences() == {}
        assert self.causes() == {"pending": (1, 1)}

    def test_no_length_in_the_row_of_a_remote_file(self) -> None:
        """It is no pending upload, and Synapse serves the file."""
        self.remote("s.example", "id", "aabbcccc")
        self.execute("UPDATE remote_media_cache SET media_length = NULL")
        self.put(REMOTE, b"abc")

        assert self.differences() == {"remote_files": {"other_length": one(0)}}

    def test_a_pending_upload_that_came_too_late(self) -> None:
        """It was refused, and nobody can complete it any more."""
        self.local("aabbdddd", None, created_ts=self.now_ts - 2 * DAY_MS)
        self.put("local_content/aa/bb/dddd")

        assert self.differences() == {"local_files": {"without_row": one()}}

    def test_previews_outlive_their_file(self) -> None:
        for media_id, days in (("2026-01-02_new", 1), ("2026-01-02_old", 3)):
            self.local(
                media_id,
                url_cache="https://example.com",
                created_ts=self.now_ts - days * DAY_MS,
            )

        assert self.differences() == {"url_previews": {"without_file": one()}}
        assert self.listed("without-file") == ["mxc://test/2026-01-02_old"]

    # Where files are

    def test_remote_files_lie_by_filesystem_id(self) -> None:
        self.remote("s.example", "aabbdddd", "aabbcccc")
        self.put(REMOTE)
        self.put("remote_content/s.example/aa/bb/dddd")

        assert self.differences() == {"remote_files": {"without_row": one()}}
        assert self.listed("without-row") == ["remote_content/s.example/aa/bb/dddd"]

    def test_thumbnails_of_older_versions(self) -> None:
        """Their names lack the method, or they are below the media ID."""
        self.thumbnail("ddddeeee", server="s.example", filesystem_id="aabbcccc")
        self.put("remote_thumbnail/s.example/aa/bb/cccc/32-32-image-png")
        self.thumbnail("ddddffff", server="s.example", filesystem_id="aabbgggg")
        self.put("remote_thumbnail/s.example/dd/dd/ffff/32-32-image-png-scale")
        self.thumbnail("ddddhhhh", server="s.example", filesystem_id="aabbhhhh")
        self.put("remote_thumbnail/s.example/dd/dd/hhhh/32-32-image-png")

        assert self.differences() == {}
        assert self.causes() == {"older_name": (6, 0)}

    def test_types_of_thumbnails(self) -> None:
        for content_type in ("image/png", "image/jpeg", "image/webp"):
            self.thumbnail("aabbcccc", content_type=content_type)
            name = f"32-32-{content_type.replace('/', '-')}-scale"
            self.put(f"local_thumbnails/aa/bb/cccc/{name}")

        assert self.differences() == {}
        assert self.causes() == {}

    def test_names_of_thumbnails_are_in_another_order_than_their_sizes(self) -> None:
        for width in (32, 96, 320, 1000):
            self.thumbnail("aabbcccc", width=width)
            self.put(f"local_thumbnails/aa/bb/cccc/{width}-32-image-png-scale")

        assert self.differences() == {}
        assert self.causes() == {}

    def test_both_layouts_of_previews(self) -> None:
        for media_id, path in (
            ("2026-01-02_abc", "2026-01-02/abc"),
            ("2026-01-02-abd", "2026-01-02/abd"),
            ("2026-01-02Xabb", "2026-01-02/abb"),
            ("2026-01-01Zabb", "2026-01-01/abb"),
            ("aabbcccc", "aa/bb/cccc"),
            # Before the days, although its ID sorts after them.
            ("20zzcccc", "20/zz/cccc"),
            ("2026-01-cccc", "20/26/-01-cccc"),
        ):
            self.local(media_id, url_cache="https://example.com")
            self.put(f"url_cache/{path}")
            self.thumbnail(media_id)
            self.put(f"url_cache_thumbnails/{path}/32-32-image-png-scale")
        # An upload never is one, whatever its ID looks like.
        self.local("2026-01-02_abc2")
        self.put("local_content/20/26/-01-02_abc2")

        assert self.differences() == {}
        assert self.causes() == {}
        self.put("url_cache/2026-01-02/abe")
        self.put("url_cache/aa/bb/dddd")
        assert self.listed("without-row") == [
            "url_cache/2026-01-02/abe",
            "url_cache/aa/bb/dddd",
        ]

    def test_a_file_in_the_folder_of_another_kind(self) -> None:
        """Synapse looks for previews and uploads in their own folder only."""
        self.local("aabbcccc")
        self.thumbnail("aabbcccc")
        self.local("aabbdddd", url_cache="https://example.com", created_ts=1)
        for path in (
            "url_cache/aa/bb/cccc",
            "url_cache_thumbnails/aa/bb/cccc/32-32-image-png-scale",
            "local_content/aa/bb/dddd",
        ):
            self.put(path)

        assert self.causes() == {"without_file": (3, -3), "without_row": (3, 3)}

    def test_two_previews_with_one_path(self) -> None:
        self.local("2026-01-02_abc", 3, url_cache="https://example.com")
        self.local("2026-01-02-abc", 3, url_cache="https://example.com")
        self.put("url_cache/2026-01-02/abc", b"abc")

        assert self.differences() == {}
        assert self.causes() == {"shared": (1, -3)}

    def test_servers_are_in_the_order_of_the_paths(self) -> None:
        servers = ("a", "a-b", "a-b.c", "a.b", "a:1", "aa", "b", "[::1]:8448")
        for server in servers:
            self.remote(server, "id", "aabbcccc")
            self.put(f"remote_content/{server}/aa/bb/cccc")

        assert self.differences() == {}
        # No file had to be looked at twice.
        assert self.causes() == {}

    def test_ids_that_cannot_be_a_path(self) -> None:
        media_ids = [
            "a",
            "aabb",
            "..bbcccc",
            "aabb..",
            "aab/cccc",
            "aabbäöü",
            "aabb cc",
        ]
        for media_id in media_ids:
            self.local(media_id)
            self.put(f"local_content/{media_id.replace('/', '')}")
        self.remote("s.example/..", "id", "aabbcccc")
        self.remote("", "id", "aabbcccc")
        self.remote("s.example", "id2", None)
        self.thumbnail("aabbcccc", content_type=None)
        self.thumbnail("aabbcccc", content_type="image")
        self.thumbnail("aabbcccc", width=None)
        self.thumbnail("aabbcccc", method=None, width=1)

        missing = self.listed("without-file")
        for media_id in media_ids:
            assert f"mxc://test/{media_id}" in missing
        assert "mxc://s.example/../id" in missing
        assert "mxc:///id" in missing
        assert "mxc://s.example/id2" in missing
        assert missing.count("mxc://test/aabbcccc") == 4
        assert len(missing) == len(media_ids) + 7

    def test_rows_without_an_id(self) -> None:
        """The database does not forbid them."""
        for table, columns, values in (
            ("local_media_repository", "media_length, created_ts", "7, 1"),
            ("remote_media_cache", "media_length", "7"),
            ("remote_media_cache", "media_origin, media_length", "'a', 5"),
            ("local_media_repository_thumbnails", "media_id", "'aabbcccc'"),
        ):
            self.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})")
        kinds = self.report("--min-age", "0s")["kinds"]
        assert kinds["local_files"]["without_file"] == one(7)
        assert kinds["remote_files"]["without_file"] == one(5)

    def test_any_value_in_a_row(self) -> None:
        """SQLite does not forbid it."""
        if has_postgres(self.hs.get_module_api()):
            return
        for table, columns, values in (
            ("local_media_repository", "media_id, media_length", "'aabb1', 'x'"),
            ("local_media_repository", "media_id, media_length", "X'FF00', 1.5"),
            ("local_media_repository", "media_id, media_length", "12345678, X'00'"),
            ("local_media_repository", "media_id, created_ts", "'aabb2', 'x'"),
            ("local_media_repository", "media_id, media_length", "'aabb3', 9e999"),
            ("local_media_repository", "media_id, created_ts", "'aabb4', -9e999"),
            ("remote_media_cache", "media_origin, filesystem_id", "X'FF', 'a'"),
            ("remote_media_cache", "media_origin, filesystem_id", "'a', X'FF'"),
            ("remote_media_cache", "media_origin, filesystem_id", "1, 2"),
            (
                "local_media_repository_thumbnails",
                "media_id, thumbnail_width, thumbnail_type, thumbnail_length",
                "X'00', 'x', 1, 'y'",
            ),
        ):
            self.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})")
        self.local("aabbcccc")

        for page in (1, 2, 1_000):
            with (
                patch.object(disk, "_PAGE", page),
                patch.object(disk, "_LARGE_PAGE", page),
            ):
                assert "mxc://test/aabbcccc" in self.listed("without-file")
        self.run_command()

    def test_quarantined_files_count_as_others(self) -> None:
        self.local("aabbcccc", quarantined_by="@admin:test")
        self.put(LOCAL)
        self.local("aabbdddd", quarantined_by="@admin:test")
        self.local("aabbeeee")
        self.put("local_content/aa/bb/eeee")

        kinds = self.report()["kinds"]
        assert kinds["local_files"]["rows"]["media_count"] == 3
        assert self.listed("without-file") == ["mxc://test/aabbdddd"]

    # Other files in the folder

    def test_other_files(self) -> None:
        """They have a list of their own, as they may be anything."""
        self.put("homeserver.db", b"abc")
        self.put("backup/local_content/aa/bb/cccc", b"ab")

        kinds = self.report()["kinds"]
        on_disk = kinds["other"]["on_disk"]
        assert (on_disk["media_count"], on_disk["media_length"]) == (2, 5)
        # With the folder itself.
        assert on_disk["folders"] == 5
        assert self.causes() == {"other": (2, 5)}
        assert self.listed("without-row") == []
        assert self.listed("other") == [
            "backup/local_content/aa/bb/cccc",
            "homeserver.db",
        ]
        self.put("new", age_ms=0)
        assert self.causes() == {"other": (2, 5), "young": (1, 1)}

        def finish(look: SecondLook) -> None:
            (self.root / "homeserver.db").unlink()
            finish_really(look)

        finish_really = SecondLook.finish
        with patch.object(SecondLook, "finish", finish):
            assert self.listed("other") == ["backup/local_content/aa/bb/cccc"]

    def test_files_where_synapse_puts_none(self) -> None:
        paths = [
            "local_content/a",
            "local_content/aa/bb",
            "local_content/aaa/bb/cccc",
            "local_content/cc/dd/eeee/ffff",
            "local_thumbnails/aa/bb/cccc",
            "remote_content/aa",
            "url_cache/2026-01-02-abc",
        ]
        for path in paths:
            self.put(path)
        self.local("aabbcccc")

        assert self.listed("without-row") == paths

    def test_empty_folders(self) -> None:
        (self.root / "remote_content/s.example/aa/bb").mkdir(parents=True)

        on_disk = self.report()["kinds"]["remote_files"]["on_disk"]
        assert (on_disk["folders"], on_disk["empty_folders"]) == (4, 1)

    def test_names_that_are_not_utf_8(self) -> None:
        self.put(b"local_content/aa/bb/\xff\n\xe9")
        self.put(b"\xff")

        assert self.listed("without-row") == [
            os.fsdecode(b"local_content/aa/bb/\xff\n\xe9")
        ]
        self.run_command()
        self.run_command("--csv")

    def test_links(self) -> None:
        """Synapse follows them."""
        elsewhere = self.root.parent / "elsewhere"
        (elsewhere / "aa/bb").mkdir(parents=True)
        (elsewhere / "aa/bb/cccc").write_bytes(b"abc")
        (elsewhere / "file").write_bytes(b"abcd")
        for name in ("aa/bb/cccc", "file"):
            self.make_old(elsewhere / name)
        (self.root / "local_content").symlink_to(elsewhere)
        (self.root / "remote_content").mkdir()
        self.put("remote_content/s.example/aa/bb/dddd")
        (self.root / "remote_content/s.example/aa/bb/cccc").symlink_to(
            elsewhere / "file"
        )
        self.local("aabbcccc", 3)
        self.remote("s.example", "id", "aabbcccc", 4)
        self.remote("s.example", "id2", "aabbdddd", 1)

        assert self.differences() == {"local_files": {"without_row": one(4)}}

    def test_links_that_lead_nowhere(self) -> None:
        """Their target may not be mounted."""
        (self.root / "remote_content").symlink_to("/no/such/folder")
        (self.root / "local_content/aa").mkdir(parents=True)
        (self.root / "local_content/aa/bb").symlink_to("/no/such/folder")
        (self.root / "local_content/aa/cc").mkdir()
        (self.root / "local_content/aa/cc/dddd").symlink_to("/no/such/file")
        self.remote("s.example", "id", "aabbcccc")
        self.local("aabbcccc")
        self.local("aaccdddd")
        # Between the link and the files below it.
        self.local("aabb-ccc")
        self.local("aaacdddd")

        assert self.differences() == {"local_files": {"without_file": one()}}
        assert self.causes() == {"unreadable": (4, -4), "without_file": (1, -1)}
        reason = os.strerror(errno.ENOENT)
        assert self.report()["unreadable"] == {
            "count": 3,
            "paths": [
                {"path": path, "reason": reason}
                for path in (
                    "local_content/aa/bb",
                    "local_content/aa/cc/dddd",
                    "remote_content",
                )
            ],
        }

    def test_a_folder_in_place_of_a_file(self) -> None:
        self.local("aabbcccc")
        self.put(f"{LOCAL}/file")

        assert self.differences() == {
            "local_files": {"without_row": one(), "without_file": one()}
        }

    def test_a_file_in_place_of_a_folder(self) -> None:
        for folder in FOLDERS.values():
            self.put(folder)
        self.local("aabbcccc")
        self.remote("s.example", "id", "aabbcccc")

        assert self.causes() == {"without_row": (6, 6), "without_file": (2, -2)}

    def test_links_in_a_circle(self) -> None:
        self.local("aabbcccc")
        self.put(LOCAL)
        (self.root / "local_content/aa/circle").symlink_to(self.root / "local_content")
        (self.root / "local_content/aa/itself").symlink_to("itself")

        report = self.report()
        assert report["unreadable"]["count"] == 2
        assert self.differences() == {}

    def test_a_folder_that_cannot_be_read(self) -> None:
        self.local("aabbcccc", 3)
        self.local("aabbdddd", 3)
        self.local("aaccdddd", 3)
        self.put(LOCAL)
        self.put("local_content/aa/cc/dddd", b"abc")
        scandir = os.scandir

        def scan(path: bytes) -> Any:
            if path.endswith(b"/aa/bb"):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
            return scandir(path)

        with patch.object(os, "scandir", scan):
            report = self.report()
            printed = self.run_command().out.decode()
            assert self.differences() == {}
            assert "bb: " in self.run_command("--list", "without-file").err
        assert report["difference"]["causes"] == {
            "unreadable": {"media_count": 2, "media_length": -6}
        }
        assert report["unreadable"]["paths"] == [
            {"path": "local_content/aa/bb", "reason": os.strerror(errno.EACCES)}
        ]
        assert "Not read: local_content/aa/bb: " in printed
        # As `du` does, it counts the folder itself.
        assert report["kinds"]["local_files"]["on_disk"]["folders"] == 4

    def test_only_the_first_unreadable_folders_are_named(self) -> None:
        for number in range(walk.NAMED_AT_MOST + 5):
            path = self.root / f"local_content/{number:02}"
            path.parent.mkdir(exist_ok=True)
            path.symlink_to("/no/such/folder")

        report = self.report()
        assert report["unreadable"]["count"] == walk.NAMED_AT_MOST + 5
        assert len(report["unreadable"]["paths"]) == walk.NAMED_AT_MOST
        assert "Not read, besides: 5" in self.run_command().out.decode()

    def test_files_and_folders_that_vanish_during_the_walk(self) -> None:
        for path in (LOCAL, "local_content/aa/bb/dddd", "local_content/cc/dd/eeee"):
            self.put(path)
        self.local("aabbcccc")
        scandir = os.scandir

        def scan(path: bytes) -> Any:
            if path.endswith(b"local_content/aa"):
                # After `local_content` was read, and before `cc` is.
                self._delete("local_content/cc/dd/eeee")
            if path.endswith(b"/aa/bb"):
                # After its names were read.
                with scandir(path) as scan:
                    entries = list(scan)
                self._delete("local_content/aa/bb/dddd")
                return _Closing(entries)
            return scandir(path)

        with patch.object(os, "scandir", scan):
            assert self.differences() == {}

    def _delete(self, path: str) -> None:
        if (self.root / path).exists():
            (self.root / path).unlink()
            os.removedirs(self.root / Path(path).parent) if "/cc/" in path else None

    def test_hard_links_are_named(self) -> None:
        self.local("aabbcccc")
        os.link(self.put(LOCAL), self.root / "local_content/aa/bb/dddd")

        assert self.differences() == {"local_files": {"without_row": one()}}
        assert "2 files have other names, too" in self.run_command().out.decode()

    # Changes during the run

    def test_a_row_that_goes_after_its_file(self) -> None:
        """Synapse is deleting it."""
        self.local("aabbcccc")
        self.local("aabbdddd")
        self.put("local_content/aa/bb/dddd")

        def delete(seconds: float) -> None:
            self.execute(
                "DELETE FROM local_media_repository WHERE media_id = 'aabbcccc'"
            )

        with patch.object(second_look, "sleep", delete):
            assert self.differences() == {}
        self.local("aabbcccc")
        with patch.object(second_look, "sleep", delete):
            assert self.causes() == {"changed": (1, -1)}

    def test_a_file_that_comes_back(self) -> None:
        self.local("aabbcccc")
        with patch.object(second_look, "sleep", lambda s: self.put(LOCAL)):
            assert self.differences() == {}

    def test_a_file_that_goes(self) -> None:
        self.put(LOCAL)
        self.local("aabbdddd")
        with patch.object(second_look, "sleep", lambda s: (self.root / LOCAL).unlink()):
            assert self.causes() == {"changed": (1, 1), "without_file": (1, -1)}

    def test_more_suspects_than_are_kept(self) -> None:
        for number in range(10):
            self.put(f"local_content/aa/bb/{number:04}")
            self.local(f"ccdd{number:04}")
        self.local("aabbcccc")
        with patch.object(second_look, "_SUSPECTS_AT_MOST", 3):
            assert self.differences("--force") == {
                "local_files": {
                    "without_row": {"media_count": 10, "media_length": 10},
                    "without_file": {"media_count": 11, "media_length": 11},
                }
            }
            assert len(self.listed("without-row")) == 10

    # The wrong folder

    def test_more_than_half_of_the_rows_without_a_file(self) -> None:
        for number in range(3):
            self.local(f"aabb{number:04}")
        self.put("local_content/aa/bb/0000")
        self.put("local_content/aa/bb/cccc")

        printed = self.run_command()
        assert "Of 3 rows looked at, 2 have" in printed.err
        with pytest.raises(RefusedError, match="Of 3 rows looked at, 2 have"):
            self.run_command("--list", "without-row")
        assert self.listed("without-row") == ["local_content/aa/bb/cccc"]
        # Of many rows, it does not look at each again.
        with (
            patch.object(second_look, "_SUSPECTS_AT_MOST", 2),
            patch.object(second_look, "sleep", self.fail),
            pytest.raises(RefusedError, match="Of 3 rows looked at, 2 have"),
        ):
            self.run_command()
        self.put("local_content/aa/bb/0001")
        assert self.run_command().err == ""
        assert b"cccc" in self.run_command("--list", "without-row").out

    def test_the_folder_of_another_homeserver(self) -> None:
        for number in range(100):
            self.put(f"local_content/aa/bb/{number:04}")

        with pytest.raises(RefusedError, match="None of the 100 files"):
            self.run_command("--list", "without-row")

    def test_no_folder(self) -> None:
        self.root.rmdir()
        with pytest.raises(RefusedError, match="media_store_path"):
            self.run_command()
        assert not self.root.exists()


def _shape(value: object) -> object:
    """The names in a JSON object, in their order."""
    if isinstance(value, dict):
        return [(name, _shape(each)) for name, each in value.items()]
    return type(value)


class _Closing(list[Any]):
    """Like the result of `os.scandir`: closed by a `with`."""

    def __enter__(self) -> "_Closing":
        return self

    def __exit__(self, *exc: object) -> None:
        pass
