"""The log of a server without faults is as the documentation promises.

Each server is asked every endpoint once, and left for two rounds of the background
work.
"""

import re
import time
from collections.abc import Iterator, Sequence

import attr
import pytest
from realservers.deployment import deployed, wait_until
from support import MODULE_PATH

from demo import sample
from demo.client import Account, Client
from demo.homeserver import Homeserver
from demo.process import SynapseProcess
from media_stats_module.rollups_keeper import ROUND_MS

pytestmark = [pytest.mark.any_database]

# A line of the log, with the traceback below it.
_ENTRY = re.compile(r"^20.*\n(?:(?!20).*\n)*", re.MULTILINE)
_ABOVE_INFO = re.compile(r" - (WARNING|ERROR|CRITICAL) - ")
# After this line, a worker may log that Redis is gone.
_END = "Shutting down..."

_ANNOUNCEMENT = re.compile(r" - Version .* at /_synapse/client/media_stats")

# The changes to the database, and the log lines that docs/rollups.md names.
_STEPS = [
    "installing the tables",
    "changes of local_media_repository are logged from now on",
    "changes of local_media_repository_thumbnails are logged from now on",
    "changes of remote_media_cache are logged from now on",
    "changes of remote_media_cache_thumbnails are logged from now on",
    "creating the index by time on local_media_repository",
    "creating the index by time on remote_media_cache",
    "building the totals of local media",
    "building the totals of remote media",
]


@attr.frozen
class Asked:
    """A homeserver that was asked everything, and is stopped.

    Attributes:
        processes: all of it.
        has_rollups: whether it keeps totals.
    """

    processes: Sequence[SynapseProcess]
    has_rollups: bool


def ask_everything(client: Client, admin: Account) -> None:
    """Ask every endpoint once, also for the page and CSV."""

    def ask(path: str, method: str = "GET") -> int:
        path = f"{MODULE_PATH}{path}"
        return client.request(method, path, token=admin.access_token).status

    document = client.request(
        "GET", f"{MODULE_PATH}/v1/openapi.json", token=admin.access_token
    ).json()
    prefix = f"{MODULE_PATH}/v1/"
    found = [path for path in document["paths"] if path.startswith(prefix)]
    assert len(found) > 5
    for whole_path in found:
        path = whole_path.removeprefix(MODULE_PATH)
        for method in document["paths"][whole_path]:
            # Some servers have no totals to check, and some endpoints are no lists.
            assert ask(path, method.upper()) in (200, 404), path
            assert ask(f"{path}?format=csv", method.upper()) in (200, 400, 404), path
    assert ask("/") == 200
    assert ask("") == 302
    assert ask("/v1/nothing") == 404


def said_by(process: SynapseProcess) -> set[str]:
    """The lines in its log about rollups."""
    return set(re.findall(r" - Rollups: (.*)", process.log_path.read_text()))


def wait_two_rounds() -> None:
    time.sleep(2 * ROUND_MS / 1000 + 1)


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL", "rollups"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    directory = tmp_path_factory.mktemp("quiet")
    if request.param == "SQLite":
        # That of the demo.
        homeserver = Homeserver(directory, module={})
        with homeserver:
            admin = homeserver.register("admin", admin=True)
            homeserver.client.upload(admin, b"some bytes")
            sample.fill(
                directory / "homeserver.db", "localhost", registered=[admin.user_id]
            )
            ask_everything(homeserver.client, admin)
            wait_two_rounds()
        yield Asked([homeserver.main], has_rollups=False)
        return
    has_rollups = request.param == "rollups"
    module = {"rollups": True} if has_rollups else {}
    with deployed(directory, module) as deployment:
        deployment.main.upload(deployment.admin, b"some bytes")
        processes = [
            deployment.homeserver.main,
            *deployment.homeserver.workers.values(),
        ]
        for process in processes:
            ask_everything(process.client, deployment.admin)
        if has_rollups:
            path = f"{MODULE_PATH}/v1/rollups"
            wait_until(
                lambda: all(
                    rollup["status"] == "exact"
                    for rollup in deployment.ask(deployment.main, path)
                    .json()["rollups"]
                    .values()
                )
            )
            # A step whose lock Synapse has, to create an index, is tried again.
            wait_until(lambda: said_by(processes[0]) >= set(_STEPS))
            for process in processes:
                ask_everything(process.client, deployment.admin)
        wait_two_rounds()
    yield Asked(processes, has_rollups)


def test_nothing_is_wrong(asked: Asked) -> None:
    for process in asked.processes:
        log = process.log_path.read_text()
        assert _END in log
        assert "Traceback" not in log.partition(_END)[0]
        # Ours name the module, a transaction of ours, or the failing file.
        ours = [entry for entry in _ENTRY.findall(log) if "media_stats" in entry]
        assert ours
        assert [entry for entry in ours if _ABOVE_INFO.search(entry)] == []


def test_every_process_says_one_thing(asked: Asked) -> None:
    for process in asked.processes:
        lines = process.log_path.read_text().splitlines()
        said = [line for line in lines if " - media_stats_module." in line]
        announced = [line for line in said if _ANNOUNCEMENT.search(line)]
        assert len(announced) == 1, said
        if not asked.has_rollups:
            assert said == announced


def test_rollups_say_what_they_do(asked: Asked) -> None:
    if not asked.has_rollups:
        pytest.skip("There are none.")
    main, *workers = asked.processes
    assert said_by(main) >= set(_STEPS)
    for worker in workers:
        # A check was requested.
        said = said_by(worker)
        assert [line for line in said if "are right; checked in" not in line] == []
