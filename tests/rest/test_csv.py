"""Each list as CSV, complete."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import ClassVar
from unittest.mock import patch

from modes_support import ModesTestCase, in_every_mode
from support import LocalMedia, RemoteMedia

from media_stats_module.storage import sql as _sql

_DAY = 86_400_000

# Names with formulas, and similar names without.
_NAMES = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(1,2)": '"\'@SUM(1,2)"',
    "@a:b+SUM(1)": "'@a:b+SUM(1)",
    "\t=1": "'\t'=1",
    "\r=1": "\"'\r'=1\"",
    "\n=1": "\"'\n'=1\"",
    "\tx": "'\tx",
    "\N{FULLWIDTH EQUALS SIGN}1": "'\N{FULLWIDTH EQUALS SIGN}1",
    "\N{FULLWIDTH PLUS SIGN}1": "'\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1": "'\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}A1": "'\N{FULLWIDTH COMMERCIAL AT}A1",
    '=cmd|"/C calc"!A1': '"\'=cmd|""/C calc""!A1"',
    "1=1": "1=1",
    # For spreadsheets that separate cells by something else than a comma.
    "a;=1;b": "a;'=1;b",
    'a;"=1': '"a;\'""=1"',
    "a\t+1": "a\t'+1",
    "a\t\N{FULLWIDTH EQUALS SIGN}1": "a\t'\N{FULLWIDTH EQUALS SIGN}1",
    "a;\N{FULLWIDTH COMMERCIAL AT}1": "a;'\N{FULLWIDTH COMMERCIAL AT}1",
    "a\r\n@SUM(1)": '"a\r\n\'@SUM(1)"',
    "a; b": "a; b",
    " =1": " =1",
    "'=1": "'=1",
    "": "",
    "a,b": '"a,b"',
    'say "b"': '"say ""b"""',
    "two\nlines": '"two\nlines"',
    "\N{SNOWMAN} \u202e": "\N{SNOWMAN} \u202e",
}


class CsvTestCase(ModesTestCase):
    """Asks an endpoint for CSV."""

    endpoint: ClassVar[str] = "users"

    def csv(self, query: Mapping[str, object] | None = None) -> str:
        """The CSV that answers."""
        channel = self.ask(self.path, {"format": "csv", **(query or {})})
        assert channel.code == 200, channel.result
        body: bytes = channel.result["body"]
        return body.decode()


@in_every_mode
class UsersCsvTest(CsvTestCase):
    endpoint: ClassVar[str] = "users"

    def test_file(self) -> None:
        self.fill(
            LocalMedia(user_id="@alice:test", media_length=5),
            LocalMedia(user_id="@alice:test", media_length=6),
            LocalMedia(user_id="@bob:test", media_length=7),
            LocalMedia(user_id=None, media_length=8),
            displaynames={"@alice:test": "Alice"},
        )
        assert self.csv() == (
            "user_id,displayname,media_count,media_length\r\n"
            "@alice:test,Alice,2,11\r\n"
            "@bob:test,,1,7\r\n"
        )

    def test_parameters(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=f"@u{size}:test", media_length=size, created_ts=size)
                for size in (1, 2, 3, 4, 5)
            ]
        )
        query = {"order_by": "media_length", "dir": "b", "limit": 2, "from": 1}
        assert self.csv(query) == (
            "user_id,displayname,media_count,media_length\r\n"
            "@u4:test,,1,4\r\n"
            "@u3:test,,1,3\r\n"
        )
        assert self.csv({"until_ts": 1, "search_term": "U"}) == (
            "user_id,displayname,media_count,media_length\r\n@u1:test,,1,1\r\n"
        )
        nothing = "user_id,displayname,media_count,media_length\r\n"
        assert self.csv({"limit": 0}) == nothing
        assert self.csv({"from": 5}) == nothing
        assert self.csv({"search_term": "nobody"}) == nothing

    def test_all_of_it(self) -> None:
        """More than a page, and more than is read from the database at once."""
        names = [f"@user{number:04}:test" for number in range(2_345)]
        self.fill(*[LocalMedia(user_id=name, media_length=1) for name in names])
        assert self.csv() == "user_id,displayname,media_count,media_length\r\n" + (
            "".join(f"{name},,1,1\r\n" for name in names)
        )

    def test_no_formulas(self) -> None:
        self.fill(
            *[
                LocalMedia(user_id=f"@{number:02}:test")
                for number in range(len(_NAMES))
            ],
            displaynames={
                f"@{number:02}:test": name for number, name in enumerate(_NAMES)
            },
        )
        assert self.csv() == "user_id,displayname,media_count,media_length\r\n" + (
            "".join(
                f"@{number:02}:test,{cell},1,1\r\n"
                for number, cell in enumerate(_NAMES.values())
            )
        )

    def test_user_ids_from_before_there_were_rules(self) -> None:
        self.fill(
            LocalMedia(user_id="@SUM(1+1)*cmd|' /C calc'!A0:test"),
            LocalMedia(user_id="@=55.-_/+x:test"),
        )
        assert self.csv({"dir": "b"}) == (
            "user_id,displayname,media_count,media_length\r\n"
            "'@SUM(1+1)*cmd|' /C calc'!A0:test,,1,1\r\n"
            "@=55.-_/+x:test,,1,1\r\n"
        )


