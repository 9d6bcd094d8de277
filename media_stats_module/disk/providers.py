"""Storage providers: what each has of a kind, in the order of the paths."""

from collections.abc import Iterator
from typing import Protocol

from media_stats_module.disk.configuration import ProviderConfig
from media_stats_module.disk.paths import Kind
from media_stats_module.disk.walk import FoundFile


class Provider(Protocol):
    """A storage provider.

    Attributes:
        name: for the report.
        is_listed: whether it is known what it has.
    """

    name: str
    is_listed: bool

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        """What it has of a kind, in the order of the bytes of the paths.

        It is called once for each kind, in the order of the folders.
        """

    def has(self, kind: Kind, path: bytes) -> bool:
        """Whether it has a file now, or may have one."""


class UnlistedProvider:
    """A provider of which it is not known what it has."""

    is_listed = False

    def __init__(self, name: str) -> None:
        self.name = name

    def files(self, kind: Kind) -> Iterator[FoundFile]:
        return iter(())

    def has(self, kind: Kind, path: bytes) -> bool:
        return True


def open_provider(config: ProviderConfig) -> Provider:
    """What is known of a storage provider of homeserver.yaml."""
    return UnlistedProvider(config.module)
