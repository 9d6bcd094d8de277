"""Checks row and file of each difference a second time, before it counts.

Synapse writes the file before the row, and deletes the file before the row. So a row
whose file has just gone may soon go, too.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from stat import S_ISDIR
from time import sleep

import attr

from media_stats_module.disk.age import Age
from media_stats_module.disk.paths import (
    MEDIA,
    PREVIEWS,
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

# The most suspects that are kept, about 10 MB, before they are checked.
_SUSPECTS_AT_MOST = 20_000

# The longest that a row outlives its file while Synapse deletes both.
DELETION_S = 5.0

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@attr.frozen
class Suspect:
    """A row or a file that seems to be different.

    Attributes:
        kind: its kind.
        cause: the probable cause.
        path: the path of the file; None if the row cannot have one.
        row: the row, if there is one.
        file: the file, if there is one.
        provider: the number of the storage provider that has the file; None for the
            folder.
    """

    kind: Kind
    cause: Cause
    path: bytes | None
    row: DiskRow | None
    file: FoundFile | None
    provider: int | None = None


@attr.frozen
class Difference:
    """A suspect that the second look has confirmed.

    Attributes:
        suspect: the suspect.
        looked_at_ts: the time of the second look, in milliseconds since the epoch.
    """

    suspect: Suspect
    looked_at_ts: int


class SecondLook:
    """Holds suspects, and checks them when there are many, and at the end."""

    def __init__(
        self,
        root: bytes,
        rows: DiskRows,
        providers: Sequence[Provider],
        age: Age,
        tallies: Tallies,
        found: Callable[[Difference], None],
        before_many: Callable[[int], None],
    ) -> None:
        """
        Args:
            root: the folder of the media store.
            rows: reads the rows.
            providers: the storage providers.
            age: the age from which files and rows are judged.
            tallies: the figures by kind, to fill.
            found: called with each difference.
            before_many: called before many suspects are checked, with the number of
                local and remote media among them that seem to have no file.
        """
        self._root = root
        self._rows = rows
        self._providers = providers
        self._age = age
        self._tallies = tallies
        self._found = found
        self._before_many = before_many
        self._suspects: list[Suspect] = []
        # When a row without a file was last seen.
        self._last_row = 0.0

    def add(self, suspect: Suspect) -> None:
        """Hold a suspect; check all if there are many."""
        self._suspects.append(suspect)
        if suspect.cause is Cause.WITHOUT_FILE:
            self._last_row = time.monotonic()
        if len(self._suspects) >= _SUSPECTS_AT_MOST:
            self._before_many(
                sum(
                    suspect.cause is Cause.WITHOUT_FILE and suspect.kind in MEDIA
                    for suspect in self._suspects
                )
            )
            self.finish()

    def finish(self) -> None:
        """Check all that are held."""
        suspects, self._suspects = self._suspects, []
        if any(suspect.cause is Cause.WITHOUT_FILE for suspect in suspects):
            wait_s = self._last_row + DELETION_S - time.monotonic()
            sleep(max(wait_s, 0))
        # Rows are asked for by server, whatever the order of the paths.
        with_row = [suspect for suspect in suspects if suspect.row is not None]
        others = [suspect for suspect in suspects if suspect.row is None]
        for kind, some in _by_kind(with_row):
            self._look_at_rows(kind, some)
        for kind, some in _by_kind(others):
            self._look_at_files(kind, some)

    def _look_at_rows(self, kind: Kind, suspects: list[Suspect]) -> None:
        """Check rows whose file is not there, or has another length."""
        # Files first: a row that is deleted now has lost its file before.
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
        """The cause as the files show it now."""
        row = suspect.row
        assert row is not None
        if suspect.path is None:
            return suspect.cause
        # Synapse gives no previews to providers.
        if suspect.file is None and suspect.kind not in PREVIEWS:
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
        """The rows that are still in the database, unchanged."""
        with_thumbnails = kind in THUMBNAILS
        again: set[DiskRow] = set()
        for origin, group in groupby(rows, key=lambda row: row.media_origin):
            some = list(group)
            # Synapse never writes such rows, and so never deletes them.
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
        """Check files that no row explains."""
        # Rows first: a file of this age already had its row.
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
        """The paths of the rows that these files may belong to, and their old paths."""
        named = {
            name
            for suspect in suspects
            if kind is not Kind.OTHER
            and suspect.path is not None
            and (name := named_by(kind, suspect.path)) is not None
        }
        explained: set[bytes] = set()
        by_older_name: set[bytes] = set()
        for row in self._rows_named(kind, named):
            if row.media_length is None and not self._age.is_open(row.created_ts):
                continue
            # The folder of one is not the folder of the other.
            if row.is_preview is not (kind in PREVIEWS):
                continue
            path = path_of(kind, row)
            if path is not None:
                explained.add(path)
            by_older_name.update(older_paths_of(kind, row))
        return explained, by_older_name

    def _rows_named(self, kind: Kind, named: set[Named]) -> Iterator[DiskRow]:
        """The rows that the paths of files may belong to."""
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
        """Count a suspect under the cause that the second look found."""
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
        elif cause is Cause.OTHER_LENGTH:
            tallies.other_length.add(row_length)
        self._found(Difference(suspect, looked_at_ts))


def exists(path: bytes) -> bool:
    """Whether there is a file."""
    return _status(path)[0] is not None


def _status(path: bytes) -> tuple[os.stat_result | None, int | None]:
    """The status of a file, or the number of the error. A folder is no file."""
    try:
        status = os.stat(path)
    except OSError as error:
        return None, error.errno
    return (None, errno.ENOENT) if S_ISDIR(status.st_mode) else (status, None)


def _by_kind(suspects: list[Suspect]) -> Iterator[tuple[Kind, list[Suspect]]]:
    for kind, some in groupby(suspects, key=lambda suspect: suspect.kind):
        yield kind, list(some)


def _now_ts() -> int:
    return int(time.time() * 1000)
