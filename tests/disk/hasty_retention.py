"""A module for Synapse that applies `media_retention` every second, not every hour."""

from synapse.module_api import JsonDict, ModuleApi


class HastyRetention:
    def __init__(self, config: JsonDict, api: ModuleApi) -> None:
        media = api._hs.get_media_repository()
        api.looping_background_call(
            media._apply_media_retention_rules, 1000, desc="hasty_retention"
        )

    @staticmethod
    def parse_config(config: JsonDict) -> JsonDict:
        return config
