"""Real processes: PostgreSQL, Valkey, Synapse with a worker, and proxies in front.

Only a real server shows which path is answered on which process, that one process sees
at once the changes of another, and the effect of a wrong option.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
import readme
import yaml
from realservers.deployment import Deployment, deployed, wait_until
from realservers.proxies import PROXIES, Nginx
from support import MODULE_PATH
from synapse import __version__ as synapse_version
from synapse.config.server import KNOWN_RESOURCES

from demo.client import Client
from demo.homeserver import Homeserver
from demo.process import StartError
from media_stats_module.module import DOCUMENTED_PATH

_USERS = f"{MODULE_PATH}/v1/users"

# Since this version, no worker lets a module serve anything below /_synapse/admin.
_WORKERS_HAVE_ADMIN_API = (1, 130)
_VERSION = tuple(int(part) for part in synapse_version.split(".")[:2])


def _listener_in_readme() -> Sequence[str]:
    (listener,) = yaml.safe_load(readme.example("A separate listener"))["listeners"]
    return [name for resource in listener["resources"] for name in resource["names"]]


# Listeners of the main process without Synapse's admin API. Some versions lack some of
# these resources.
_BARE = [
    _listener_in_readme(),
    *([name] for name in ("static", "health") if name in KNOWN_RESOURCES),
]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With exact rollups; admin and user have uploaded a file each."""
    with deployed(
        tmp_path_factory.mktemp("synapse"),
        {"rollups": True},
        listeners=[["client"], *_BARE],
        worker_listeners=[["client"], []],
    ) as deployment:
        for account in (deployment.admin, deployment.user):
            deployment.main.upload(account, b"some bytes")
        wait_until(lambda: _rollups_are_exact(deployment))
        yield deployment


@pytest.fixture(scope="module", params=PROXIES, ids=lambda kind: kind.name)
def proxy(
    request: pytest.FixtureRequest,
    deployment: Deployment,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    """A client of a proxy that rewrites as the README says."""
    with deployment.behind(
        request.param, tmp_path_factory.mktemp(request.param.name)
    ) as client:
        yield client


def _rollups_are_exact(deployment: Deployment) -> bool:
    state = deployment.ask(deployment.worker, f"{MODULE_PATH}/v1/rollups").json()
    rollups = state["rollups"].values()
    return bool(rollups) and all(rollup["status"] == "exact" for rollup in rollups)


def _answerer(deployment: Deployment, url: str, path: str) -> str:
    """Who answers at a path: `module`, Synapse's own endpoint, or nobody."""
    # In Synapse's own endpoint, an empty page leads to itself.
    response = deployment.ask(Client(url), f"{path}?limit=0")
    if response.status == 404:
        assert response.json()["errcode"] == "M_UNRECOGNIZED"
        return "nobody"
    assert response.status == 200, response.body
    assert response.json()["total"] > 0
    return "built-in" if "next_token" in response.json() else "module"


# Behind a reverse proxy


@pytest.mark.parametrize(
    "query",
    [
        # Synapse's own endpoint answers each differently.
        "?limit=0",
        f"?search_term={quote('ÜNÏCODE')}",
        "?search_term=localhost",
        "?from=0&limit=1&order_by=media_length&dir=b&search_term=_&orderby=unknown",
    ],
)
def test_module_answers_documented_path(
    deployment: Deployment, proxy: Client, query: str
) -> None:
    through_proxy = deployment.ask(proxy, DOCUMENTED_PATH + query)

    assert through_proxy.status == 200
    on_worker = deployment.ask(deployment.worker, _USERS + query)
    assert through_proxy.json() == on_worker.json()
    built_in = deployment.ask(deployment.main, DOCUMENTED_PATH + query)
    assert through_proxy.json() != built_in.json()


def test_who_may_ask_through_proxy(deployment: Deployment, proxy: Client) -> None:
    no_token = proxy.request("GET", DOCUMENTED_PATH)
    assert no_token.status == 401
    assert no_token.json()["errcode"] == "M_MISSING_TOKEN"

    no_admin = proxy.request("GET", DOCUMENTED_PATH, token=deployment.user.access_token)
    assert no_admin.status == 403
    assert no_admin.json()["errcode"] == "M_FORBIDDEN"

    # Browsers refuse two of them.
    for error in (no_token, no_admin):
        assert error.headers.get_all("Access-Control-Allow-Origin") == ["*"]


def test_preflight_through_proxy(deployment: Deployment, proxy: Client) -> None:
    """The preflight of an admin tool on another host."""
    module = proxy.request("OPTIONS", DOCUMENTED_PATH)
    built_in = deployment.main.request("OPTIONS", DOCUMENTED_PATH)

    assert module.status == built_in.status == 204
    assert module.headers["Access-Control-Allow-Origin"] == "*"
    for header in ("Origin", "Methods", "Headers"):
        name = f"Access-Control-Allow-{header}"
        assert module.headers[name] == built_in.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/_synapse/admin/v1/server_version",
        "/_synapse/admin/v2/users",
        "/_synapse/admin/v1/users/@user:localhost:8448/media",
        "/_synapse/admin/v1/statistics/users",
        f"{DOCUMENTED_PATH}/",
        f"{DOCUMENTED_PATH}/more",
        f"{DOCUMENTED_PATH}s",
        "/_matrix/client/versions",
    ],
)
def test_synapse_answers_every_other_path(
    deployment: Deployment, proxy: Client, path: str
) -> None:
    through_proxy = deployment.ask(proxy, path)
    on_main = deployment.ask(deployment.main, path)

    assert through_proxy.status == on_main.status
    assert through_proxy.body == on_main.body


