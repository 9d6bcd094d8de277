"""The command line's options are the API's parameters, with its checks and errors."""

import subprocess
import sys
from typing import ClassVar

import pytest
from parameterized import parameterized  # type: ignore[import-untyped]
from support import MODULE_PATH, MediaStatsTestCase

from media_stats_module.__main__ import main
from media_stats_module.endpoints import ENDPOINTS, Parameter

pytestmark = [pytest.mark.once, pytest.mark.any_database]

# Runs the command, and prints whether it has imported Synapse.
_PROGRAM = """
import sys
from media_stats_module.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print("synapse" in sys.modules, "twisted" in sys.modules)
"""

_WRONG = (
    "",
    "x",
    "-1",
    "1.5",
    "9" * 20,
    "9" * 5_000,
    "True",
    "F",
    "\0",
    "é",
    "a" * 513,
    "@a",
    "*/*",
)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--help"], 0, "reclaimable"),
        (["files", "--help"], 0, "--reclaimable-before-ts"),
        (["nothing"], 2, "invalid choice: 'nothing'"),
        (["users"], 2, "-c/--config-path"),
        (["users", "-c", "x", "--nothing"], 2, "unrecognized arguments: --nothing"),
        (["users", "-c", "x", "--lim", "1"], 2, "unrecognized arguments: --lim 1"),
        (["users", "-c", "x", "--limit", "ten"], 2, "limit must be an integer"),
        (["types", "-c", "x", "--until-ts", "0"], 2, "until_ts must be greater"),
        (["files", "-c", "x", "--from", "x"], 2, "from must be the next_token"),
        (
            ["users", "-c", "x", "--deactivated=1"],
            2,
            "must be one of ['true', 'false']",
        ),
        (["summary", "-c", "x", "--csv"], 2, "unrecognized arguments: --csv"),
    ],
)
def test_synapse_is_not_imported(arguments: list[str], status: int, said: str) -> None:
    """Importing Synapse takes seconds; an error comes at once."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert done.stdout.endswith("False False\n")
    assert said in done.stdout + done.stderr


def test_every_parameter_has_a_help(capsys: pytest.CaptureFixture[str]) -> None:
    for endpoint in ENDPOINTS:
        with pytest.raises(SystemExit):
            main([endpoint.name, "--help"])
        shown = capsys.readouterr().out
        for parameter in endpoint.parameters:
            if isinstance(parameter, Parameter):
                assert parameter.help
                assert f"--{parameter.name.replace('_', '-')} " in shown, parameter


class ErrorsTestCase(MediaStatsTestCase):
    shares_homeserver: ClassVar[bool] = True

    @pytest.fixture(autouse=True)
    def _capture(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    @parameterized.expand([(each.name,) for each in ENDPOINTS])  # type: ignore[untyped-decorator]
    def test_errors_are_those_of_the_api(self, name: str) -> None:
        (endpoint,) = (each for each in ENDPOINTS if each.name == name)
        refused = 0
        for parameter in endpoint.parameters:
            if not isinstance(parameter, Parameter):
                continue
            for value in _WRONG:
                query = {parameter.name: value}
                channel = self.ask(f"{MODULE_PATH}/v1/{name}", query)
                option = f"--{parameter.name.replace('_', '-')}={value}"
                if channel.code == 200:
                    continue
                refused += 1
                with pytest.raises(SystemExit) as exited:
                    main([name, option, "-c", "there is no such file"])
                assert exited.value.code == 2
                said = self.capsys.readouterr().err
                assert said.endswith(f": error: {channel.json_body['error']}\n"), query
        assert refused or not endpoint.parameters
