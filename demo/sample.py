"""Two years of media, as rows in Synapse's SQLite database, without files.

The rows are the same every time; only the dates differ, since they end today.
"""

import hashlib
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attr

_Row = Mapping[str, object]

_DAY_MS = 24 * 60 * 60 * 1000
_SPAN_MS = 2 * 365 * _DAY_MS

# Localpart and displayname of the users with the most files.
_NAMES = (
    *(("erik", "Erik"), ("phaidra", "Φαίδρα"), ("grete", "Grete"), ("hugo", "Hugo")),
    *(("ines", "Ines"), ("jo", "Jo"), ("karl", "Karl"), ("lena", "Лена"), ("mo", "Mo")),
    *(("nina", "Nina"), ("ozlem", "Özlem"), ("paul", "Paul"), ("carla", "Carla Núñez")),
    *(("lina", "李娜"), ("quentin", "Quentin"), ("rosa", "Rosa")),
)
_SERVERS = (
    *("matrix.example.com", "chat.example.net", "home.example", "uni.example.edu"),
    *("mx.example.info", "[2001:db8::1]:8448", "xn--mnchen-3ya.example"),
    *(f"s{number}.example.net" for number in range(44)),
)
# The frequency of each type, and the logarithm of its typical length.
_TYPES = (
    (("image/jpeg", 12.8), 6),
    (("image/png", 12.2), 4),
    (("video/mp4", 16.0), 2),
    (("audio/ogg", 13.2), 2),
    (("application/pdf", 13.0), 2),
    (("text/plain", 9.0), 1),
    (("application/zip", 14.0), 1),
)


@attr.frozen(kw_only=True)
class Size:
    """The size of the sample.

    Attributes:
        users: the number of users with media.
        local: files of these users, URL previews among them.
        remote: cached files of other servers.
    """

    users: int = 60
    local: int = 9_000
    remote: int = 14_000


def fill(
    database: Path,
    server_name: str,
    *,
    size: Size | None = None,
    registered: Sequence[str] = (),
) -> None:
    """Write the rows. Synapse may be running.

    Args:
        database: Synapse's database, with its tables.
        server_name: the part of user IDs behind the colon.
        size: the size of the sample.
        registered: IDs of existing users. They get the most files.
    """
    size = size or Size()
    now = int(time.time() * 1000)
    rng = random.Random(1)
    users = [*registered, *_new_user_ids(size.users - len(registered), server_name)]
    connection = sqlite3.connect(database, timeout=60)
    try:
        with connection:
            _insert(connection, "users", _accounts(users, len(registered), now))
            _insert(connection, "profiles", _profiles(users, len(registered)))
            local = list(_local_media(rng, now, size.local, users, server_name))
            _insert(connection, "local_media_repository", local)
            thumbnails = (_thumbnail(row) for row in local if _is_picture(row))
            _insert(connection, "local_media_repository_thumbnails", thumbnails)
            remote = list(_remote_media(rng, now, size.remote))
            _insert(connection, "remote_media_cache", remote)
    finally:
        connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[_Row]) -> None:
    """Insert rows, without the columns that this version of Synapse does not have."""
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    rows = list(rows)
    if not rows:
        return
    columns = [column for column in rows[0] if column in known]
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"VALUES ({', '.join('?' * len(columns))})",
        [[row[column] for column in columns] for row in rows],
    )


def _new_user_ids(count: int, server_name: str) -> list[str]:
    localparts = [localpart for localpart, _ in _NAMES]
    localparts += [f"user{number:03}" for number in range(len(_NAMES), count)]
    return [f"@{localpart}:{server_name}" for localpart in localparts[:count]]


def _accounts(users: Sequence[str], existing: int, now: int) -> Iterator[_Row]:
    for number, user_id in enumerate(users[existing:]):
        yield {
            "name": user_id,
            "creation_ts": (now - _SPAN_MS) // 1000,
            "deactivated": int(number % 17 == 11),
        }


def _profiles(users: Sequence[str], existing: int) -> Iterator[_Row]:
    for number, user_id in enumerate(users[existing:]):
        name = _NAMES[number][1] if number < len(_NAMES) else f"User {number}"
        yield {
            "user_id": user_id[1:].partition(":")[0],
            "full_user_id": user_id,
            "displayname": None if number > len(_NAMES) and number % 5 == 0 else name,
        }


def _local_media(
    rng: random.Random, now: int, count: int, users: Sequence[str], server_name: str
) -> Iterator[_Row]:
    for number in range(count):
        media_type, length = _file(rng)
        created_ts = _created_ts(rng, now)
        is_pending = number % 1_499 == 0
        content = f"local {number}"
        if number % 29 == 0:
            # One of a few pictures that are sent again and again.
            picture = number % 40
            content = f"picture {picture}"
            media_type, length = "image/jpeg", 250_000 + 1_000 * picture
        yield {
            "media_id": f"sample{number:018}",
            "media_type": media_type,
            "media_length": None if is_pending else length,
            "created_ts": created_ts,
            "last_access_ts": _last_access_ts(rng, now, created_ts),
            "upload_name": f"file {number}.{media_type.partition('/')[2]}",
            # Everybody has a file; a few users have most of them.
            "user_id": users[number]
            if number < len(users)
            else users[int(rng.random() ** 2.5 * len(users))],
            "url_cache": "https://example.com/" if number % 13 == 0 else None,
            "quarantined_by": f"@admin:{server_name}" if number % 211 == 0 else None,
            "safe_from_quarantine": int(number % 307 == 5),
            "sha256": None if is_pending else _sha256(content),
        }


def _remote_media(rng: random.Random, now: int, count: int) -> Iterator[_Row]:
    for number in range(count):
        media_type, length = _file(rng)
        created_ts = _created_ts(rng, now)
        yield {
            "media_origin": _SERVERS[int(rng.random() ** 3 * len(_SERVERS))],
            "media_id": f"remote{number}",
            "media_type": media_type,
            "media_length": length,
            "filesystem_id": f"cached{number}",
            "created_ts": created_ts,
            "last_access_ts": _last_access_ts(rng, now, created_ts) or created_ts,
            "upload_name": None,
            "sha256": _sha256(f"remote {number}"),
        }


def _is_picture(row: _Row) -> bool:
    return row["media_length"] is not None and "image/" in str(row["media_type"])


def _thumbnail(row: _Row) -> _Row:
    length = row["media_length"]
    assert isinstance(length, int)
    return {
        "media_id": row["media_id"],
        "thumbnail_width": 320,
        "thumbnail_height": 240,
        "thumbnail_type": "image/jpeg",
        "thumbnail_method": "scale",
        "thumbnail_length": length // 12 + 3_000,
    }


def _file(rng: random.Random) -> tuple[str, int]:
    """A type and a length."""
    ((media_type, length),) = rng.choices(
        [kind for kind, _ in _TYPES], weights=[often for _, often in _TYPES]
    )
    return media_type, int(rng.lognormvariate(length, 1.1))


def _created_ts(rng: random.Random, now: int) -> int:
    # More recent files than old ones.
    return int(now - rng.betavariate(1, 2.2) * _SPAN_MS)


def _last_access_ts(rng: random.Random, now: int, created_ts: int) -> int | None:
    return rng.choice((None, min(now, created_ts + rng.randrange(90 * _DAY_MS))))


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
