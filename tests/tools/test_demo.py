"""The demo, run as a user runs it: `python3 demo`."""

import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from demo.client import Client
from demo.command import run as run_here
from demo.process import ServerProcess

pytestmark = pytest.mark.once

_PROJECT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 900
# Without installed packages, and so without Synapse.
_BARE_PYTHON = (sys.executable, "-S")


def run(
    *arguments: str,
    python: tuple[str, ...] = (sys.executable,),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(
        [*python, "demo", *arguments],
        cwd=_PROJECT,
        env={**_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )


def _environment() -> dict[str, str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONPATH", None)
    return environment


def table_in(printed: str, heading: str) -> dict[str, tuple[str, str]]:
    """A table in the demo's output: files and size by name."""
    _, _, below = printed.partition(f"{heading}\n")
    rows = below.partition("\n\n")[0].splitlines()[1:]
    table = {}
    for row in rows:
        found = re.fullmatch(r" +(\S+) +(\S+ \S+)  (.+)", row)
        assert found is not None, row
        table[found[3]] = (found[1], found[2])
    return table


def curl_in(printed: str) -> list[str]:
    """The curl command in the demo's output."""
    found = re.search(r"^ *(curl .*)$", printed, re.MULTILINE)
    assert found is not None, printed
    return shlex.split(found[1])


def make_environment(directory: Path) -> None:
    """Make what an earlier demo installed, with a Python that prints its arguments."""
    environment = directory / "environment"
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    python.chmod(0o755)
    (environment / "complete").touch()


@pytest.fixture
def running_demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that waits for Ctrl-C, and its output until then."""
    with subprocess.Popen(
        [sys.executable, "demo", "--directory", str(tmp_path)],
        cwd=_PROJECT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        # The demo limits its waiting itself.
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

    # It has printed tables,
    kinds = table_in(printed, "What fills the media store")
    assert kinds["TOTAL"][0] == "28,207"
    users = table_in(printed, "The largest of 60 users")
    assert "चन्द्रा  @chandra:localhost" in users
    assert len(table_in(printed, "The largest of 51 servers in the remote cache")) == 5
    assert "video" in table_in(printed, "Local media by type")
    unread = "What Synapse's own deletion would delete: media not read for"
    assert next(iter(table_in(printed, unread))) == "30 days"

    # a command that asks for one of them as JSON,
    curl, header_option, header, address = curl_in(printed)
    assert (curl, header_option) == ("curl", "--header")
    url = urlsplit(address)
    client = Client(f"http://{url.netloc}")
    name, _, value = header.partition(": ")
    response = client.request("GET", f"{url.path}?{url.query}", headers={name: value})
    answered = response.json()["users"]
    assert [user["user_id"] for user in answered] == [
        name.split()[-1] for name in users
    ]
    assert [f"{user['media_count']:,}" for user in answered] == [
        files for files, _ in users.values()
    ]

    # and the address of the dashboard, with a password that works.
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
    """It ends by itself, and prints no address of the server that is gone."""
    directory = tmp_path / "new"
    demo = run("--once", "--port", "0", "--directory", str(directory))

    assert demo.returncode == 0, demo.stderr
    assert table_in(demo.stdout, "What fills the media store")["TOTAL"]
    assert "curl" not in demo.stdout
    assert "http" not in demo.stdout
    progress = demo.stderr.splitlines()
    assert len(progress) >= 3
    assert all(re.match(r"\[ *[0-9]+ s\] ", line) for line in progress)
    assert not directory.exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_ended_while_it_installs(number: signal.Signals, tmp_path: Path) -> None:
    directory = tmp_path / "new"
    with subprocess.Popen(
        [*_BARE_PYTHON, "demo", "--directory", str(directory)],
        cwd=_PROJECT,
        env=_environment(),
        stderr=subprocess.PIPE,
        text=True,
        # `nohup`, under which tests may run, ignores SIGHUP.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as demo:
        assert demo.stderr is not None
        for line in demo.stderr:
            if "Creating a Python environment" in line:
                break
        demo.send_signal(number)
        assert demo.wait(_TIMEOUT_S) == 128 + number

    assert not directory.exists()


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl-C is a KeyboardInterrupt, also where tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_ended_while_a_server_starts(tmp_path: Path) -> None:
    """No process is left that nobody knows."""
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    server = ServerProcess("server", ["sleep", "60"], tmp_path / "log", lambda: False)
    with (
        patch.object(ServerProcess, "popen", Interrupted),
        pytest.raises(KeyboardInterrupt),
    ):
        server.start()
    assert [process.wait(_TIMEOUT_S) for process in started] == [-signal.SIGKILL]


def test_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        arguments = ("--port", str(port), "--directory", str(tmp_path / "new"))
        demo = run(*arguments, python=_BARE_PYTHON)

    assert demo.returncode == 1
    assert demo.stderr == (
        f"Port {port} cannot be used (Address already in use). Choose another --port.\n"
    )
    assert not (tmp_path / "new").exists()


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for directory, reason in (
        (file, "File exists"),
        (file / "below", "Not a directory"),
        # Not even root can write there.
        ("/proc", ".*"),
    ):
        demo = run("--directory", str(directory), python=_BARE_PYTHON)
        assert demo.returncode == 1
        assert re.fullmatch(
            rf"Folder {directory} cannot be used \({reason}\). "
            r"Choose another --directory.\n",
            demo.stderr,
        )
    assert file.is_file()


def test_full_disk(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    usage = shutil.disk_usage(tmp_path)._replace(free=99_999_999)
    with (
        patch.object(sys, "argv", ["demo", "--directory", str(directory)]),
        patch.object(shutil, "disk_usage", lambda path: usage),
        pytest.raises(SystemExit, match="has 99 MB of free space"),
    ):
        run_here()
    assert not directory.exists()


def test_two_at_once(tmp_path: Path) -> None:
    """The second demo waits while the first installs Synapse, and then uses it."""
    first = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    with subprocess.Popen(
        [*_BARE_PYTHON, "demo", "--once", "--directory", str(tmp_path)],
        cwd=_PROJECT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as second:
        assert second.stderr is not None
        assert "Waiting for another demo" in second.stderr.readline()
        make_environment(tmp_path)
        os.close(first)
        stdout, stderr = second.communicate(timeout=_TIMEOUT_S)
    assert (second.returncode, stderr) == (0, "")
    assert "--once" in stdout


def test_without_network(tmp_path: Path) -> None:
    no_index = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
    }
    arguments = ("--once", "--directory", str(tmp_path))
    demo = run(*arguments, python=_BARE_PYTHON, environment=no_index)

    assert demo.returncode == 1
    assert demo.stderr.endswith(
        "pip could not get a package from its index. Is there a network?\n"
    )
    # One attempt is enough.
    assert "Retrying" not in demo.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["install.log"]


def test_help_with_nothing_installed() -> None:
    demo = run("--help", python=_BARE_PYTHON)

    assert demo.returncode == 0, demo.stderr
    assert "--once" in demo.stdout


def test_starts_again_where_synapse_is(tmp_path: Path) -> None:
    """Without Synapse, it continues in the environment of an earlier demo."""
    make_environment(tmp_path)
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
