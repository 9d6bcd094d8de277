"""Rows come in the byte order of their paths, and pages lose none."""

from collections.abc import Iterable
from unittest.mock import patch

import pytest
from disk_support import DiskTestCase
from hypothesis import given
from hypothesis import strategies as st

from media_stats_module.disk.paths import Kind
from media_stats_module.disk.rows import rows_in_order
from media_stats_module.storage import DiskRow, disk

pytestmark = pytest.mark.once

_LETTERS = st.text(st.sampled_from("aZ0-_.:]"), min_size=5, max_size=7)
_DAYS = st.sampled_from(("2026-01-02", "2026-01-03", "2026-0"))
_IDS = st.one_of(
    _LETTERS,
    st.builds("{}{}".format, _DAYS, _LETTERS),
    # As folders, `a.b/` comes before `a/`.
    st.text(st.sampled_from("-./0"), max_size=2).map("aabbc{}".format),
    # Neighbours of the characters that paths can have.
    st.text(st.sampled_from("a/é~ "), min_size=1, max_size=3),
)
_SERVERS = st.text(st.sampled_from("a.-:1"), max_size=3)
_WIDTHS = st.sampled_from((32, 96, 320, 1000))


class DiskOrderTestCase(DiskTestCase):
    @given(
        media_ids=st.sets(_IDS, max_size=12),
        previews=st.sets(_IDS, max_size=12),
        remote=st.sets(st.tuples(_SERVERS, _IDS), max_size=12),
        widths=st.lists(_WIDTHS, unique=True, max_size=4),
        page=st.integers(1, 5),
    )
    def test_order(
        self,
        media_ids: set[str],
        previews: set[str],
        remote: set[tuple[str, str]],
        widths: list[int],
        page: int,
    ) -> None:
        self.delete_media_and_profiles()
        media_ids -= previews
        for media_id in media_ids | previews:
            url = "https://example.com" if media_id in previews else None
            self.local(media_id, url_cache=url)
            for width in widths:
                self.thumbnail(media_id, width=width)
        for number, (server, filesystem_id) in enumerate(sorted(remote)):
            # Some files share a path.
            self.remote(server, f"id{number}", filesystem_id)
            self.remote(server, f"id{number}b", filesystem_id)
            for width in widths:
                self.thumbnail(
                    f"id{number}",
                    width=width,
                    server=server,
                    filesystem_id=filesystem_id,
                )

        with (
            patch.object(disk, "_PAGE", page),
            patch.object(disk, "_LARGE_PAGE", page),
            patch.object(disk, "_AT_ONCE", page),
        ):
            rows = self.disk_rows()
            expected = {
                Kind.LOCAL_FILES: len(media_ids),
                Kind.LOCAL_THUMBNAILS: len(media_ids) * len(widths),
                Kind.URL_PREVIEWS: len(previews),
                Kind.URL_PREVIEW_THUMBNAILS: len(previews) * len(widths),
                Kind.REMOTE_FILES: len(remote) * 2,
                Kind.REMOTE_THUMBNAILS: len(remote) * len(widths),
            }
            for kind, count in expected.items():
                without_path: list[DiskRow] = []
                paths = _paths(rows_in_order(kind, rows, without_path.append))
                assert paths == sorted(paths), kind
                assert len(paths) + len(without_path) == count, kind

    def test_estimate(self) -> None:
        """Thumbnails are files, too, and there may be more of these."""
        self.local("aabbcccc")
        self.remote("s.example", "id", "aabbcccc")
        for width in (32, 96):
            self.thumbnail("aabbcccc", width=width)
            self.thumbnail("id", width=width, server="s.example")
        # PostgreSQL's estimates.
        self.execute("ANALYZE")
        assert self.disk_rows().estimate() == 6

    def test_an_order_that_is_not_that_of_the_bytes(self) -> None:
        """In PostgreSQL, a database with `allow_unsafe_locale` has another order."""
        with patch.object(disk, "_is_in_byte_order_txn", lambda txn: False):
            for media_id in ("aabbcccc", "AABBCCCC", "aabb-ccc", "aabb_ccc"):
                self.local(media_id)
            rows = self.disk_rows()
            paths = _paths(rows_in_order(Kind.LOCAL_FILES, rows, self.fail))
        assert paths == sorted(paths)
        assert len(paths) == 4


def _paths(placed: Iterable[tuple[bytes, DiskRow]]) -> list[bytes]:
    return [path for path, _ in placed]
