"""How large the file system of a folder is, and how much of it is free."""

import os

import attr


@attr.frozen
class FileSystem:
    """A file system.

    Attributes:
        total_length: its size in bytes.
        free_length: what Synapse can still write, in bytes; not what is root's alone.
    """

    total_length: int
    free_length: int


def file_system_of(path: str) -> FileSystem:
    """The file system that a folder is on. It can hang where a server does not answer.

    Raises:
        OSError: there is no such folder.
    """
    status = os.statvfs(path)
    return FileSystem(
        total_length=status.f_blocks * status.f_frsize,
        free_length=status.f_bavail * status.f_frsize,
    )
