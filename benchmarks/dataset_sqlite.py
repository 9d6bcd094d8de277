"""The data set in SQLite, made here."""

import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from hashlib import md5
from itertools import islice
from pathlib import Path

from benchmarks import dataset
from benchmarks.options import Size
from demo.progress import Progress

_ROWS_AT_ONCE = 50_000

_Row = Mapping[str, object]


def load(path: Path, size: Size, progress: Progress) -> None:
    """Fill Synapse's tables, which are there and empty.

    Args:
        path: of the database.
        size: how much to load.
        progress: is told how far it is.
    """
    chance = random.Random(5)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        connection.execute("BEGIN")
        with _without_indexes(connection, progress):
            for table, rows in _tables(size, chance):
                _fill(connection, table, rows, progress)
        connection.execute("COMMIT")
        progress.say("sqlite: analyzing")
        connection.execute("ANALYZE")


def _tables(size: Size, chance: random.Random) -> Iterator[tuple[str, Iterable[_Row]]]:
    yield (
        "users",
        (
            {
                "name": f"@user{i}:example.org",
                "deactivated": int(i % dataset.DEACTIVATED == 0),
                "creation_ts": dataset.START_TS // 1000,
            }
            for i in range(1, size.users + 1)
        ),
    )
    yield (
        "profiles",
        (
            {
                "user_id": f"user{i}",
                "full_user_id": f"@user{i}:example.org",
                "displayname": (
                    f"{_hash(i)[:8]} Name" if i % dataset.WITHOUT_DISPLAYNAME else None
                ),
                "avatar_url": _avatar(i),
            }
            for i in range(1, size.users + 1)
            if i % dataset.WITHOUT_PROFILE
        ),
    )
    yield from _rooms(size)
    yield "local_media_repository", _local_media(size, chance)
    yield (
        "local_media_repository_thumbnails",
        (
            {"media_id": _hash(i)[:24], **_thumbnail(i)}
            for i in range(1, size.media + 1)
            if i % dataset.THUMBNAILED == 0 and i % dataset.PENDING
        ),
    )
    yield "remote_media_cache", _remote_media(size, chance)
    yield (
        "remote_media_cache_thumbnails",
        (
            {
                "media_origin": _server(i, size),
                "media_id": _hash(i)[:24],
                "filesystem_id": _hash(i)[:24],
                **_thumbnail(i),
            }
            for i in range(1, size.remote + 1)
            if i % dataset.THUMBNAILED == 0
        ),
    )


def _rooms(size: Size) -> Iterator[tuple[str, Iterable[_Row]]]:
    yield (
        "user_directory",
        (
            {"user_id": f"@user{i}:example.org", "avatar_url": _avatar(i)}
            for i in range(1, size.users + 1)
        ),
    )
    yield (
        "room_stats_state",
        (
            {"room_id": f"!room{i}:example.org", "avatar": _avatar(size.users + i)}
            for i in range(1, size.rooms + 1)
        ),
    )
    yield "room_memberships", map(partial(_member, size), range(size.memberships))


def _member(size: Size, i: int) -> _Row:
    user, server = 1 + i % size.users, f"server{i % size.servers}.example.org"
    is_local = i % (1 + dataset.REMOTE_MEMBERS) == 0
    user_id = f"@user{user}:{dataset.SERVER_NAME if is_local else server}"
    return {
        "event_id": f"${_hash(i)}abcdefghijk",
        "user_id": user_id,
        "sender": user_id,
        "room_id": f"!room{1 + i // dataset.MEMBERS}:example.org",
        "membership": "join",
        "display_name": f"{_hash(i)[:8]} Name",
        "avatar_url": (
            _avatar(user) if is_local else f"mxc://{server}/{_hash(f'r{user}')[:24]}"
        ),
    }


def _avatar(number: int) -> str | None:
    """The first file of each user; not every user has chosen one."""
    if number % dataset.WITHOUT_AVATAR == 0:
        return None
    return f"mxc://{dataset.SERVER_NAME}/{_hash(number)[:24]}"


