"""The paths are those of Synapse's own `MediaFilePaths`, on every version."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_stats_module.disk.paths import (
    THUMBNAILS,
    Kind,
    named_by,
    older_paths_of,
    path_of,
)
from media_stats_module.storage import DiskRow, ThumbnailName

try:
    from synapse.media.filepath import MediaFilePaths
except ImportError:
    # Synapse before 1.79.
    from synapse.rest.media.v1.filepath import (  # type: ignore[import-not-found, no-redef]
        MediaFilePaths,
    )

pytestmark = [pytest.mark.any_database]

_PATHS = MediaFilePaths("/media")

# Characters that names may have, and some that they may not.
_NAMES = st.text(st.sampled_from("abcXYZ0129-_.[]:/ ~\n\0é٣"), max_size=14) | st.text(
    max_size=14
)
_IDS = (
    _NAMES
    | st.builds("{}{}".format, st.dates().map(str), _NAMES)
    | st.from_regex(r"[A-Za-z]{24}", fullmatch=True)
)
_TYPES = st.sampled_from(("image/png", "image/jpeg", "image/webp")) | st.one_of(
    _NAMES, st.builds("{}/{}".format, _NAMES, _NAMES)
)


def _row(
    origin: str | None,
    media_id: str,
    filesystem_id: str,
    thumbnail: ThumbnailName | None = None,
) -> DiskRow:
    return DiskRow(origin, media_id, filesystem_id, 1, 1, False, thumbnail)


def _expected(function: Callable[..., str], *args: object) -> bytes | None:
    try:
        return function(*args).encode()
    except (ValueError, TypeError, AttributeError):
        return None


@given(media_id=_IDS)
@example("2026-01-02_abc")
@example("2026-01-02")
@example("2026-01-02/abc")
@example("aabb..")
def test_local_files(media_id: str) -> None:
    row = _row(None, media_id, media_id)
    for kind, function in (
        (Kind.LOCAL_FILES, _PATHS.local_media_filepath_rel),
        (Kind.URL_PREVIEWS, _PATHS.url_cache_filepath_rel),
    ):
        assert path_of(kind, row) == _expected(function, media_id)
        _assert_leads_back(kind, row)


@given(origin=_NAMES, file_id=_IDS)
@example("[2001:db8::1]:8448", "aabbcccc")
@example("..", "aabbcccc")
def test_remote_files(origin: str, file_id: str) -> None:
    row = _row(origin, "other", file_id)
    path = path_of(Kind.REMOTE_FILES, row)

    assert path == _expected(_PATHS.remote_media_filepath_rel, origin, file_id)
    _assert_leads_back(Kind.REMOTE_FILES, row)


@given(
    media_id=_IDS,
    width=st.integers(-5, 5000) | st.none(),
    height=st.integers(0, 5000),
    content_type=_TYPES,
    method=st.sampled_from(("crop", "scale")) | _NAMES,
)
@example("aabbcccc", 32, 32, "image/png", "scale")
def test_thumbnails(
    media_id: str,
    width: int | None,
    height: int,
    content_type: str,
    method: str,
) -> None:
    thumbnail = ThumbnailName(width, height, content_type, method)
    name = (width, height, content_type, method)
    local = _row(None, media_id, media_id, thumbnail)
    for kind, function in (
        (Kind.LOCAL_THUMBNAILS, _PATHS.local_media_thumbnail_rel),
        (Kind.URL_PREVIEW_THUMBNAILS, _PATHS.url_cache_thumbnail_rel),
    ):
        assert path_of(kind, local) == _expected(function, media_id, *name)
        _assert_leads_back(kind, local)

    server = "s.example"
    remote = _row(server, "ddddeeee", media_id, thumbnail)
    path = path_of(Kind.REMOTE_THUMBNAILS, remote)
    assert path == _expected(_PATHS.remote_media_thumbnail_rel, server, media_id, *name)
    _assert_leads_back(Kind.REMOTE_THUMBNAILS, remote)
    older = _expected(
        _PATHS.remote_media_thumbnail_rel_legacy, server, media_id, *name[:3]
    )
    if path is not None and older is not None:
        assert older in older_paths_of(Kind.REMOTE_THUMBNAILS, remote)


def _assert_leads_back(kind: Kind, row: DiskRow) -> None:
    path = path_of(kind, row)
    if path is None:
        return
    named = named_by(kind, path)
    assert named is not None
    assert named.media_origin == row.media_origin
    if named.day is None:
        assert named.name == row.filesystem_id
    else:
        assert named.day == row.filesystem_id[:10]
        assert named.name == row.filesystem_id[11:]


@given(path=st.text(st.sampled_from("ab0126-./"), max_size=30))
def test_what_is_named_by_a_path(path: str) -> None:
    """Any path may be on a disk."""
    for kind in Kind:
        if kind is Kind.OTHER:
            continue
        named = named_by(kind, f"folder/{path}".encode())
        thumbnail = None
        if kind in THUMBNAILS:
            thumbnail = ThumbnailName(1, 1, "image/png", "crop")
        if named is not None and named.day is None:
            row = _row(named.media_origin, "id", named.name, thumbnail)
            found = path_of(kind, row)
            # Or Synapse never makes such a path.
            assert found is None or found.count(b"/") >= 2
