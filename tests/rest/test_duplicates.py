"""`/v1/duplicates`: sets of identical files."""

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from media_support import ALICE, BOB, MediaTestCase
from modes_support import in_every_mode
from owners_model import Query
from support import MEDIA_HAVE_SHA256, LocalMedia, RemoteMedia
from synapse.module_api import JsonDict


def _hash(content: str) -> str:
    return content * 64


def _row(content: str, length: int, local: int, remote: int) -> JsonDict:
    return {
        "sha256": _hash(content),
        "media_length": length,
        "copies": local + remote,
        "local_copies": local,
        "remote_copies": remote,
        "duplicate_length": (local + remote - 1) * length,
    }


def _local(content: str | None, length: int | None, user: str | None) -> LocalMedia:
    sha256 = None if content is None else _hash(content)
    return LocalMedia(user_id=user, media_length=length, sha256=sha256)


def _remote(content: str, length: int, server: str) -> RemoteMedia:
    return RemoteMedia(media_origin=server, media_length=length, sha256=_hash(content))


def _answer(*rows: JsonDict, total: int | None = None, **more: int) -> JsonDict:
    """The answer, on versions of Synapse with and without hashes."""
    if not MEDIA_HAVE_SHA256:
        return {"duplicates": [], "total": None}
    return {
        "duplicates": list(rows),
        "total": len(rows) if total is None else total,
        **more,
    }


class _DuplicatesTestCase(MediaTestCase):
    endpoint: ClassVar[str] = "duplicates"


@in_every_mode
class DuplicatesTestCase(_DuplicatesTestCase):
    """Which sets are listed, and in which order."""

    def setUp(self) -> None:
        super().setUp()
        self.fill(
            # Three further copies of 10 bytes waste as much as one of 30.
            *[_local("b", 10, ALICE)] * 2,
            *[_remote("b", 10, "a.org")] * 2,
            *[_local("a", 30, BOB)] * 2,
            _local("c", 100, ALICE),
            _local("c", 100, None),
            _remote("d", 1, "a.org"),
            _remote("d", 1, "b.org"),
            _local("e", 1_000, ALICE),
            *[_local(None, 5_000, ALICE)] * 2,
            *[_local("", 6_000, ALICE)] * 2,
            *[_local("f", None, ALICE)] * 2,
        )

    def test_answer(self) -> None:
        assert self.answer() == _answer(
            _row("c", 100, 2, 0),
            _row("a", 30, 2, 0),
            _row("b", 10, 2, 2),
            _row("d", 1, 0, 2),
        )

    def test_adds_up_to_the_summary(self) -> None:
        summary = self.ask_endpoint("summary", {"duplicates": "true"})["duplicates"]
        rows = self.answer()["duplicates"]
        if not MEDIA_HAVE_SHA256:
            assert (summary, rows) == (None, [])
            return
        assert summary == {
            "media_count": sum(row["copies"] - 1 for row in rows),
            "media_length": sum(row["duplicate_length"] for row in rows),
        }

    def test_pages(self) -> None:
        for start, limit, expected, more in (
            (0, 1, [_row("c", 100, 2, 0)], {"next_token": 1}),
            (1, 2, [_row("a", 30, 2, 0), _row("b", 10, 2, 2)], {"next_token": 3}),
            (3, 2, [_row("d", 1, 0, 2)], {}),
            (4, 2, [], {}),
            (0, 0, [], {}),
        ):
            query = {"from": start, "limit": limit}
            assert self.answer(query) == _answer(*expected, total=4, **more), query

    def test_scope(self) -> None:
        """Only the files of the question are compared."""
        for query, expected in (
            ({"source": "remote"}, [_row("b", 10, 0, 2), _row("d", 1, 0, 2)]),
            ({"server_name": "a.org"}, [_row("b", 10, 0, 2)]),
            ({"user": ALICE}, [_row("b", 10, 2, 0)]),
            ({"user": "@nobody:test"}, []),
            (
                {"source": "local"},
                [_row("c", 100, 2, 0), _row("a", 30, 2, 0), _row("b", 10, 2, 0)],
            ),
        ):
            assert self.answer(query) == _answer(*expected), query

    def test_files_of_a_row(self) -> None:
        for row in self.answer()["duplicates"]:
            files = self.ask_endpoint("files", {"sha256": row["sha256"]})["files"]
            assert len(files) == row["copies"]

    def test_csv_and_large_page(self) -> None:
        lines = self.request({"format": "csv", "from": 2}).result["body"].decode()
        rows = [f"{_hash('b')},10,4,2,2,30", f"{_hash('d')},1,2,0,2,1"]
        assert lines.splitlines() == [
            "sha256,media_length,copies,local_copies,remote_copies,duplicate_length",
            *(rows if MEDIA_HAVE_SHA256 else []),
        ]
        assert self.answer({"limit": 2_000}) == self.answer()

    def test_refusals(self) -> None:
        for query, word in (
            ({"source": "remote", "user": ALICE}, "source=remote"),
            ({"user": "alice"}, "user"),
            ({"limit": -1}, "limit"),
        ):
            self.assert_refused(self.request(query), word)


class AnyFilesTestCase(_DuplicatesTestCase):
    """Any files, against plain Python."""

    @given(
        local=st.lists(st.sampled_from("abcd"), max_size=8),
        remote=st.lists(st.sampled_from("abcd"), max_size=8),
        query=st.fixed_dictionaries(
            {}, optional={"from": st.integers(0, 4), "limit": st.integers(0, 4)}
        ),
    )
    def test_answers(self, local: list[str], remote: list[str], query: Query) -> None:
        lengths = {"a": 1, "b": 1, "c": 2, "d": 3}
        self.fill(
            *(_local(content, lengths[content], ALICE) for content in local),
            *(_remote(content, lengths[content], "a.org") for content in remote),
        )
        rows = [
            _row(content, length, local.count(content), remote.count(content))
            for content, length in lengths.items()
            if local.count(content) + remote.count(content) > 1
        ]
        rows.sort(key=lambda row: -row["duplicate_length"])
        start = int(str(query.get("from", 0)))
        page = rows[start : start + int(str(query.get("limit", 100)))]
        end = start + len(page)
        more = {"next_token": end} if page and end < len(rows) else {}
        assert self.answer(query) == _answer(*page, total=len(rows), **more)
