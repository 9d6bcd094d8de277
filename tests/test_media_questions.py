"""Summary, timeline, types and files: what each parameter does, to the letter.

That any answer is right is in test_media_properties.py; whole answers are those of the
OpenAPI document's examples, in test_openapi.py.
"""

from typing import ClassVar

from media_support import ALICE, BOB, DAY_MS, MediaTestCase, usage
from modes_support import in_every_mode
from parameterized import parameterized  # type: ignore[import-untyped]
from support import (
    MEDIA_HAVE_SHA256,
    MODULE_PATH,
    LocalMedia,
    MediaStatsTestCase,
    RemoteMedia,
)
from synapse.module_api import JsonDict

# The first of January 1970 was a Thursday, the fifth the first Monday.
_MONDAY = 4 * DAY_MS


class ErrorsTest(MediaStatsTestCase):
    @parameterized.expand(  # type: ignore[untyped-decorator]
        [
            (
                "summary?user_id=alice",
                "Query parameter user_id must be a complete user ID, such as "
                "@user:example.org.",
            ),
            (
                "summary?user_id=@a:test&server_name=b.org",
                "Query parameters user_id and server_name do not go together: "
                "user_id is for local media and server_name for remote media.",
            ),
            ("summary?user_id=", "Query parameter user_id cannot be an empty string."),
            (
                "timeline?server_name=a%00b",
                "Query parameter server_name cannot contain a NUL character.",
            ),
            (
                "timeline?source=local&server_name=b.org",
                "Query parameter source=local does not go with b.org: user_id is for "
                "local media and server_name for remote media.",
            ),
            (
                "timeline?from_ts=5&until_ts=5",
                "Query parameter until_ts must be greater than from_ts.",
            ),
            (
                "timeline?until_ts=864000000000&from_ts=1",
                "The timeline would have more than 10000 parts. Ask for less with "
                "from_ts and until_ts, or for longer parts with interval.",
            ),
            (
                f"types?from={2**63}",
                "Query parameter from must be an integer from 0 to "
                "9223372036854775807.",
            ),
            (
                f"files?user_id=@{'a' * 512}:test",
                "Query parameter user_id cannot be longer than 512 characters.",
            ),
            (
                "files?media_type=*",
                "Query parameter media_type must be a media type, such as image/png, "
                "or image/* for all that begin so.",
            ),
            (
                "files?source=remote&deactivated=true",
                "Query parameter deactivated is about users of this server, and goes "
                "with source=local only.",
            ),
            (
                "files?from=100",
                "Query parameter from must be the next_token of a page of this list, "
                "in the same order.",
            ),
        ]
    )
    def test_error(self, path: str, error: str) -> None:
        channel = self.ask(f"{MODULE_PATH}/v1/{path}")
        assert (channel.code, channel.json_body) == (
            400,
            {"errcode": "M_INVALID_PARAM", "error": error},
        )

    @parameterized.expand(  # type: ignore[untyped-decorator]
        [
            ("timeline?interval=year", ("day", "week", "month")),
            ("types?source=both", ("local", "remote")),
            ("types?order_by=size", ("media_type", "media_length", "media_count")),
            ("files?order_by=size", ("media_id", "media_length", "created_ts")),
            ("files?dir=up", ("f", "b")),
            ("files?quarantined=yes", ("true", "false")),
        ]
    )
    def test_choice(self, path: str, legal: tuple[str, ...]) -> None:
        """Synapse's own words, which name the parameter and the legal values."""
        channel = self.ask(f"{MODULE_PATH}/v1/{path}")
        assert channel.code == 400
        name = path.split("?")[1].split("=")[0]
        for word in (name, *legal):
            assert word in channel.json_body["error"]


