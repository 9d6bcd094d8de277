"""Sums beyond 64 bits are exact, and in the right order.

No server has them, but a wrong length in one row makes them. On PostgreSQL, this needs
a column that was altered to BIGINT.
"""

import csv
import io
from typing import ClassVar

import pytest
from media_support import ALICE, BOB, DAY_MS, MediaTestCase, usage
from modes_support import DIRECTIONS
from support import MEDIA_HAVE_SHA256, LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict
from tests.utils import USE_POSTGRES_FOR_TESTS

pytestmark = pytest.mark.once

_MOST = 2**63 - 1
_CAROL = "@carol:test"
_DAVE = "@dave:test"
_OLD_TS = 30_000_000_001

# The last digits differ, far below the precision of a float.
_LENGTHS = {ALICE: (_MOST, _MOST, 2), BOB: (_MOST, _MOST, 1), _CAROL: (5, 6), _DAVE: ()}

_ORDERS = ("media_length", "media_count")


def _media() -> tuple[LocalMedia | RemoteMedia, ...]:
    local = [
        LocalMedia(
            user_id=user_id,
            media_length=length,
            created_ts=DAY_MS,
            media_type=f"image/{user_id[1]}",
            media_id=f"{user_id[1]}{index}",
            sha256=f"{length % 10}" * 64,
        )
        for user_id, lengths in _LENGTHS.items()
        for index, length in enumerate(lengths)
    ]
    remote = [
        RemoteMedia(
            media_origin=f"{user_id[1]}.org",
            media_length=length,
            created_ts=DAY_MS,
            last_access_ts=1,
            media_id=f"{user_id[1]}{index}",
        )
        for user_id, lengths in _LENGTHS.items()
        for index, length in enumerate(lengths)
    ]
    return (*local, *remote)


class LargeSumsTestCase(MediaTestCase):
    """From the media itself, in each way, of all owners and of one."""

    endpoint: ClassVar[str] = "files"
    shares_homeserver: ClassVar[bool] = False

    def setUp(self) -> None:
        super().setUp()
        if USE_POSTGRES_FOR_TESTS:
            for table in ("local_media_repository", "remote_media_cache"):
                for name, column in (("", "media"), ("_thumbnails", "thumbnail")):
                    self.execute(
                        f"ALTER TABLE {table}{name} "
                        f"ALTER COLUMN {column}_length TYPE BIGINT"
                    )
        self.fill(
            *_media(),
            thumbnails=tuple(
                Thumbnail(
                    media_id="a0",
                    media_origin=origin,
                    thumbnail_length=_MOST,
                    thumbnail_width=width,
                )
                for origin in (None, "a.org")
                for width in (32, 96)
            ),
        )

    def test_owners(self) -> None:
        for endpoint, key, names in (
            ("users", "user_id", [ALICE, BOB, _CAROL]),
            ("servers", "server_name", ["a.org", "b.org", "c.org"]),
        ):
            expected = [
                (name, *usage(*lengths).values())
                for name, lengths in zip(names, _LENGTHS.values(), strict=False)
            ]
            for query, owners in (
                ({"order_by": "media_length", "dir": "b"}, expected),
                ({"order_by": "media_length"}, [*reversed(expected)]),
                ({"order_by": key}, expected),
                ({"order_by": "media_length", "search_term": "b"}, expected[1:2]),
                ({"order_by": "media_length", "dir": "b", "from_ts": 2}, expected),
                ({"order_by": "media_length", "dir": "b", "limit": 1001}, expected),
            ):
                answer = self.ask_endpoint(endpoint, query)
                assert [
                    (row[key], row["media_count"], row["media_length"])
                    for row in answer[endpoint]
                ] == owners, (endpoint, query)
            channel = self.ask(
                f"{self.path.rpartition('/')[0]}/{endpoint}", {"format": "csv"}
            )
            rows = csv.DictReader(io.StringIO(channel.result["body"].decode()))
            assert [int(row["media_length"]) for row in rows] == [
                length for _, _, length in expected
            ]

    def test_as_model(self) -> None:
        for query in ({}, {"user": ALICE}, {"server_name": "a.org"}):
            for duplicates in ("false", "true"):
                self.assert_as_model("summary", {**query, "duplicates": duplicates})
            self.assert_as_model("timeline", query)
            for group in ("false", "true"):
                for order_by in _ORDERS:
                    for direction in DIRECTIONS:
                        self.assert_as_model(
                            "types",
                            {
                                **query,
                                "group": group,
                                "order_by": order_by,
                                "dir": direction,
                            },
                        )
            for direction in DIRECTIONS:
                self.assert_as_model(
                    "files",
                    {
                        **query,
                        "order_by": "media_length",
                        "dir": direction,
                        "limit": 1,
                    },
                )

    @pytest.mark.skipif(not MEDIA_HAVE_SHA256, reason="this Synapse keeps no hashes")
    def test_duplicates(self) -> None:
        """A set that wastes one byte more comes first, whatever its hash."""
        contents = {
            "a" * 64: (_MOST, 4),
            "f" * 64: (_MOST, 3),
            "0" * 64: (_MOST - 1, 3),
            "e" * 64: (3, 3),
        }
        self.fill(
            *(
                LocalMedia(user_id=ALICE, media_length=length, sha256=sha256)
                for sha256, (length, copies) in reversed(contents.items())
                for _ in range(copies)
            )
        )
        duplicates = self.ask_endpoint("duplicates", {})["duplicates"]
        assert [(row["sha256"], row["duplicate_length"]) for row in duplicates] == [
            (sha256, (copies - 1) * length)
            for sha256, (length, copies) in contents.items()
        ]

    def test_appservices(self) -> None:
        self._insert(
            "users",
            [
                {"name": ALICE, "appservice_id": "x", "deactivated": 1},
                {"name": BOB, "appservice_id": "x", "deactivated": 0},
            ],
        )
        ghosts, others = self.ask_endpoint("appservices", {})["appservices"]
        assert ghosts["media_length"] == sum(_LENGTHS[ALICE] + _LENGTHS[BOB])
        assert ghosts["deactivated_media_length"] == sum(_LENGTHS[ALICE])
        assert others["media_length"] == sum(_LENGTHS[_CAROL])

    def test_reclaimable(self) -> None:
        query = {"before_ts": _OLD_TS, "thumbnails": "true"}
        answer = self.ask_endpoint("reclaimable", query)
        for source in ("local", "remote"):
            assert answer[source]["media_length"] == sum(map(sum, _LENGTHS.values()))
            assert answer[source]["thumbnails"] == usage(_MOST, _MOST)


@pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="rollups are on PostgreSQL")
class LargeTotalsTestCase(MediaTestCase):
    """From totals and a change log, whose sum needs more than 64 bits."""

    shares_homeserver: ClassVar[bool] = False

    endpoint: ClassVar[str] = "users"
    mode_options: ClassVar[JsonDict] = {"rollups": True}

    def test_totals(self) -> None:
        """Each of two users has a file in the totals, and one in the change log."""
        self.fill(
            LocalMedia(user_id=ALICE, media_length=5, created_ts=DAY_MS),
            LocalMedia(user_id=BOB, media_length=5, created_ts=DAY_MS),
            RemoteMedia(media_origin="a.org", media_length=5, created_ts=DAY_MS),
        )
        self.run_round()
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_length=6, created_ts=DAY_MS),
            LocalMedia(user_id=BOB, media_length=6, created_ts=DAY_MS),
        )
        self.insert_remote_media(
            RemoteMedia(media_origin="a.org", media_length=6, created_ts=DAY_MS)
        )
        for table in ("owners", "days", "kinds"):
            self.execute(
                f"UPDATE media_stats_{table} SET media_length = ? "
                "WHERE media_count > 0",
                _MOST,
            )
        self.execute(
            "UPDATE media_stats_changes "
            "SET media_length = CASE WHEN owner = ? THEN ? ELSE ? END",
            BOB,
            _MOST,
            _MOST - 1,
        )
        of_alice, of_bob = usage(_MOST, _MOST - 1), usage(_MOST, _MOST)
        for direction, owners in (
            ("b", [(BOB, of_bob), (ALICE, of_alice)]),
            ("f", [(ALICE, of_alice), (BOB, of_bob)]),
        ):
            for more in ({}, {"deactivated": "false"}, {"limit": 1001}):
                query = {"order_by": "media_length", "dir": direction, **more}
                users = self.ask_endpoint("users", query)["users"]
                assert users == [
                    {"user_id": owner, "displayname": None, **usage_of_owner}
                    for owner, usage_of_owner in owners
                ], query
        (server,) = self.ask_endpoint("servers", {})["servers"]
        assert server.items() >= usage(_MOST, _MOST - 1).items()
        # Kinds and days have one row for both users.
        of_both = sum((_MOST, _MOST, _MOST - 1))
        summary = self.ask_endpoint("summary", {})
        assert summary["local"]["uploads"]["media_length"] == of_both
        assert summary["remote"]["cached"]["media_length"] == 2 * _MOST - 1
        assert summary["total"]["media_length"] == of_both + 2 * _MOST - 1
        buckets = self.ask_endpoint("timeline", {})["buckets"]
        assert buckets[0]["media_length"] == of_both
        (group,) = self.ask_endpoint("types", {"group": "true"})["types"]
        assert group["media_length"] == of_both