def test_worker_answers_documented_path(deployment: Deployment, proxy: Client) -> None:
    """The worker alone answers, also after the main process has stopped."""
    main = deployment.homeserver.main
    before = deployment.ask(proxy, DOCUMENTED_PATH)

    main.kill()
    try:
        after = deployment.ask(proxy, DOCUMENTED_PATH)
        other = deployment.ask(proxy, "/_synapse/admin/v1/server_version")
    finally:
        main.launch()
        main.wait_until_ready(120.0)

    assert after.status == before.status == 200
    assert after.json() == before.json()
    assert other.status == 502


# One process sees the changes of another


def test_module_path_on_a_worker(deployment: Deployment, tmp_path: Path) -> None:
    log = deployment.homeserver.workers["worker"].log_path
    query = "limit=17"
    with deployment.behind(Nginx, tmp_path, "A worker") as proxy:
        assert deployment.ask(proxy, f"{_USERS}?{query}").status == 200
        assert proxy.request("GET", f"{MODULE_PATH}/").status == 200
    wait_until(lambda: query in log.read_text())


def test_changes_are_seen_at_once(deployment: Deployment) -> None:
    homeserver, main = deployment.homeserver, deployment.main

    def on_worker() -> dict[str, Any]:
        answer = deployment.ask(deployment.worker, _USERS).json()
        assert answer["total"] == len(answer["users"])
        return {user["user_id"]: user for user in answer["users"]}

    before = on_worker()
    someone = homeserver.register("someone", displayname="Someone")
    assert on_worker() == before

    row: dict[str, object] = {"user_id": someone.user_id, "displayname": "Someone"}
    first = main.upload(someone, b"a" * 10)
    row |= {"media_count": 1, "media_length": 10}
    assert on_worker() == {**before, someone.user_id: row}

    second = main.upload(someone, b"b" * 1000)
    row |= {"media_count": 2, "media_length": 1010}
    assert on_worker() == {**before, someone.user_id: row}

    main.set_displayname(someone, "Someone else")
    row |= {"displayname": "Someone else"}
    assert on_worker() == {**before, someone.user_id: row}

    def delete(uri: str) -> None:
        path = f"/_synapse/admin/v1/media/{uri.removeprefix('mxc://')}"
        assert deployment.ask(main, path, "DELETE").status == 200

    delete(first)
    row |= {"media_count": 1, "media_length": 1000}
    assert on_worker() == {**before, someone.user_id: row}

    delete(second)
    assert on_worker() == before


