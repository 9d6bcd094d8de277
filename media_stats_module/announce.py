"""The line in the log at start-up: the version, all options, and where the API is.

All options: YAML with wrong indentation is often valid, and means something else.
"""

import json
import logging
from typing import Any

import attr
from synapse.module_api import ModuleApi

import media_stats_module
from media_stats_module.config import MediaStatsConfig
from media_stats_module.synapse_internals import synapse_config

logger = logging.getLogger(__name__)


def announce(api: ModuleApi, config: MediaStatsConfig) -> None:
    """Log the line."""
    try:
        where = f"{config.path} on {_listeners(api)}"
    except Exception:
        # Synapse's configuration is not public. Synapse starts all the same.
        where = config.path
        logger.warning("Cannot read where Synapse listens", exc_info=True)
    logger.info(
        "Version %s, reachable at %s; options: %s",
        media_stats_module.__version__,
        where,
        json.dumps(attr.asdict(config)),
    )


def _listeners(api: ModuleApi) -> str:
    is_main = api.worker_app is None
    config = synapse_config(api)
    listeners = config.server.listeners if is_main else config.worker.worker_listeners
    names = [_name(listener) for listener in listeners if listener.http_options]
    process = "the main process" if is_main else f"the worker {api.worker_name}"
    return f"{' and '.join(names) or 'no HTTP listener'} of {process}"


def _name(listener: Any) -> str:
    # Synapse before 1.90 has no sockets.
    path = getattr(listener, "path", None)
    return f"socket {path}" if path else f"port {listener.port}"
