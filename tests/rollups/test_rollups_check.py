"""The check of the totals, daily and on demand: it finds, counts and mends."""

from rollups_support import ALICE, ROLLUPS, RollupsTestCase
from support import LocalMedia, Thumbnail


class CheckTest(RollupsTestCase):
    """Differences are found, and then mended."""

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
        # Until the rebuild, answers come from the media itself.
        assert self.users()["users"][0]["media_length"] == 3
        assert self.state()["differences"] == 2
        assert self.check().json_body["differences"]["local"] is None
        self.run_round()
        assert self.check().json_body["differences"]["local"] == nothing
        # As Synapse answers another method: 404 before 1.90.
        assert self.ask(f"{ROLLUPS}/check").code in (404, 405)

    def test_the_check_looks_at_every_total(self) -> None:
        """Any wrong total is found, counted and mended."""
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