@in_every_mode
class ServersCsvTest(CsvTestCase):
    endpoint: ClassVar[str] = "servers"

    def test_file(self) -> None:
        self.fill(
            RemoteMedia(media_origin="b.example:8448", media_length=2),
            RemoteMedia(media_origin="[2001:db8::1]", media_length=3),
            RemoteMedia(media_origin="-1.example", media_length=4),
        )
        assert self.csv() == (
            "server_name,media_count,media_length\r\n"
            "'-1.example,1,4\r\n"
            "[2001:db8::1],1,3\r\n"
            "b.example:8448,1,2\r\n"
        )


@in_every_mode
class TimelineCsvTest(CsvTestCase):
    endpoint: ClassVar[str] = "timeline"

    def test_file(self) -> None:
        self.fill(LocalMedia(user_id="@a:test", media_length=5, created_ts=3 * _DAY))
        query = {"from_ts": 2 * _DAY + 1, "until_ts": 4 * _DAY}
        assert self.csv(query) == (
            "date,from_ts,until_ts,media_count,media_length\r\n"
            "1970-01-03,172800001,259199999,0,0\r\n"
            "1970-01-04,259200000,345599999,1,5\r\n"
            "1970-01-05,345600000,345600000,0,0\r\n"
        )


@in_every_mode
class TypesCsvTest(CsvTestCase):
    endpoint: ClassVar[str] = "types"

    def test_file(self) -> None:
        self.fill(
            LocalMedia(user_id="@a:test", media_length=5, media_type="image/PNG; q=1"),
            LocalMedia(user_id="@a:test", media_length=6, media_type="=cmd"),
        )
        assert self.csv() == (
            "media_type,media_count,media_length\r\n'=cmd,1,6\r\nimage/png,1,5\r\n"
        )
        assert self.csv({"group": "true", "order_by": "media_length"}) == (
            "group,media_count,media_length\r\nimage,1,5\r\nother,1,6\r\n"
        )
        if self.applied == 1:
            # Wrong on purpose: the file shows them.
            self.execute("UPDATE media_stats_kinds SET media_length = 9")
            assert self.csv({"group": "true"}).endswith(
                "\r\nimage,1,9\r\nother,1,9\r\n"
            )

    def test_all_of_it(self) -> None:
        types = [f"x/{number:03}" for number in range(150)]
        self.fill(*[LocalMedia(user_id="@a:test", media_type=name) for name in types])
        assert self.csv() == "media_type,media_count,media_length\r\n" + "".join(
            f"{name},1,1\r\n" for name in types
        )
        assert self.csv({"limit": 1, "from": 2}).endswith("\r\nx/002,1,1\r\n")


class FilesCsvTest(CsvTestCase):
    endpoint: ClassVar[str] = "files"

    def test_file(self) -> None:
        """The same columns and values as in JSON."""
        self.fill(
            LocalMedia(
                media_id="a",
                user_id="@a:test",
                upload_name='=HYPERLINK("https://evil.example")',
                last_access_ts=7,
                quarantined_by="@admin:test",
                safe_from_quarantine=True,
            ),
            LocalMedia(media_id="b", user_id=None, media_type=None),
            RemoteMedia(media_origin="b.example", media_id="c"),
        )
        for source, number in (("local", 2), ("remote", 1)):
            rows = self.answer({"source": source})["files"]
            assert len(rows) == number
            header, *lines = csv.reader(StringIO(self.csv({"source": source})))
            assert header == list(rows[0])
            assert lines == [[_cell(value) for value in row.values()] for row in rows]

    @patch.object(_sql, "_ROWS_AT_ONCE", 100)
    def test_all_of_it(self) -> None:
        self.fill(*[LocalMedia(user_id="@a:test") for _ in range(345)])
        everything = self.csv({"order_by": "created_ts"}).splitlines()
        assert len(everything) == 1 + 345
        assert len(self.csv({"limit": 210}).splitlines()) == 1 + 210
        page = self.ask(self.path, {"order_by": "created_ts", "limit": 30})
        rest = self.csv(
            {"order_by": "created_ts", "from": page.json_body["next_token"]}
        )
        assert rest.splitlines() == [everything[0], *everything[31:]]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if str(value).startswith("=") else str(value)
