"""Objects changed by others: an administrator's commands, Synapse's schema upgrades.

Uploads go on, answers are right at once, and the next round, such as the first one
after a start, puts everything right.
"""

import re
from typing import ClassVar

import pytest
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS

on_postgres = pytest.mark.skipif(
    not USE_POSTGRES_FOR_TESTS, reason="SQLite has no such command, or refuses uploads"
)

ALICE = "@alice:test"

MEDIA_TABLES = ("local_media_repository", "remote_media_cache")

# Far more than any media here has, so that answers show where they come from.
_MARK = 1_000_000


class RepairTest(MediaStatsTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def setUp(self) -> None:
        super().setUp()
        self.uploaded = 0
        self.upload()
        # One that installs and builds, and one that folds.
        self.run_round()
        self.run_round()
        self.assert_answers_come_from_totals()
        self.objects_at_first = self.objects()

    def upload(self) -> None:
        """An upload, and a file of another server's."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=1))
        self.insert_remote_media(RemoteMedia(media_origin="a.example", media_length=1))
        self.uploaded += 1

    def lengths(self) -> list[int]:
        """What users, servers, and both timelines add up to."""
        users = self.users()["users"]
        servers = self.ask(f"{MODULE_PATH}/v1/servers").json_body["servers"]
        timelines = [
            self.ask(f"{MODULE_PATH}/v1/timeline", {"source": source}).json_body
            for source in ("local", "remote")
        ]
        return [
            sum(entry["media_length"] for entry in entries)
            for entries in (users, servers, *(t["buckets"] for t in timelines))
        ]

    def assert_answers_are_exact(self) -> None:
        assert self.lengths() == [self.uploaded] * 4

    def assert_answers_come_from_totals(self) -> None:
        """They do if totals that are wrong on purpose show."""
        self.assert_answers_are_exact()
        self.add_to_totals(_MARK)
        assert self.lengths() == [_MARK + self.uploaded] * 4
        self.add_to_totals(-_MARK)

    def add_to_totals(self, length: int) -> None:
        for table in ("local_owners", "local_days", "remote_owners", "remote_days"):
            self.execute(
                f"UPDATE media_stats_{table} SET media_length = media_length + ?",
                length,
            )

    def assert_is_put_right(self) -> None:
        """Uploads go on, nothing is missing in any answer, and the next round mends."""
        self.assert_answers_are_exact()
        self.upload()
        self.assert_answers_are_exact()
        self.run_round()
        self.assert_answers_come_from_totals()
        self.upload()
        self.assert_answers_are_exact()
        self.run_round()
        self.assert_answers_come_from_totals()
        assert self.objects() == self.objects_at_first

    def assert_answers_come_from_folded_and_unfolded_totals(self) -> None:
        self.assert_answers_come_from_totals()
        self.run_round()
        self.assert_answers_come_from_totals()

    def objects(self) -> list[tuple[str, ...]]:
        """The names of all objects of rollups, with the tables that they are on."""
        if USE_POSTGRES_FOR_TESTS:
            sql = """
                SELECT relname, '' FROM pg_class
                UNION ALL
                SELECT tgname, CAST(CAST(tgrelid AS regclass) AS TEXT) FROM pg_trigger
                UNION ALL
                SELECT CAST(CAST(indexrelid AS regclass) AS TEXT),
                    CAST(CAST(indrelid AS regclass) AS TEXT)
                FROM pg_index
            """
        else:
            sql = "SELECT name, tbl_name FROM sqlite_master"
        return sorted(row for row in self.execute(sql) if row[0].startswith("media_st"))

    @on_postgres
    def test_uploads_go_on_when_a_table_is_dropped_by_hand(self) -> None:
        for table in ("state", *(f"local_{t}" for t in ("owners", "days", "changes"))):
            with self.subTest(table):
                self.execute(f"DROP TABLE media_stats_{table}")
                self.assert_is_put_right()

    @on_postgres
    def test_uploads_go_on_when_everything_is_dropped_by_hand(self) -> None:
        for table in ("owners", "days", "changes"):
            self.execute(f"DROP TABLE media_stats_local_{table}")
            self.execute(f"DROP TABLE media_stats_remote_{table}")
        self.execute("DROP TABLE media_stats_state")
        self.execute("DROP FUNCTION media_stats_local CASCADE")
        self.execute("DROP FUNCTION media_stats_remote CASCADE")
        self.assert_is_put_right()

    @on_postgres
    def test_a_trigger_disabled_by_hand_is_noticed_at_once(self) -> None:
        self.execute("ALTER TABLE local_media_repository DISABLE TRIGGER ALL")
        self.execute("ALTER TABLE remote_media_cache DISABLE TRIGGER ALL")
        self.assert_is_put_right()

    def test_a_trigger_dropped_by_hand_is_noticed_at_once(self) -> None:
        for source, media in zip(("local", "remote"), MEDIA_TABLES, strict=True):
            name = f"media_stats_{source}"
            if USE_POSTGRES_FOR_TESTS:
                self.execute(f"DROP TRIGGER {name} ON {media}")
            else:
                self.execute(f"DROP TRIGGER {name}_insert")
        self.assert_is_put_right()

    @on_postgres
    def test_truncate_by_hand_is_noticed_at_once(self) -> None:
        for media in MEDIA_TABLES:
            self.execute(f"TRUNCATE {media}")
        self.uploaded = 0
        self.assert_is_put_right()

    @on_postgres
    def test_a_change_that_cannot_be_logged_is_noticed_at_once(self) -> None:
        """The log refuses it here; or someone has locked the log."""
        logs = [f"media_stats_{source}_changes" for source in ("local", "remote")]
        for log in logs:
            self.execute(f"ALTER TABLE {log} ADD CONSTRAINT no_more CHECK (id < 0)")
        self.upload()
        self.assert_answers_are_exact()
        for log in logs:
            self.execute(f"ALTER TABLE {log} DROP CONSTRAINT no_more")
        self.assert_is_put_right()

    @on_postgres
    def test_changes_by_hand_from_another_schema(self) -> None:
        """A session need not look where the log is."""

        def change(txn: LoggingTransaction) -> None:
            txn.execute("SET LOCAL search_path TO pg_catalog")
            for media in MEDIA_TABLES:
                txn.execute(f"UPDATE public.{media} SET media_length = 7")

        self.in_transaction(change)
        self.uploaded = 7
        self.assert_answers_come_from_totals()

    @on_postgres
    def test_an_index_dropped_by_hand_is_created_again(self) -> None:
        self.execute("DROP INDEX media_stats_local_by_time")
        self.assert_is_put_right()

    @on_postgres
    def test_an_index_that_was_interrupted_is_created_again(self) -> None:
        """`CREATE INDEX CONCURRENTLY` leaves one behind that cannot be used."""
        index = "CAST('media_stats_local_by_time' AS regclass)"
        self.execute(
            f"UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = {index}"
        )
        self.assert_is_put_right()
        assert self.execute(
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = {index}"
        ) == [(True,)]

    @on_postgres
    def test_an_index_of_another_kind_is_created_again(self) -> None:
        index = "CAST('media_stats_local_by_time' AS regclass)"
        definition = f"SELECT pg_get_indexdef({index})"
        before = self.execute(definition)
        self.execute("DROP INDEX media_stats_local_by_time")
        self.execute(
            "CREATE INDEX media_stats_local_by_time ON local_media_repository "
            "USING brin (created_ts)"
        )
        self.assert_is_put_right()
        assert self.execute(definition) == before

    def test_synapse_adds_a_column_and_an_index(self) -> None:
        """An upgrade like most: nothing has to be built anew."""
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(
                    f"ALTER TABLE {media} ADD COLUMN added BIGINT DEFAULT 7 NOT NULL"
                )
                self.execute(
                    f"CREATE INDEX {media}_added ON {media} (added, created_ts)"
                )
                self.upload()
                self.assert_answers_come_from_folded_and_unfolded_totals()

    @on_postgres
    def test_synapse_changes_the_types_of_columns(self) -> None:
        """Above all `media_length`, which has no room for files beyond 2 GB."""
        for media in MEDIA_TABLES:
            for column in ("media_length", "created_ts"):
                self.execute(f"ALTER TABLE {media} ALTER COLUMN {column} TYPE NUMERIC")
                self.execute(f"ALTER TABLE {media} ALTER COLUMN {column} TYPE BIGINT")
            self.execute(f"ALTER TABLE {media} ALTER COLUMN media_id TYPE VARCHAR")
        self.upload()
        self.assert_answers_come_from_folded_and_unfolded_totals()

    def test_synapse_makes_a_media_table_anew(self) -> None:
        """A new one is filled and takes the name of the old one, which is dropped.

        That is how Synapse changes tables of SQLite. The triggers and the index on the
        old table go with it, silently.
        """
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(self.create_like(media, f"{media}_new"))
                self.execute(f"INSERT INTO {media}_new SELECT * FROM {media}")
                self.execute(f"DROP TABLE {media}")
                self.execute(f"ALTER TABLE {media}_new RENAME TO {media}")
                self.assert_is_put_right()

    def test_synapse_renames_a_media_table_and_makes_another(self) -> None:
        """The triggers and the index go on with the old table, which is left."""
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(f"ALTER TABLE {media} RENAME TO {media}_old")
                self.execute(self.create_like(f"{media}_old", media))
                self.execute(f"INSERT INTO {media} SELECT * FROM {media}_old")
                self.assert_is_put_right()
                self.execute(f"DELETE FROM {media}_old")
                self.assert_answers_come_from_totals()

    def create_like(self, media: str, new: str) -> str:
        """The statement that creates a table like another one."""
        if USE_POSTGRES_FOR_TESTS:
            return f"CREATE TABLE {new} (LIKE {media} INCLUDING ALL)"
        ((sql,),) = self.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", media
        )
        return re.sub(rf'^CREATE TABLE "?{media}"?', f"CREATE TABLE {new}", sql)
