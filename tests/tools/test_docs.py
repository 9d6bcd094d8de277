"""The README and docs/ agree with the code, and their links work."""

import configparser
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attr
import pytest
import yaml
from readme import PAGES, README, commands, commands_in, example

import media_stats_module
from demo.homeserver import Homeserver
from media_stats_module.__main__ import main
from media_stats_module.config import MediaStatsConfig, parse_config

pytestmark = pytest.mark.once

_ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(_ROOT / "docs"))

from api_reference import with_reference  # noqa: E402

# Pages whose commands are all run: here, or by tests/disk/test_disk_pages.py.
_RUN_AS_A_WHOLE = {"recipes.md", "disk.md", "disk-full.md"}

# The start of all commands on other pages. They are run here, or by the test that is
# named, or not at all if that needs another program or a system of its own.
_COMMANDS = (
    "python3 demo",  # test_demo.py
    "cd /path/to/checkout",  # test_packaging.py
    "python3 -m pip wheel ",
    "/path/to/env/bin/pip install ",
    "uv pip install ",
    "curl ",
    "TOKEN=",
    "mas-cli ",  # not run
    "sudo systemctl restart ",  # not run
    "sudo /opt/venvs/matrix-synapse/bin/pip install ",  # as /path/to/env/bin/pip
    "docker build ",  # not run; test_packaging.py runs the image's steps
)

_LINKING = (*PAGES, _ROOT / "CONTRIBUTING.md", _ROOT / "CHANGELOG.md")


def test_api_reference_is_current() -> None:
    page = (_ROOT / "docs" / "api.md").read_text()

    assert page == with_reference(page), "run python docs/api_reference.py"


def test_configuration_shown_is_the_default() -> None:
    (module,) = yaml.safe_load(example("Configure"))["modules"]

    assert module["module"] == "media_stats_module.MediaStatsModule"
    assert parse_config(module["config"]) == MediaStatsConfig()
    # Every option once.
    for option in module["config"]:
        assert example("Configure").count(f" {option}: ") == 1
    assert module["config"].keys() == set(MediaStatsConfig.__annotations__)


def test_line_in_the_log_at_start_up() -> None:
    page = (_ROOT / "docs" / "monitoring.md").read_text()
    (line,) = re.findall(r"^media_stats_module\.announce - INFO - (.*)$", page, re.M)
    said, _, options = line.partition("; options: ")

    assert said == (
        f"Version {media_stats_module.__version__}, reachable at "
        "/_synapse/client/media_stats on port 8008 of the main process"
    )
    assert json.loads(options) == attr.asdict(MediaStatsConfig())


def test_versions_are_those_that_are_tested() -> None:
    """docs/performance.md and its table in the README name the version of their run."""
    tox = configparser.ConfigParser()
    tox.read(_ROOT / "tox.ini")
    newest = tox["synapse"]["newest"]
    readme = README.read_text().partition("\n## How fast\n")[0]
    install = (_ROOT / "docs" / "install.md").read_text()

    assert f"(tested up to {newest})" in readme
    assert f"with Synapse {tox['synapse']['oldest']} and {newest}," in install
    assert set(re.findall(r"\bv(1\.\d+\.\d+)\b", readme + install)) == {newest}


def test_line_in_the_log_that_removing_ends_with() -> None:
    (line,) = re.findall(r'"(Rollups: .*?)"', README.read_text())
    storage = _ROOT / "media_stats_module" / "storage" / "rollups"

    assert f'logger.info("{line}")' in (storage / "maintenance.py").read_text()


def _relative_links() -> Iterator[tuple[Path, str]]:
    for page in _LINKING:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
        for link in re.findall(r"\]\((.*?)\)", text):
            if not link.startswith("https://"):
                yield page, link