@in_every_mode
class TimelineTest(MediaTestCase):
    endpoint: ClassVar[str] = "timeline"

    def dates(self, **query: object) -> list[tuple[object, ...]]:
        return [
            (
                bucket["date"],
                bucket["from_ts"],
                bucket["until_ts"],
                bucket["media_count"],
            )
            for bucket in self.answer(query)["buckets"]
        ]

    def test_weeks_begin_on_monday(self) -> None:
        self.fill(
            LocalMedia(user_id=ALICE, created_ts=_MONDAY - 1),
            LocalMedia(user_id=ALICE, created_ts=_MONDAY),
            LocalMedia(user_id=BOB, created_ts=_MONDAY + 7 * DAY_MS - 1),
        )
        assert self.dates(interval="week", until_ts=_MONDAY + 8 * DAY_MS) == [
            ("1969-12-29", 0, _MONDAY - 1, 1),
            ("1970-01-05", _MONDAY, _MONDAY + 7 * DAY_MS - 1, 2),
            ("1970-01-12", _MONDAY + 7 * DAY_MS, _MONDAY + 8 * DAY_MS, 0),
        ]
        assert self.dates(interval="week", user_id=BOB, until_ts=_MONDAY + 8) == []

    def test_months(self) -> None:
        leap_day = (2 * 365 + 31 + 28) * DAY_MS
        self.fill(LocalMedia(user_id=ALICE, created_ts=leap_day))
        january = 2 * 365 * DAY_MS
        assert self.dates(
            interval="month", from_ts=january + 5, until_ts=leap_day + DAY_MS
        ) == [
            ("1972-01-01", january + 5, january + 31 * DAY_MS - 1, 0),
            ("1972-02-01", january + 31 * DAY_MS, leap_day + DAY_MS - 1, 1),
            ("1972-03-01", leap_day + DAY_MS, leap_day + DAY_MS, 0),
        ]

    def test_until_now(self) -> None:
        """Without a window it goes from the first file to today."""
        self.fill(LocalMedia(user_id=ALICE, created_ts=0))
        self.reactor.advance(2 * DAY_MS / 1000)
        assert [date for date, *_ in self.dates()] == [
            "1970-01-01",
            "1970-01-02",
            "1970-01-03",
        ]
        assert self.dates(source="remote") == []

    def test_as_many_as_there_may_be(self) -> None:
        buckets = self.answer({"from_ts": 1, "until_ts": 10_000 * DAY_MS - 1})[
            "buckets"
        ]
        assert len(buckets) == 10_000


class TypesTest(MediaTestCase):
    endpoint: ClassVar[str] = "types"

    def test_types_are_compared_without_case_and_parameters(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=ALICE, media_type=media_type, media_length=length)
                for length, media_type in enumerate(
                    ("image/png", "IMAGE/PNG; q=1", " image/png", None, "", "imagex/y")
                )
            ]
        )
        assert self.answer({}) == {
            "types": [
                {"media_type": "application/octet-stream", **usage(3, 4)},
                {"media_type": "image/png", **usage(0, 1, 2)},
                {"media_type": "imagex/y", **usage(5)},
            ],
            "total": 3,
        }
        assert self.answer(
            {"group": "true", "order_by": "media_count", "dir": "b"}
        ) == {
            "types": [
                {"group": "image", **usage(0, 1, 2)},
                {"group": "application", **usage(3, 4)},
                {"group": "other", **usage(5)},
            ],
            "total": 3,
        }


class SummaryTest(MediaTestCase):
    endpoint: ClassVar[str] = "summary"

    def test_duplicates(self) -> None:
        """A content counts once, wherever else it is; without a hash nothing does."""
        self.fill(
            LocalMedia(user_id=ALICE, media_length=5, sha256="a"),
            LocalMedia(user_id=BOB, media_length=5, sha256="a"),
            RemoteMedia(media_origin="a.org", media_length=5, sha256="a"),
            LocalMedia(user_id=ALICE, media_length=7),
            LocalMedia(user_id=BOB, media_length=7),
        )
        answer = self.answer({})
        assert answer["duplicates"] == (usage(5, 5) if MEDIA_HAVE_SHA256 else None)
        assert "duplicates" not in self.answer({"duplicates": "false"})

    def test_reclaimable_counts_each_file_once(self) -> None:
        self.fill(
            LocalMedia(
                user_id=ALICE,
                media_length=1,
                created_ts=10,
                quarantined_by="@admin:test",
                url_cache="https://a.example/",
            ),
            # Read since; and as old as the time asked for.
            LocalMedia(user_id=ALICE, media_length=2, created_ts=10, last_access_ts=50),
            LocalMedia(user_id=ALICE, media_length=4, created_ts=20),
            LocalMedia(user_id=None, media_length=8, created_ts=19),
            LocalMedia(user_id=BOB, media_length=None, created_ts=10),
            RemoteMedia(media_origin="a.org", media_length=16, created_ts=19),
        )
        assert self.answer({"unread_since": 20})["reclaimable"] == {
            "total": usage(1, 8, 16),
            "local": {
                "total": usage(1, 8),
                "unread": usage(1, 8),
                "quarantined": usage(1),
                "url_previews": usage(1),
                "pending": {"media_count": 1},
            },
            "remote": {
                "total": usage(16),
                "unread": usage(16),
                "quarantined": usage(),
            },
        }


