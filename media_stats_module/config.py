"""The module's options in homeserver.yaml, parsed and checked.

A bad option raises Synapse's `ConfigError`. It stops Synapse at start-up and prints
where in the file the option is.
"""

import re
from collections.abc import Mapping
from typing import Any

import attr
from synapse.module_api.errors import ConfigError

# Synapse's documentation asks modules to serve below this path ("Register a web
# resource") and reverse proxies to pass it on.
_CLIENT_PREFIX = "/_synapse/client/"

# Synapse itself serves these below that prefix (synapse/rest/synapse/client and
# synapse/app/homeserver.py, 1.75 to 1.163). A module there would hide them, or be
# hidden.
_TAKEN_BY_SYNAPSE = (
    "jwks",
    "media_upload_limit_exceeded",
    "new_user_consent",
    "oidc",
    "password_reset",
    "pick_idp",
    "pick_username",
    "rendezvous",
    "saml2",
    "sso_register",
    "unsubscribe",
    "v1",
)

# Synapse's units (synapse/config/_base.py); the module API does not have them.
_MILLISECONDS = {"": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MILLISECONDS |= {"w": 7 * _MILLISECONDS["d"], "y": 365 * _MILLISECONDS["d"]}
_DURATION = re.compile(r"([0-9]{1,15})([smhdwy]?)")

_SECOND_MS = _MILLISECONDS["s"]
_LONGEST_MS = 10 * _MILLISECONDS["y"]

_PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


@attr.frozen(kw_only=True)
class MediaStatsConfig:
    """The module's options.

    Attributes:
        path: the path of the API, without a trailing slash.
        dashboard: whether to serve the dashboard at that path.
        count_url_previews: whether images of URL previews count as uploads of the user
            who asked for the preview, as in Synapse's own endpoint.
        query_timeout: the longest that a statement may read media, in milliseconds.
        rollups: whether to keep totals in Synapse's database. They answer in
            milliseconds, whatever the amount of media. PostgreSQL only.
        rollups_check_interval: how often to compare the totals with the media, in
            milliseconds.
        metrics_interval: how often to refresh the metrics for Prometheus, in
            milliseconds; None: every minute with rollups, never without.
    """

    path: str = "/_synapse/client/media_stats"
    dashboard: bool = True
    count_url_previews: bool = True
    query_timeout: int = 5 * 60 * 1000
    rollups: bool = False
    rollups_check_interval: int = 24 * 60 * 60 * 1000
    metrics_interval: int | None = None


def parse_config(config: Any) -> MediaStatsConfig:
    """Check the module's `config` block.

    Args:
        config: the value of `config:`, as YAML gives it.

    Raises:
        ConfigError: an option is wrong; names it and its legal values.
    """
    if not isinstance(config, Mapping):
        raise ConfigError(f"must be a mapping of options to values, not {config!r}")

    known = {field.name for field in attr.fields(MediaStatsConfig)}
    for option in config:
        if option not in known:
            raise ConfigError(
                f"unknown option; the options are {', '.join(sorted(known))}",
                path=(str(option),),
            )

    defaults = MediaStatsConfig()
    return MediaStatsConfig(
        path=_parse_path(config.get("path", defaults.path)),
        dashboard=_parse_bool(config, "dashboard", defaults.dashboard),
        count_url_previews=_parse_bool(
            config, "count_url_previews", defaults.count_url_previews
        ),
        query_timeout=_parse_duration(config, "query_timeout", defaults.query_timeout),
        rollups=_parse_bool(config, "rollups", defaults.rollups),
        rollups_check_interval=_parse_duration(
            config, "rollups_check_interval", defaults.rollups_check_interval
        ),
        metrics_interval=_parse_metrics_interval(config, defaults.metrics_interval),
    )


def _parse_bool(config: Mapping[str, Any], option: str, default: bool) -> bool:
    value = config.get(option, default)
    if not isinstance(value, bool):
        raise ConfigError(f"must be true or false, not {value!r}", path=(option,))
    return value


def _parse_duration(config: Mapping[str, Any], option: str, default: int) -> int:
    """Parse a duration as Synapse writes it: `6h`, or a number of milliseconds."""
    value = config.get(option, default)
    duration = None
    if isinstance(value, int | str) and not isinstance(value, bool):
        duration = _DURATION.fullmatch(str(value))
    milliseconds = int(duration[1]) * _MILLISECONDS[duration[2]] if duration else 0
    if not _SECOND_MS <= milliseconds <= _LONGEST_MS:
        raise ConfigError(
            "must be a duration from 1s to 10y, such as 30s or 12h (units s, m, h, d, "
            f"w, y; a number without a unit is in milliseconds), not {value!r}",
            path=(option,),
        )
    return milliseconds


def _parse_metrics_interval(
    config: Mapping[str, Any], default: int | None
) -> int | None:
    """Parse a duration, or none."""
    if config.get("metrics_interval", default) is None:
        return None
    return _parse_duration(config, "metrics_interval", 0)


def _parse_path(path: Any) -> str:
    """Parse a path on which every Synapse process can serve the module."""
    where = ("path",)
    if not isinstance(path, str):
        raise ConfigError(f"must be a string, not {path!r}", path=where)

    segments = path[len(_CLIENT_PREFIX) :].split("/")
    if not path.startswith(_CLIENT_PREFIX) or not all(
        _PATH_SEGMENT.fullmatch(segment) and segment not in (".", "..")
        for segment in segments
    ):
        raise ConfigError(
            f"must be a path below {_CLIENT_PREFIX} without a trailing slash, made of "
            f"letters, digits and '-._~', such as {MediaStatsConfig().path}, "
            f"not {path!r}",
            path=where,
        )
    if segments[0] in _TAKEN_BY_SYNAPSE:
        raise ConfigError(
            f"{_CLIENT_PREFIX}{segments[0]} belongs to Synapse; choose another name "
            f"than {', '.join(_TAKEN_BY_SYNAPSE)}",
            path=where,
        )
    return path
