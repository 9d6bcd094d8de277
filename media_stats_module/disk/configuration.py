"""The place of the media, by homeserver.yaml. Unlike Synapse, it creates no folder."""

import os
from collections.abc import Iterator, Mapping
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
    if not isinstance(path, str) or not path:
        raise ConfigError("must be the path of a folder", ("media_store_path",))
    unused = configuration.get(_UNUSED_EXPIRATION, _DEFAULT_UNUSED_EXPIRATION)
    try:
        unused_expiration_ms = parse_duration(unused)
    except ConfigError as error:
        raise ConfigError(error.msg, (_UNUSED_EXPIRATION,)) from error
    return MediaStoreConfig(
        path=os.path.abspath(path),
        keeps_local=bool(configuration.get("enable_local_media_storage", True)),
        unused_expiration_ms=unused_expiration_ms,
        providers=tuple(_providers(configuration)),
    )


def _providers(configuration: Mapping[str, Any]) -> Iterator[ProviderConfig]:
    backup = configuration.get("backup_media_store_path")
    if backup:
        yield ProviderConfig("file_system", directory=os.path.abspath(str(backup)))
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
            directory = options.get("directory")
            if not directory:
                raise ConfigError("config must have a directory", _PROVIDERS)
            yield ProviderConfig(module, directory=os.path.abspath(str(directory)))
        elif class_name == "S3StorageProviderBackend":
            yield ProviderConfig(module, s3=options)
        else:
            yield ProviderConfig(module)
