"""Merges rows, files and listings of storage providers, all in the same order."""

import os
from collections.abc import Callable, Iterator, Sequence

from media_stats_module.disk.age import Age
from media_stats_module.disk.configuration import MediaStoreConfig
from media_stats_module.disk.paths import FOLDERS, PREVIEWS, Kind, older_paths_of
from media_stats_module.disk.providers import Provider
from media_stats_module.disk.rows import PlacedRow, rows_in_order
from media_stats_module.disk.second_look import SecondLook, Suspect, exists
from media_stats_module.disk.tallies import (
    Cause,
    KindTallies,
    ProviderTallies,
    Tallies,
)
from media_stats_module.disk.walk import BLOCK, FoundFile, walk
from media_stats_module.storage import DiskRow, DiskRows

# Synapse deletes the row of a preview two days after it was made, and its file earlier.
_PREVIEW_ROW_MS = 2 * 24 * 60 * 60 * 1000

# Sorts after every path.
_END = b"\xff" * 5_000

# The number of files and rows after which progress is reported.
_STEP = 1_000


class Comparison:
    """Compares the folder of the media store with the rows, one kind after another."""

    def __init__(
        self,
        config: MediaStoreConfig,
        rows: DiskRows,
        providers: Sequence[Provider],
        age: Age,
        second_look: SecondLook,
        tallies: Tallies,
        progress: Callable[[int], None],
    ) -> None:
        """
        Args:
            config: the place of the media.
            rows: reads the rows.
            providers: the storage providers.
            age: the age from which files and rows are judged.
            second_look: checks the differences again.
            tallies: the figures by kind, to fill.
            progress: called with the number of files and rows since the last call.
        """
        self._config = config
        self._root = os.fsencode(config.path)
        self._rows = rows
        self._providers = providers
        self._age = age
        self._second_look = second_look
        self._tallies = tallies
        self._progress = progress

    def run(self) -> None:
        """Compare everything.

        Raises:
            OSError: the folder cannot be read.
            DatabaseFailedError: an error of the database.
        """
        names = os.listdir(self._root)
        for kind in Kind:
            self._tallies[kind] = KindTallies(
                providers=[ProviderTallies() for _ in self._providers]
            )
        others = self._tallies[Kind.OTHER]
        others.folders.count += 1
        others.folders.allocated_length += os.stat(self._root).st_blocks * BLOCK
        self._add_other(set(names) - set(FOLDERS.values()))
        # In the order in which providers list them.
        for kind in FOLDERS:
            self._compare(kind)
        self._second_look.finish()

    def _add_other(self, names: set[bytes]) -> None:
        tallies = self._tallies[Kind.OTHER]
        for name in sorted(names):
            for file in walk(self._root, name, tallies.folders):
                if file.media_length is not None:
                    _add_file(tallies, file)
                    if self._age.is_young(file.modified_ts):
                        tallies.explain(Cause.YOUNG, file.media_length)
                    else:
                        self._second_look.add(
                            Suspect(Kind.OTHER, Cause.OTHER, file.path, None, file)
                        )

    def _compare(self, kind: Kind) -> None:
        """Merge the rows and files of a kind by their paths."""
        tallies = self._tallies[kind]
        judge = _Judge(
            kind, tallies, self._config, self._age, self._second_look, self._providers
        )
        rows = rows_in_order(kind, self._rows, judge.row_without_path)
        files = walk(self._root, FOLDERS[kind], tallies.folders)
        lists = [provider.files(kind) for provider in self._providers]
        steps = 0
        row_path, row = _next_row(rows)
        file_path, file = _next_file(files)
        heads = [_next_file(found) for found in lists]
        while True:
            path = min(row_path, file_path, *(head[0] for head in heads), _END)
            if path is _END:
                break
            steps += 1
            if steps % _STEP == 0:
                self._progress(_STEP)
            found_file = None
            if file_path == path:
                found_file = file
                file_path, file = _next_file(files)
            objects: list[FoundFile | None] = [None] * len(heads)
            for index, head in enumerate(heads):
                if head[0] == path:
                    objects[index] = head[1]
                    heads[index] = _next_file(lists[index])
            has_row = False
            while row_path == path and row is not None:
                judge.row(path, row, found_file, objects, is_first=not has_row)
                has_row = True
                row_path, row = _next_row(rows)
            if not has_row:
                judge.without_row(path, found_file, objects)
        if kind is Kind.LOCAL_FILES:
            count, length = self._rows.count_without_id()
            tallies.rows.add(length, count)
            tallies.without_file.add(length, count)
            tallies.explain(Cause.WITHOUT_FILE, -length, count)
        self._progress(steps % _STEP)


