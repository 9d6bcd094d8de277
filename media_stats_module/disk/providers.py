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
        is_listed: whether its files are known.
    """

    name: str
    is_listed: bool

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        """Its files of a kind, in the order of the bytes of the paths.

        Called once for each kind, in the order of the folders.

        Raises:
            ProviderError: it cannot be listed.
        """

    def has(self, path: bytes) -> bool:
        """Whether it may have a file now."""


class _Unlisted:
    """A provider that cannot be listed here."""

    is_listed = False

    def __init__(self, name: str) -> None:
        self.name = name

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        return iter(())

    def has(self, path: bytes) -> bool:
        return True


class _Folder:
    """A second folder with the layout of the first."""

    is_listed = True

    def __init__(self, name: str, directory: str) -> None:
        self.name = name
        self._root = os.fsencode(directory)
        if not os.path.isdir(directory):
            self.is_listed = False

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        for file in walk(self._root, FOLDERS[kind], Folders()):
            if file.media_length is None:
                # From now on, any file may be in it, so none counts as missing.
                self.is_listed = False
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
    return [_open(config, listing) for config in configs]


def _open(config: ProviderConfig, listing: Listing | None) -> Provider:
    if config.directory is not None:
        return _Folder(f"{config.module} {config.directory}", config.directory)
    if config.s3 is None:
        if listing is None:
            return _Unlisted(config.module)
        return listing.named(config.module, b"")
    bucket = Bucket(config.s3)
    if listing is not None:
        return listing.named(bucket.name, bucket.prefix.encode())
    return bucket if has_boto3() else _Unlisted(bucket.name)
