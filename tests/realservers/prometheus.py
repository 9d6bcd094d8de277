"""A Prometheus server, from the program in Debian's package `prometheus`."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from demo.process import ServerProcess, free_port
from realservers.running import RunningServer


def missing_programs() -> str | None:
    """The reason why Prometheus cannot run here; None if it can."""
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    if not missing:
        return None
    return f"no {' and no '.join(missing)} here; Debian's package prometheus has both"


class PrometheusServer(RunningServer):
    """A running server that scrapes others every second.

    Attributes:
        url: its URL.
    """

    def __init__(
        self, directory: Path, targets: Sequence[str], rule_files: Sequence[Path]
    ) -> None:
        """Start a server and wait until it answers.

        Args:
            directory: holds its configuration, data and log.
            targets: the servers to scrape, as `host:port`; at Synapse's path.
            rule_files: the rules to evaluate, every second too.
        """
        config = directory / "prometheus.yml"
        # JSON is YAML.
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(path.resolve()) for path in rule_files],
                    "scrape_configs": [
                        {
                            "job_name": "synapse",
                            "metrics_path": "/_synapse/metrics",
                            "static_configs": [{"targets": list(targets)}],
                        }
                    ],
                }
            )
        )
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        self._process = ServerProcess(
            "Prometheus",
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={address}",
            ],
            directory / "prometheus.log",
            self._answers,
        )
        self._process.start()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now; return the vector."""
        result: list[dict[str, Any]] = self._get("query", {"query": expression})[
            "result"
        ]
        return result

    def values_of_label(self, label: str, selector: str) -> list[str]:
        """The values of a label in the series of a selector."""
        path = f"label/{quote(label)}/values"
        values: list[str] = self._get(path, {"match[]": selector})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with the results of their last evaluation."""
        groups = self._get("rules", {})["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def stop(self) -> None:
        """Stop the server."""
        self._process.stop()

    def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        url = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=60) as response:
            return json.load(response)["data"]

    def _answers(self) -> bool:
        urlopen(f"{self.url}/-/ready", timeout=5).close()
        return True
