"""The figures as a table, as JSON or as CSV, and the sum that explains them."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import attr

from media_stats_module.disk.paths import Kind
from media_stats_module.disk.size import FileSystem
from media_stats_module.disk.tallies import (
    Cause,
    KindTallies,
    ProviderTallies,
    Tallies,
    Tally,
)
from media_stats_module.formats import printable, size_text, table

# The figures of a provider whose files are not known.
_UNKNOWN = {
    name: {"media_count": None, "media_length": None}
    for name in attr.fields_dict(ProviderTallies)
}


@attr.frozen(kw_only=True)
class Report:
    """The result of the command.

    Attributes:
        looked_at_ts: its start, in milliseconds since the epoch.
        media_store_path: the folder.
        file_system: the file system of the folder.
        tallies: the figures by kind.
        providers: for each storage provider, its name and the reason why its files are
            not known; None if they are.
    """

    looked_at_ts: int
    media_store_path: str
    file_system: FileSystem
    tallies: Tallies
    providers: Sequence[tuple[str, str | None]]

    def to_json(self) -> str:
        """The report as JSON, with lengths in bytes."""
        return json.dumps(
            {
                "looked_at_ts": self.looked_at_ts,
                "media_store_path": self.media_store_path,
                "file_system": attr.asdict(self.file_system),
                "kinds": {kind.value: self._kind(kind) for kind in Kind},
                "difference": self._difference(),
                "unknown_providers": [
                    {"name": name, "reason": problem}
                    for name, problem in self.providers
                    if problem is not None
                ],
                "unreadable": {
                    "count": self._unreadable_count,
                    "paths": [
                        {"path": path, "reason": reason}
                        for path, reason in self._unreadable()
                    ],
                },
            },
            indent=2,
        )

    def to_csv(self) -> str:
        """The report as CSV: a line for each kind, with the names of `to_json`."""
        lines = [_flat({"kind": kind.value, **self._kind(kind)}) for kind in Kind]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(lines[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(lines)
        return text.getvalue()

    def to_text(self) -> str:
        """The report for a terminal."""
        system = self.file_system
        used = 1 - system.free_length / max(system.total_length, 1)
        parts = [
            f"{printable(self.media_store_path)}, looked at on "
            f"{time_text(self.looked_at_ts)}\n"
            f"Its file system has {size_text(system.total_length)}, "
            f"{size_text(system.free_length)} are free ({used:.0%} used).",
            self._table_of_kinds(),
            self._table_of_differences(),
            *self._tables_of_providers(),
            self._sum(),
            *self._notes(),
        ]
        return "\n\n".join(parts)

    def problems(self) -> Iterator[str]:
        """Yield a line about each thing that could not be looked at."""
        for name, problem in self.providers:
            if problem is not None:
                yield (
                    f"{printable(name)}: its files are not known, and files that are "
                    f"not here may be there. {printable(problem)}"
                )
        unnamed = self._unreadable_count
        for path, reason in self._unreadable():
            yield f"Not read: {printable(path)}: {reason}"
            unnamed -= 1
        if unnamed:
            yield f"Not read, besides: {unnamed:,}"

    def _kind(self, kind: Kind) -> dict[str, Any]:
        tallies = self.tallies[kind]
        figures: dict[str, Any] = {
            "rows": attr.asdict(tallies.rows),
            "on_disk": {
                **attr.asdict(tallies.files),
                "allocated_length": tallies.allocated_length
                + tallies.folders.allocated_length,
                "folders": tallies.folders.count,
                "empty_folders": tallies.folders.empty,
            },
        }
        if self.providers:
            figures["providers"] = {
                name: attr.asdict(found) if problem is None else _UNKNOWN
                for (name, problem), found in zip(
                    self.providers, tallies.providers, strict=True
                )
            }
        figures["without_row"] = attr.asdict(tallies.without_row)
        figures["without_file"] = attr.asdict(tallies.without_file)
        figures["other_length"] = attr.asdict(tallies.other_length)
        return figures

    def _difference(self) -> dict[str, Any]:
        causes = self._causes()
        return {
            "rows_length": self._sum_of("rows"),
            "causes": {
                cause.name.lower(): attr.asdict(tally)
                for cause, tally in causes.items()
            },
            "media_length": self._sum_of("files"),
            "blocks_length": self._allocated_length - self._sum_of("files"),
            "folders_length": self._folders_length,
            "allocated_length": self._allocated_length + self._folders_length,
        }

    def _causes(self) -> dict[Cause, Tally]:
        """The causes of the difference between the bytes of the files and the rows."""
        causes = {}
        for cause in Cause:
            found = [
                tallies.causes[cause]
                for tallies in self.tallies.values()
                if cause in tallies.causes
            ]
            tally = Tally(
                sum(tally.media_count for tally in found),
                sum(tally.media_length for tally in found),
            )
            if tally.media_count:
                causes[cause] = tally
        return causes

    def _sum_of(self, name: str) -> int:
        return sum(
            getattr(tallies, name).media_length for tallies in self.tallies.values()
        )

    @property
    def _allocated_length(self) -> int:
        return sum(tallies.allocated_length for tallies in self.tallies.values())

    @property
    def _folders_length(self) -> int:
        return sum(
            tallies.folders.allocated_length for tallies in self.tallies.values()
        )

    @property
    def _unreadable_count(self) -> int:
        return sum(t.folders.unreadable_count for t in self.tallies.values())

    def _unreadable(self) -> Iterator[tuple[str, str]]:
        for tallies in self.tallies.values():
            for path, reason in tallies.folders.unreadable:
                yield path.decode(errors="surrogateescape"), reason

    def _table_of_kinds(self) -> str:
        header = ("kind", "rows", "size", "files", "size", "allocated", "folders")
        return _table(
            (*header, "empty"),
            _with_total(
                self.tallies,
                lambda tallies: (
                    *_tally(tallies.rows),
                    *_tally(tallies.files),
                    tallies.allocated_length + tallies.folders.allocated_length,
                    tallies.folders.count,
                    tallies.folders.empty,
                ),
                sizes=(1, 3, 4),
            ),
        )

    def _table_of_differences(self) -> str:
        header = ("kind", "without row", "size", "without file", "size")
        return _table(
            (*header, "another length", "size"),
            _with_total(
                self.tallies,
                lambda tallies: (
                    *_tally(tallies.without_row),
                    *_tally(tallies.without_file),
                    *_tally(tallies.other_length),
                ),
                sizes=(1, 3, 5),
            ),
        )

    def _tables_of_providers(self) -> Iterator[str]:
        header = ("kind", "only here", "size", "only there", "size", "both", "size")
        for index, (name, problem) in enumerate(self.providers):
            if problem is not None:
                continue

            def figures(tallies: KindTallies, index: int = index) -> tuple[int, ...]:
                found = tallies.providers[index]
                return (
                    *_tally(found.only_local),
                    *_tally(found.only_provider),
                    *_tally(found.both),
                    *_tally(found.without_row),
                )

            table = _table(
                (*header, "without row", "size"),
                _with_total(self.tallies, figures, sizes=(1, 3, 5, 7)),
            )
            yield f"{printable(name)}:\n{table}"

    def _sum(self) -> str:
        """The sum from the bytes of the rows to the blocks of the disk."""
        rows, files = self._sum_of("rows"), self._sum_of("files")
        lines = [(f"{rows:,}", "by the rows in the database")]
        for cause, tally in self._causes().items():
            lines.append(
                (f"{tally.media_length:+,}", f"{tally.media_count:,} {cause.value}")
            )
        lines += [
            (f"= {files:,}", "in all files"),
            (
                f"{self._allocated_length - files:+,}",
                "as files take whole blocks, and fewer if they have holes",
            ),
            (f"{self._folders_length:+,}", "for the folders themselves"),
            (
                f"= {self._allocated_length + self._folders_length:,}",
                "of the disk, as `du` counts",
            ),
        ]
        width = max(len(number) for number, _ in lines)
        return "\n".join(
            [
                "Bytes, from the database to the disk:",
                *(f"  {number.rjust(width)}  {words}" for number, words in lines),
            ]
        )

    def _notes(self) -> Iterator[str]:
        """Yield notes about problems, hard links and file systems."""
        notes = [*self.problems()]
        folders = [tallies.folders for tallies in self.tallies.values()]
        links = sum(folder.hard_links for folder in folders)
        if links:
            length = sum(folder.hard_links_length for folder in folders)
            notes.append(
                f"{links:,} files have other names, too (hard links), and take "
                f"{size_text(length)}; each name is counted, `du` counts one."
            )
        for folder in folders:
            for mounted in folder.other_file_systems:
                shown = printable(mounted.decode(errors="surrogateescape"))
                notes.append(f"On another file system: {shown}")
        if notes:
            yield "\n".join(notes)


def time_text(ts: int) -> str:
    """Format milliseconds since the epoch as ISO 8601 in UTC."""
    time = datetime.fromtimestamp(ts // 1000, timezone.utc)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _tally(tally: Tally) -> tuple[int, int]:
    return tally.media_count, tally.media_length


def _with_total(
    tallies: Tallies, figures: Any, *, sizes: Sequence[int]
) -> Iterator[tuple[str, ...]]:
    found = {kind.value.replace("_", " "): figures(tallies[kind]) for kind in Kind}
    found["total"] = tuple(map(sum, zip(*found.values(), strict=True)))
    for name, numbers in found.items():
        yield (
            name,
            *(
                size_text(number) if index in sizes else f"{number:,}"
                for index, number in enumerate(numbers)
            ),
        )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return table(header, list(rows), [False] + [True] * (len(header) - 1))


def _flat(figures: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}_"))
        else:
            flat[prefix + name] = value
    return flat
