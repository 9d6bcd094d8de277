"""`/v1/reclaimable`: whole answers, the table of ages, `media_retention`, and refusals.

That it says what Synapse deletes is in test_reclaimable_properties.py.
"""

from typing import ClassVar
from unittest.mock import patch

from media_support import ALICE, BOB, DAY_MS, USAGE_OF_NOTHING, MediaTestCase, usage
from support import MODULE_PATH, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict
from synapse.rest.admin.media import register_servlets_for_media_repo

_BEFORE_TS = 1_000_000_000_000

_NOW_TS = 1_700_000_000_000

_AGES = (30, 90, 180, 365)


class _ReclaimableTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "reclaimable"

    servlets = [  # noqa: RUF012
        *MediaTestCase.servlets,
        register_servlets_for_media_repo,
    ]

    def let_it_be(self, now_ts: int) -> None:
        """Stop the clock, which otherwise goes on with every request."""
        patched = patch(
            "media_stats_module.rest.reclaimable.current_time_ms", lambda _: now_ts
        )
        patched.start()
        self.addCleanup(patched.stop)

    def set_avatar(self, user_id: str, uri: str) -> None:
        """Give a user an avatar, and a profile if there is none."""
        self.insert_profiles({user_id: None})
        self.execute("UPDATE profiles SET avatar_url = ?", uri)