def _local_media(size: Size, chance: random.Random) -> Iterator[_Row]:
    for i in range(1, size.media + 1):
        # Each has some media, the first of it real.
        user = i if i <= size.users else 1 + int(size.users * chance.random() ** 3)
        is_owned = i <= size.users or i % dataset.WITHOUT_OWNER != 3
        is_pending = i > size.users and i % dataset.PENDING == 0
        yield {
            **_media(i, size.media, chance, ""),
            "media_length": None if is_pending else _length(chance),
            "user_id": f"@user{user}:example.org" if is_owned else None,
            "url_cache": (
                f"https://example.org/{i}" if i % dataset.PREVIEWS == 7 else None
            ),
            "safe_from_quarantine": i % dataset.PROTECTED == 13,
        }


def _remote_media(size: Size, chance: random.Random) -> Iterator[_Row]:
    for i in range(1, size.remote + 1):
        yield {
            **_media(i, size.remote, chance, "r"),
            "media_length": _length(chance),
            "media_origin": _server(i, size),
            "filesystem_id": _hash(i)[:24],
        }


def _media(i: int, rows: int, chance: random.Random, prefix: str) -> _Row:
    created_ts = dataset.START_TS + i * dataset.PERIOD_MS // rows
    content = f"{prefix}{i - (i % dataset.DUPLICATED == 0)}"
    is_quarantined = i % dataset.QUARANTINED == 11
    is_touched = chance.random() * dataset.TOUCHED < 1
    return {
        "media_id": _hash(i)[:24],
        "media_type": dataset.MEDIA_TYPES[i % len(dataset.MEDIA_TYPES)],
        "upload_name": f"file{i}.png",
        "created_ts": created_ts,
        "last_access_ts": created_ts + dataset.DAY_MS + is_touched,
        "quarantined_by": "@admin:example.org" if is_quarantined else None,
        "authenticated": True,
        "sha256": _hash(content) * 2,
    }


def _thumbnail(i: int) -> _Row:
    return {
        "thumbnail_width": 320,
        "thumbnail_height": 240,
        "thumbnail_type": "image/png",
        "thumbnail_method": "scale",
        "thumbnail_length": 20_000 + i % 10_000,
    }


def _server(i: int, size: Size) -> str:
    # The same for a file and its thumbnail.
    chance = int(_hash(f"s{i}")[:7], 16) / 16**7
    return f"server{int(size.servers * chance**3)}.example.org"


def _length(chance: random.Random) -> int:
    return 1 + int(chance.random() ** 4 * dataset.LARGEST)


def _hash(text: object) -> str:
    return md5(str(text).encode(), usedforsecurity=False).hexdigest()


def _fill(
    connection: sqlite3.Connection,
    table: str,
    rows: Iterable[_Row],
    progress: Progress,
) -> None:
    # Older versions of Synapse have not all columns.
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    iterator = iter(rows)
    done = 0
    while batch := list(islice(iterator, _ROWS_AT_ONCE)):
        chosen = [name for name in batch[0] if name in present]
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(chosen)}) "
            f"VALUES ({', '.join('?' * len(chosen))})",
            ([row[name] for name in chosen] for row in batch),
        )
        done += len(batch)
        progress.say(f"sqlite: {table}: {done:,}")


@contextmanager
def _without_indexes(
    connection: sqlite3.Connection, progress: Progress
) -> Iterator[None]:
    """Drop the indexes of the large tables, and create them again at the end."""
    places = ", ".join("?" * len(dataset.LARGE_TABLES))
    indexes = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' "
        # Those of UNIQUE cannot be dropped, and have no SQL.
        f"AND sql IS NOT NULL AND tbl_name IN ({places})",
        dataset.LARGE_TABLES,
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for name, definition in indexes:
        progress.say(f"sqlite: index {name}")
        connection.execute(definition)
