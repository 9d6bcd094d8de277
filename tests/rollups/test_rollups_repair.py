"""Objects changed by others: an administrator's commands, Synapse's schema upgrades.

Uploads go on, answers are exact at once, and the next round, such as the first after a
start, mends everything.
"""

from typing import ClassVar

import pytest
from support import MODULE_PATH, LocalMedia, MediaStatsTestCase, RemoteMedia
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage.rollups import names

# The module's own SQL for its tables.
pytestmark = [
    pytest.mark.once,
    pytest.mark.long,
    pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="rollups are for PostgreSQL"),
]

ALICE = "@alice:test"

MEDIA_TABLES = ("local_media_repository", "remote_media_cache")

# Far more than the media has, so that answers show their source.
_MARK = 1_000_000


class RepairTest(MediaStatsTestCase):
    module_options: ClassVar[JsonDict] = {"rollups": True}

    def setUp(self) -> None:
        super().setUp()
        self.uploaded = 0
        self.upload()
        # One that installs and builds, and one that applies.
        self.run_round()
        self.run_round()
        self.assert_answers_come_from_totals()
        self.objects_at_first = self.objects()

    def upload(self) -> None:
        """An upload, and a remote file."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=1))
        self.insert_remote_media(RemoteMedia(media_origin="a.example", media_length=1))
        self.uploaded += 1

    def lengths(self) -> list[int]:
        """The sums of users, servers, and both timelines."""
        users = self.users()["users"]
        servers = self.ask(f"{MODULE_PATH}/v1/servers").json_body["servers"]
        timelines = [
            self.ask(f"{MODULE_PATH}/v1/timeline", {"source": source}).json_body
            for source in ("local", "remote")
        ]
        return [
            sum(entry["media_length"] for entry in entries)
            for entries in (
                users,
                servers,
                *([*t["buckets"], t["before"], t["after"]] for t in timelines),
            )
        ]

    def assert_answers_are_exact(self) -> None:
        assert self.lengths() == [self.uploaded] * 4

    def assert_answers_come_from_totals(self) -> None:
        """Totals that are wrong on purpose show."""
        self.assert_answers_are_exact()
        self.add_to_totals(_MARK)
        assert self.lengths() == [_MARK + self.uploaded] * 4
        self.add_to_totals(-_MARK)

    def add_to_totals(self, length: int) -> None:
        for table in ("owners", "days", "kinds"):
            self.execute(
                f"UPDATE media_stats_{table} SET media_length = media_length + ?",
                length,
            )

    def assert_is_put_right(self) -> None:
        """Uploads go on, no answer misses any, and the next round mends."""
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

    def assert_answers_come_from_totals_and_the_change_log(self) -> None:
        self.assert_answers_come_from_totals()
        self.run_round()
        self.assert_answers_come_from_totals()

    def objects(self) -> list[tuple[str, ...]]:
        """The names of all objects of rollups, with their tables."""
        rows = self.execute(
            """
            SELECT relname, '' FROM pg_class
            UNION ALL
            SELECT proname, '' FROM pg_proc
            UNION ALL
            SELECT tgname, CAST(CAST(tgrelid AS regclass) AS TEXT) FROM pg_trigger
            UNION ALL
            SELECT CAST(CAST(indexrelid AS regclass) AS TEXT),
                CAST(CAST(indrelid AS regclass) AS TEXT)
            FROM pg_index
            """
        )
        return sorted(row for row in rows if row[0].startswith("media_stats"))

    def test_uploads_go_on_when_a_table_is_dropped_by_hand(self) -> None:
        for table in names.TABLES:
            with self.subTest(table):
                self.execute(f"DROP TABLE {table}")
                self.assert_is_put_right()

    def test_uploads_go_on_when_a_function_is_dropped_by_hand(self) -> None:
        for function in ("media_stats_group", "media_stats_day"):
            with self.subTest(function):
                self.execute(f"DROP FUNCTION {function}")
                self.assert_is_put_right()

    def test_a_function_of_another_version_is_put_right(self) -> None:
        """As after an upgrade or a downgrade of the module."""
        self.execute(
            "CREATE OR REPLACE FUNCTION media_stats_day(ts BIGINT) RETURNS BIGINT "
            "LANGUAGE sql AS '-- media_stats_module_1 public\nSELECT 7::BIGINT'"
        )
        self.assert_is_put_right()

    def test_uploads_go_on_when_everything_is_dropped_by_hand(self) -> None:
        for table in names.TABLES:
            self.execute(f"DROP TABLE {table}")
        for function in names.FUNCTIONS:
            self.execute(f"DROP FUNCTION {function} CASCADE")
        self.assert_is_put_right()

    def test_a_trigger_disabled_by_hand_is_noticed_at_once(self) -> None:
        for media in MEDIA_TABLES:
            self.execute(f"ALTER TABLE {media} DISABLE TRIGGER ALL")
        self.assert_is_put_right()

    def test_a_trigger_for_replicas_alone_is_noticed_at_once(self) -> None:
        self.execute(
            "ALTER TABLE local_media_repository ENABLE REPLICA TRIGGER "
            "media_stats_delete"
        )
        self.assert_is_put_right()

    def test_settings_of_a_function_changed_by_hand_are_noticed_at_once(self) -> None:
        """With other settings, it would write elsewhere, or as another role."""
        for change in (
            "SECURITY INVOKER",
            "RESET search_path",
            "SET search_path = pg_catalog",
            "RESET lock_timeout",
        ):
            with self.subTest(change):
                self.execute(f"ALTER FUNCTION media_stats_log_local() {change}")
                self.assert_is_put_right()

    def test_a_trigger_dropped_by_hand_is_noticed_at_once(self) -> None:
        for trigger in names.TRIGGERS:
            for table in (*MEDIA_TABLES, "local_media_repository_thumbnails"):
                with self.subTest(trigger + table):
                    self.execute(f"DROP TRIGGER {trigger} ON {table}")
                    self.assert_is_put_right()

    def test_a_change_that_cannot_be_logged_is_noticed_at_once(self) -> None:
        """Here the change log refuses it; it could also be locked."""
        log = names.CHANGES
        self.execute(f"ALTER TABLE {log} ADD CONSTRAINT no_more CHECK (id < 0)")
        self.upload()
        self.assert_answers_are_exact()
        for media in MEDIA_TABLES:
            self.execute(f"DELETE FROM {media}")
        self.uploaded = 0
        self.assert_answers_are_exact()
        self.execute(f"ALTER TABLE {log} DROP CONSTRAINT no_more")
        self.assert_is_put_right()

    def test_changes_by_hand_from_another_schema(self) -> None:
        """The search path of a session need not contain the change log."""

        def change(txn: LoggingTransaction) -> None:
            txn.execute("SET LOCAL search_path TO pg_catalog")
            for media in MEDIA_TABLES:
                txn.execute(f"UPDATE public.{media} SET media_length = 7")

        self.in_transaction(change)
        self.uploaded = 7
        self.assert_answers_come_from_totals()

    def test_an_index_dropped_by_hand_is_created_again(self) -> None:
        self.execute("DROP INDEX media_stats_local_by_time")
        self.assert_is_put_right()

    def test_an_index_that_was_interrupted_is_created_again(self) -> None:
        """`CREATE INDEX CONCURRENTLY` leaves an invalid index behind."""
        index = "CAST('media_stats_local_by_time' AS regclass)"
        self.execute(
            f"UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = {index}"
        )
        self.assert_is_put_right()
        assert self.execute(
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = {index}"
        ) == [(True,)]

    def test_synapse_adds_a_column_and_an_index(self) -> None:
        """A usual upgrade: nothing has to be rebuilt."""
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(
                    f"ALTER TABLE {media} ADD COLUMN added BIGINT DEFAULT 7 NOT NULL"
                )
                self.execute(
                    f"CREATE INDEX {media}_added ON {media} (added, created_ts)"
                )
                self.upload()
                self.assert_answers_come_from_totals_and_the_change_log()

    def test_synapse_changes_the_types_of_columns(self) -> None:
        """Above all `media_length`, which cannot hold more than 2 GB."""
        for media in MEDIA_TABLES:
            for column in ("media_length", "created_ts"):
                self.execute(f"ALTER TABLE {media} ALTER COLUMN {column} TYPE NUMERIC")
                self.execute(f"ALTER TABLE {media} ALTER COLUMN {column} TYPE BIGINT")
            self.execute(f"ALTER TABLE {media} ALTER COLUMN media_id TYPE VARCHAR")
        self.assert_is_put_right()

    def test_synapse_makes_a_media_table_anew(self) -> None:
        """A new table is filled, and takes the name of the old one, which is dropped.

        The triggers and the index of the old table go with it.
        """
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(f"CREATE TABLE {media}_new (LIKE {media} INCLUDING ALL)")
                self.execute(f"INSERT INTO {media}_new SELECT * FROM {media}")
                self.execute(f"DROP TABLE {media}")
                self.execute(f"ALTER TABLE {media}_new RENAME TO {media}")
                self.assert_is_put_right()

    def test_synapse_renames_a_media_table_and_makes_another(self) -> None:
        """The triggers and the index stay with the old table."""
        for media in MEDIA_TABLES:
            with self.subTest(media):
                self.execute(f"ALTER TABLE {media} RENAME TO {media}_old")
                self.execute(f"CREATE TABLE {media} (LIKE {media}_old INCLUDING ALL)")
                self.execute(f"INSERT INTO {media} SELECT * FROM {media}_old")
                self.assert_is_put_right()
                self.execute(f"DELETE FROM {media}_old")
                self.assert_answers_come_from_totals()
