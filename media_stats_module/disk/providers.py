"""The files in storage providers, by kind, in the order of the paths."""

import errno
import os
from collections.abc import Iterator, Sequence
from typing import Protocol

from media_stats_module.disk.configuration import ProviderConfig
from media_stats_module.disk.listing import Listing
from media_stats_module.disk.paths import FOLDERS, Kind
from media_stats_module.disk.s3 import Bucket, has_boto3
from media_stats_module.disk.walk import Folders, FoundFile, walk


class Provider(Protocol):
    """A storage provider.

    Attributes:
        name: its name in the report.
        problem: the reason why its files are not known, in one sentence; None if they
            are. Reading them may show it.
    """

    name: str
    problem: str | None

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        """Its files of a kind, in the order of the bytes of the paths.

        Called once for each kind, in the order of the folders.

        Raises:
            RefusedError: it is a listing, and that is wrong.
        """

    def has(self, path: bytes) -> bool:
        """Whether it may have a file now."""


class _Unknown:
    """A provider whose files are not known."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem: str | None = problem

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        return iter(())

    def has(self, path: bytes) -> bool:
        return True


class _Folder:
    """A second folder with the layout of the first."""

    problem: str | None = None

    def __init__(self, name: str, directory: str) -> None:
        self.name = name
        self._root = os.fsencode(directory)
        if not os.path.isdir(directory):
            self.problem = "There is no such folder here."

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        folders = Folders()
        for file in walk(self._root, FOLDERS[kind], folders):
            if file.media_length is None:
                # Any file may be in it, so none counts as missing from now on.
                path, reason = folders.unreadable[0]
                self.problem = f"{os.fsdecode(path)} cannot be read: {reason}."
            else:
                yield file

    def has(self, path: bytes) -> bool:
        try:
            os.stat(os.path.join(self._root, path))
        except OSError as error:
            return error.errno not in (errno.ENOENT, errno.ENOTDIR)
        return True


def open_providers(
    configs: Sequence[ProviderConfig], listing: Listing | None
) -> list[Provider]:
    """Open the storage providers of homeserver.yaml.

    Args:
        configs: the providers.
        listing: the files of the one provider that is not a folder, if given.
    """
    providers: list[Provider] = []
    for config in configs:
        provider = _open(config, listing)
        name, number = provider.name, 1
        while provider.name in [other.name for other in providers]:
            number += 1
            provider.name = f"{name} ({number})"
        providers.append(provider)
    return providers


def _open(config: ProviderConfig, listing: Listing | None) -> Provider:
    if config.directory is not None:
        return _Folder(f"{config.module} {config.directory}", config.directory)
    if config.s3 is None:
        if listing is None:
            return _Unknown(
                config.module, "This command cannot list it. Use --listing."
            )
        return listing.named(config.module, b"")
    bucket = Bucket(config.s3)
    if listing is not None:
        return listing.named(bucket.name, bucket.prefix.encode())
    if not has_boto3():
        return _Unknown(
            bucket.name, "The Python package boto3 is not installed. Use --listing."
        )
    return bucket
