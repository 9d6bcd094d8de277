"""The place of the media, by homeserver.yaml. Unlike Synapse, it creates no folder."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import attr
from synapse.module_api.errors import ConfigError

from media_stats_module.synapse_internals import parse_duration

_PROVIDERS = ("media_storage_providers",)
_UNUSED_EXPIRATION = "unused_expiration_time"

# Synapse's defaults.
_DEFAULT_PATH = "media_store"
_DEFAULT_UNUSED_EXPIRATION = "24h"


@attr.frozen
class ProviderConfig:
    """A storage provider.

    Attributes:
        module: the module that Synapse loads: `file_system`, or the name of a class.
        directory: the folder of a `file_system`.
        s3: the options of an S3 provider.
    """

    module: str
    directory: str | None = None
    s3: Mapping[str, Any] | None = attr.ib(default=None, repr=False)


@attr.frozen
class MediaStoreConfig:
    """The place of a homeserver's media.

    Attributes:
        path: the folder, absolute.
        keeps_local: whether Synapse keeps files there.
        unused_expiration_ms: the longest that an upload can be pending.
        providers: the storage providers.
    """

    path: str
    keeps_local: bool
    unused_expiration_ms: int
    providers: tuple[ProviderConfig, ...]

    @property
    def without_folder(self) -> int:
        """The number of providers that are no folder. A listing is for one of these."""
        return [provider.directory for provider in self.providers].count(None)


def media_store_config(configuration: Mapping[str, Any]) -> MediaStoreConfig:
    """Read the place of the media from homeserver.yaml.

    Raises:
        ConfigError: an option is wrong.
    """
    path = configuration.get("media_store_path", _DEFAULT_PATH)
    unused = configuration.get(_UNUSED_EXPIRATION, _DEFAULT_UNUSED_EXPIRATION)
    return MediaStoreConfig(
        path=_folder(path, "media_store_path"),
        keeps_local=bool(configuration.get("enable_local_media_storage", True)),
        unused_expiration_ms=parse_duration(unused, _UNUSED_EXPIRATION),
        providers=tuple(_providers(configuration)),
    )


def _providers(configuration: Mapping[str, Any]) -> Iterator[ProviderConfig]:
    backup = configuration.get("backup_media_store_path")
    if backup:
        directory = _folder(backup, "backup_media_store_path")
        yield ProviderConfig("file_system", directory=directory)
    providers = configuration.get("media_storage_providers") or []
    if not isinstance(providers, list):
        raise ConfigError("must be a list", _PROVIDERS)
    for provider in providers:
        if not isinstance(provider, Mapping) or "module" not in provider:
            raise ConfigError("must have a module", _PROVIDERS)
        module = str(provider["module"])
        options = provider.get("config") or {}
        if not isinstance(options, Mapping):
            raise ConfigError("config must be a mapping", _PROVIDERS)
        class_name = module.rpartition(".")[2]
        if module == "file_system" or class_name == "FileStorageProviderBackend":
            directory = _folder(
                options.get("directory"), *_PROVIDERS, "config", "directory"
            )
            yield ProviderConfig(module, directory=directory)
        elif class_name == "S3StorageProviderBackend":
            yield ProviderConfig(module, s3=options)
        else:
            yield ProviderConfig(module)


def _folder(value: object, *option: str) -> str:
    """The absolute path of a folder, which need not exist.

    Raises:
        ConfigError: it is not a path; names the option.
    """
    if isinstance(value, str) and value and "\0" not in value:
        with suppress(UnicodeEncodeError):
            os.fsencode(value)
            return os.path.abspath(value)
    raise ConfigError(f"must be the path of a folder, not {value!r}", option)
