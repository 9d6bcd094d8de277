"""Rollups as an administrator sees them: on, exact at every moment, and off again."""

import csv
from functools import partial
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict, LoggingTransaction
from tests.server import FakeChannel
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import SummaryQuestion, TypesQuestion
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore
from media_stats_module.storage.rollups import build, maintenance

ROLLUPS = f"{MODULE_PATH}/v1/rollups"

ALICE = "@alice:test"
BOB = "@bob:test"

DAY_MS = 86_400_000

pytestmark = pytest.mark.skipif(
    not USE_POSTGRES_FOR_TESTS, reason="rollups are for PostgreSQL"
)


class RollupsTestCase(MediaStatsTestCase):
    """A homeserver with rollups."""

    module_options: ClassVar[JsonDict] = {"rollups": True}

    def objects(self) -> list[str]:
        """The names of all that the module has put into the database."""
        rows = self.execute(
            "SELECT relname FROM pg_class UNION ALL SELECT proname FROM pg_proc "
            "UNION ALL SELECT tgname FROM pg_trigger"
        )
        return sorted(name for (name,) in rows if name.startswith("media_stats"))

    def state(self, source: str = "local") -> JsonDict:
        """The state of the totals of a source, by the API."""
        state: JsonDict = self.ask(ROLLUPS).json_body["rollups"][source]
        return state

    def check(self) -> FakeChannel:
        """Ask for a check."""
        return self.make_request(
            "POST", f"{ROLLUPS}/check", access_token=self.admin_token
        )

    def differences(self) -> JsonDict | None:
        """What the check finds wrong with the totals of local media."""
        found: JsonDict | None = self.check().json_body["differences"]["local"]
        return found and {name: value for name, value in found.items() if value}

    def summary(self) -> JsonDict:
        answer: JsonDict = self.ask(f"{MODULE_PATH}/v1/summary").json_body
        return answer

    def lengths(self) -> set[int]:
        """Of the one file, as every answer has it that may come from the totals."""
        queries: list[JsonDict] = [
            {},
            {"order_by": "displayname"},
            {"search_term": "alice"},
            {"deactivated": "false"},
        ]
        lengths = {
            user["media_length"]
            for query in queries
            for user in self.users(query)["users"]
        }
        for query in queries:
            channel = self.ask_module(query | {"format": "csv"})
            (row,) = csv.DictReader(channel.text_body.splitlines())
            lengths.add(int(row["media_length"]))
        timeline = self.ask(f"{MODULE_PATH}/v1/timeline").json_body["buckets"]
        lengths |= {bucket["media_length"] for bucket in timeline} - {0}
        types = self.ask(f"{MODULE_PATH}/v1/types", {"group": "true"}).json_body
        lengths |= {each["media_length"] for each in types["types"]}
        return lengths | {self.summary()["local"]["uploads"]["media_length"]}

    def add_to_totals(self, length: int) -> None:
        """Make the totals wrong, so that they can be told from the media."""
        for table in ("owners", "days", "kinds"):
            self.execute(
                f"UPDATE media_stats_{table} SET media_length = media_length + ? "
                "WHERE source = 'local'",
                length,
            )