@pytest.mark.parametrize(
    ("page", "link"),
    [
        pytest.param(page, link, id=f"{page.name}-{link}")
        for page, link in _relative_links()
    ],
)
def test_link(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page

    assert target.is_file()
    if anchor:
        assert anchor in {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", target.read_text(), re.M)
        }


def test_see_that_it_works(tmp_path: Path) -> None:
    """The README's commands, on a server with the users of its example."""
    log_in, token, ask = commands("See that it works")
    assert token.startswith("TOKEN=")
    with Homeserver(tmp_path, module={}) as homeserver:

        def run(command: str, token: str = "") -> object:
            printed = subprocess.check_output(
                ["sh", "-c", command.replace("https://matrix.example.org", url)],
                cwd=tmp_path,
                env={"PATH": "/usr/bin:/bin", "TOKEN": token},
            )
            return json.loads(printed)

        url = homeserver.base_url
        homeserver.register("admin", admin=True, password="secret")
        for name, sizes in {"Bob": [50], "Alice": [20, 20], "Carla": [1]}.items():
            user = homeserver.register(name.lower(), displayname=name)
            for size in sizes:
                homeserver.client.upload(user, b"x" * size)

        answer = run(log_in)
        assert isinstance(answer, dict)
        assert run(ask, answer["access_token"]) == {
            "users": [
                {
                    "user_id": "@bob:localhost",
                    "displayname": "Bob",
                    "media_count": 1,
                    "media_length": 50,
                },
                {
                    "user_id": "@alice:localhost",
                    "displayname": "Alice",
                    "media_count": 2,
                    "media_length": 40,
                },
            ],
            "next_token": 2,
            "total": 3,
        }

        (as_csv,) = (
            command
            for command in commands_in((_ROOT / "docs" / "api.md").read_text())
            if command.startswith("curl ")
        )
        assert run(f"{as_csv} && echo true", answer["access_token"])
        header, *rows = (tmp_path / "users.csv").read_text().splitlines()
        assert header == "user_id,displayname,media_count,media_length"
        assert len(rows) == 3

        summary = subprocess.check_output(
            example("Without a token")
            .removeprefix("$ ")
            .replace("python", sys.executable, 1)
            .replace("/etc/matrix-synapse/homeserver.yaml", str(homeserver.config_path))
            .split(),
            text=True,
        )
        assert re.search(r"^local uploads +4 +91 bytes$", summary, re.MULTILINE)


def test_every_command_is_run() -> None:
    for page in PAGES:
        if page.name in _RUN_AS_A_WHOLE:
            continue
        for command in commands_in(page.read_text()):
            # `test_commands_of_the_module` runs all of these.
            if "-m media_stats_module " not in command:
                assert command.startswith(_COMMANDS), (page.name, command)
    *_, install = commands("Install")
    _, debian, *_ = commands_in((_ROOT / "docs" / "install.md").read_text())
    assert debian.partition("/bin/pip ")[2] == install.partition("/bin/pip ")[2]


def test_every_setting_is_right() -> None:
    """Blocks of YAML, and those in their texts, can be read; the module takes them."""
    found = 0
    for page in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.M | re.S):
            for module in _modules(yaml.safe_load(block)):
                assert module["module"] == "media_stats_module.MediaStatsModule"
                parse_config(module.get("config", {}))
                found += 1
    assert found == 6


def _modules(setting: object) -> Iterator[dict[str, Any]]:
    if isinstance(setting, str) and setting.startswith("modules:"):
        setting = yaml.safe_load(setting)
    if isinstance(setting, dict):
        if "module" in setting:
            yield setting
        setting = list(setting.values())
    if isinstance(setting, list):
        for each in setting:
            yield from _modules(each)


