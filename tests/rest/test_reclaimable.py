"""`/v1/reclaimable`: whole answers, by each rule, and the table of ages.

test_reclaimable_properties.py compares it with Synapse's deletion.
"""

from media_support import ALICE, BOB, DAY_MS, USAGE_OF_NOTHING, usage
from reclaimable_support import BEFORE_TS, NOW_TS, ReclaimableMediaTestCase
from support import LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict

_AGES = (30, 90, 180, 365)


def _kept(**lengths: int) -> JsonDict:
    """What stays: one file for each reason with a length, none for the others."""
    return {
        reason: usage(lengths[reason]) if reason in lengths else usage()
        for reason in ("quarantined", "protected", "avatar")
    }


class ReclaimableTestCase(ReclaimableMediaTestCase):
    """The files that would be deleted, and those that would stay."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            LocalMedia(user_id=ALICE, media_id="old", media_length=1),
            LocalMedia(user_id=BOB, media_id="large", media_length=2000),
            LocalMedia(
                user_id=None,
                media_id="preview",
                media_length=4,
                url_cache="https://a.example/",
            ),
            LocalMedia(user_id=ALICE, media_id="avatar", media_length=8),
            LocalMedia(user_id=ALICE, media_length=16, safe_from_quarantine=True),
            LocalMedia(user_id=ALICE, media_length=32, quarantined_by="@admin:test"),
            LocalMedia(user_id=ALICE, media_length=64, last_access_ts=BEFORE_TS),
            LocalMedia(user_id=ALICE, media_length=None),
            LocalMedia(user_id=ALICE, media_length=0),
            RemoteMedia(media_origin="a.org", media_id="r", last_access_ts=1),
            RemoteMedia(media_origin="b.org", media_id="r", last_access_ts=1),
            RemoteMedia(media_origin="a.org", media_length=128),
            RemoteMedia(
                media_origin="a.org",
                media_length=256,
                last_access_ts=1,
                quarantined_by="@admin:test",
            ),
            thumbnails=(
                Thumbnail(media_id="old", thumbnail_length=3),
                Thumbnail(media_id="old", thumbnail_length=5, thumbnail_width=96),
                Thumbnail(media_id="avatar", thumbnail_length=7),
                Thumbnail(media_id="preview", thumbnail_length=13),
                Thumbnail(media_id="r", media_origin="a.org", thumbnail_length=9),
                Thumbnail(media_id="r", media_origin="b.org", thumbnail_length=11),
            ),
        )
        self.set_avatar(ALICE, "mxc://test/avatar")

    def test_before_a_time(self) -> None:
        assert self.answer({"before_ts": BEFORE_TS}) == {
            "before_ts": BEFORE_TS,
            "size_gt": 0,
            "keep_profiles": True,
            "local": {
                **usage(1, 2000),
                "url_previews": usage(4),
                "kept": _kept(quarantined=32, protected=16, avatar=8),
            },
            "remote": {**usage(1, 1), "kept": {"quarantined": usage(256)}},
            "media_retention": None,
        }

    def test_thumbnails(self) -> None:
        expected = self.answer({"before_ts": BEFORE_TS})
        expected["local"]["thumbnails"] = usage(3, 5)
        expected["local"]["url_previews"]["thumbnails"] = usage(13)
        expected["remote"]["thumbnails"] = usage(9, 11)
        assert self.answer({"before_ts": BEFORE_TS, "thumbnails": "true"}) == expected

    def test_rules(self) -> None:
        """The rules are about local media; remote media is the same with any."""
        asked = {"before_ts": BEFORE_TS, "thumbnails": "true"}
        answer = self.answer({**asked, "keep_profiles": "false"})
        assert answer["local"] == {
            **usage(1, 2000, 8),
            "thumbnails": usage(3, 5, 7),
            "url_previews": {**usage(4), "thumbnails": usage(13)},
            "kept": _kept(quarantined=32, protected=16),
        }
        larger = self.answer({**asked, "size_gt": 16})
        assert larger["local"] == {
            **usage(2000),
            "thumbnails": usage(),
            "url_previews": {**usage(), "thumbnails": usage()},
            "kept": _kept(quarantined=32),
        }
        assert answer["remote"] == larger["remote"]
        assert answer["remote"]["media_count"] == 2

    def test_of_one(self) -> None:
        asked = {"before_ts": BEFORE_TS, "thumbnails": "true"}
        answer = self.answer({**asked, "user": ALICE})
        assert "remote" not in answer
        assert answer["local"] == {
            **usage(1),
            "thumbnails": usage(3, 5),
            "url_previews": {**usage(), "thumbnails": usage()},
            "kept": _kept(quarantined=32, protected=16, avatar=8),
        }
        answer = self.answer({**asked, "server_name": "b.org"})
        assert "local" not in answer
        assert answer["remote"] == {
            **usage(1),
            "thumbnails": usage(11),
            "kept": {"quarantined": usage()},
        }
        for source, other in (("local", "remote"), ("remote", "local")):
            answer = self.answer({"before_ts": BEFORE_TS, "source": source})
            assert source in answer
            assert other not in answer

    def test_avatar_of_a_preview(self) -> None:
        """A preview's image that is an avatar stays."""
        self.set_avatar(BOB, "mxc://test/preview")
        local = self.answer({"before_ts": BEFORE_TS})["local"]
        assert local == {
            **usage(1, 2000, 8),
            "url_previews": usage(),
            "kept": _kept(quarantined=32, protected=16, avatar=4),
        }

    def test_nothing(self) -> None:
        self.fill()
        answer = self.answer({"before_ts": BEFORE_TS})
        assert answer["local"] == {
            **USAGE_OF_NOTHING,
            "url_previews": USAGE_OF_NOTHING,
            "kept": _kept(),
        }


class AgesTestCase(ReclaimableMediaTestCase):
    """Without a time, the answer is for several ages."""

    def setUp(self) -> None:
        super().setUp()
        self.let_it_be(NOW_TS)

    def test_ages(self) -> None:
        """A file is older than all ages up to its own, to the millisecond."""
        times = [NOW_TS - days * DAY_MS for days in _AGES]
        media: list[LocalMedia | RemoteMedia] = []
        for index, before_ts in enumerate(times):
            for ms, digit in ((-1, 1), (0, 2), (1, 4)):
                last_read, length = before_ts + ms, digit * 10**index
                media += [
                    LocalMedia(
                        user_id=ALICE, media_length=length, last_access_ts=last_read
                    ),
                    LocalMedia(
                        user_id=ALICE,
                        media_length=length,
                        created_ts=last_read,
                        safe_from_quarantine=True,
                    ),
                    RemoteMedia(
                        media_origin="a.org",
                        media_length=length,
                        last_access_ts=last_read,
                    ),
                ]
        self.fill(*media)

        answer = self.answer()
        assert list(answer) == ["size_gt", "keep_profiles", "ages", "media_retention"]
        assert [(age["days"], age["before_ts"]) for age in answer["ages"]] == list(
            zip(_AGES, times, strict=True)
        )
        # One file for each age, and three that are older than all ages.
        for age, length in zip(answer["ages"], (7771, 7710, 7100, 1000), strict=True):
            assert age["local"]["media_length"] == length
            assert age["local"]["kept"]["protected"]["media_length"] == length
            assert age["remote"]["media_length"] == length
            alone = self.answer({"before_ts": age["before_ts"]})
            assert age["local"] == alone["local"]
            assert age["remote"] == alone["remote"]