class RollupsTest(RollupsTestCase):
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
        """Each column that makes a kind, thumbnails, and uploads that are pending."""
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
        """What the store answers where it may ask the totals."""
        return self.get_success(self.ask_store(self.store_with(rollups=True)))

    def without_rollups(self) -> Any:
        store = self.store_with(rollups=False)
        return lambda: self.ask_store(store)

    def store_with(self, *, rollups: bool) -> MediaStatsStore:
        return MediaStatsStore(
            self.hs.get_module_api(), MediaStatsConfig(rollups=rollups)
        )

    async def ask_store(self, store: MediaStatsStore) -> tuple[object, ...]:
        summary = await store.get_summary(SummaryQuestion())
        types = await store.get_types_page(TypesQuestion(grouped=True))
        return summary, types

    def test_answers_come_from_the_totals(self) -> None:
        """Not from the media: totals that are wrong on purpose show."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.insert_remote_media(RemoteMedia(media_origin="a.example", media_length=2))
        self.run_round()
        self.execute("UPDATE media_stats_owners SET media_length = 1000")
        for query in ({}, {"order_by": "media_length"}, {"search_term": "a"}):
            assert self.users(query)["users"][0]["media_length"] == 1000
        servers = self.ask(f"{MODULE_PATH}/v1/servers").json_body
        assert servers["servers"][0]["media_length"] == 1000
        self.execute("UPDATE media_stats_days SET media_length = 1000")
        self.execute("UPDATE media_stats_kinds SET media_length = 1000")
        assert self.lengths() == {1000}

    def test_the_check_finds_what_bypassed_the_triggers(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        self.execute("UPDATE media_stats_owners SET media_length = 1000")
        with self.assertLogs("media_stats_module", "ERROR") as logs:
            self.reactor.advance(24 * 60 * 60)
            self.run_round()
        assert (
            "the totals of local media are wrong: 1 owners, 0 days and 0 kinds, by 0 "
            "files and 997 bytes" in logs.output[0]
        )
        self.run_round()
        assert self.state()["status"] == "exact"
        assert self.users()["users"][0]["media_length"] == 3

    def test_totals_from_elsewhere_are_not_used(self) -> None:
        """Those of another database or other options, or that are not finished."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        for other, status in (
            ("UPDATE media_stats_state SET fingerprint = 'other'", "outdated"),
            ("DELETE FROM media_stats_state", "outdated"),
            ("UPDATE media_stats_state SET is_built = FALSE", "building"),
            ("INSERT INTO media_stats_missed (source) VALUES ('local')", "building"),
        ):
            with self.subTest(other):
                self.add_to_totals(997)
                assert self.lengths() == {1000}
                self.execute(other)
                assert self.state()["status"] == status
                assert self.lengths() == {3}
                self.run_round()
                assert self.state()["status"] == "exact"
                assert self.lengths() == {3}

    def test_everything_goes(self) -> None:
        """As at the first start with `rollups: false`, and at the second."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        assert "media_stats_local_by_time" in self.objects()
        api = self.hs.get_module_api()
        off = MediaStatsConfig()
        for _ in range(2):
            keeper = RollupsKeeper(api, off, MediaStatsStore(api, off).rollups)
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
            patch.object(maintenance, "current_time_ms", lambda _: len(added)),
        ):
            self.run_round()
        local, remote = self.state(), self.state("remote")
        assert (local["build_started_ts"], local["build_finished_ts"]) == (0, 3)
        assert (remote["build_started_ts"], remote["build_finished_ts"]) == (3, 6)

    def test_state_and_check_on_demand(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        nothing_yet = {
            "status": "absent",
            "owners": 0,
            "media_count": 0,
            "unapplied_changes": 0,
            "build_started_ts": None,
            "build_finished_ts": None,
            "checked_ts": None,
            "differences": None,
        }
        assert self.ask(ROLLUPS).json_body == {
            "enabled": True,
            "rollups": {"local": nothing_yet, "remote": nothing_yet},
            "failures": {},
        }
        assert self.make_request("POST", f"{ROLLUPS}/check").code == 401
        assert self.check().json_body == {
            "differences": {"local": None, "remote": None}
        }

        self.run_round()
        now_ts = int(self.reactor.seconds() * 1000)
        built = {
            **nothing_yet,
            "status": "exact",
            "owners": 1,
            "media_count": 1,
            "build_started_ts": now_ts,
            "build_finished_ts": now_ts,
        }
        assert self.ask(ROLLUPS).json_body == {
            "enabled": True,
            "rollups": {
                "local": built,
                "remote": {**built, "owners": 0, "media_count": 0},
            },
            "failures": {},
        }
        nothing = {
            "owners": 0,
            "days": 0,
            "kinds": 0,
            "media_count": 0,
            "media_length": 0,
            "number_of_owners": 0,
        }
        assert self.check().json_body == {
            "differences": {"local": nothing, "remote": nothing}
        }
        checked = self.state()
        assert checked == {
            **built,
            "checked_ts": checked["checked_ts"],
            "differences": 0,
        }
        assert now_ts <= checked["checked_ts"] <= now_ts + 5000

        self.execute("DELETE FROM media_stats_owners")
        assert self.check().json_body["differences"]["local"] == {
            **nothing,
            "owners": 1,
            "media_count": 1,
            "media_length": 3,
            "number_of_owners": -1,
        }
        # Until it is rebuilt, the answer comes from the media itself.
        assert self.users()["users"][0]["media_length"] == 3
        assert self.state()["differences"] == 2
        assert self.check().json_body["differences"]["local"] is None
        self.run_round()
        assert self.check().json_body["differences"]["local"] == nothing
        # As Synapse itself answers another method: 404 before 1.90.
        assert self.ask(f"{ROLLUPS}/check").code in (404, 405)

    def test_the_check_looks_at_every_total(self) -> None:
        """Whichever is wrong is found, counted, and mended."""
        (media_id,) = self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3, media_type="image/png")
        )
        self.insert_thumbnails(Thumbnail(media_id=media_id, thumbnail_length=7))
        self.run_round()
        of_files = "WHERE media_group = 'image'"
        of_thumbnails = "WHERE media_group = 'thumbnail'"
        for wrong, expected in (
            ("owners SET media_length = 2", {"owners": 1, "media_length": 1}),
            ("owners SET media_count = 3", {"owners": 1, "media_count": 2}),
            ("days SET media_length = 2", {"days": 1}),
            ("days SET media_count = 3", {"days": 1}),
            (f"kinds SET media_length = 2 {of_files}", {"kinds": 1}),
            (f"kinds SET is_quarantined = TRUE {of_files}", {"kinds": 2}),
            (f"kinds SET media_length = 2 {of_thumbnails}", {"kinds": 1}),
            ("state SET owners = 4", {"number_of_owners": 3}),
        ):
            with self.subTest(wrong):
                self.execute(f"UPDATE media_stats_{wrong}")
                assert self.differences() == {
                    name: -value if "= 4" in wrong else value
                    for name, value in expected.items()
                }
                assert self.state()["status"] == "building"
                self.run_round()
                assert (self.state()["status"], self.state()["owners"]) == ("exact", 1)
                assert self.lengths() == {3}

    def test_a_long_log(self) -> None:
        """A page does not cost the totals times the log: that would be hours."""
        self.run_round()
        many = 300_000
        columns = "source, owner, media_count, media_length"
        of_log = (
            ", media_group, is_owned, is_url_preview, is_quarantined, is_protected, day"
        )
        for table, more, values in (
            ("media_stats_owners", "", ""),
            ("media_stats_changes", of_log, ", 'image', TRUE, FALSE, FALSE, FALSE, 0"),
        ):
            self.execute(
                f"INSERT INTO {table} ({columns}{more}) "
                f"SELECT 'local', '@' || i || ':test', 1, 1{values} "
                f"FROM generate_series(1, {many}) AS i"
            )
            self.execute(f"ANALYZE {table}")
        self.execute("UPDATE media_stats_state SET owners = ?", many)
        answer = self.users({"order_by": "media_length", "limit": 1})
        assert answer == {
            "users": [
                {
                    "user_id": "@100000:test",
                    "displayname": None,
                    "media_count": 2,
                    "media_length": 2,
                }
            ],
            "total": many,
            "next_token": 1,
        }

    def test_the_log_says_what_is_done(self) -> None:
        for user_id in (ALICE, ALICE, BOB):
            self.insert_local_media(LocalMedia(user_id=user_id, media_length=3))
        with self.assertLogs("media_stats_module", "INFO") as logs:
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
        # Nothing is left to do, so nothing is left to say.
        with self.assertNoLogs("media_stats_module", "INFO"):
            self.run_round()

    def test_timeline_of_windows(self) -> None:
        """Whole days come from the totals, parts of days from the media."""
        day = DAY_MS
        self.insert_local_media(
            *(
                LocalMedia(user_id=ALICE, media_length=1, created_ts=ts)
                for ts in (5 * day, 5 * day + 10, 6 * day - 1, 6 * day, 8 * day + 5)
            )
        )
        self.run_round()
        self.insert_local_media(LocalMedia(user_id=BOB, created_ts=6 * day + 7))
        self.execute("UPDATE media_stats_days SET media_length = 100 * day")

        def lengths(from_ts: int, until_ts: int) -> list[int]:
            answer = self.ask(
                f"{MODULE_PATH}/v1/timeline", {"from_ts": from_ts, "until_ts": until_ts}
            ).json_body
            return [bucket["media_length"] for bucket in answer["buckets"]]

        assert lengths(5 * day, 9 * day - 1) == [500, 601, 0, 800]
        assert lengths(5 * day + 1, 9 * day - 1) == [2, 601, 0, 800]
        assert lengths(5 * day, 8 * day + 4) == [500, 601, 0, 0]
        assert lengths(5 * day + 1, 8 * day + 5) == [2, 601, 0, 1]
        assert lengths(5 * day + 10, 5 * day + 20) == [1]
        assert lengths(6 * day - 1, 6 * day) == [1, 1]

    def test_a_deletion_in_the_change_log_leaves_no_empty_day(self) -> None:
        first, _ = self.insert_local_media(
            LocalMedia(user_id=ALICE, created_ts=5 * DAY_MS),
            LocalMedia(user_id=ALICE, created_ts=8 * DAY_MS),
        )
        self.run_round()
        self.execute("DELETE FROM local_media_repository WHERE media_id = ?", first)
        timeline = partial(
            self.ask,
            f"{MODULE_PATH}/v1/timeline",
            {"from_ts": DAY_MS, "until_ts": 9 * DAY_MS},
        )
        for _ in range(2):
            answer = timeline().json_body
            filled = [b for b in answer["buckets"] if b["media_count"]]
            assert [bucket["from_ts"] for bucket in filled] == [8 * DAY_MS]
            self.run_round()

    def test_summary_counts_owners_by_the_totals(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        self.execute("UPDATE media_stats_state SET owners = 1000")
        summary = self.summary()
        assert summary["local"]["users"] == 1000
        assert summary["remote"]["servers"] == 1000


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
