"""The class that homeserver.yaml loads. It connects the other rooms."""

from functools import partial
from typing import Any
from weakref import WeakSet

from synapse.module_api import ModuleApi
from synapse.module_api.errors import ConfigError
from twisted.web.resource import Resource

from media_stats_module.announce import announce
from media_stats_module.config import MediaStatsConfig, parse_config
from media_stats_module.prometheus import GaugesRefresher, count_differences
from media_stats_module.questions import Source
from media_stats_module.rest._base import Directory
from media_stats_module.rest.api import make_api
from media_stats_module.rest.dashboard import DashboardDirectory
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore, SharedDatabase
from media_stats_module.synapse_internals import has_postgres

# The path of Synapse's own endpoint. On most listeners Synapse itself answers there;
# README.md says where the module does.
DOCUMENTED_PATH = "/_synapse/admin/v1/statistics/users/media"


# The homeservers of this process that have loaded the module.
_loaded_by: WeakSet[ModuleApi] = WeakSet()


class MediaStatsModule:
    """Serves statistics about the media that a homeserver stores.

    Add it to `modules:` in homeserver.yaml. Every process that loads the module and
    has an HTTP listener serves the API, below the option `path`.
    """

    def __init__(self, config: MediaStatsConfig, api: ModuleApi) -> None:
        """Called by Synapse at start-up, once in every process.

        Args:
            config: the result of `parse_config`.
            api: Synapse's module API.
        """
        _assert_can_load(config, api)
        store = MediaStatsStore(
            SharedDatabase(api, config.query_timeout),
            config,
            partial(count_differences, api.server_name),
        )
        endpoints = make_api(api, store, config.path)
        below: dict[bytes, Resource] = {b"v1": endpoints}
        directory = (
            DashboardDirectory(api, below) if config.dashboard else Directory(below)
        )
        api.register_web_resource(config.path, directory)
        api.register_web_resource(DOCUMENTED_PATH, endpoints.children[b"users"])
        if config.rollups:
            for source in Source:
                count_differences(api.server_name, source.value, 0)
        RollupsKeeper(api, config, store.maintenance).start()
        GaugesRefresher(api, config, store).start()
        announce(api, config)

    @staticmethod
    def parse_config(config: Any) -> MediaStatsConfig:
        """Called by Synapse with the module's `config` block.

        Raises:
            ConfigError: an option is wrong; names it and its legal values.
        """
        return parse_config(config)


def _assert_can_load(config: MediaStatsConfig, api: ModuleApi) -> None:
    """Check that the module is loaded once and that the database suits the options.

    Raises:
        ConfigError: it is not so. This stops Synapse at start-up.
    """
    if api in _loaded_by:
        raise ConfigError(
            "media_stats_module.MediaStatsModule is in `modules:` twice; load it once"
        )
    _loaded_by.add(api)
    if config.rollups and not has_postgres(api):
        raise ConfigError(
            "media_stats_module: `rollups: true` needs PostgreSQL. With SQLite, remove "
            "it: on such a small server, questions take milliseconds without rollups."
        )
