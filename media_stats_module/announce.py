"""A line in the log at start-up: where the module answers on this process, and how.

It names all options, so that an administrator sees which are in force: YAML that is
indented wrongly is often valid, and says something else.
"""

import enum
import logging
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import attr
from synapse.module_api import ModuleApi

import media_stats_module
from media_stats_module.config import MediaStatsConfig
from media_stats_module.synapse_internals import synapse_config

logger = logging.getLogger(__name__)

# Since this version every worker has a folder for Synapse's admin API, in which the
# statistics are not, and nothing else can be.
_WORKERS_HAVE_ADMIN_API = (1, 130)


# Of durations, the longest first.
_UNITS = {"d": 24 * 60 * 60 * 1000, "h": 60 * 60 * 1000, "m": 60 * 1000, "s": 1000}


class Answerer(enum.Enum):
    """Who answers at the path that Synapse documents."""

    SYNAPSE = "Synapse's own endpoint answers"
    NOBODY = "Synapse answers 404"
    MODULE = "the module answers"


def announce(api: ModuleApi, config: MediaStatsConfig, documented_path: str) -> None:
    """Log where the module answers. Whatever goes wrong here, Synapse starts."""
    try:
        logger.info("%s", announcement(api, config, documented_path))
    except Exception:
        logger.warning(
            "Could not find out from the configuration where the module answers",
            exc_info=True,
        )


def announcement(api: ModuleApi, config: MediaStatsConfig, documented_path: str) -> str:
    """What is logged.

    Args:
        api: knows which process this is.
        config: the module's options.
        documented_path: where Synapse's own endpoint is documented.
    """
    # All that is asked for is in the same place in every version of Synapse supported.
    config_of_synapse = synapse_config(api)
    is_main = api.worker_app is None
    version_said = f"Version {media_stats_module.__version__}"
    options = f"options: {_options(config)}"
    listeners = [
        (_name(listener), [name for part in http.resources for name in part.names])
        for listener in (
            config_of_synapse.server.listeners
            if is_main
            else config_of_synapse.worker.worker_listeners
        )
        if (http := listener.http_options) is not None
    ]
    process = "the main process" if is_main else f"the worker {api.worker_name}"
    if not listeners:
        return (
            f"{version_said}, not reachable on {process}, which has no HTTP listener; "
            f"{options}"
        )

    answered: dict[Answerer, list[str]] = {}
    for listener_name, resources in listeners:
        answerer = who_answers(
            resources,
            is_main=is_main,
            has_media_repo=config_of_synapse.media.can_load_media_repo,
            synapse_version=version("matrix-synapse"),
        )
        answered.setdefault(answerer, []).append(listener_name)
    documented = ", ".join(
        f"{answerer.value} on {' and '.join(names)}"
        for answerer, names in answered.items()
    )
    return (
        f"{version_said}, reachable on {process} at {config.path}, on "
        f"{' and '.join(name for name, _ in listeners)}; {options}; "
        f"at {documented_path} {documented}"
    )


def who_answers(
    resources: Iterable[str],
    *,
    is_main: bool,
    has_media_repo: bool,
    synapse_version: str,
) -> Answerer:
    """Who answers at the documented path on a listener.

    Wherever Synapse puts its admin API, nothing that a module registers below that is
    ever asked.

    Args:
        resources: the names of what Synapse itself serves on the listener.
        is_main: whether it is the main process's, or a worker's.
        has_media_repo: whether the process may serve media.
        synapse_version: such as `1.130.0rc1`.
    """
    if is_main:
        return Answerer.SYNAPSE if "client" in resources else Answerer.MODULE
    found = re.match(r"([0-9]+)\.([0-9]+)", synapse_version)
    if found and (int(found[1]), int(found[2])) >= _WORKERS_HAVE_ADMIN_API:
        return Answerer.NOBODY
    # The admin API for media only.
    return (
        Answerer.NOBODY if has_media_repo and "media" in resources else Answerer.MODULE
    )


def _options(config: MediaStatsConfig) -> str:
    return ", ".join(
        f"{name}: {_in_yaml(value)}" for name, value in attr.asdict(config).items()
    )


def _in_yaml(value: object) -> str:
    """A value of an option, as homeserver.yaml has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int):
        return str(value)
    for unit, milliseconds in _UNITS.items():
        if value % milliseconds == 0:
            return f"{value // milliseconds}{unit}"
    return str(value)


def _name(listener: Any) -> str:
    path = getattr(listener, "path", None)
    if path is not None:
        return f"socket {path}"
    tls = ", TLS" if listener.tls else ""
    return f"port {listener.port} ({', '.join(listener.bind_addresses)}{tls})"
