"""The size of a folder's file system, and its free space."""

import os

import attr


@attr.frozen
class FileSystem:
    """A file system.

    Attributes:
        total_length: its size in bytes.
        free_length: the bytes that Synapse can still write, without those that are
            reserved for root.
    """

    total_length: int
    free_length: int


def file_system_of(path: str) -> FileSystem:
    """Read the size of a folder's file system. Can hang on a network file system.

    Raises:
        OSError: there is no such folder.
    """
    status = os.statvfs(path)
    return FileSystem(
        total_length=status.f_blocks * status.f_frsize,
        free_length=status.f_bavail * status.f_frsize,
    )