def test_recipes(tmp_path: Path) -> None:
    """The commands of docs/recipes.md, one after the other in one shell."""
    recipes = commands_in((_ROOT / "docs" / "recipes.md").read_text())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    with Homeserver(
        tmp_path / "synapse", server_name="example.org", module={}
    ) as homeserver:
        admin = homeserver.register("admin", admin=True)
        database = homeserver.directory / "homeserver.db"
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.executescript(
                """
                INSERT INTO local_media_repository
                    (media_id, media_length, created_ts, last_access_ts, user_id)
                VALUES ('october', 104857600, 1792000000000, 9999999999999,
                        '@alice:example.org'),
                    ('unread', 104857600, 1, 1, '@alice:example.org'),
                    ('small', 1, 1, 1, '@alice:example.org'),
                    ('bridged', 1, 1, 1, '@_discord_bob:example.org');
                INSERT INTO users (name, appservice_id, deactivated)
                VALUES ('@_discord_bob:example.org', 'discord', 1);
                INSERT INTO remote_media_cache
                    (media_origin, media_id, media_length, created_ts, filesystem_id)
                VALUES ('other.example', 'a', 7, 1, 'a');
                """
            )
        standby = {"name": "sqlite3", "args": {"database": str(database)}}
        (tmp_path / "standby.yaml").write_text(yaml.safe_dump({"database": standby}))
        script = "\necho ----\n".join(["set -eu", *recipes])
        for written, meant in (
            ("https://matrix.example.org", homeserver.base_url),
            ("/etc/matrix-synapse/homeserver.yaml", str(homeserver.config_path)),
        ):
            script = script.replace(written, meant)
        printed = subprocess.check_output(
            ["sh", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join(sys.path),
                "TOKEN": admin.access_token,
            },
            text=True,
        )
    usage = {"media_count": 1, "media_length": 100 << 20}
    user = {"user_id": "@alice:example.org", "displayname": None, **usage}
    shown = [text for text in printed.split("----\n") if text]
    assert json.loads(shown[0]) == {"users": [user], "total": 1}
    assert ["@alice:example.org", "1", "100.0", "MiB"] in map(
        str.split, shown[1].splitlines()
    )
    rows = json.loads(shown[2])["appservices"]
    assert [(row["appservice_id"], row["media_length"]) for row in rows] == [
        (None, (200 << 20) + 1),
        ("discord", 1),
    ]
    assert "discord" in shown[3]
    (file,) = json.loads(shown[4])["files"]
    assert file["mxc"] == "mxc://example.org/bridged"
    assert "@_discord_bob:example.org" in shown[5]
    (server,) = json.loads(shown[6])["servers"]
    assert (server["server_name"], server["media_length"]) == ("other.example", 7)
    assert re.search(r"^other.example +1 +7 bytes", shown[7], re.MULTILINE)
    assert re.search(r"^local uploads +4 +200.0 MiB$", shown[8], re.MULTILINE)
    for name, file in (("unread.csv", "unread"), ("alice.csv", "october")):
        _, line = (tmp_path / name).read_text().splitlines()
        assert f"mxc://example.org/{file}," in line


def test_commands_of_the_module(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command on any page, in place of any container or environment."""
    with Homeserver(tmp_path / "synapse", module={}) as homeserver:
        homeserver.client.upload(homeserver.register("alice"), b"x")
        (tmp_path / "standby.yaml").write_text("{}")
        ran = 0
        for page in PAGES:
            for command in commands_in(page.read_text()):
                found = re.search(r"python3? -m media_stats_module (.*)", command, re.S)
                # This one needs an Amazon bucket.
                if found is None or "--listing" in command:
                    continue
                text = re.sub(r"\\\n|>.*", "", found[1])
                text = text.replace("$FROM", "1").replace("$UNTIL", "2")
                text = re.sub(r"\$[A-Z]+", "1700000000000", text)
                text = re.sub(
                    r"/\S+/homeserver\.yaml", str(homeserver.config_path), text
                )
                text = text.replace("/etc/matrix-synapse/conf.d/", str(tmp_path))
                text = text.replace("standby.yaml", str(tmp_path / "standby.yaml"))
                assert main(shlex.split(text)) == 0, (page, command)
                assert capsys.readouterr().out, (page, command)
                ran += 1
    assert ran > 10
