"""The options in homeserver.yaml: legal values, and errors that stop Synapse."""

import contextlib
import tempfile
from typing import Any

import attr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import MediaStatsTestCase
from synapse.config._base import Config
from synapse.config.homeserver import HomeServerConfig
from synapse.module_api import JsonDict
from synapse.module_api.errors import ConfigError
from synapse.rest.synapse.client import build_synapse_client_resource_tree
from tests.utils import USE_POSTGRES_FOR_TESTS
from twisted.web.resource import Resource

from media_stats_module import MediaStatsModule
from media_stats_module.config import MediaStatsConfig

# A configuration.
pytestmark = pytest.mark.any_database


def parse(**options: Any) -> MediaStatsConfig:
    return MediaStatsModule.parse_config(options)


def error_of(**options: Any) -> ConfigError:
    """The error of the options, which must name the first of them."""
    with pytest.raises(ConfigError) as raised:
        parse(**options)
    assert raised.value.path == (next(iter(options)),)
    return raised.value


def test_defaults() -> None:
    assert parse() == MediaStatsConfig(
        path="/_synapse/client/media_stats",
        dashboard=True,
        count_url_previews=True,
        rollups=False,
        query_timeout=5 * 60 * 1000,
        rollups_check_interval=24 * 60 * 60 * 1000,
        metrics_interval=None,
    )


def test_all_options() -> None:
    assert parse(
        path="/_synapse/client/media",
        dashboard=False,
        count_url_previews=False,
        rollups=True,
        query_timeout="30s",
        rollups_check_interval="12h",
        metrics_interval="5m",
    ) == MediaStatsConfig(
        path="/_synapse/client/media",
        dashboard=False,
        count_url_previews=False,
        rollups=True,
        query_timeout=30 * 1000,
        rollups_check_interval=12 * 60 * 60 * 1000,
        metrics_interval=5 * 60 * 1000,
    )


def test_frozen() -> None:
    with pytest.raises(attr.exceptions.FrozenInstanceError):
        parse().path = "/_synapse/client/other"  # type: ignore[misc]


@pytest.mark.parametrize("config", [[], "path", 1, None, False])
def test_not_a_mapping(config: Any) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        MediaStatsModule.parse_config(config)


@pytest.mark.parametrize("option", ["paths", "Path", "count_url_preview", "module"])
def test_unknown_option(option: str) -> None:
    error = error_of(**{option: True})

    assert "unknown option" in error.msg
    for field in attr.fields(MediaStatsConfig):
        assert field.name in error.msg


def test_unknown_option_that_is_no_string() -> None:
    with pytest.raises(ConfigError) as raised:
        MediaStatsModule.parse_config({1: True})
    assert raised.value.path == ("1",)


@pytest.mark.parametrize("option", ["count_url_previews", "dashboard", "rollups"])
@pytest.mark.parametrize("value", [None, 0, 1, "true", "no", [], {}])
def test_bool_of_wrong_type(option: str, value: Any) -> None:
    error = error_of(**{option: value})

    assert "must be true or false" in error.msg
    assert repr(value) in error.msg


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        (1_000, 1_000),
        (90_000, 90_000),
        ("1000", 1_000),
        ("30s", 30_000),
        ("5m", 300_000),
        ("12h", 43_200_000),
        ("7d", 604_800_000),
        ("1w", 604_800_000),
        ("1y", 31_536_000_000),
        ("10y", 315_360_000_000),
    ],
)
def test_duration(value: int | str, milliseconds: int) -> None:
    """As in the rest of homeserver.yaml."""
    assert parse(rollups_check_interval=value).rollups_check_interval == milliseconds
    assert parse(metrics_interval=value).metrics_interval == milliseconds
    assert Config.parse_duration(value) == milliseconds


@pytest.mark.parametrize(
    "option", ["query_timeout", "rollups_check_interval", "metrics_interval"]
)
@pytest.mark.parametrize(
    "value",
    [True, False, 0, -1, 1, 999, "999", "11y", 1.5, "", "0", "0s", "-1h", "h", "1.5h",
     "1 h", "1h\n", "1h30m", "1H", "٣h", "1" * 16, [], {}],
)  # fmt: skip
def test_not_a_duration(option: str, value: Any) -> None:
    error = error_of(**{option: value})

    assert "must be a duration" in error.msg
    assert repr(value) in error.msg


def test_only_the_metrics_can_do_without_a_duration() -> None:
    assert parse(metrics_interval=None).metrics_interval is None
    assert "must be a duration" in error_of(rollups_check_interval=None).msg


@pytest.mark.parametrize("value", [None, True, 1, ["/_synapse/client/media"], {}])
def test_path_of_wrong_type(value: Any) -> None:
    assert "must be a string" in error_of(path=value).msg


