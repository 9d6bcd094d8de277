"""The rows of a kind in the order of the paths of their files."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from media_stats_module.disk.paths import PREVIEWS, THUMBNAILS, Kind, path_of
from media_stats_module.storage import DiskRow, DiskRows

_T = TypeVar("_T")

PlacedRow = tuple[bytes, DiskRow]


def rows_in_order(
    kind: Kind, rows: DiskRows, without_path: Callable[[DiskRow], None]
) -> Iterator[PlacedRow]:
    """The rows of a kind with their paths, in the order of the bytes of the paths.

    Args:
        kind: a kind that has rows, so not `OTHER`.
        rows: reads the rows.
        without_path: called with each row whose ID cannot be a path.
    """

    def place(found: Iterable[DiskRow]) -> Iterator[PlacedRow]:
        """Add the paths to rows."""
        for row in found:
            path = path_of(kind, row)
            if path is None:
                without_path(row)
            else:
                yield path, row

    with_thumbnails = kind in THUMBNAILS
    if kind in PREVIEWS:
        streams = [
            place(rows.dated_previews(with_thumbnails=with_thumbnails)),
            place(rows.previews(with_thumbnails=with_thumbnails)),
        ]
    elif kind is Kind.LOCAL_FILES:
        streams = [place(rows.local_files())]
    elif kind is Kind.LOCAL_THUMBNAILS:
        streams = [place(row for row in rows.local_thumbnails() if not row.is_preview)]
    else:
        servers = rows.servers(with_thumbnails=with_thumbnails)
        streams = [
            place(
                row
                for server in _in_order_of_folders((name, name) for name in servers)
                for row in rows.of_server(server, with_thumbnails=with_thumbnails)
            )
        ]
    if with_thumbnails:
        streams = [_in_order_of_names(stream) for stream in streams]
    return streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))


def _in_order_of_names(placed: Iterator[PlacedRow]) -> Iterator[PlacedRow]:
    """Sort the thumbnails of each file by their names."""
    groups = groupby(placed, key=lambda item: item[0].rpartition(b"/")[0].decode())
    folders = ((name, sorted(some, key=itemgetter(0))) for name, some in groups)
    for thumbnails in _in_order_of_folders(folders):
        yield from thumbnails


def _in_order_of_folders(named: Iterable[tuple[str, _T]]) -> Iterator[_T]:
    """Sort by names of folders, which come by names alone: `a.b/` is before `a/`."""
    # Each name starts with the one before, followed by less than a slash.
    waiting: list[tuple[str, _T]] = []
    for name, item in named:
        while waiting and not (
            name.startswith(waiting[-1][0]) and name[len(waiting[-1][0])] < "/"
        ):
            yield waiting.pop()[1]
        waiting.append((name, item))
    yield from (item for _, item in reversed(waiting))
