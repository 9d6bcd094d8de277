"""Changes the code that a commit touches, and shows which changes no test notices.

Cosmic Ray makes the mutants: a comparison or a sign is another, a number is one more,
a condition is negated, a loop or a decorator is left out. It runs the tests of the
changed module against each. SQL stays as it is: a mutant of it is made by hand.

    tox -e mutants                     # the last commit, and what is not committed
    tox -e mutants -- main             # what differs from main
    tox -e mutants -- main tests/rest/test_files.py --database=postgres

Lines that are not committed count, too. A survivor is a test that is missing, or a
change that means nothing.

All this happens in a copy of the files that git knows or could know, so that the
working tree stays as it is.
"""

# ruff: noqa: T201 - a command line prints

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attr

_ROOT = Path(__file__).parent.parent.parent
_PACKAGE = "media_stats_module"

# Which tests are about a module: by the start of its path, the first that applies.
_TESTS = (
    ("rest/dashboard.py", "tests/dashboard/test_dashboard*.py"),
    ("rest/", "tests/rest tests/owners"),
    ("storage/owners/", "tests/owners"),
    (
        "storage/shared_database.py",
        "tests/deployment/test_lanes.py tests/deployment/test_guest*",
    ),
    (
        "storage/offline_database.py",
        "tests/rollups/test_command_line.py tests/rollups/test_remove.py",
    ),
    ("storage/rollups/", "tests/rollups"),
    ("storage/", "tests/rest tests/owners"),
    ("rollups_keeper.py", "tests/rollups"),
    ("__main__.py", "tests/rollups/test_command_line.py tests/rollups/test_remove.py"),
    ("prometheus.py", "tests/deployment/test_metrics*.py"),
    ("config.py", "tests/deployment/test_config*.py"),
    ("announce.py", "tests/deployment/test_announce*.py"),
    ("", "tests/rest tests/owners tests/deployment"),
)

# Of the mutants of an operator, those that say most. The others would take hours, and
# nearly all of them are errors that every test notices.
_LEFT_OUT = (
    "core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|Mod_Add)",
    "core/ReplaceComparisonOperator_(?!Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is"
    "|LtE?_LtE?$|GtE?_GtE?$|Lt_GtE|GtE_Lt|LtE_Gt$|Gt_LtE)",
    "core/ReplaceUnaryOperator_(?!USub_UAdd|Delete_Not)",
)

# A mutant that takes so many times as long as the code itself has made a loop endless.
_TIMES_AS_LONG = 3
_AT_LEAST_S = 60


@attr.frozen
class Mutant:
    """A change of the code, and whether a test noticed.

    Attributes:
        place: the file and the line.
        operator: what was done to the code.
        is_killed: whether a test failed, or did not end.
        is_endless: whether it did not end.
        diff: the change, as lines.
    """

    place: str
    operator: str
    is_killed: bool
    is_endless: bool
    diff: Sequence[str]

    def __str__(self) -> str:
        outcome = "killed" if self.is_killed else "SURVIVED"
        if self.is_endless:
            outcome = "timeout"
        shown = () if self.is_killed else self.diff
        return "\n         ".join((f"{outcome:8} {self.place} {self.operator}", *shown))


