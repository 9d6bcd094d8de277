"""Looks at each difference again before it is believed, row and file, at the end.

Synapse writes the file first and the row after it, and deletes the file first and the
row after it. So a row whose file has just gone may be going, too.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from time import sleep

import attr

from media_stats_module.disk.age import Age
from media_stats_module.disk.paths import (
    THUMBNAILS,
    Kind,
    Named,
    named_by,
    older_paths_of,
    path_of,
)
from media_stats_module.disk.providers import Provider
from media_stats_module.disk.tallies import Cause, Tallies
from media_stats_module.disk.walk import FoundFile
from media_stats_module.storage import DiskRow, DiskRows

# So many are kept in memory, some 10 MB, before they are looked at.
_SUSPECTS_AT_MOST = 20_000

# How long a row may outlive its file while Synapse deletes both.
DELETION_S = 5.0

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@attr.frozen
class Suspect:
    """A row or a file that seems to be different.

    Attributes:
        kind: what it is.
        cause: what seems to be the matter with it.
        path: of the file; None if the row cannot have one.
        row: the row, if there is one.
        file: the file, if there is one.
        provider: which storage provider has the file; None is the folder.
    """

    kind: Kind
    cause: Cause
    path: bytes | None
    row: DiskRow | None
    file: FoundFile | None
    provider: int | None = None


@attr.frozen
class Difference:
    """A suspect that was the same when it was looked at again.

    Attributes:
        suspect: the suspect.
        looked_at_ts: when, in milliseconds since the epoch.
    """

    suspect: Suspect
    looked_at_ts: int


class SecondLook:
    """Holds suspects, and looks at them again when there are many, and at the end."""

    def __init__(
        self,
        root: bytes,
        rows: DiskRows,
        providers: Sequence[Provider],
        age: Age,
        tallies: Tallies,
        found: Callable[[Difference], None],
    ) -> None:
        """
        Args:
            root: the folder of the media store.
            rows: reads the rows.
            providers: where files are, too.
            age: what is not judged.
            tallies: what is found, by kind.
            found: is given each difference.
        """
        self._root = root
        self._rows = rows
        self._providers = providers
        self._age = age
        self._tallies = tallies
        self._found = found
        self._suspects: list[Suspect] = []
        # When a row without a file was last seen.
        self._last_row = 0.0

    def add(self, suspect: Suspect) -> None:
        """Look at this one again later."""
        self._suspects.append(suspect)
        if suspect.cause is Cause.WITHOUT_FILE:
            self._last_row = time.monotonic()
        if len(self._suspects) >= _SUSPECTS_AT_MOST:
            self.finish()

    def finish(self) -> None:
        """Look at all that are held."""
        suspects, self._suspects = self._suspects, []
        if any(suspect.cause is Cause.WITHOUT_FILE for suspect in suspects):
            wait_s = self._last_row + DELETION_S - time.monotonic()
            sleep(max(wait_s, 0))
        # What a path names may be in any order; the rows are asked for by server.
        with_row = [suspect for suspect in suspects if suspect.row is not None]
        others = [suspect for suspect in suspects if suspect.row is None]
        for kind, some in _by_kind(with_row):
            self._look_at_rows(kind, some)
        for kind, some in _by_kind(others):
            self._look_at_files(kind, some)

    def _look_at_rows(self, kind: Kind, suspects: list[Suspect]) -> None:
        """Rows whose file is not there, or has another length."""
        # First the files: when the row goes, its file has gone already.
        causes = [self._cause_by_file(suspect) for suspect in suspects]
        left = [
            suspect
            for suspect, cause in zip(suspects, causes, strict=True)
            if cause is suspect.cause
        ]
        rows = self._rows_again(kind, [s.row for s in left if s.row is not None])
        now_ts = _now_ts()
        for suspect, cause in zip(suspects, causes, strict=True):
            if cause is suspect.cause and suspect.row not in rows:
                cause = Cause.CHANGED
            self._settle(suspect, cause, now_ts)

    def _cause_by_file(self, suspect: Suspect) -> Cause:
        row = suspect.row
        assert row is not None
        if suspect.path is None:
            return suspect.cause
        if suspect.file is None:
            for provider in self._providers:
                if provider.has(suspect.path):
                    return Cause.CHANGED
        status, error = _status(os.path.join(self._root, suspect.path))
        if status is None:
            if error not in _GONE:
                return Cause.UNREADABLE
            if suspect.file is not None:
                return Cause.CHANGED
            return suspect.cause
        if suspect.file is None or status.st_size != suspect.file.media_length:
            return Cause.CHANGED
        return suspect.cause

    def _rows_again(self, kind: Kind, rows: Iterable[DiskRow]) -> set[DiskRow]:
        """The rows that are in the database as they were."""
        with_thumbnails = kind in THUMBNAILS
        again: set[DiskRow] = set()
        for origin, group in groupby(rows, key=lambda row: row.media_origin):
            some = list(group)
            # Synapse never writes those, and so never deletes them.
            again.update(row for row in some if not row.media_id)
            media_ids = list(dict.fromkeys(row.media_id for row in some))
            if origin is None:
                again.update(
                    self._rows.find_local(media_ids, with_thumbnails=with_thumbnails)
                )
            else:
                again.update(
                    self._rows.find_remote(
                        origin, media_ids, with_thumbnails=with_thumbnails
                    )
                )
        return again

    def _look_at_files(self, kind: Kind, suspects: list[Suspect]) -> None:
        """Files that no row explains."""
        # First the rows: a file that is so old had its row already.
        explained, by_older_name = self._explained(kind, suspects)
        for suspect in suspects:
            path, file = suspect.path, suspect.file
            assert path is not None
            assert file is not None
            cause = suspect.cause
            if path in explained:
                cause = Cause.CHANGED
            elif path in by_older_name:
                cause = Cause.OLDER_NAME
            elif suspect.provider is None:
                status, _ = _status(os.path.join(self._root, path))
                if (
                    status is None
                    or status.st_size != file.media_length
                    or self._age.is_young(status.st_mtime_ns // 1_000_000)
                ):
                    cause = Cause.CHANGED
            self._settle(suspect, cause, _now_ts())

    def _explained(
        self, kind: Kind, suspects: list[Suspect]
    ) -> tuple[set[bytes], set[bytes]]:
        """The paths of the rows that these files may belong to; and older paths."""
        named = {
            name
            for suspect in suspects
            if suspect.path is not None
            and (name := named_by(kind, suspect.path)) is not None
        }
        explained: set[bytes] = set()
        by_older_name: set[bytes] = set()
        for row in self._rows_named(kind, named):
            if row.media_length is None and not self._age.is_open(row.created_ts):
                continue
            path = path_of(kind, row)
            if path is not None:
                explained.add(path)
            by_older_name.update(older_paths_of(kind, row))
        return explained, by_older_name

    def _rows_named(self, kind: Kind, named: set[Named]) -> Iterator[DiskRow]:
        with_thumbnails = kind in THUMBNAILS

        def part(name: Named) -> tuple[str, str]:
            return name.media_origin or "", name.day or ""

        for (origin, day), some in groupby(sorted(named, key=part), key=part):
            names = [name.name for name in some]
            if day:
                found = self._rows.find_dated(
                    day, names, with_thumbnails=with_thumbnails
                )
            elif origin:
                found = self._rows.find_remote_by_path(
                    origin, names, with_thumbnails=with_thumbnails
                )
            else:
                found = self._rows.find_local(names, with_thumbnails=with_thumbnails)
            yield from found

    def _settle(self, suspect: Suspect, cause: Cause, looked_at_ts: int) -> None:
        """Count a suspect for what it has turned out to be."""
        tallies = self._tallies[suspect.kind]
        row, file = suspect.row, suspect.file
        row_length = (row.media_length or 0) if row is not None else 0
        file_length = (file.media_length or 0) if file is not None else 0
        if suspect.provider is not None:
            if cause is suspect.cause:
                tallies.providers[suspect.provider].without_row.add(file_length)
            return
        tallies.explain(cause, file_length - row_length)
        if cause is not suspect.cause:
            return
        if cause is Cause.WITHOUT_ROW:
            tallies.without_row.add(file_length)
        elif cause is Cause.WITHOUT_FILE:
            tallies.without_file.add(row_length)
        else:
            tallies.other_length.add(row_length)
        self._found(Difference(suspect, looked_at_ts))


def exists(path: bytes) -> bool:
    """Whether there is a file."""
    return _status(path)[0] is not None


def _status(path: bytes) -> tuple[os.stat_result | None, int | None]:
    """What a path leads to, or the number of the error."""
    try:
        return os.stat(path), None
    except OSError as error:
        return None, error.errno


def _by_kind(suspects: list[Suspect]) -> Iterator[tuple[Kind, list[Suspect]]]:
    for kind, some in groupby(suspects, key=lambda suspect: suspect.kind):
        yield kind, list(some)


def _now_ts() -> int:
    return int(time.time() * 1000)
