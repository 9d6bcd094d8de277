"""`/v1/reclaimable`: the effect of `media_retention` in homeserver.yaml."""

from media_support import ALICE, BOB, DAY_MS, usage
from reclaimable_support import BEFORE_TS, NOW_TS, ReclaimableMediaTestCase
from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict


class RetentionTestCase(ReclaimableMediaTestCase):
    """The effect of the server's `media_retention`."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["media_retention"] = {
            "local_media_lifetime": "90d",
            "remote_media_lifetime": "14d",
        }
        return config

    def fill_around(self, now_ts: int) -> None:
        """Insert files that are a day too old, and files a day too young."""
        self.fill(
            LocalMedia(user_id=ALICE, media_length=1, created_ts=now_ts - 91 * DAY_MS),
            LocalMedia(user_id=ALICE, media_length=2, created_ts=now_ts - 89 * DAY_MS),
            LocalMedia(user_id=ALICE, media_id="avatar", media_length=4),
            RemoteMedia(
                media_origin="a.org",
                media_length=8,
                last_access_ts=now_ts - 15 * DAY_MS,
            ),
            RemoteMedia(
                media_origin="a.org",
                media_length=16,
                last_access_ts=now_ts - 13 * DAY_MS,
            ),
        )
        self.set_avatar(ALICE, "mxc://test/avatar")

    def test_retention(self) -> None:
        self.let_it_be(NOW_TS)
        self.fill_around(NOW_TS)
        queries: tuple[JsonDict, ...] = (
            {},
            {"before_ts": BEFORE_TS},
            # `media_retention` has rules of its own.
            {"keep_profiles": "false"},
            {"size_gt": 1, "before_ts": BEFORE_TS},
        )
        for query in queries:
            retention = self.answer(query)["media_retention"]
            local, remote = retention["local"], retention["remote"]
            assert retention["local_media_lifetime"] == 90 * DAY_MS
            assert retention["remote_media_lifetime"] == 14 * DAY_MS
            assert local["before_ts"] == NOW_TS - 90 * DAY_MS
            assert remote["before_ts"] == NOW_TS - 14 * DAY_MS
            assert local["media_length"] == 1, query
            assert local["kept"]["avatar"] == usage(4), query
            assert remote["media_length"] == 8, query
        assert "remote" not in self.answer({"user": BOB})["media_retention"]
        assert "local" not in self.answer({"source": "remote"})["media_retention"]

    def test_as_synapse_does_it(self) -> None:
        """Ask, let Synapse delete, and compare."""
        self.reactor.advance(400 * 24 * 60 * 60)
        self.fill_around(self.now_ts)
        before = self.answer()["media_retention"]
        self.get_success(self.hs.get_media_repository()._apply_media_retention_rules())
        after = self.answer()["media_retention"]
        assert before["local"]["media_count"] == before["remote"]["media_count"] == 1
        assert after["local"]["media_count"] == after["remote"]["media_count"] == 0
        assert after["local"]["kept"] == before["local"]["kept"]
        left = self.execute("SELECT media_length FROM local_media_repository")
        assert sorted(left) == [(2,), (4,)]


class OnlyRemoteRetentionTestCase(ReclaimableMediaTestCase):
    """Only one of the two is set, to a time before all integers of the database."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["media_retention"] = {"remote_media_lifetime": 10**30}
        return config

    def test_retention(self) -> None:
        retention = self.answer()["media_retention"]
        assert retention["local_media_lifetime"] is None
        assert set(retention) == {
            "local_media_lifetime",
            "remote_media_lifetime",
            "remote",
        }
