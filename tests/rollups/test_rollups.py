"""Rollups as an administrator sees them: on, exact at every moment, and off again."""

import csv
import re
from functools import partial
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from media_stats_module.storage.rollups.tables import Rollup, all_rollups
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module import rollups_keeper as background
from media_stats_module.config import MediaStatsConfig
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore
from media_stats_module.storage.rollups import write

ROLLUPS = f"{MODULE_PATH}/v1/rollups"

ALICE = "@alice:test"
BOB = "@bob:test"


class RollupsTestCase(MediaStatsTestCase):
    """A homeserver with rollups; what they answer is compared with the live path."""

    module_options: ClassVar[JsonDict] = {"rollups": True}

    def objects(self) -> list[str]:
        """The names of all that the module has put into the database."""
        tables = ["sqlite_master"]
        if USE_POSTGRES_FOR_TESTS:
            tables = ["pg_class", "pg_proc", "pg_trigger"]
        column = {"pg_class": "relname", "pg_proc": "proname", "pg_trigger": "tgname"}
        rows = [
            row
            for table in tables
            for row in self.execute(f"SELECT {column.get(table, 'name')} FROM {table}")
            if row[0].startswith("media_stats")
        ]
        return sorted(name for (name,) in rows)

    def state(self, source: str = "local") -> tuple[object, ...]:
        (row,) = self.execute(
            "SELECT is_ready, owners, differences FROM media_stats_state "
            "WHERE source = ?",
            source,
        )
        return (bool(row[0]), *row[1:])


