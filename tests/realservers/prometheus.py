"""A Prometheus server, from the program that Debian's package `prometheus` installs."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from realservers.ports import free_port
from realservers.running import RunningServer

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 30.0


def missing_programs() -> str | None:
    """Why there can be no Prometheus here; None if there can be."""
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    if not missing:
        return None
    return f"no {' and no '.join(missing)} here; Debian's package prometheus has both"


class PrometheusServer(RunningServer):
    """A running server that scrapes some others every second.

    Attributes:
        url: where it answers.
    """

    def __init__(
        self, directory: Path, targets: Sequence[str], rule_files: Sequence[Path]
    ) -> None:
        """Start a server and wait until it answers.

        Args:
            directory: holds its configuration, data and log.
            targets: what to scrape, as `host:port`; at Synapse's path for metrics.
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
        self._log_path = directory / "prometheus.log"
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address={address}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the test run, which then stops the server itself.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now; the vector that it gives."""
        result: list[dict[str, Any]] = self._get("query", {"query": expression})[
            "result"
        ]
        return result

    def values_of_label(self, label: str, selector: str) -> list[str]:
        """The values that a label has in the series that a selector finds."""
        path = f"label/{quote(label)}/values"
        values: list[str] = self._get(path, {"match[]": selector})
        return values

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with what came of their last evaluation."""
        groups = self._get("rules", {})["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def stop(self) -> None:
        """Stop the server."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        url = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=30) as response:
            return json.load(response)["data"]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                urlopen(f"{self.url}/-/ready", timeout=5).close()
                return
            except (URLError, OSError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = self._log_path.read_text(errors="replace")
                    raise RuntimeError(f"Prometheus did not start:\n{log}") from error
            time.sleep(0.1)
