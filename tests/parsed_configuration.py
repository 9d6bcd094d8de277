"""Parses equal configurations of homeservers only once.

Newer harnesses do so themselves. With an older one, most of a test's time is spent on
the schemas and the e-mail templates that Synapse reads with each configuration.
"""

import copy
import functools
import json
from typing import Any

import tests.unittest
from synapse.config._base import Config
from synapse.config.homeserver import HomeServerConfig


@functools.cache
def parse_once() -> None:
    """Make the harness parse equal configurations once."""
    if hasattr(tests.unittest, "make_homeserver_config_obj"):
        return
    parse = HomeServerConfig.parse_config_dict
    parsed: dict[str, HomeServerConfig] = {}

    def parse_config_dict(
        config: HomeServerConfig, config_dict: dict[str, Any], *paths: Any
    ) -> None:
        key = json.dumps([config_dict, *paths], sort_keys=True)
        if key not in parsed:
            fresh = HomeServerConfig()
            parse(fresh, config_dict, *paths)
            parsed[key] = fresh
        _copy_sections(parsed[key], config)

    HomeServerConfig.parse_config_dict = parse_config_dict  # type: ignore[method-assign,assignment]


def _copy_sections(source: HomeServerConfig, target: HomeServerConfig) -> None:
    for name, section in vars(source).items():
        if isinstance(section, Config):
            setattr(target, name, _copy_section(section, target))


def _copy_section(source: Config, root: HomeServerConfig) -> Config:
    section = copy.copy(source)
    section.root = root
    for name, value in vars(section).items():
        # Homeservers change some of them.
        if isinstance(value, dict | list | set):
            setattr(section, name, copy.deepcopy(value))
    return section
