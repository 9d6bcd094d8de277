"""Programs that are in no wheel; reports which ones tests were skipped for.

With `REQUIRE_PROGRAMS=1` in the environment, a missing one fails the run.
"""

import os

import pytest

# Debian's packages, by the name in the reason for skipping.
_PACKAGES = {
    "chromium": "chromium-headless-shell",
    "nginx": "nginx",
    "node and npm": "nodejs npm",
    "prometheus": "prometheus",
    "promtool": "prometheus",
}


class ReportMissingPrograms:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self._packages: set[str] = set()
        self._skipped = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.skipped or not isinstance(report.longrepr, tuple):
            return
        reason = report.longrepr[2].lower()
        packages = {_PACKAGES[program] for program in _PACKAGES if program in reason}
        self._packages |= packages
        self._skipped += bool(packages)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._packages and os.environ.get("REQUIRE_PROGRAMS") == "1":
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if self._packages:
            terminalreporter.write_line(
                f"{self._skipped} tests did not run. They need programs of these "
                f"packages of Debian: {' '.join(sorted(self._packages))}",
                red=True,
            )
