"""Answers that come from the totals, and answers that must not."""

from functools import partial

from rollups_support import ALICE, BOB, DAY_MS, RollupsTestCase
from support import MODULE_PATH, LocalMedia, RemoteMedia


class TotalsTest(RollupsTestCase):
    """Totals and the change log, in answers."""

    def test_answers_come_from_the_totals(self) -> None:
        """Totals that are wrong on purpose show."""
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

    def test_totals_from_elsewhere_are_not_used(self) -> None:
        """Those of another database or other options, or unfinished ones."""
        self.insert_local_media(LocalMedia(user_id=ALICE, media_length=3))
        self.run_round()
        for other, status in (
            ("UPDATE media_stats_state SET fingerprint = 'other'", "outdated"),
            ("DELETE FROM media_stats_state", "outdated"),
            ("UPDATE media_stats_state SET missed = NULL", "building"),
            ("SELECT nextval('media_stats_missed_local')", "building"),
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

    def test_a_long_log(self) -> None:
        """A page does not cost the totals times the log, which would be hours."""
        self.run_round()
        many = 100_000
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
        # The indexes come after the triggers.
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

    def test_media_without_a_time_is_in_no_window(self) -> None:
        self.insert_local_media(
            LocalMedia(user_id=ALICE, created_ts=5),
            LocalMedia(user_id=ALICE, created_ts=5, media_id="without_time"),
        )
        self.execute(
            "UPDATE local_media_repository SET created_ts = NULL "
            "WHERE media_id = 'without_time'"
        )
        url = f"{MODULE_PATH}/v1/timeline"
        live = self.ask(url, {"until_ts": DAY_MS - 1}).json_body
        self.run_round()
        assert self.ask(url, {"until_ts": DAY_MS - 1}).json_body == live

    def test_a_part_of_a_day_needs_the_index_by_time(self) -> None:
        """Without it, a part of a day costs all media, and waits for its turn."""
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=3, created_ts=DAY_MS)
        )
        self.run_round()
        # The index by time comes a round after the tables.
        self.run_round()
        self.execute("UPDATE media_stats_days SET media_length = 1000")

        def length(from_ts: int) -> int:
            answer = self.ask(
                f"{MODULE_PATH}/v1/timeline",
                {"from_ts": from_ts, "until_ts": 2 * DAY_MS - 1},
            ).json_body
            return sum(bucket["media_length"] for bucket in answer["buckets"])

        whole_days, part_of_a_day = DAY_MS, DAY_MS - 1
        assert length(whole_days) == length(part_of_a_day) == 1000
        self.execute("DROP INDEX media_stats_local_by_time")
        assert length(whole_days) == 1000
        assert length(part_of_a_day) == 3

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
