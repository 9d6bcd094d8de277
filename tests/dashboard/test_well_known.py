"""The recipe in docs/dashboard.md for the menu of Ketesa, run against Synapse."""

import re
from pathlib import Path

import pytest
import yaml
from browser_server import PATH

from demo.homeserver import Homeserver

pytestmark = pytest.mark.once

_DOCS = Path(__file__).resolve().parents[2] / "docs" / "dashboard.md"


def test_menu_of_ketesa(tmp_path: Path) -> None:
    (recipe,) = re.findall(r"```yaml\n(.*?)```", _DOCS.read_text(), re.DOTALL)
    with Homeserver(
        tmp_path, server_name="example.org", module={}, overrides=yaml.safe_load(recipe)
    ) as homeserver:
        content = homeserver.client.request("GET", "/.well-known/matrix/client").json()
        assert content["m.homeserver"]["base_url"].startswith(homeserver.base_url)
        menu = content["cc.etke.ketesa"]["menu"]
        assert menu
        assert [set(entry) for entry in menu] == [{"label", "icon", "url"}] * len(menu)
        for entry in menu:
            path = entry["url"].removeprefix("https://matrix.example.org")
            assert path.startswith(f"{PATH}/")
            response = homeserver.client.request("GET", path.split("#")[0])
            assert response.status == 200
            assert b"<title>Media statistics</title>" in response.body
