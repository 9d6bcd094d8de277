"""Files for the rows of the sample, with some differences between disk and database.

The files have their length and no content, so they take no space.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_DAY_S = 24 * 60 * 60

# One file in this number is missing, or cut off.
_MISSING = 4_001
_CUT_OFF = 5_003

# Left by refused uploads: there is no row.
_REFUSED = (("refused1", 3_000_000), ("refused2", 800_000), ("refused3", 12_000_000))

_SQL = """
    SELECT CASE WHEN url_cache IS NULL THEN 'local_content' ELSE 'url_cache' END,
        media_id, '', media_length
    FROM local_media_repository WHERE media_length IS NOT NULL
    UNION ALL
    SELECT CASE WHEN url_cache IS NULL THEN 'local_thumbnails'
        ELSE 'url_cache_thumbnails' END, media_id, '/' || thumbnail_width || '-'
        || thumbnail_height || '-' || replace(thumbnail_type, '/', '-') || '-'
        || thumbnail_method, thumbnail_length
    FROM local_media_repository_thumbnails JOIN local_media_repository USING (media_id)
    UNION ALL
    SELECT 'remote_content/' || media_origin, filesystem_id, '', media_length
    FROM remote_media_cache
"""


def write_files(media: Path, database: Path) -> None:
    """Write the missing files, except some.

    Args:
        media: the folder of the media store.
        database: Synapse's database, in SQLite.
    """
    folders: set[Path] = set()
    modified = time.time() - 30 * _DAY_S
    for path, length in _files(media, database):
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(length)
            os.utime(path, (modified, modified))


def _files(media: Path, database: Path) -> Iterator[tuple[Path, int]]:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        for number, (folder, name, thumbnail, length) in enumerate(
            connection.execute(_SQL), 1
        ):
            if number % _MISSING:
                path = f"{folder}/{name[:2]}/{name[2:4]}/{name[4:]}{thumbnail}"
                yield media / path, length // 2 if number % _CUT_OFF == 0 else length
    for name, length in _REFUSED:
        yield media / f"local_content/{name[:2]}/{name[2:4]}/{name[4:]}", length