class ReclaimableTestCase(_ReclaimableTestCase):
    """What would be deleted, and what would be kept."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            LocalMedia(user_id=ALICE, media_id="old", media_length=1),
            LocalMedia(user_id=BOB, media_id="large", media_length=2000),
            LocalMedia(user_id=None, media_length=4, url_cache="https://a.example/"),
            LocalMedia(user_id=ALICE, media_id="avatar", media_length=8),
            LocalMedia(user_id=ALICE, media_length=16, safe_from_quarantine=True),
            LocalMedia(user_id=ALICE, media_length=32, quarantined_by="@admin:test"),
            LocalMedia(user_id=ALICE, media_length=64, last_access_ts=_BEFORE_TS),
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
                Thumbnail(media_id="r", media_origin="a.org", thumbnail_length=9),
                Thumbnail(media_id="r", media_origin="b.org", thumbnail_length=11),
            ),
        )
        self.set_avatar(ALICE, "mxc://test/avatar")

    def test_before_a_time(self) -> None:
        assert self.answer({"before_ts": _BEFORE_TS}) == {
            "before_ts": _BEFORE_TS,
            "size_gt": 0,
            "keep_profiles": True,
            "local": {
                **usage(1, 2000, 4),
                "thumbnails": usage(3, 5),
                "kept": {
                    "quarantined": usage(32),
                    "protected": usage(16),
                    "avatar": usage(8),
                },
            },
            "remote": {
                **usage(1, 1),
                "thumbnails": usage(9, 11),
                "kept": {"quarantined": usage(256)},
            },
            "media_retention": None,
        }

    def test_rules(self) -> None:
        """They are about local media; remote media is the same whatever they are."""
        answer = self.answer({"before_ts": _BEFORE_TS, "keep_profiles": "false"})
        assert answer["local"] == {
            **usage(1, 2000, 4, 8),
            "thumbnails": usage(3, 5, 7),
            "kept": {
                "quarantined": usage(32),
                "protected": usage(16),
                "avatar": usage(),
            },
        }
        larger = self.answer({"before_ts": _BEFORE_TS, "size_gt": 16})
        assert larger["local"] == {
            **usage(2000),
            "thumbnails": usage(),
            "kept": {
                "quarantined": usage(32),
                "protected": usage(),
                "avatar": usage(),
            },
        }
        assert answer["remote"] == larger["remote"]
        assert answer["remote"]["media_count"] == 2

    def test_of_one(self) -> None:
        answer = self.answer({"before_ts": _BEFORE_TS, "user": ALICE})
        assert "remote" not in answer
        assert answer["local"] == {
            **usage(1),
            "thumbnails": usage(3, 5),
            "kept": {
                "quarantined": usage(32),
                "protected": usage(16),
                "avatar": usage(8),
            },
        }
        answer = self.answer({"before_ts": _BEFORE_TS, "server_name": "b.org"})
        assert "local" not in answer
        assert answer["remote"] == {
            **usage(1),
            "thumbnails": usage(11),
            "kept": {"quarantined": usage()},
        }
        for source, other in (("local", "remote"), ("remote", "local")):
            answer = self.answer({"before_ts": _BEFORE_TS, "source": source})
            assert source in answer
            assert other not in answer

    def test_nothing(self) -> None:
        self.fill()
        answer = self.answer({"before_ts": _BEFORE_TS})
        assert answer["local"] == {
            **USAGE_OF_NOTHING,
            "thumbnails": USAGE_OF_NOTHING,
            "kept": dict.fromkeys(
                ("quarantined", "protected", "avatar"), USAGE_OF_NOTHING
            ),
        }

    def test_large_numbers(self) -> None:
        """Sums past 32 bits, and on PostgreSQL a column that somebody made BIGINT."""
        if self.is_postgres:
            for column, table in (
                ("media_length", "local_media_repository"),
                ("thumbnail_length", "local_media_repository_thumbnails"),
            ):
                self.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE BIGINT")
        self.execute("UPDATE local_media_repository SET media_length = 5000000000")
        answer = self.answer({"before_ts": _BEFORE_TS, "source": "local"})
        assert answer["local"]["media_length"] % 5_000_000_000 == 0
        assert answer["local"]["media_length"] > 5_000_000_000
        assert answer["local"]["thumbnails"] == usage(3, 5)

    def test_what_only_sqlite_holds(self) -> None:
        """Bytes, text and fractions in any column are no error."""
        if self.is_postgres:
            return
        for value in (b"\xff", "text", 1.5, b""):
            for table, column in (
                ("local_media_repository", "media_length"),
                ("local_media_repository", "created_ts"),
                ("local_media_repository", "last_access_ts"),
                ("local_media_repository", "safe_from_quarantine"),
                ("local_media_repository", "upload_name"),
                ("local_media_repository_thumbnails", "thumbnail_length"),
                ("profiles", "avatar_url"),
                ("remote_media_cache", "media_length"),
                ("remote_media_cache", "last_access_ts"),
            ):
                self.execute(f"UPDATE {table} SET {column} = ?", value)
                for query in ({}, {"before_ts": _BEFORE_TS}):
                    assert self.request(query).code == 200, (table, column, value)
                for source in ("local", "remote"):
                    for order_by in ("media_length", "created_ts", "last_access_ts"):
                        list(
                            self.file_pages(
                                {
                                    "source": source,
                                    "reclaimable_before_ts": _BEFORE_TS,
                                    "order_by": order_by,
                                    "limit": 3,
                                }
                            )
                        )

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL."""
        engine = self.hs.get_datastores().main.db_pool.engine
        return "postgres" in type(engine).__name__.lower()


class AgesTestCase(_ReclaimableTestCase):
    """Without a time, what would be deleted at several ages."""

    def setUp(self) -> None:
        super().setUp()
        self.let_it_be(_NOW_TS)

    def test_ages(self) -> None:
        """A file is older than all ages up to its own, to the millisecond."""
        times = [_NOW_TS - days * DAY_MS for days in _AGES]
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
        # Of each age one file is old enough, and all three of those before it.
        for age, length in zip(answer["ages"], (7771, 7710, 7100, 1000), strict=True):
            assert age["local"]["media_length"] == length
            assert age["local"]["kept"]["protected"]["media_length"] == length
            assert age["remote"]["media_length"] == length
            alone = self.answer({"before_ts": age["before_ts"]})
            assert age["local"] == alone["local"]
            assert age["remote"] == alone["remote"]


