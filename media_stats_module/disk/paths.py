"""The path of each file: from a row to its path, and from a path to its row.

Paths are bytes, relative to the folder of the media store. The rules are those of
Synapse's `MediaFilePaths`, which takes 15 µs for a path (minutes for a large store),
and cannot find the row of a path. A test compares both on every version.
"""

import re
from enum import Enum

import attr

from media_stats_module.storage import DiskRow

# The characters that Synapse allows in a part of a path.
_PARTS = re.compile(r"[A-Za-z0-9_\-.\[\]:]+")
# The ID of a newer preview starts with the day and a character that is in no path.
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Kind(Enum):
    """The kind of a file, by its folder."""

    LOCAL_FILES = "local_files"
    LOCAL_THUMBNAILS = "local_thumbnails"
    REMOTE_FILES = "remote_files"
    REMOTE_THUMBNAILS = "remote_thumbnails"
    URL_PREVIEWS = "url_previews"
    URL_PREVIEW_THUMBNAILS = "url_preview_thumbnails"
    OTHER = "other"


FOLDERS: dict[Kind, bytes] = {
    Kind.LOCAL_FILES: b"local_content",
    Kind.LOCAL_THUMBNAILS: b"local_thumbnails",
    Kind.REMOTE_FILES: b"remote_content",
    Kind.REMOTE_THUMBNAILS: b"remote_thumbnail",
    Kind.URL_PREVIEWS: b"url_cache",
    Kind.URL_PREVIEW_THUMBNAILS: b"url_cache_thumbnails",
}
"""The folders of the media store, in the order of their bytes."""

MEDIA = (Kind.LOCAL_FILES, Kind.REMOTE_FILES)
THUMBNAILS = (
    Kind.LOCAL_THUMBNAILS,
    Kind.REMOTE_THUMBNAILS,
    Kind.URL_PREVIEW_THUMBNAILS,
)
PREVIEWS = (Kind.URL_PREVIEWS, Kind.URL_PREVIEW_THUMBNAILS)


def path_of(kind: Kind, row: DiskRow) -> bytes | None:
    """The path of a row's file; None if its ID cannot be a path.

    Args:
        kind: the kind of the row.
        row: the row.
    """
    folder = _folder_of(kind, row.media_origin, row.filesystem_id)
    if folder is None or row.thumbnail is None:
        return folder
    name = _thumbnail_name(row)
    return None if name is None else folder + b"/" + name


def older_paths_of(kind: Kind, row: DiskRow) -> list[bytes]:
    """The paths that old versions of Synapse used for a row's file.

    Once, the names of remote thumbnails did not have the method, and their folder had
    the media ID.
    """
    name = _thumbnail_name(row) if kind is Kind.REMOTE_THUMBNAILS else None
    if name is None:
        return []
    names = [name, name.rpartition(b"-")[0]]
    folders = [
        _folder_of(kind, row.media_origin, name_id)
        for name_id in (row.filesystem_id, row.media_id)
    ]
    paths = [f + b"/" + name for f in folders if f is not None for name in names]
    return [path for path in paths if path != path_of(kind, row)]


@attr.frozen
class Named:
    """The parts of a row that the path of its file contains.

    Attributes:
        media_origin: the server of origin; None for a local file.
        day: the day at the start of a preview's ID, if it has one.
        name: the ID, or its part after the day and one more character.
    """

    media_origin: str | None
    day: str | None
    name: str


def named_by(kind: Kind, path: bytes) -> Named | None:
    """The row that a path belongs to; None if no row can have such a path."""
    try:
        _, *parts = path.decode("ascii").split("/")
    except UnicodeDecodeError:
        return None
    origin = day = None
    if parts and kind in (Kind.REMOTE_FILES, Kind.REMOTE_THUMBNAILS):
        origin, *parts = parts
    if parts and kind in THUMBNAILS:
        del parts[-1]
    if kind in PREVIEWS and len(parts) == 2 and _DATED.fullmatch(parts[0]):
        day, name = parts
        return Named(origin, day, name)
    if len(parts) != 3 or [len(part) for part in parts[:2]] != [2, 2]:
        return None
    return Named(origin, None, "".join(parts))


def is_dated(media_id: str) -> bool:
    """Whether the ID of a preview starts with a day."""
    return _DATED.match(media_id) is not None


def _folder_of(kind: Kind, origin: str | None, name_id: str) -> bytes | None:
    """The path of a file, or the folder of its thumbnails."""
    if kind in PREVIEWS and is_dated(name_id):
        parts = [name_id[:10], name_id[11:]]
    else:
        parts = [name_id[:2], name_id[2:4], name_id[4:]]
    if origin is not None:
        parts.insert(0, origin)
    if not all(map(_is_part, parts)):
        return None
    return FOLDERS[kind] + b"/" + "/".join(parts).encode()


def _thumbnail_name(row: DiskRow) -> bytes | None:
    thumbnail = row.thumbnail
    if thumbnail is None:
        return None
    content_type = thumbnail.content_type.split("/")
    if len(content_type) != 2 or None in (thumbnail.width, thumbnail.height):
        return None
    name = (
        f"{thumbnail.width}-{thumbnail.height}-{'-'.join(content_type)}-"
        f"{thumbnail.method}"
    )
    return name.encode() if _is_part(name) else None


def _is_part(part: str) -> bool:
    return part not in (".", "..") and _PARTS.fullmatch(part) is not None