class _Judge:
    """Counts the row and the files at each path of a kind, and finds suspects."""

    def __init__(
        self,
        kind: Kind,
        tallies: KindTallies,
        config: MediaStoreConfig,
        age: Age,
        second_look: SecondLook,
        providers: Sequence[Provider],
    ) -> None:
        self._kind = kind
        self._tallies = tallies
        self._config = config
        self._root = os.fsencode(config.path)
        self._age = age
        self._second_look = second_look
        # Synapse stores no previews there.
        self._providers = () if kind in PREVIEWS else providers
        # Unreadable paths, and so all paths below them.
        self._unreadable: list[bytes] = []

    def row(
        self,
        path: bytes,
        row: DiskRow,
        file: FoundFile | None,
        objects: Sequence[FoundFile | None],
        *,
        is_first: bool,
    ) -> None:
        """Judge a row, with the files at its path.

        Args:
            path: the path of its file.
            row: the row.
            file: its file in the folder.
            objects: its file in each provider.
            is_first: False if another row has the same path.
        """
        if file is not None and is_first:
            file = self._count_file(file)
        for tallies, found in zip(self._tallies.providers, objects, strict=True):
            if found is not None and is_first:
                tallies.stored.add(found.media_length or 0)
        if row.media_length is None:
            self._pending(path, row, file if is_first else None)
            return
        self._tallies.rows.add(row.media_length)
        for tallies, found in zip(self._tallies.providers, objects, strict=True):
            if file is not None and found is not None:
                tallies.both.add(row.media_length)
            elif file is not None:
                tallies.only_local.add(row.media_length)
            elif found is not None:
                tallies.only_provider.add(row.media_length)
        if file is None:
            # Synapse does not look for previews there.
            is_elsewhere = self._kind not in PREVIEWS and any(
                found is not None for found in objects
            )
            self._row_without_file(path, row, is_elsewhere=is_elsewhere)
        elif not is_first:
            self._tallies.explain(Cause.SHARED, -row.media_length)
        elif file.media_length != row.media_length:
            difference = (file.media_length or 0) - row.media_length
            if self._is_young(row) or self._age.is_young(file.modified_ts):
                self._tallies.explain(Cause.YOUNG, difference)
            else:
                self._suspect(Cause.OTHER_LENGTH, path, row, file)

    def row_without_path(self, row: DiskRow) -> None:
        """Judge a row whose ID cannot be a path, so that it never had a file."""
        if row.media_length is None:
            return
        self._tallies.rows.add(row.media_length)
        if self._is_young(row):
            self._tallies.explain(Cause.YOUNG, -row.media_length)
        else:
            self._suspect(Cause.WITHOUT_FILE, None, row, None)

    def without_row(
        self, path: bytes, file: FoundFile | None, objects: Sequence[FoundFile | None]
    ) -> None:
        """Judge the files at a path that no row has."""
        for index, found in enumerate(objects):
            if found is None:
                continue
            self._tallies.providers[index].stored.add(found.media_length or 0)
            if not self._age.is_young(found.modified_ts):
                self._second_look.add(
                    Suspect(self._kind, Cause.WITHOUT_ROW, path, None, found, index)
                )
        if file is not None and self._count_file(file) is not None:
            self._file_without_row(path, file)

    def _count_file(self, file: FoundFile) -> FoundFile | None:
        """Count a file; None if it could not be read."""
        if file.media_length is None:
            self._unreadable = [
                path for path in self._unreadable if path + b"0" > file.path
            ]
            self._unreadable.append(file.path)
            return None
        _add_file(self._tallies, file)
        return file

    def _pending(self, path: bytes, row: DiskRow, file: FoundFile | None) -> None:
        """Judge a pending upload: it has no file, or one that is not complete."""
        if file is None:
            return
        if self._age.is_open(row.created_ts):
            self._tallies.explain(Cause.PENDING, file.media_length or 0)
        else:
            self._file_without_row(path, file)

    def _file_without_row(self, path: bytes, file: FoundFile) -> None:
        if self._age.is_young(file.modified_ts):
            self._tallies.explain(Cause.YOUNG, file.media_length or 0)
        else:
            self._suspect(Cause.WITHOUT_ROW, path, None, file)

    def _row_without_file(
        self, path: bytes, row: DiskRow, *, is_elsewhere: bool
    ) -> None:
        """Find the cause of a missing file; without one, it is a suspect."""
        length = -(row.media_length or 0)
        if any(
            path == unreadable or path.startswith(unreadable + b"/")
            for unreadable in self._unreadable
        ):
            self._tallies.explain(Cause.UNREADABLE, length)
        elif (self._kind in PREVIEWS and not self._config.keeps_local) or (
            self._kind is Kind.URL_PREVIEWS and self._is_young(row, _PREVIEW_ROW_MS)
        ):
            self._tallies.explain(Cause.EXPIRED, length)
        elif (
            is_elsewhere
            or any(provider.problem for provider in self._providers)
            or not (self._config.keeps_local or self._providers)
        ):
            self._tallies.explain(Cause.NOT_LOCAL, length)
        elif self._is_young(row):
            self._tallies.explain(Cause.YOUNG, length)
        elif any(
            exists(os.path.join(self._root, older))
            for older in older_paths_of(self._kind, row)
        ):
            self._tallies.explain(Cause.OLDER_NAME, length)
        else:
            self._suspect(Cause.WITHOUT_FILE, path, row, None)

    def _is_young(self, row: DiskRow, more_ms: int = 0) -> bool:
        ts = row.created_ts
        return ts is not None and self._age.is_young(ts + more_ms)

    def _suspect(
        self,
        cause: Cause,
        path: bytes | None,
        row: DiskRow | None,
        file: FoundFile | None,
    ) -> None:
        self._second_look.add(Suspect(self._kind, cause, path, row, file))


def _add_file(tallies: KindTallies, file: FoundFile) -> None:
    tallies.files.add(file.media_length or 0)
    tallies.allocated_length += file.allocated_length


def _next_row(rows: Iterator[PlacedRow]) -> tuple[bytes, DiskRow | None]:
    return next(rows, (_END, None))


def _next_file(files: Iterator[FoundFile]) -> tuple[bytes, FoundFile | None]:
    file = next(files, None)
    return (_END, None) if file is None else (file.path, file)
