"""The walk through a folder of the media store, in the order of the bytes of the paths.

It follows links, as Synapse does. It keeps only the names in the folders that it is in.
"""

import errno
import os
from collections.abc import Iterator
from stat import S_ISDIR, S_ISLNK

import attr

# The bytes of a block of `st_blocks`.
BLOCK = 512

# The most unreadable paths that the report names. It counts the others.
NAMED_AT_MOST = 20

_GONE = (errno.ENOENT, errno.ENOTDIR)

# A folder that the walk is in: its path, its status, and the names still to read.
_Entered = tuple[bytes, os.stat_result, Iterator[bytes]]


@attr.frozen
class FoundFile:
    """A file on the disk.

    Attributes:
        path: relative to the folder of the media store.
        media_length: in bytes; None if `path` and all below it could not be read.
        allocated_length: the bytes of its blocks.
        modified_ts: in milliseconds since the epoch.
    """

    path: bytes
    media_length: int | None
    allocated_length: int = 0
    modified_ts: int = 0


@attr.define
class Folders:
    """The folders and special cases that a walk has seen.

    Attributes:
        count: the number of folders.
        empty: the number of empty folders.
        allocated_length: the bytes of the folders themselves.
        hard_links: the number of files that have other names, too.
        hard_links_length: the bytes of these.
        other_file_systems: the folders on another file system than the first one.
        unreadable: the first unreadable paths, with the reasons.
        unreadable_count: the number of all unreadable paths.
    """

    count: int = 0
    empty: int = 0
    allocated_length: int = 0
    hard_links: int = 0
    hard_links_length: int = 0
    other_file_systems: list[bytes] = attr.Factory(list)
    unreadable: list[tuple[bytes, str]] = attr.Factory(list)
    unreadable_count: int = 0


def walk(root: bytes, top: bytes, folders: Folders) -> Iterator[FoundFile]:
    """The files below a folder, in the order of the bytes of their paths.

    Args:
        root: the folder of the media store.
        top: a name in it. If there is no such folder, there are no files.
        folders: the folders and special cases, to fill.
    """
    before = os.path.join(root, b"")
    try:
        status = os.stat(before + top)
        device = os.stat(root).st_dev
    except OSError as error:
        if error.errno not in _GONE or _is_link(before + top):
            yield _unreadable(top, error, folders)
        return
    if not S_ISDIR(status.st_mode):
        yield _found(top, status, folders)
        return
    stack: list[_Entered] = []

    def enter(path: bytes, status: os.stat_result) -> FoundFile | None:
        """Begin to read a folder; return a file in its place if that fails."""
        problem = None
        try:
            with os.scandir(before + path) as scan:
                # A folder sorts like the paths below it: `a.b` comes before `a/b`.
                names = sorted(
                    entry.name + b"/" if _is_folder(entry) else entry.name
                    for entry in scan
                )
        except OSError as error:
            if error.errno in _GONE:
                return None
            problem = _unreadable(path, error, folders)
        folders.count += 1
        folders.allocated_length += status.st_blocks * BLOCK
        if status.st_dev != device and (not stack or stack[-1][1].st_dev == device):
            _name(folders.other_file_systems, path)
        if problem is not None:
            return problem
        folders.empty += not names
        stack.append((path, status, iter(names)))
        return None

    problem = enter(top, status)
    if problem is not None:
        yield problem
    while stack:
        folder, _, left = stack[-1]
        for name in left:
            is_folder = name.endswith(b"/")
            path = folder + b"/" + (name[:-1] if is_folder else name)
            try:
                status = os.stat(before + path)
            except OSError as error:
                # The target of a broken link may be on a disk that is not mounted.
                if error.errno not in _GONE or _is_link(before + path):
                    yield _unreadable(path, error, folders)
                continue
            if not is_folder:
                yield _found(path, status, folders)
                continue
            # Through a link or a mount, the walk would never end.
            if any(os.path.samestat(status, above) for _, above, _ in stack):
                loop = OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                problem = _unreadable(path, loop, folders)
            else:
                problem = enter(path, status)
            if problem is not None:
                yield problem
            break
        else:
            stack.pop()


def _found(path: bytes, status: os.stat_result, folders: Folders) -> FoundFile:
    allocated_length = status.st_blocks * BLOCK
    if status.st_nlink > 1:
        folders.hard_links += 1
        folders.hard_links_length += allocated_length
    return FoundFile(
        path, status.st_size, allocated_length, status.st_mtime_ns // 1_000_000
    )


def _unreadable(path: bytes, error: OSError, folders: Folders) -> FoundFile:
    folders.unreadable_count += 1
    _name(folders.unreadable, (path, error.strerror or str(error)))
    return FoundFile(path, None)


def _name(names: "list[bytes] | list[tuple[bytes, str]]", name: object) -> None:
    if len(names) < NAMED_AT_MOST:
        names.append(name)  # type: ignore[arg-type]


def _is_folder(entry: "os.DirEntry[bytes]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself.
        return False


def _is_link(path: bytes) -> bool:
    try:
        return S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return False