@pytest.mark.parametrize(
    "path",
    [
        "/_synapse/client/media_stats",
        "/_synapse/client/m",
        "/_synapse/client/media/stats/of-this.server",
        "/_synapse/client/~media_1",
        # Only whole segments are Synapse's.
        "/_synapse/client/oidc_media",
        "/_synapse/client/media/oidc",
    ],
)
def test_legal_path(path: str) -> None:
    assert parse(path=path).path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        # Synapse would lose its first segment.
        "_synapse/client/media_stats",
        # Only the form with the slash would be served.
        "/_synapse/client/media_stats/",
        "/_synapse/client//media_stats",
        "/_synapse/client/",
        "/_synapse/client",
        "/_synapse/clientele/media_stats",
        # Would replace the whole admin API, or be hidden by it.
        "/_synapse/admin",
        "/_synapse/admin/v1/statistics/users/media",
        # Would stop Synapse from starting if the listener compresses.
        "/_matrix/media_stats",
        "/_matrix/client/media_stats",
        "/health",
        "/media_stats",
        "https://example.com/_synapse/client/media_stats",
        # Twisted would never match these.
        "/_synapse/client/media stats",
        "/_synapse/client/media%20stats",
        "/_synapse/client/média",
        "/_synapse/client/media?stats",
        "/_synapse/client/media#stats",
        "/_synapse/client/media\n",
        "/_synapse/client/../admin",
        "/_synapse/client/./media",
        "/_synapse/client/..",
    ],
)
def test_path_that_synapse_cannot_serve(path: str) -> None:
    error = error_of(path=path)

    assert "/_synapse/client/" in error.msg
    assert repr(path) in error.msg


@pytest.mark.parametrize(
    "path",
    [
        "/_synapse/client/pick_idp",
        "/_synapse/client/pick_username",
        "/_synapse/client/new_user_consent",
        "/_synapse/client/sso_register",
        "/_synapse/client/unsubscribe",
        "/_synapse/client/oidc/callback",
        "/_synapse/client/oidc/media_stats",
        "/_synapse/client/saml2/authn_response",
        "/_synapse/client/password_reset/email/submit_token",
        "/_synapse/client/jwks",
    ],
)
def test_path_that_is_synapses_own(path: str) -> None:
    assert "belongs to Synapse" in error_of(path=path).msg


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    )
)
def test_whatever_yaml_gives(config: Any) -> None:
    """Any value is either legal or a ConfigError."""
    with contextlib.suppress(ConfigError):
        assert isinstance(MediaStatsModule.parse_config(config), MediaStatsConfig)


def load_modules(module_block: dict[str, Any]) -> list[Any]:
    """Load homeserver.yaml with one entry of `modules:`, as Synapse does at start-up.

    Returns:
        a class and its parsed options for each module.
    """
    config = HomeServerConfig()
    # Synapse creates the folder of the media store when it reads the file.
    with tempfile.TemporaryDirectory() as media:
        config.parse_config_dict(
            {
                "server_name": "test",
                "report_stats": False,
                "macaroon_secret_key": "secret",
                "signing_key": f"ed25519 a_test {'A' * 43}",
                "media_store_path": media,
                "modules": [module_block],
            },
            "",
            "",
        )
    modules: list[Any] = config.modules.loaded_modules
    return modules


def test_synapse_loads_the_module() -> None:
    modules = load_modules(
        {
            "module": "media_stats_module.MediaStatsModule",
            "config": {"count_url_previews": False},
        }
    )

    assert modules == [(MediaStatsModule, MediaStatsConfig(count_url_previews=False))]


def test_synapse_loads_the_module_without_config() -> None:
    modules = load_modules({"module": "media_stats_module.MediaStatsModule"})

    assert modules == [(MediaStatsModule, MediaStatsConfig())]


def test_synapse_says_where_in_the_file_the_error_is() -> None:
    with pytest.raises(ConfigError) as raised:
        load_modules(
            {
                "module": "media_stats_module.MediaStatsModule",
                "config": {"path": "/_matrix/media"},
            }
        )

    assert raised.value.path is not None
    assert tuple(raised.value.path) == ("modules", "<item 0>", "config", "path")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "no_media_stats_module.MediaStatsModule",
            "No module named 'no_media_stats_module'",
        ),
        (
            "media_stats_module.MediaStatModule",
            "module 'media_stats_module' has no attribute 'MediaStatModule'",
        ),
    ],
)
def test_synapse_says_what_is_missing(name: str, text: str) -> None:
    """As in the README's *Troubleshooting*."""
    with pytest.raises((ImportError, AttributeError), match=text):
        load_modules({"module": name})


class LoadedTwiceTest(MediaStatsTestCase):
    """`modules:` has it twice, perhaps with other options."""

    def test_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="in `modules:` twice"):
            MediaStatsModule(
                MediaStatsConfig(path="/_synapse/client/other"),
                self.hs.get_module_api(),
            )


@pytest.mark.skipif(USE_POSTGRES_FOR_TESTS, reason="PostgreSQL has rollups")
class RollupsOnSqliteTest(MediaStatsTestCase):
    """Rollups need PostgreSQL."""

    def default_config(self) -> JsonDict:
        config = super().default_config()
        del config["modules"]
        return config

    def create_resource_dict(self) -> dict[str, Resource]:
        # Only those of this class, without the module's.
        return {}

    def test_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="`rollups: true` needs PostgreSQL"):
            MediaStatsModule(MediaStatsConfig(rollups=True), self.hs.get_module_api())


class SynapsesOwnPathsTestCase(MediaStatsTestCase):
    """The paths that the installed version of Synapse serves itself."""

    def test_are_refused(self) -> None:
        paths = build_synapse_client_resource_tree(self.hs)

        assert "/_synapse/client/pick_idp" in paths
        # Only some versions have the second one, with an option.
        for path in (*paths, "/_synapse/client/rendezvous"):
            assert "belongs to Synapse" in error_of(path=path).msg
