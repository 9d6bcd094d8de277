"""`python -m benchmarks.disk`: the command `disk` beside `du`, and its memory.

It makes a store of real files in a folder, with rows in SQLite; and rows without files
in PostgreSQL, all of one remote server, which needs most memory.
"""

import argparse
import json
import os
import random
import sqlite3
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

_ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(_ROOT), str(_ROOT / "tests")]

from realservers.postgres import PostgresServer  # noqa: E402

from demo.homeserver import Homeserver  # noqa: E402

# In order, as the indexes grow faster; `filesystem_id` is in none.
_ID_SQL = "'ABCDEFGHIJKLMN' || lpad(i::text, 10, '0')"
_RANDOM_ID_SQL = "translate(md5(i::text), '0123456789', 'GHIJKLMNOP')"
_LOST_SQL = f"""
    INSERT INTO local_media_repository (media_id, media_type, media_length, created_ts)
    SELECT {_ID_SQL}, 'image/png', 1000, 1 FROM generate_series(1, %s) AS i
"""
_REMOTE_SQL = f"""
    INSERT INTO remote_media_cache
        (media_origin, media_id, filesystem_id, media_type, media_length, created_ts)
    SELECT 'large.example', {_ID_SQL}, {_RANDOM_ID_SQL}, 'image/png', 1000, 1
    FROM generate_series(1, %s) AS i
"""

# Runs a command, and prints the most memory that it took, in KiB.
_MEASURED = (
    "import resource, runpy, sys\n"
    "sys.argv = sys.argv[1:]\n"
    "try:\n"
    "    runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    "finally:\n"
    "    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "    print(f'memory {used}', file=sys.stderr)\n"
)
_IMPORTING = (
    "import resource, media_stats_module.offline\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--lost", type=int, default=200_000)
    options = parser.parse_args()
    importing = int(_run([sys.executable, "-c", _IMPORTING]).stdout) // 1024
    print(f"importing Synapse: {importing} MiB")
    with tempfile.TemporaryDirectory(prefix="disk-") as directory:
        if options.files:
            _files(Path(directory) / "files", options.files, importing)
    if options.rows or options.lost:
        with tempfile.TemporaryDirectory(prefix="disk-") as directory:
            _rows(Path(directory), options.rows, options.lost, importing)


def _files(directory: Path, number: int, importing: int) -> None:
    with Homeserver(directory) as homeserver:
        # Its database is empty.
        pass
    media = homeserver.directory / "media"
    rng = random.Random(1)
    ids = ["".join(rng.choices(string.ascii_letters, k=24)) for _ in range(number)]
    for media_id in ids:
        path = media / "local_content" / media_id[:2] / media_id[2:4] / media_id[4:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 100)
    with closing(sqlite3.connect(homeserver.directory / "homeserver.db")) as database:
        database.executemany(
            "INSERT INTO local_media_repository (media_id, media_length, created_ts) "
            "VALUES (?, 100, 1)",
            ((media_id,) for media_id in ids),
        )
        database.commit()
    walk = (
        "import os, sys; from media_stats_module.disk.walk import Folders, walk\n"
        "print(sum(1 for _ in walk(os.fsencode(sys.argv[1]), b'local_content', "
        "Folders())))"
    )
    alone = (
        "import sys, media_stats_module.disk.walk, time\n"
        "started = time.perf_counter()\n"
        f"exec({walk!r})\n"
        "print(time.perf_counter() - started)"
    )
    # The first run brings all folders into memory.
    for _ in range(3):
        du = _time(["du", "-s", str(media)])
        walked = float(
            _run([sys.executable, "-c", alone, str(media)]).stdout.split()[-1]
        )
        seconds, memory, report = _disk(homeserver)
        print(
            f"{number:,} files: du {du:.1f} s, the walk {walked:.1f} s "
            f"({walked / du:.2f} times), the command {seconds:.1f} s "
            f"({seconds / du:.2f} times), {memory} MiB ({memory - importing:+} MiB)",
            flush=True,
        )
        assert report["difference"]["causes"] == {}


def _rows(directory: Path, rows: int, lost: int, importing: int) -> None:
    settings = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "4GB"}
    with PostgresServer.start(directory / "postgres", settings) as postgres:
        postgres.create_database("synapse")
        dsn = postgres.dsn("synapse")
        with Homeserver(directory / "synapse", postgres=dsn) as homeserver:
            pass
        (homeserver.directory / "media").mkdir(exist_ok=True)
        for number, sql, words in (
            (lost, _LOST_SQL, "rows without a file"),
            (rows, _REMOTE_SQL, "rows of one server"),
        ):
            if not number:
                continue
            _execute(dsn, "TRUNCATE local_media_repository, remote_media_cache")
            _execute(dsn, sql, number)
            _execute(dsn, "VACUUM ANALYZE")
            if sql is _REMOTE_SQL:
                # No file is missing, so no row is looked at twice.
                with homeserver.config_path.open("a") as file:
                    file.write("media_storage_providers: [{module: some.Provider}]\n")
            seconds, memory, report = _disk(homeserver)
            kinds = report["kinds"].values()
            assert sum(kind["rows"]["media_count"] for kind in kinds) == number
            print(
                f"{number:,} {words}: {seconds:.0f} s, "
                f"{memory} MiB ({memory - importing:+} MiB)",
                flush=True,
            )


def _execute(dsn: Mapping[str, Any], sql: str, *args: object) -> None:
    with closing(psycopg2.connect(**dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, args)


def _disk(homeserver: Homeserver) -> tuple[float, int, Any]:
    """The time of the command, its memory in MiB, and its report."""
    command = [
        *(sys.executable, "-c", _MEASURED, "media_stats_module"),
        *("disk", "-c", str(homeserver.config_path), "--json", "--force"),
    ]
    started = time.perf_counter()
    done = _run(command)
    seconds = time.perf_counter() - started
    memory = int(done.stderr.split("memory ")[-1]) // 1024
    return seconds, memory, json.loads(done.stdout)


def _time(command: Sequence[str]) -> float:
    started = time.perf_counter()
    _run(command)
    return time.perf_counter() - started


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )


if __name__ == "__main__":
    main()