def test_uploads_do_not_wait_for_the_log(deployment: Deployment) -> None:
    """The log is locked, as by VACUUM FULL. Nothing is missing afterwards."""

    def media_count() -> int:
        answer = deployment.ask(deployment.worker, _USERS).json()
        counts = [user["media_count"] for user in answer["users"]]
        return sum(counts)

    before = media_count()
    with closing(psycopg2.connect(**deployment.database)) as connection:
        cursor = connection.cursor()
        cursor.execute("LOCK TABLE media_stats_changes IN ACCESS EXCLUSIVE MODE")
        # The lock is held until both uploads have ended.
        for _ in range(2):
            deployment.main.upload(deployment.user, b"some more bytes")
    assert media_count() == before + 2
    wait_until(lambda: _rollups_are_exact(deployment))
    assert media_count() == before + 2


def test_totals_are_right_after_changes(deployment: Deployment) -> None:
    """A check by the worker finds no differences."""
    path = f"{MODULE_PATH}/v1/rollups/check"
    response = deployment.ask(deployment.worker, path, "POST")
    assert response.status == 200, response.body
    found = response.json()["differences"]
    assert set(found) == {"local", "remote"}
    for differences in found.values():
        assert set(differences.values()) == {0}


def test_new_admin_may_ask(deployment: Deployment) -> None:
    someone = deployment.homeserver.register("soon_admin")

    def status() -> int:
        token = someone.access_token
        return deployment.worker.request("GET", _USERS, token=token).status

    def make_admin(admin: bool) -> None:
        path = f"/_synapse/admin/v1/users/{someone.user_id}/admin"
        token = deployment.admin.access_token
        response = deployment.main.request(
            "PUT", path, token=token, content={"admin": admin}
        )
        assert response.status == 200, response.body

    assert status() == 403
    # Synapse caches who is an admin, until the other process tells it.
    make_admin(True)
    wait_until(lambda: status() == 200)
    make_admin(False)
    wait_until(lambda: status() == 403)


# Where the module is mounted


def test_module_path_on_every_listener(deployment: Deployment) -> None:
    homeserver = deployment.homeserver
    for process in (homeserver.main, *homeserver.workers.values()):
        for url in process.urls[: 1 + len(_BARE)]:
            assert _answerer(deployment, url, _USERS) == "module", url


def test_documented_path_on_main_process(deployment: Deployment) -> None:
    client, *bare = deployment.homeserver.main.urls[: 1 + len(_BARE)]

    assert _answerer(deployment, client, DOCUMENTED_PATH) == "built-in"
    assert len(bare) == len(_BARE) >= 2
    for resources, url in zip(_BARE, bare, strict=True):
        assert _answerer(deployment, url, DOCUMENTED_PATH) == "module", resources


def test_documented_path_on_worker(deployment: Deployment) -> None:
    answerer = "nobody" if _VERSION >= _WORKERS_HAVE_ADMIN_API else "module"
    urls = deployment.homeserver.workers["worker"].urls

    assert len(urls) == 2
    for url in urls:
        assert _answerer(deployment, url, DOCUMENTED_PATH) == answerer


# Options


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("path", "/_synapse/admin"),
        ("count_url_previews", "yes"),
        ("rollups", 1),
        ("rollups_check_interval", "soon"),
        ("metrics_interval", 0),
        ("no_such_option", True),
    ],
)
def test_bad_option_stops_synapse(tmp_path: Path, option: str, value: object) -> None:
    homeserver = Homeserver(tmp_path, module={option: value})

    with pytest.raises(StartError) as raised:
        homeserver.start()

    assert raised.value.exit_code == 1
    # As in the README's *Troubleshooting*.
    *_, name, failed, reason = raised.value.log_tail.strip().splitlines()
    assert f"'modules.<item 0>.config.{option}'" in name
    assert "Failed to parse config for module" in failed
    assert "must be" in reason or "unknown option" in reason


def test_no_option_is_needed(tmp_path: Path) -> None:
    with Homeserver(tmp_path, module={}) as homeserver:
        admin = homeserver.register("admin", admin=True)
        response = homeserver.client.request("GET", _USERS, token=admin.access_token)

    assert (response.status, response.json()) == (200, {"users": [], "total": 0})


def test_option_of_the_path(tmp_path: Path) -> None:
    path = "/_synapse/client/some/where"
    with Homeserver(tmp_path, module={"path": path}) as homeserver:
        token = homeserver.register("admin", admin=True).access_token
        at_path = homeserver.client.request("GET", f"{path}/v1/users", token=token)
        elsewhere = homeserver.client.request("GET", _USERS, token=token)

    assert (at_path.status, elsewhere.status) == (200, 404)