@attr.frozen
class _Session:
    """The mutants of one module.

    Attributes:
        module: its path, from the root of the repository.
        base: the commit that the module is compared with.
        test_command: what runs the tests.
        directory: a copy of the repository, and the place for the session's own files.
    """

    module: str
    base: str
    test_command: Sequence[str]
    directory: Path

    def run(self) -> Iterator[Mutant]:
        """Run the tests against each mutant of the lines that differ."""
        self._configure(timeout_s=_AT_LEAST_S)
        config, database = self._config, str(self.directory / "session.sqlite")
        self._tool("cosmic-ray", "init", config, database)
        # In the repository: the copy has no history.
        self._tool("cr-filter-git", database, "--config", config, directory=_ROOT)
        self._tool("cr-filter-operators", database, config)
        # The others are of lines that do not differ, or of operators that are left out.
        left = self._left(database)
        print(f"\n{self.module}: {len(left)} mutants", flush=True)
        if not left:
            return
        print(shlex.join(self.test_command), flush=True)
        started = time.monotonic()
        if subprocess.run(self.test_command, cwd=self.directory).returncode:
            raise SystemExit("The tests fail without a mutant, too.")
        took_s = time.monotonic() - started
        print(f"Each mutant takes up to {took_s:.0f} s.", flush=True)
        self._configure(timeout_s=max(_AT_LEAST_S, _TIMES_AS_LONG * took_s))
        self._tool("cosmic-ray", "exec", config, database)
        for job, mutation, result in self._dump(database):
            if job in left:
                yield Mutant(
                    place=f"{self.module}:{mutation['start_pos'][0]}",
                    operator=mutation["operator_name"].removeprefix("core/"),
                    is_killed=result["test_outcome"] != "survived",
                    is_endless=result["output"] == "timeout",
                    # Without the names of the files, and the lines around.
                    diff=[
                        line
                        for line in result["diff"].splitlines()[3:]
                        if line.startswith(("-", "+"))
                    ],
                )

    @property
    def _config(self) -> str:
        return str(self.directory / "session.toml")

    def _configure(self, *, timeout_s: float) -> None:
        # A string in JSON is one in TOML, too.
        text = f"""
            [cosmic-ray]
            module-path = {json.dumps(self.module)}
            timeout = {timeout_s:.1f}
            excluded-modules = []
            test-command = {json.dumps(shlex.join(self.test_command))}
            [cosmic-ray.distributor]
            name = "local"
            [cosmic-ray.filters.git-filter]
            branch = {json.dumps(self.base)}
            [cosmic-ray.filters.operators-filter]
            exclude-operators = {json.dumps(_LEFT_OUT)}
        """
        Path(self._config).write_text(text)

    def _tool(self, *command: str, directory: Path | None = None) -> str:
        return subprocess.run(
            command,
            cwd=directory or self.directory,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def _dump(self, database: str) -> Iterator[tuple[str, Any, Any]]:
        """The mutants: an ID, what is changed, and the result or None."""
        for line in self._tool("cosmic-ray", "dump", database).splitlines():
            item, result = json.loads(line)
            yield item["job_id"], item["mutations"][0], result

    def _left(self, database: str) -> set[str]:
        """The mutants that have no result yet."""
        return {job for job, _, result in self._dump(database) if result is None}


def main() -> int:
    """Run the command.

    Returns:
        the exit status: 0 if every mutant is killed.
    """
    parser = argparse.ArgumentParser(
        description="Change the lines that differ from a commit, and run the tests "
        "against each change.",
        epilog="Further arguments are for pytest, in place of the tests of the module.",
    )
    parser.add_argument(
        "base", nargs="?", default="HEAD~1", help="default: %(default)s"
    )
    options, for_pytest = parser.parse_known_args()
    changed = _git("diff", "--name-only", "--diff-filter=d", options.base)
    mutants: list[Mutant] = []
    for module in changed:
        if not (module.startswith(f"{_PACKAGE}/") and module.endswith(".py")):
            continue
        command = _pytest(for_pytest) if for_pytest else _test_command(module)
        with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
            _copy_to(Path(directory))
            # Not the package that is installed.
            os.environ["PYTHONPATH"] = directory
            for mutant in _Session(
                module, options.base, command, Path(directory)
            ).run():
                print(mutant, flush=True)
                mutants.append(mutant)
    survived = [mutant for mutant in mutants if not mutant.is_killed]
    print(f"\n{len(mutants)} mutants, {len(survived)} survived")
    return 1 if survived else 0


def _test_command(module: str) -> list[str]:
    """The command that runs the tests of a module, first those that are named so.

    Most mutants are killed by one of these.
    """
    inside = module.removeprefix(f"{_PACKAGE}/")
    name = Path(module).stem.strip("_")
    patterns = next(tests for start, tests in _TESTS if inside.startswith(start))
    runs = [
        shlex.join(_pytest(found))
        for found in (_found(f"tests/*/test_{name}*.py"), _found(patterns))
        if found
    ]
    return ["sh", "-c", " && ".join(dict.fromkeys(runs))]


def _pytest(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-q", *arguments]


def _found(patterns: str) -> list[str]:
    return [
        path.relative_to(_ROOT).as_posix()
        for pattern in patterns.split()
        for path in sorted(_ROOT.glob(pattern))
    ]


def _copy_to(directory: Path) -> None:
    """Copy all files of the repository but those that git ignores."""
    for name in _git("ls-files", "--cached", "--others", "--exclude-standard"):
        source, target = _ROOT / name, directory / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target, follow_symlinks=False)
    # What was downloaded once.
    (directory / ".cache").symlink_to(_ROOT / ".cache")


def _git(*arguments: str) -> list[str]:
    command = ("git", "-c", "core.quotePath=false", *arguments)
    return subprocess.run(
        command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
