"""A homeserver for the command line, from its configuration; it need not run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synapse.module_api import JsonDict
from synapse.module_api.errors import ConfigError

from media_stats_module.config import MediaStatsConfig, parse_config
from media_stats_module.endpoints import Server
from media_stats_module.errors import RefusedError
from media_stats_module.storage import (
    DatabaseFailedError,
    MediaStatsStore,
    OfflineDatabase,
    open_sqlite_file,
)
from media_stats_module.synapse_internals import (
    UnreadableConfigError,
    configured_media_retention,
    connect_to_main,
    read_configuration,
)


class OfflineHomeserver:
    """A homeserver.

    Attributes:
        configuration: Synapse's whole configuration.
        config: the module's options.
    """

    def __init__(self, config_paths: Sequence[str]) -> None:
        """
        Args:
            config_paths: files, and directories whose files end in `.yaml`.

        Raises:
            ConfigError: they cannot be read, or an option is wrong.
        """
        self.configuration = read_configuration(config_paths)
        self.config = _module_options(self.configuration)

    def connect_to_database(self) -> OfflineDatabase:
        """Connect to the database.

        Raises:
            ConfigError: there is none, or the connection fails.
        """
        return OfflineDatabase(
            connect_to_main(self.configuration, open_sqlite_file),
            self.configuration["server_name"],
        )

    def connect(
        self, file_system: Callable[[], JsonDict | None] = lambda: None
    ) -> tuple[MediaStatsStore, Server]:
        """Connect to the database.

        Args:
            file_system: returns the size of the media store's file system.

        Returns:
            the store, and the facts about the homeserver that answers contain.

        Raises:
            ConfigError: there is no database, or the connection fails.
        """
        database = self.connect_to_database()
        server = Server(
            name=database.server_name,
            now_ts=database.now_ts,
            file_system=file_system,
            media_retention=lambda: configured_media_retention(self.configuration),
            url_preview_enabled=lambda: bool(
                self.configuration.get("url_preview_enabled")
            ),
            in_thread=_call,
        )
        return MediaStatsStore(database, self.config), server


@contextmanager
def raising_refused(config_paths: Sequence[str]) -> Iterator[None]:
    """Raise errors of the configuration and the database as `RefusedError`.

    Args:
        config_paths: the files and directories of the configuration, for the error.
    """
    try:
        yield
    except ConfigError as error:
        where = "".join(f"{part}: " for part in error.path or ())
        # Some of Synapse's explanations have several lines.
        reason = " ".join(error.msg.partition("\n\n")[0].split())
        if not isinstance(error, UnreadableConfigError):
            where = f"{', '.join(config_paths)}: {where}"
        raise RefusedError(f"the configuration: {where}{reason}") from error
    except DatabaseFailedError as error:
        raise RefusedError(
            f"the database of {', '.join(config_paths)}: {error.reason}"
        ) from error


def _module_options(configuration: Mapping[str, Any]) -> MediaStatsConfig:
    """The options of the module, or the defaults if it is not loaded.

    Raises:
        ConfigError: an option is wrong.
    """
    modules = configuration.get("modules") or []
    if not isinstance(modules, list):
        raise ConfigError("must be a list", ("modules",))
    for module in modules:
        name = module.get("module") if isinstance(module, Mapping) else None
        if str(name).startswith("media_stats_module."):
            try:
                return parse_config(module.get("config") or {})
            except ConfigError as error:
                path = ("modules", str(name), *(error.path or ()))
                raise ConfigError(error.msg, path) from error
    return MediaStatsConfig()


async def _call(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in this thread: nobody else waits."""
    return function(*args)