class RetentionTestCase(_ReclaimableTestCase):
    """What `media_retention` of the server would delete."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["media_retention"] = {
            "local_media_lifetime": "90d",
            "remote_media_lifetime": "14d",
        }
        return config

    def fill_around(self, now_ts: int) -> None:
        """Files that are a day too old, and a day too young."""
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
        self.let_it_be(_NOW_TS)
        self.fill_around(_NOW_TS)
        queries: tuple[JsonDict, ...] = (
            {},
            {"before_ts": _BEFORE_TS},
            # It has rules of its own.
            {"keep_profiles": "false"},
            {"size_gt": 1, "before_ts": _BEFORE_TS},
        )
        for query in queries:
            retention = self.answer(query)["media_retention"]
            local, remote = retention["local"], retention["remote"]
            assert retention["local_media_lifetime"] == 90 * DAY_MS
            assert retention["remote_media_lifetime"] == 14 * DAY_MS
            assert local["before_ts"] == _NOW_TS - 90 * DAY_MS
            assert remote["before_ts"] == _NOW_TS - 14 * DAY_MS
            assert local["media_length"] == 1, query
            assert local["kept"]["avatar"] == usage(4), query
            assert remote["media_length"] == 8, query
        assert "remote" not in self.answer({"user": BOB})["media_retention"]
        assert "local" not in self.answer({"source": "remote"})["media_retention"]

    def test_as_synapse_does_it(self) -> None:
        """It is told, and then it is done."""
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


class OnlyRemoteRetentionTestCase(_ReclaimableTestCase):
    """One of the two is set."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["media_retention"] = {"remote_media_lifetime": "14d"}
        return config

    def test_retention(self) -> None:
        retention = self.answer()["media_retention"]
        assert retention["local_media_lifetime"] is None
        assert set(retention) == {
            "local_media_lifetime",
            "remote_media_lifetime",
            "remote",
        }


class RefusalsTestCase(_ReclaimableTestCase):
    """What Synapse refuses is refused here, with the same words."""

    def test_as_synapse(self) -> None:
        for query in (
            "before_ts=x",
            "before_ts=",
            "before_ts=-1",
            "before_ts=0",
            "before_ts=29999999999",
            "before_ts=30000000000&size_gt=-1",
            "before_ts=30000000000&size_gt=x",
            "before_ts=30000000000&keep_profiles=1",
            "before_ts=5&size_gt=x&keep_profiles=2",
            "before_ts=5&size_gt=-1",
            "before_ts=x&size_gt=x",
        ):
            synapse = self.make_request(
                "POST",
                f"/_synapse/admin/v1/media/{self.server_name}/delete?{query}",
                access_token=self.admin_token,
            )
            ours = self.make_request(
                "GET",
                f"{MODULE_PATH}/v1/reclaimable?{query}",
                access_token=self.admin_token,
            )
            assert ours.code == synapse.code == 400, query
            assert ours.json_body == synapse.json_body, query
            listed = self.make_request(
                "GET",
                f"{MODULE_PATH}/v1/files?"
                + query.replace("before_ts", "reclaimable_before_ts"),
                access_token=self.admin_token,
            )
            error = synapse.json_body["error"]
            assert listed.json_body["error"] == error.replace(
                "before_ts", "reclaimable_before_ts"
            ), query

    def test_more(self) -> None:
        for query in (
            {"before_ts": 2**63},
            {"before_ts": 30_000_000_000, "size_gt": 2**63},
            {"source": "both"},
            {"user": "alice"},
            {"user": ALICE, "source": "remote"},
            {"user": ALICE, "server_name": "a.org"},
            {"format": "csv"},
        ):
            assert self.request(query).code == 400, query
        for query in ({"before_ts": 2**63 - 1}, {"size_gt": 2**63 - 1}):
            assert self.request(query).code == 200, query

    def test_hash(self) -> None:
        for sha256 in ("", "a", "g" * 64, "a" * 63, "a" * 65, "é" * 64):
            channel = self.ask(f"{MODULE_PATH}/v1/files", {"sha256": sha256})
            assert channel.code == 400, sha256
