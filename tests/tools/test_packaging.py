"""The built package installs into a clean environment, is complete, and loads there."""

import configparser
import email
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from readme import commands, commands_in, example

import media_stats_module

pytestmark = pytest.mark.once

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = _ROOT / "media_stats_module"

# Loads every part of the package, and the module as Synapse does.
_LOAD = """
import json, pkgutil, sys
import media_stats_module
from synapse.util.module_loader import load_module

parts = [
    part.name
    for part in pkgutil.walk_packages(
        media_stats_module.__path__, "media_stats_module."
    )
]
for part in parts:
    __import__(part)
module, config = load_module(
    {"module": "media_stats_module.MediaStatsModule", "config": {}}, ()
)
json.dump([media_stats_module.__file__, module.__name__, config.path], sys.stdout)
"""


def copy_checkout(directory: Path) -> Path:
    """In a copy, because building may leave files behind."""
    copy = directory / "checkout"
    # Other processes write what they compile.
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist")
    shutil.copytree(_ROOT, copy, ignore=ignored)
    return copy


def site_packages(environment: Path) -> Path:
    """The folder of an environment's packages."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))


def packages_in(environment: Path) -> list[str]:
    """The packages that are installed in an environment."""
    folder = str(site_packages(environment))
    return [found.metadata["Name"] for found in distributions(path=[folder])]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist and the wheel, by kind."""
    source = copy_checkout(tmp_path_factory.mktemp("source"))
    # Left by an earlier build or an older version.
    for stale in ("build/lib/media_stats_module", "media_stats_module/__pycache__"):
        folder = source / stale
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stale.cpython-311.pyc").touch()
        (folder / "stale.py").touch()
    output = tmp_path_factory.mktemp("built")
    # The wheel is built from the sdist.
    subprocess.run(
        [sys.executable, "-m", "build", "--installer=uv", "--outdir", output, source],
        check=True,
        capture_output=True,
        text=True,
    )
    (sdist,) = output.glob("*.tar.gz")
    (wheel,) = output.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


def test_installs_into_a_clean_environment(
    built: dict[str, Path], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", built["wheel"]], check=True, capture_output=True)

    # Above all no Synapse, which the module must never replace.
    assert packages_in(environment) == ["synapse-media-stats-module"]

    # Synapse comes from here, after the packages of that environment.
    clean = site_packages(environment).resolve()
    (clean / "synapse.pth").write_text(sysconfig.get_path("purelib"))
    loaded_from, name, path = json.loads(
        subprocess.check_output(
            [python, "-c", _LOAD],
            cwd=tmp_path,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
    )
    assert Path(loaded_from).resolve().parent == clean / "media_stats_module"
    assert name == "MediaStatsModule"
    assert path == "/_synapse/client/media_stats"


def test_install_and_upgrade(tmp_path: Path) -> None:
    """The README's commands, twice: also for other code of the same version."""
    checkout = copy_checkout(tmp_path)
    enter, build, install = commands("Install")
    assert enter == "cd /path/to/checkout"
    install_with_uv, *_ = commands_in((_ROOT / "docs" / "install.md").read_text())
    environment = tmp_path / "environment"
    environment_of_uv = tmp_path / "environment of uv"
    for directory in (environment, environment_of_uv):
        venv.create(directory)
    python = str(environment / "bin" / "python")
    pip = shlex.join([sys.executable, "-m", "pip", "--python", python])
    uv = shlex.quote(str(Path(sys.executable).with_name("uv")))
    python_of_uv = shlex.quote(str(environment_of_uv / "bin" / "python"))
    module = checkout / "media_stats_module" / "__init__.py"
    for code in ("", "\nUPGRADED = True\n"):
        module.write_text(module.read_text() + code)
        for command in (
            build.replace("python3", sys.executable, 1),
            install.replace("/path/to/env/bin/pip", pip, 1),
            install_with_uv.replace("/path/to/env/bin/python", python_of_uv).replace(
                "uv", uv, 1
            ),
        ):
            subprocess.run(
                shlex.split(command), cwd=checkout, check=True, capture_output=True
            )
        for directory in (environment, environment_of_uv):
            (file,) = directory.glob(
                "lib/*/site-packages/media_stats_module/__init__.py"
            )
            assert file.read_text().endswith(code)


@pytest.mark.parametrize("deployment", ["Container", "Ansible playbook"])
def test_image(deployment: str, built: dict[str, Path], tmp_path: Path) -> None:
    """The steps of docs/install.md for images, run in an environment."""
    text = example(deployment)
    (copied,) = re.findall(r"COPY (\S+) /tmp/$", text, re.MULTILINE)
    (run,) = re.findall(r"RUN pip (.*)$", text, re.MULTILINE)
    assert copied == built["wheel"].name
    environment = tmp_path / "environment"
    venv.create(environment)

    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    arguments = run.replace(f"/tmp/{copied}", str(built["wheel"])).split()
    subprocess.run([*pip, *arguments], check=True, capture_output=True)

    assert packages_in(environment) == ["synapse-media-stats-module"]


def test_wheel_holds_the_package_and_nothing_else(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == {
        str(path.relative_to(_ROOT))
        for path in _PACKAGE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "media_stats_module/py.typed" in names


def test_metadata(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))

    assert metadata["Name"] == "synapse-media-stats-module"
    assert metadata["Version"] == media_stats_module.__version__
    assert metadata["Requires-Python"] == ">=3.10"
    # The package contains uPlot, which has the MIT license.
    assert metadata["License-Expression"] == "Apache-2.0 AND MIT"
    assert len(metadata.get_all("License-File", [])) == 2
    for requirement in metadata.get_all("Requires-Dist", []):
        assert "extra ==" in requirement
    # An index page cannot follow relative links.
    links = re.findall(r"\]\((.*?)\)", str(metadata.get_payload()))
    assert links
    assert all(link.startswith("https://") for link in links)


def test_sdist_holds_what_a_contributor_needs(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}

    tracked = subprocess.check_output(
        ["git", "ls-files"], cwd=_ROOT, text=True
    ).splitlines()
    missing = {path for path in tracked if (_ROOT / path).exists()} - names
    # The repository's own files, and what the copy above leaves out.
    assert {path for path in missing if "/." not in f"/{path}"} == set()
    assert {name for name in names if "stale" in name or ".pyc" in name} == set()


def test_ci_workflow_runs_what_ci_runs() -> None:
    (job,) = yaml.safe_load((_ROOT / ".github" / "workflows" / "ci.yml").read_text())[
        "jobs"
    ].values()
    tox = configparser.ConfigParser()
    tox.read(_ROOT / "tox.ini")

    environments = job["strategy"]["matrix"]["environment"]
    assert environments == tox["tox"]["env_list"].split()
