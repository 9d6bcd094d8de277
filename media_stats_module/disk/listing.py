"""A listing of a bucket in a file, as common tools write it.

Reads `aws s3 ls --recursive`, `rclone lsf -R --format ps` and the CSV of an S3
inventory, each also with gzip. Only the first is in the order of the bytes. The others
are sorted, in temporary files if they are long.
"""

import csv
import gzip
import heapq
import marshal
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import IO
from urllib.parse import unquote_to_bytes

from media_stats_module.disk.paths import FOLDERS, Kind
from media_stats_module.disk.walk import FoundFile
from media_stats_module.errors import RefusedError

# Path, length, time.
_Entry = tuple[bytes, int, int]

_AWS = re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +(\d+) (.+)")
_AWS_SUMMARY = re.compile(rb"\s*(Total Objects|Total Size):.*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_RCLONE = re.compile(rb"(.+);(-?\d+)")

# The most entries that are sorted in memory.
_SORTED_AT_ONCE = 100_000


class Listing:
    """A `Provider` whose files are listed in some text files."""

    problem: str | None = None

    def __init__(self, paths: Sequence[str]) -> None:
        """
        Args:
            paths: the files, each with a part of the listing.
        """
        self.name = ""
        self._paths = paths
        self._prefix = b""
        self._entries: Iterator[_Entry] | None = None
        # An entry that is read already, but belongs to a later folder.
        self._next: _Entry | None = None

    def named(self, name: str, prefix: bytes) -> "Listing":
        """Make the same listing with the name of a provider.

        Args:
            name: the provider's name.
            prefix: the start of its names, before the path.
        """
        listing = Listing(self._paths)
        listing.name = name
        listing._prefix = prefix
        return listing

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        """See `Provider.files`."""
        folder = FOLDERS[kind] + b"/"
        if self._entries is None:
            entries = heapq.merge(*map(self._read, self._paths))
            # Two parts may have the same file.
            groups = groupby(entries, key=itemgetter(0))
            self._entries = (next(same) for _, same in groups)
        while True:
            entry = self._next or next(self._entries, None)
            self._next = None
            if entry is None:
                return
            if entry[0].startswith(folder):
                yield FoundFile(entry[0], entry[1], 0, entry[2])
            elif entry[0] > folder:
                self._next = entry
                return

    def has(self, path: bytes) -> bool:
        """See `Provider.has`. A listing cannot be asked again."""
        return False

    def _read(self, path: str) -> Iterator[_Entry]:
        """The entries of a file in the order of the bytes."""
        before = b""
        for entry in self._parse(path):
            if entry[0] < before:
                return _sorted(self._parse(path))
            before = entry[0]
        return self._parse(path)

    def _parse(self, path: str) -> Iterator[_Entry]:
        """Yield the entries of a file in its own order."""
        if os.path.exists(path) and not os.path.isfile(path):
            # Only a file can be read more than once.
            raise RefusedError(f"{path} is no regular file")
        try:
            with open(path, "rb") as start:
                is_gzip = start.read(2) == b"\x1f\x8b"
            with gzip.open(path) if is_gzip else open(path, "rb") as file:
                for number, line in enumerate(file, 1):
                    line = line.rstrip(b"\r\n")
                    if not line or _AWS_SUMMARY.fullmatch(line):
                        continue
                    try:
                        entry = _entry(line, self._prefix)
                    except (ValueError, IndexError) as error:
                        raise RefusedError(
                            f"{path}, line {number}: this is no line of `aws s3 ls "
                            "--recursive`, `rclone lsf -R --format ps` or an S3 "
                            "inventory"
                        ) from error
                    if entry is not None:
                        yield entry
        except (OSError, EOFError, zlib.error) as error:
            raise RefusedError(f"{path} cannot be read: {error}") from error


def _entry(line: bytes, prefix: bytes) -> _Entry | None:
    """Parse a line of a listing; None if it is not about a file of the provider.

    Raises:
        ValueError: it is not a line of a listing.
    """
    if line.startswith(b'"'):
        entry = _inventory_entry(next(csv.reader([line.decode()])))
    elif found := _AWS.fullmatch(line):
        # Its times are in the zone of the machine that wrote it.
        time = datetime.strptime(found[1].decode(), "%Y-%m-%d %H:%M:%S")
        entry = found[3], int(found[2]), int(time.timestamp() * 1000)
    elif found := _RCLONE.fullmatch(line):
        # Its names are below the folder that it lists, with the prefix or without.
        entry = prefix + found[1].removeprefix(prefix), int(found[2]), 0
    else:
        raise ValueError(line)
    # Names of folders end with a slash.
    if entry is None or not entry[0].startswith(prefix) or entry[0].endswith(b"/"):
        return None
    return entry[0][len(prefix) :], entry[1], entry[2]


def _inventory_entry(cells: list[str]) -> _Entry | None:
    """Parse a row: bucket, key, versions if there are any, size, time, and more.

    Raises:
        ValueError: it has no size.
    """
    _, key, *more = cells
    if len(more) > 3 and {more[1], more[2]} <= {"true", "false"}:
        is_latest, is_deleted = more[1], more[2]
        if is_latest == "false" or is_deleted == "true":
            return None
        more = more[3:]
    size = int(more[0])
    ts = 0
    # The columns of an inventory can be chosen.
    if len(more) > 1 and _TIME.fullmatch(more[1]):
        time = datetime.fromisoformat(more[1].replace("Z", "+00:00"))
        ts = int(time.timestamp() * 1000)
    return unquote_to_bytes(key), size, ts


def _sorted(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """Sort entries by their bytes, in temporary files if there are many."""
    entries = iter(entries)
    with ExitStack() as files:
        parts: list[Iterator[_Entry]] = []
        while part := sorted(islice(entries, _SORTED_AT_ONCE)):
            if len(part) < _SORTED_AT_ONCE:
                parts.append(iter(part))
                break
            file = files.enter_context(tempfile.TemporaryFile())
            for entry in part:
                marshal.dump(entry, file)
            file.seek(0)
            parts.append(_load(file))
        yield from heapq.merge(*parts, key=itemgetter(0))


def _load(file: IO[bytes]) -> Iterator[_Entry]:
    while True:
        try:
            yield marshal.load(file)
        except EOFError:
            return
