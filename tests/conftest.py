"""Sets up Synapse's own test harness and, if asked for, PostgreSQL.

The harness chooses the database when it is imported, so a run of pytest has one:
`--database=sqlite` (default) or `--database=postgres`.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from programs import ReportMissingPrograms
from realservers.forking import fork_synapse
from realservers.postgres import PostgresServer
from synapse_harness import ensure_harness

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The data of a test run need not survive a power cut.
_POSTGRES_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "64MB",
}

# Each example of a property test costs requests, so by default a run tries few, and
# always the same. `pytest --hypothesis-profile=thorough` tries many, other ones each
# time.
settings.register_profile(
    "quick",
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        # A test for several modes is one function in several classes.
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
)
settings.register_profile(
    "thorough", settings.get_profile("quick"), max_examples=2_000, derandomize=False
)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="the database under the homeservers of Synapse's test harness",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ReportMissingPrograms())
    # With pytest-xdist, the first process starts it, and the environment tells the
    # others.
    if config.getoption("database") == "postgres" and not _is_xdist_worker(config):
        _start_postgres()
    fork_synapse()
    # Last on the path: the harness is a package called `tests`, with its own helpers.
    sys.path.append(str(ensure_harness()))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    from tests.unittest import HomeserverTestCase

    def on_harness(item: pytest.Item) -> bool:
        test_class = item.cls if isinstance(item, pytest.Function) else None
        return test_class is not None and issubclass(test_class, HomeserverTestCase)

    for item in items:
        if not on_harness(item):
            item.add_marker("any_database")
    if _is_xdist_worker(config):
        # Real servers take longest, so they come first.
        items.sort(
            key=lambda item: (on_harness(item), not item.get_closest_marker("long"))
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    # More processes than cores, because tests wait for a database. Tests of real
    # servers run with SQLite.
    cores = os.cpu_count() or 1
    return cores * 2 if config.getoption("database") == "sqlite" else cores * 3 // 2


def pytest_report_header(config: pytest.Config) -> str:
    return f"Synapse {version('matrix-synapse')}, {config.getoption('database')}"


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The system's Chromium. A process can have only one."""
    # The import takes a second.
    from dashboard_page import chromium, find_chromium

    if find_chromium() is None:
        pytest.skip(
            "needs Chromium, which is in no wheel: "
            "`apt-get install chromium-headless-shell`"
        )
    with chromium() as browser:
        yield browser


def _is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _start_postgres() -> None:
    # Not in pytest_unconfigure: the harness, imported later, drops its databases in an
    # exit handler, and exit handlers run last to first.
    directory = tempfile.TemporaryDirectory(prefix="postgres-", dir=_memory())
    atexit.register(directory.cleanup)
    server = PostgresServer.start(Path(directory.name), _POSTGRES_SETTINGS)
    atexit.register(server.stop)

    os.environ.update(
        SYNAPSE_POSTGRES="1",
        SYNAPSE_POSTGRES_HOST=server.host,
        SYNAPSE_POSTGRES_PORT=str(server.port),
        SYNAPSE_POSTGRES_USER=server.user,
        SYNAPSE_POSTGRES_PASSWORD=server.password,
    )


def _memory() -> str | None:
    """A folder in memory, if there is room: every test makes a database."""
    memory = "/dev/shm"
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30:
        return memory
    return None