class RollupsTest(RollupsTestCase):
    def test_builds_from_what_is_there(self) -> None:
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3),
            LocalMedia(user_id=ALICE, media_length=4),
            LocalMedia(user_id=BOB, media_length=None),
            LocalMedia(user_id=None, media_length=5),
        )
        self.run_round()
        assert self.state() == (True, 1, None)
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
        assert [(u["user_id"], u["media_length"]) for u in self.users()["users"]] == [
            (ALICE, 9)
        ]
        self.run_round()
        assert [(u["user_id"], u["media_length"]) for u in self.users()["users"]] == [
            (ALICE, 9)
        ]
        self.execute("DELETE FROM local_media_repository")
        assert self.users() == {"users": [], "total": 0}
        self.run_round()
        assert self.users() == {"users": [], "total": 0}
        assert self.state() == (True, 0, None)

    def test_answers_come_from_the_totals(self) -> None:
        """Not from the media: totals that are wrong on purpose show."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.insert_remote_media(RemoteMedia(media_origin="a.example", media_length=2))
        self.run_round()
        self.execute("UPDATE media_stats_local_owners SET media_length = 1000")
        self.execute("UPDATE media_stats_remote_owners SET media_length = 2000")
        for query in ({}, {"order_by": "media_length"}, {"search_term": "a"}):
            assert self.users(query)["users"][0]["media_length"] == 1000
        servers = self.ask("/_synapse/client/media_stats/v1/servers").json_body
        assert servers["servers"][0]["media_length"] == 2000

    def test_the_check_finds_what_bypassed_the_triggers(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        self.execute("UPDATE media_stats_local_owners SET media_length = 1000")
        with self.assertLogs("media_stats_module", "ERROR") as logs:
            self.reactor.advance(24 * 60 * 60)
        assert (
            "the totals of local media are wrong: 1 owners and 0 days, by 0 files and "
            "997 bytes" in logs.output[0]
        )
        self.run_round()
        assert self.state()[0]
        assert self.users()["users"][0]["media_length"] == 3

    def test_a_table_that_is_missing_is_put_back(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        intact = self.objects()
        self.execute("DROP TABLE media_stats_local_days")
        self.run_round()
        assert self.objects() == intact
        assert self.users()["users"][0]["media_length"] == 3

    def test_totals_from_elsewhere_are_not_used(self) -> None:
        """Such as those that synapse_port_db brought from SQLite, or unfinished."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        for other in ("fingerprint = 'other'", "schema_version = 1", "is_ready = 0"):
            with self.subTest(other):
                self.execute("UPDATE media_stats_local_owners SET media_length = 1000")
                self.execute("UPDATE media_stats_local_days SET media_length = 1000")
                assert self.lengths() == {1000}
                self.execute(f"UPDATE media_stats_state SET {other}")
                assert self.lengths() == {3}
                self.run_round()
                assert self.lengths() == {3}

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
        return lengths | {bucket["media_length"] for bucket in timeline} - {0}

    def test_everything_goes(self) -> None:
        """As at the first start with `rollups: false`, and at the second."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        api = self.hs.get_module_api()
        off = MediaStatsConfig()
        keeper = RollupsKeeper(api, off, MediaStatsStore(api, off))
        for _ in range(2):
            self.get_success(keeper.remove())
            assert self.objects() == []
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=4))
        assert self.users()["users"][0]["media_length"] == 7

    def test_building_is_finished_when_the_totals_are_there(self) -> None:
        added: list[object] = []

        add = write._add_txn

        def add_txn(txn: LoggingTransaction, rollup: Rollup, rows: Any) -> None:
            add(txn, rollup, rows)
            added.append(rollup)

        with (
            patch.object(write, "_add_txn", add_txn),
            patch.object(background, "current_time_ms", lambda _: len(added)),
        ):
            self.run_round()

        local = self.ask(ROLLUPS).json_body["rollups"]["local"]
        assert (local["build_started_ts"], local["build_finished_ts"]) == (0, 1)

    def test_state_and_check_on_demand(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        assert self.ask(ROLLUPS).json_body == {"enabled": True, "rollups": {}}
        assert self.make_request("POST", f"{ROLLUPS}/check").code == 401
        check = partial(
            self.make_request,
            "POST",
            f"{ROLLUPS}/check",
            access_token=self.admin_token,
        )
        assert check().code == 404

        self.run_round()
        now_ts = int(self.reactor.seconds() * 1000)
        built = {
            "phase": "ready",
            "build_progress": 1.0,
            "owners": 1,
            "media_count": 1,
            "unfolded_changes": 0,
            "build_started_ts": now_ts,
            "build_finished_ts": now_ts,
            "checked_ts": None,
            "differences": None,
        }
        assert self.ask(ROLLUPS).json_body == {
            "enabled": True,
            "rollups": {
                "local": built,
                "remote": {**built, "owners": 0, "media_count": 0},
            },
        }
        nothing = {
            "owners": 0,
            "days": 0,
            "media_count": 0,
            "media_length": 0,
            "number_of_owners": 0,
        }
        assert check().json_body == {
            "differences": {"local": nothing, "remote": nothing}
        }
        checked = self.ask(ROLLUPS).json_body["rollups"]["local"]
        assert checked == {
            **built,
            "checked_ts": checked["checked_ts"],
            "differences": 0,
        }
        assert now_ts <= checked["checked_ts"] <= now_ts + 5000

        self.execute("DELETE FROM media_stats_local_owners")
        assert check().json_body["differences"]["local"] == {
            "owners": 1,
            "days": 0,
            "media_count": 1,
            "media_length": 3,
            "number_of_owners": -1,
        }
        # Until it is built anew, the answer comes from the media itself.
        assert self.users()["users"][0]["media_length"] == 3
        assert check().json_body["differences"]["local"] is None
        self.run_round()
        assert check().json_body["differences"]["local"] == nothing
        # As Synapse itself answers another method: 404 before 1.90.
        assert self.ask(f"{ROLLUPS}/check").code in (404, 405)

    def test_the_check_looks_at_every_total(self) -> None:
        """Whichever is wrong is found, counted, and mended."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        check = partial(
            self.make_request,
            "POST",
            f"{ROLLUPS}/check",
            access_token=self.admin_token,
        )
        by_time = (
            ("local_times SET media_length = 2", {"days": 1}),
            ("local_times SET media_count = 3", {"days": 1}),
        )
        for wrong, expected in (
            *(() if USE_POSTGRES_FOR_TESTS else by_time),
            ("local_owners SET media_length = 2", {"owners": 1, "media_length": 1}),
            ("local_owners SET media_count = 3", {"owners": 1, "media_count": 2}),
            ("local_days SET media_length = 2", {"days": 1}),
            ("local_days SET media_count = 3", {"days": 1}),
            ("state SET owners = 4", {"number_of_owners": -3}),
        ):
            with self.subTest(wrong):
                self.execute(f"UPDATE media_stats_{wrong}")
                found = check().json_body["differences"]["local"]
                assert {name: value for name, value in found.items() if value} == (
                    expected
                )
                assert self.state() == (False, self.state()[1], 1)
                self.run_round()
                assert self.state() == (True, 1, 1)
                assert self.lengths() == {3}

    @pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="only there a risk")
    def test_a_long_log(self) -> None:
        """A page does not cost the totals times the log: that would be hours."""
        self.run_round()
        many = 300_000
        for table, columns in (
            ("media_stats_local_owners", "owner, media_count, media_length"),
            ("media_stats_local_changes", "owner, media_count, media_length, day"),
        ):
            values = "'@' || i || ':test', 1, 1" + (", 0" if "day" in columns else "")
            self.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} "
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
        # At least one row in each step, and a line after each.
        with (
            patch.object(background, "BUILD_AT_MOST", 1),
            patch.object(background, "SAY_EVERY_MS", 0),
            self.assertLogs("media_stats_module.rollups_keeper", "INFO") as logs,
        ):
            self.run_round()
        lines = [re.sub(r"[0-9.]+ s\b", "0 s", line) for line in logs.output]
        begin = "INFO:media_stats_module.rollups_keeper:Rollups: "
        said = [line.removeprefix(begin) for line in lines if "local" in line]
        assert said == [
            *(
                line
                for line in (
                    "creating the index media_stats_local_by_time",
                    "created the index media_stats_local_by_time in 0 s",
                )
                if USE_POSTGRES_FOR_TESTS
            ),
            "building the totals of local media, about 3 rows",
            *(
                f"building the totals of local media: {percent} % in 0 s, "
                f"{files} files so far"
                for percent, files in ((33, 1), (66, 2))
                if not USE_POSTGRES_FOR_TESTS
            ),
            "built the totals of local media: 3 files of 2 owners in 0 s",
        ]

    def test_timeline_of_windows(self) -> None:
        """Whole days come from the totals, parts of days from the media."""
        day = 86_400_000
        self.insert_local_media(
            *(
                LocalMedia(user_id=ALICE, media_length=1, created_ts=ts)
                for ts in (5 * day, 5 * day + 10, 6 * day - 1, 6 * day, 8 * day + 5)
            )
        )
        self.run_round()
        self.insert_local_media(LocalMedia(user_id=BOB, created_ts=6 * day + 7))
        self.execute("UPDATE media_stats_local_days SET media_length = 100 * day")

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

    def test_timeline_begins_with_the_first_file_that_is_left(self) -> None:
        """Also while its deletion is in the log only."""
        day = 86_400_000
        first, _ = self.insert_local_media(
            LocalMedia(user_id=ALICE, created_ts=5 * day),
            LocalMedia(user_id=ALICE, created_ts=8 * day),
        )
        self.run_round()
        self.execute("DELETE FROM local_media_repository WHERE media_id = ?", first)
        for _ in range(2):
            answer = self.ask(f"{MODULE_PATH}/v1/timeline").json_body
            assert answer["buckets"][0]["from_ts"] == 8 * day
            self.run_round()

    @pytest.mark.skipif(
        USE_POSTGRES_FOR_TESTS, reason="PostgreSQL builds in one transaction"
    )
    def test_changes_between_the_steps_of_building(self) -> None:
        """To files that have been added up, to the last of these, and to others."""
        names = self.insert_local_media(
            *(LocalMedia(user_id=ALICE, media_length=2**n) for n in range(5))
        )
        self.run_round()
        rollup, _ = all_rollups(MediaStatsConfig())

        def build() -> bool:
            return self.in_transaction(
                lambda txn: write.build_step_txn(txn, rollup, most=3, now=lambda: 1)
            )

        self.in_transaction(lambda txn: write.start_build_txn(txn, rollup, 0))
        assert not build()
        for name in names[1:4]:
            self.execute("DELETE FROM local_media_repository WHERE media_id = ?", name)
        assert build()
        assert self.state()[0]
        for _ in range(2):
            assert self.users()["users"][0]["media_length"] == 1 + 16
            self.run_round()

    @pytest.mark.skipif(USE_POSTGRES_FOR_TESTS, reason="PostgreSQL has an index")
    def test_what_is_kept_by_time(self) -> None:
        """Files of the same millisecond, however they come and go."""
        self.run_round()
        kept = partial(self.execute, "SELECT * FROM media_stats_local_times")
        names = self.insert_local_media(
            *(
                LocalMedia(user_id=ALICE, media_length=2**n, created_ts=5)
                for n in range(3)
            ),
            LocalMedia(user_id=None, media_length=100, created_ts=5),
            LocalMedia(user_id=ALICE, media_length=None, created_ts=6),
        )
        assert kept() == [(5, ALICE, 3, 7)]
        # The conflict of another statement is not the one that is provided for.
        for word in ("IGNORE", "REPLACE"):
            self.execute(
                f"INSERT OR {word} INTO local_media_repository "
                "(media_id, user_id, media_length, created_ts) VALUES (?, ?, 8, 5)",
                word,
                ALICE,
            )
        assert kept() == [(5, ALICE, 5, 23)]
        self.execute("DELETE FROM local_media_repository WHERE media_length = 8")
        self.execute("UPDATE local_media_repository SET created_ts = NULL")
        assert kept() == []
        self.execute("UPDATE local_media_repository SET created_ts = 7")
        assert kept() == [(7, ALICE, 3, 7)]
        for name, left in zip(names, ((2, 6), (1, 4)), strict=False):
            self.execute("DELETE FROM local_media_repository WHERE media_id = ?", name)
            assert kept() == [(7, ALICE, *left)]
            users = self.users({"from_ts": 7})["users"]
            assert (users[0]["media_count"], users[0]["media_length"]) == left
        self.execute("DELETE FROM local_media_repository")
        assert kept() == []

    @pytest.mark.skipif(
        USE_POSTGRES_FOR_TESTS, reason="PostgreSQL would read a table so small"
    )
    def test_windows_are_read_by_time(self) -> None:
        """SQLite has no index by time, but what was created when."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=1))
        self.run_round()
        statements: list[tuple[str, Any]] = []

        def write_down(txn: LoggingTransaction, sql: str, args: Any = ()) -> None:
            execute(txn, sql, args)
            if "created_ts >= ?" in sql:
                statements.append((sql, args))

        execute = LoggingTransaction.execute
        window = {"from_ts": 1, "until_ts": 2}
        with patch.object(LoggingTransaction, "execute", write_down):
            self.users(window)
            for query in (window, window | {"source": "remote"}):
                self.ask(f"{MODULE_PATH}/v1/timeline", query)
            self.ask(f"{MODULE_PATH}/v1/users", window | {"format": "csv"})

        plans = [
            [step for *_, step in self.execute(f"EXPLAIN QUERY PLAN {sql}", *args)]
            for sql, args in statements
        ]
        by_time = "SEARCH m USING PRIMARY KEY (created_ts>? AND created_ts<?)"
        reads = [[step for step in plan if " m " in step] for plan in plans]
        assert reads == [[by_time]] * 4
        tables = [re.findall(r"FROM (\w+) AS m", sql) for sql, _ in statements]
        local, remote = "media_stats_local_times", "media_stats_remote_times"
        assert tables == [[local], [local], [remote], [local]]

    def test_summary_counts_owners_by_the_totals(self) -> None:
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        self.execute("UPDATE media_stats_state SET owners = 1000")
        summary = self.ask(f"{MODULE_PATH}/v1/summary").json_body
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
                users = self.users()["users"]
                assert sum(user["media_length"] for user in users) == length
                self.run_round()


class NoRollupsTest(RollupsTestCase):
    module_options: ClassVar[JsonDict] = {}

    def test_nothing_is_added(self) -> None:
        self.run_round()
        assert self.objects() == []
