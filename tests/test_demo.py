"""The demo, run as a user runs it: `python3 demo`."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.client import Client

_PROJECT = Path(__file__).resolve().parent.parent
_TIMEOUT_S = 300
# Without what is installed, and so without Synapse.
_BARE_PYTHON = (sys.executable, "-S")


def run(
    *arguments: str, python: tuple[str, ...] = (sys.executable,)
) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(
        [*python, "demo", *arguments],
        cwd=_PROJECT,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONPATH", None)
    return environment


def answer_in(printed: str) -> Any:
    """The module's answer, out of what the demo printed."""
    start = printed.index("\n{\n")
    return json.loads(printed[start : printed.index("\n}\n", start) + 2])


def curl_in(printed: str) -> list[str]:
    """The curl command that the demo printed."""
    found = re.search(r"^ *(curl .*)$", printed, re.MULTILINE)
    assert found is not None, printed
    return shlex.split(found[1])


@pytest.fixture
def running_demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that waits for Ctrl-C, and what it has printed until then."""
    with subprocess.Popen(
        [sys.executable, "demo", "--directory", str(tmp_path)],
        cwd=_PROJECT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        # The demo bounds its own waiting.
        assert demo.stdout is not None
        printed = ""
        for line in demo.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        try:
            yield demo, printed
        finally:
            demo.terminate()
            demo.wait(_TIMEOUT_S)


def test_first_look(
    running_demo: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    demo, printed = running_demo

    # It has printed what the module answers,
    answer = answer_in(printed)
    users = {user["user_id"]: user for user in answer["users"]}
    assert answer["total"] == len(users) == 4
    assert users["@chandra:localhost"]["displayname"] == "चन्द्रा"
    assert users["@alice:localhost"]["media_count"] == 3
    lengths = [user["media_length"] for user in answer["users"]]
    assert lengths == sorted(lengths, reverse=True)

    # a command that asks again,
    curl, header_option, header, address = curl_in(printed)
    assert (curl, header_option) == ("curl", "--header")
    url = urlsplit(address)
    client = Client(f"http://{url.netloc}")
    name, _, value = header.partition(": ")
    response = client.request("GET", f"{url.path}?{url.query}", headers={name: value})
    assert (response.status, response.json()) == (200, answer)

    # and where the dashboard is, with a password that works.
    found = re.search(r"the user (\S+) with the password (\S+):\n\n +(\S+)\n", printed)
    assert found is not None, printed
    admin, password, dashboard = found.groups()
    page = client.request("GET", urlsplit(dashboard).path)
    assert page.status == 200
    assert page.headers.get_content_type() == "text/html"
    token = client.login(admin, password).access_token
    assert client.request("GET", url.path, token=token).status == 200

    # Ctrl-C leaves nothing behind.
    demo.send_signal(signal.SIGINT)
    assert demo.wait(_TIMEOUT_S) == 130
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        client.request("GET", "/health")


def test_once(tmp_path: Path) -> None:
    """It ends by itself, and what is going on is not among the result."""
    demo = run("--once", "--directory", str(tmp_path))

    assert demo.returncode == 0, demo.stderr
    assert answer_in(demo.stdout)["total"] == 4
    assert curl_in(demo.stdout)
    progress = demo.stderr.splitlines()
    assert len(progress) >= 3
    assert all(re.match(r"\[ *[0-9]+ s\] ", line) for line in progress)
    assert list(tmp_path.iterdir()) == []


def test_help_with_nothing_installed() -> None:
    demo = run("--help", python=_BARE_PYTHON)

    assert demo.returncode == 0, demo.stderr
    assert "--once" in demo.stdout


def test_starts_again_where_synapse_is(tmp_path: Path) -> None:
    """Without Synapse, it goes on in the environment that was made for it earlier."""
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    python.chmod(0o755)
    (environment / "complete").touch()

    arguments = ("--once", "--directory", str(tmp_path))
    demo = run(*arguments, python=_BARE_PYTHON)

    assert demo.returncode == 0, demo.stderr
    assert demo.stdout == "|".join((str(_PROJECT / "demo"), *arguments, ""))


def test_says_why_it_cannot_install(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("a file where a folder should be")

    demo = run("--once", "--directory", str(tmp_path), python=_BARE_PYTHON)

    assert demo.returncode == 1
    assert "This failed: " in demo.stderr
    assert f"-m venv --clear {tmp_path / 'environment'}" in demo.stderr