class FilesTest(MediaTestCase):
    endpoint: ClassVar[str] = "files"

    def ids(self, query: JsonDict) -> list[str]:
        files = self.answer(query)["files"]
        return [file["mxc"].rpartition("/")[2] for file in files]

    def test_pages_stay_right_while_files_come_and_go(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=ALICE, media_id=f"m{number}", media_length=number)
                for number in range(10)
            ]
        )
        query: JsonDict = {"order_by": "media_length", "dir": "b", "limit": 3}
        first = self.answer(query)
        assert self.ids(query) == ["m9", "m8", "m7"]
        # One before the place where the page ended, that place itself, and two after.
        self.insert_local_media(
            LocalMedia(user_id=ALICE, media_id="before", media_length=8),
            LocalMedia(user_id=ALICE, media_id="after", media_length=5),
        )
        self.execute(
            "DELETE FROM local_media_repository WHERE media_id IN ('m7', 'm6')"
        )
        query["from"] = first["next_token"]
        second = self.answer(query)
        assert self.ids(query) == ["after", "m5", "m4"]
        query["from"] = second["next_token"]
        assert self.ids(query) == ["m3", "m2", "m1"]

    def test_a_token_is_for_one_list(self) -> None:
        self.fill(*[LocalMedia(user_id=ALICE) for _ in range(3)])
        token = self.answer({"limit": 1})["next_token"]
        for other in (
            {"dir": "b"},
            {"order_by": "created_ts"},
            {"source": "remote"},
        ):
            query = {"from": token, **other}
            assert self.ask(f"{MODULE_PATH}/v1/files", query).code == 400

    def test_files_of_deactivated_users(self) -> None:
        for localpart in ("gone", "here"):
            self.make_user(localpart)
        self.execute("UPDATE users SET deactivated = 1 WHERE name = '@gone:test'")
        self.fill(
            LocalMedia(user_id="@gone:test", media_id="a"),
            LocalMedia(user_id="@here:test", media_id="b"),
            LocalMedia(user_id="@unknown:test", media_id="c"),
        )
        assert self.ids({"deactivated": "true"}) == ["a"]
        assert self.ids({"deactivated": "false"}) == ["b", "c"]
        users = self.ask(f"{MODULE_PATH}/v1/users", {"deactivated": "true"}).json_body
        assert [user["user_id"] for user in users["users"]] == ["@gone:test"]
        assert users["total"] == 1


@in_every_mode
class DeactivatedTest(MediaTestCase):
    """`deactivated` of `/v1/users`, with what else can be asked."""

    endpoint: ClassVar[str] = "users"

    def test_deactivated(self) -> None:
        for localpart in ("a", "b", "c"):
            self.make_user(localpart)
        self.execute("UPDATE users SET deactivated = 1 WHERE name <> '@b:test'")
        self.fill(
            *[
                LocalMedia(user_id=f"@{localpart}:test", created_ts=number)
                for number, localpart in enumerate("abc")
            ],
            displaynames={"@a:test": "Zoë", "@c:test": "Ann"},
        )
        gone: JsonDict = {"deactivated": "true"}
        for query, expected in (
            (gone, ["@a:test", "@c:test"]),
            ({"deactivated": "false"}, ["@b:test"]),
            ({}, ["@a:test", "@b:test", "@c:test"]),
            (
                {"deactivated": "true", "order_by": "displayname"},
                ["@c:test", "@a:test"],
            ),
            ({"deactivated": "true", "search_term": "zO"}, ["@a:test"]),
            ({"deactivated": "true", "from_ts": 1}, ["@c:test"]),
        ):
            answer = self.answer(query)
            assert [user["user_id"] for user in answer["users"]] == expected, query
            assert answer["total"] == len(expected)
