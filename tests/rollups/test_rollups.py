"""Rollups as an administrator sees them: on, exact at every moment, and off again."""

from typing import Any, ClassVar
from unittest.mock import patch

from rollups_support import ALICE, BOB, ROLLUPS, RollupsTestCase
from support import LocalMedia, Thumbnail
from synapse.module_api import JsonDict, LoggingTransaction

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import SummaryQuestion, TypesQuestion
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore, SharedDatabase, shared_database
from media_stats_module.storage.rollups import build


class RollupsTest(RollupsTestCase):
    """Built, kept, reported in the log, and removed."""

    def test_builds_from_what_is_there(self) -> None:
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3),
            LocalMedia(user_id=ALICE, media_length=4),
            LocalMedia(user_id=BOB, media_length=None),
            LocalMedia(user_id=None, media_length=5),
        )
        self.run_round()
        assert (self.state()["status"], self.state()["owners"]) == ("exact", 1)
        assert self.users() == {
            "users": [
                {
                    "user_id": ALICE,
                    "displayname": None,
                    "media_count": 2,
                    "media_length": 7,
                }
            ],
            "total": 1,
        }

    def test_changes_show_at_once(self) -> None:
        self.run_round()
        assert self.users() == {"users": [], "total": 0}
        (media_id,) = self.insert_local_media(LocalMedia(user_id=BOB, media_length=9))
        assert self.users()["total"] == 1
        self.execute(
            "UPDATE local_media_repository SET user_id = ? WHERE media_id = ?",
            ALICE,
            media_id,
        )
        for _ in range(2):
            users = self.users()["users"]
            assert [(u["user_id"], u["media_length"]) for u in users] == [(ALICE, 9)]
            self.run_round()
        self.execute("DELETE FROM local_media_repository")
        for _ in range(2):
            assert self.users() == {"users": [], "total": 0}
            self.run_round()
        assert (self.state()["status"], self.state()["owners"]) == ("exact", 0)

    def test_changes_of_kinds_show_at_once(self) -> None:
        """Each column that makes a kind, thumbnails, and pending uploads."""
        (media_id, _) = self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=None, media_type=None),
            LocalMedia(user_id=ALICE, media_length=5, media_type="image/png"),
        )
        self.insert_thumbnails(Thumbnail(media_id=media_id, thumbnail_length=7))
        self.run_round()
        live = self.without_rollups()
        for table, change in (
            ("local_media_repository", "media_length = 3"),
            ("local_media_repository", "media_type = 'Video/MP4; codecs=x'"),
            ("local_media_repository", "quarantined_by = '@admin:test'"),
            ("local_media_repository", "safe_from_quarantine = TRUE"),
            ("local_media_repository", "url_cache = 'https://a'"),
            ("local_media_repository", "user_id = NULL"),
            ("local_media_repository", "media_length = NULL"),
            ("local_media_repository_thumbnails", "thumbnail_length = 20"),
        ):
            with self.subTest(change):
                before = self.everything()
                self.execute(
                    f"UPDATE {table} SET {change} WHERE media_id = ?", media_id
                )
                assert self.everything() != before
                for _ in range(2):
                    assert self.state()["status"] == "exact"
                    assert self.everything() == self.get_success(live())
                    self.run_round()
        for table in ("local_media_repository_thumbnails", "local_media_repository"):
            self.execute(f"DELETE FROM {table}")
            for _ in range(2):
                assert self.everything() == self.get_success(live())
                self.run_round()
        assert self.differences() == {}

    def everything(self) -> tuple[object, ...]:
        """Every answer of the store that can come from the totals."""
        answers: tuple[object, ...] = self.get_success(
            self.ask_store(self.store_with(rollups=True))
        )
        return answers

    def without_rollups(self) -> Any:
        store = self.store_with(rollups=False)
        return lambda: self.ask_store(store)

    def store_with(self, *, rollups: bool) -> MediaStatsStore:
        return MediaStatsStore(
            SharedDatabase(self.hs.get_module_api(), query_timeout=60_000),
            MediaStatsConfig(rollups=rollups),
        )

    async def ask_store(self, store: MediaStatsStore) -> tuple[object, ...]:
        summary = await store.get_summary(SummaryQuestion())
        types = await store.get_types_page(TypesQuestion(grouped=True))
        return summary, types

    def test_everything_goes(self) -> None:
        """At the first start with `rollups: false`, and at the second."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        # The indexes come after the triggers.
        self.run_round()
        assert "media_stats_local_by_time" in self.objects()
        api = self.hs.get_module_api()
        off = MediaStatsConfig()
        for _ in range(2):
            keeper = RollupsKeeper(api, off, self.store_with(rollups=False).maintenance)
            with patch.object(keeper, "_loop") as loop:
                keeper.start()
            ((remove,), _) = loop.call_args
            self.get_success(remove())
            assert self.objects() == []
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=4))
        assert self.users()["users"][0]["media_length"] == 7

    def test_building_is_finished_when_the_totals_are_there(self) -> None:
        added: list[object] = []
        add_txn = build._add_txn

        def add(txn: LoggingTransaction, table: str, source: str, rows: Any) -> None:
            add_txn(txn, table, source, rows)
            added.append(source)

        with (
            patch.object(build, "_add_txn", add),
            patch.object(shared_database, "current_time_ms", lambda _: len(added)),
        ):
            self.run_round()
        local, remote = self.state(), self.state("remote")
        assert (local["build_started_ts"], local["build_finished_ts"]) == (0, 3)
        assert (remote["build_started_ts"], remote["build_finished_ts"]) == (3, 6)

    def test_the_log_says_what_is_done(self) -> None:
        for user_id in (ALICE, ALICE, BOB):
            self.insert_local_media(LocalMedia(user_id=user_id, media_length=3))
        with self.assertLogs("media_stats_module", "INFO") as logs:
            self.run_round()
            self.run_round()
        said = [line.split(":Rollups: ")[-1] for line in logs.output]
        for line in (
            "installing the tables",
            "changes of local_media_repository are logged from now on",
            "creating the index by time on local_media_repository",
            "building the totals of local media",
        ):
            assert said.count(line) == 1, said
        for line in (
            "created the index by time on local_media_repository in ",
            "built the totals of local media: 3 files of 2 owners in ",
        ):
            assert [each.startswith(line) for each in said].count(True) == 1, said
        # Nothing to do, so nothing in the log.
        with self.assertNoLogs("media_stats_module", "INFO"):
            self.run_round()


class UploadsOnlyTest(RollupsTestCase):
    """Without the images of URL previews."""

    module_options: ClassVar[JsonDict] = {
        "rollups": True,
        "count_url_previews": False,
    }

    def test_a_preview_becomes_an_upload_by_hand(self) -> None:
        """And the other way round."""
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=1),
            LocalMedia(user_id=ALICE, media_length=2, url_cache="https://a.example"),
        )
        self.run_round()
        for cached, length in (("NULL", 3), ("'https://b.example'", 0), ("NULL", 3)):
            self.execute(f"UPDATE local_media_repository SET url_cache = {cached}")
            for _ in range(2):
                assert self.state()["status"] == "exact"
                users = self.users()["users"]
                assert sum(user["media_length"] for user in users) == length
                self.run_round()
        assert self.differences() == {}


class NoRollupsTest(RollupsTestCase):
    module_options: ClassVar[JsonDict] = {}

    def test_nothing_is_added(self) -> None:
        self.run_round()
        assert self.objects() == []
        assert self.ask(ROLLUPS).json_body == {
            "enabled": False,
            "rollups": {},
            "failures": {},
        }
        assert self.check().code == 404
