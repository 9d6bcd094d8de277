"""The dashboard and the alerts, with a real Prometheus that scrapes a real Synapse.

No wheel has Prometheus. Without it, these tests are skipped.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from realservers.postgres import PostgresServer
from realservers.prometheus import PrometheusServer, missing_programs
from support import MODULE_PATH

from demo.client import Client
from demo.homeserver import Homeserver
from demo.process import free_port

_ROOT = Path(__file__).resolve().parents[2]
_DASHBOARD = _ROOT / "contrib" / "grafana" / "media_stats.json"
_RULES = _ROOT / "contrib" / "prometheus" / "media_stats.rules.yaml"
_ALERT_TESTS = Path(__file__).with_name("alerts.test.yaml")

# A scrape and a refresh come every second, a build some seconds after the start. This
# is long enough for a busy machine.
_PATIENCE_S = 90.0

# test_metrics.py tests the exposition on every version.
pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(missing_programs() is not None, reason=str(missing_programs())),
]


def wait_for(what: str, is_so: Callable[[], Any]) -> Any:
    """Ask until the answer is not empty; return it."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"there is still no {what}"
        time.sleep(0.2)
    return answer


def promtool(*arguments: object, stdin: str | None = None) -> str:
    """Run Prometheus's own tool, which must find no errors; return its output."""
    result = subprocess.run(
        ["promtool", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=600,
    )
    printed = result.stdout + result.stderr
    assert result.returncode == 0, printed
    return printed


class Server:
    """A homeserver with rollups, an admin, and a file of 11 bytes; totals checked.

    Attributes:
        name: the server's name.
        metrics: the address of its metrics, as `host:port`.
    """

    name = "metrics.example"

    def __init__(self, directory: Path, postgres: PostgresServer) -> None:
        port, metrics_port = free_port(), free_port()
        self.metrics = f"127.0.0.1:{metrics_port}"
        local = {"bind_addresses": ["127.0.0.1"]}
        client = {"type": "http", "port": port, "resources": [{"names": ["client"]}]}
        metrics = {"type": "metrics", "port": metrics_port}
        self.homeserver = Homeserver(
            directory,
            server_name=self.name,
            module={"rollups": True, "metrics_interval": "1s"},
            postgres=postgres.dsn("synapse"),
            port=port,
            overrides={
                "enable_metrics": True,
                "listeners": [{**client, **local}, {**metrics, **local}],
            },
        )

    def ask(self, method: str, path: str) -> Any:
        """Ask the module as an admin; return the JSON of the answer."""
        response = self.homeserver.client.request(
            method, f"{MODULE_PATH}/v1/{path}", token=self._admin.access_token
        )
        assert response.status == 200, response
        return response.json()

    def exposition(self) -> list[str]:
        """The lines that Prometheus gets."""
        client = Client(f"http://{self.metrics}")
        return client.request("GET", "/_synapse/metrics").body.decode().splitlines()

    def prepare(self) -> None:
        """Upload the file, and wait for rollups and their check."""
        self._admin = self.homeserver.register("admin", admin=True)
        self.homeserver.client.upload(self._admin, b"Hello world")
        wait_for("rollups", self._are_built)
        self.ask("POST", "rollups/check")

    def _are_built(self) -> bool:
        rollups = self.ask("GET", "rollups")["rollups"]
        return bool(rollups) and all(
            each["status"] == "exact" for each in rollups.values()
        )


@pytest.fixture(scope="module")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with PostgresServer.start() as postgres:
        postgres.create_database("synapse")
        server = Server(tmp_path_factory.mktemp("synapse"), postgres)
        with server.homeserver:
            server.prepare()
            yield server


@pytest.fixture(scope="module")
def prometheus(
    synapse: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """Scrapes that homeserver."""
    directory = tmp_path_factory.mktemp("prometheus")
    with PrometheusServer(directory, [synapse.metrics], [_RULES]) as server:
        yield server


def queries() -> list[tuple[str, str]]:
    """The query of each panel of the dashboard, by title."""
    dashboard = json.loads(_DASHBOARD.read_text())
    return [
        (panel["title"], target["expr"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


@pytest.mark.parametrize(("title", "expression"), queries())
def test_every_panel_has_data(
    title: str, expression: str, synapse: Server, prometheus: PrometheusServer
) -> None:
    expression = _with_variables(expression, synapse.name)
    assert "$" not in expression
    # This server is new, and does not grow.
    for part in (" offset 1d", " offset 7d", " > 0"):
        expression = expression.replace(part, "")
    if "rollups_failure" in expression or "appservice" in expression:
        # Nothing fails, and there is no application service.
        expression = f"absent({expression})"
    wait_for(title, lambda: prometheus.query(expression))


def _with_variables(expression: str, server_name: str) -> str:
    """Replace the dashboard's variables, as Grafana does."""
    for name, value in {
        "server_name": server_name,
        "job": ".+",
        "instance": ".+",
    }.items():
        expression = expression.replace(f"${name}", value)
    return expression


_GIB = 1024**3


def test_growth_when_the_work_moves_to_another_process(tmp_path: Path) -> None:
    """Two servers grow by a GiB a day each; both processes are seen for a while."""
    step = _GIB // (24 * 12)
    moved = f"_x1195 {1195 * step}+{step}x1200"
    series = {("one", "main"): f"0+{step}x1200 stale", ("one", "worker"): moved}
    # It is new.
    series["two", "main"] = moved
    by_title = dict(queries())

    def sample(title: str, hours: int, value: float | None) -> dict[str, object]:
        samples = [] if value is None else [{"labels": "{}", "value": value}]
        return {
            "expr": _with_variables(by_title[title], ".+"),
            "eval_time": f"{hours}h",
            "exp_samples": samples,
        }

    def stored(hours: int) -> int:
        return 12 * hours * step

    free = 200 * _GIB
    test = {
        "interval": "5m",
        "input_series": [
            {
                "series": 'synapse_media_stats_bytes{source="local", kind="uploads", '
                f'job="synapse", server_name="{server_name}", instance="{instance}"}}',
                "values": values,
            }
            for (server_name, instance), values in series.items()
        ]
        + [
            {
                "series": "synapse_media_stats_file_system_avail_bytes"
                f'{{job="synapse", server_name="one", instance="{instance}"}}',
                "values": f"{free}x2400",
            }
            for instance in ("main", "worker")
        ],
        "promql_expr_test": [
            sample("Stored", 99, stored(99)),
            sample("Stored", 100, 2 * stored(100)),
            sample("Growth in a day", 100, stored(24)),
            sample("Growth in a day", 130, 2 * stored(24)),
            # The rate needs seven days.
            sample("Disk full in", 100, None),
            sample("Disk full in", 190, free / stored(168) * 7 * 86400),
        ],
    }
    path = tmp_path / "panels.test.yaml"
    path.write_text(json.dumps({"evaluation_interval": "5m", "tests": [test]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_every_panel_says_what_it_shows() -> None:
    """The rules of Grafana's dashboard-linter, by hand."""
    dashboard = json.loads(_DASHBOARD.read_text())
    assert dashboard["editable"] is False
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert all(panel["title"] and panel["description"] for panel in panels)
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels)
    for _, expression in queries():
        selectors = expression.count("synapse_media_stats_")
        matchers = '{job=~"$job", instance=~"$instance", server_name=~"$server_name"}'
        assert expression.count(matchers) == selectors


def test_the_dashboard_finds_the_server(
    synapse: Server, prometheus: PrometheusServer
) -> None:
    dashboard = json.loads(_DASHBOARD.read_text())
    (variable,) = (
        variable
        for variable in dashboard["templating"]["list"]
        if variable["name"] == "server_name"
    )
    query = variable["query"]["query"]
    arguments = query.removeprefix("label_values(").removesuffix(")")
    selector, label = _with_variables(arguments, synapse.name).rsplit(", ", 1)
    names = wait_for("server", lambda: prometheus.values_of_label(label, selector))
    assert names == [synapse.name]


def test_the_dashboard_and_the_documents_have_every_metric(synapse: Server) -> None:
    lines = synapse.exposition()
    names = {
        line.split()[2] for line in lines if line.startswith("# TYPE synapse_media_")
    }
    asked = " ".join(expression for _, expression in queries())
    assert len(names) == 17
    assert [name for name in names if f"{name}{{" not in asked] == []
    table = (_ROOT / "docs" / "monitoring.md").read_text()
    short = {name.removeprefix("synapse_media_stats_") for name in names}
    assert [name for name in short if f"`{name}`" not in table] == []


def test_the_numbers_are_those_of_the_api(
    synapse: Server, prometheus: PrometheusServer
) -> None:
    total = synapse.ask("GET", "summary")["total"]
    assert total == {"media_count": 1, "media_length": 11}

    def value(expression: str) -> str:
        (sample,) = wait_for(expression, lambda: prometheus.query(expression))
        _, number = sample["value"]
        return str(number)

    # A refresh may have begun before the file came.
    wait_for("file", lambda: value("sum(synapse_media_stats_files)") == "1")
    assert value("sum(synapse_media_stats_bytes)") == "11"
    assert value("synapse_media_stats_users_with_media") == "1"
    assert value("synapse_media_stats_servers_with_media") == "0"


def test_the_alerts_are_evaluated_and_silent(prometheus: PrometheusServer) -> None:
    wait_for(
        "evaluation",
        lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()),
    )
    assert [
        (rule["name"], rule["health"], rule.get("state")) for rule in prometheus.rules()
    ] == [
        ("media_stats:bytes", "ok", None),
        ("MediaStoreFillsDisk", "ok", "inactive"),
        ("MediaStoreGrowsFast", "ok", "inactive"),
        ("MediaStatsRollupsFail", "ok", "inactive"),
        ("MediaStatsDifferencesFound", "ok", "inactive"),
    ]


def test_the_alerts_fire_when_they_should() -> None:
    assert "5 rules found" in promtool("check", "rules", _RULES)
    assert "SUCCESS" in promtool("test", "rules", _ALERT_TESTS)


def test_names_and_units_are_as_prometheus_wants_them(synapse: Server) -> None:
    ours = "".join(
        f"{line}\n" for line in synapse.exposition() if "synapse_media_stats_" in line
    )
    assert ours.count("# HELP") == 17
    assert promtool("check", "metrics", stdin=ours) == ""
