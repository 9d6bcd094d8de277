"""A process that does not serve media knows the settings about media, too."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import MODULE_PATH

from demo.homeserver import Homeserver

pytestmark = [pytest.mark.any_database]

# Synapse needs it for URL previews. Older versions install without it.
_HAS_LXML = find_spec("lxml") is not None

_DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture(params=[True, False], ids=["media", "no media"])
def homeserver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homeserver]:
    overrides = {
        "enable_media_repo": request.param,
        "media_retention": {"local_media_lifetime": "90d"},
        "url_preview_enabled": _HAS_LXML,
        "url_preview_ip_range_blacklist": ["203.0.113.0/24"],
    }
    with Homeserver(tmp_path, module={}, overrides=overrides) as homeserver:
        yield homeserver


def test_every_process_says_it(homeserver: Homeserver) -> None:
    admin = homeserver.register("admin", admin=True)
    answer = homeserver.client.request(
        "GET", f"{MODULE_PATH}/v1/reclaimable", token=admin.access_token
    )
    retention = answer.json()["media_retention"]
    assert retention["local_media_lifetime"] == 90 * _DAY_MS
    assert retention["remote_media_lifetime"] is None
    assert retention["local"]["media_count"] == 0

    answer = homeserver.client.request(
        "GET", f"{MODULE_PATH}/v1/summary?limits=true", token=admin.access_token
    )
    limits = answer.json()["limits"]
    assert limits["media_retention"] == {
        "local_media_lifetime": 90 * _DAY_MS,
        "remote_media_lifetime": None,
    }
    assert limits["url_preview_enabled"] is _HAS_LXML
    # A process that does not serve media may run on another computer.
    serves_media = "enable_media_repo: true" in homeserver.config_path.read_text()
    assert (limits["file_system"] is not None) is serves_media
