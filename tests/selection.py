"""Which tests need not run on each version of Synapse, or on each database.

Two markers, set here by folder, file or test:

- `once`: what it tests does not depend on the version of Synapse. Only the newest
  version runs it.
- `any_database`: what it tests does not depend on the database of the harness. Only
  `--database=sqlite` runs it. Tests that do not use the harness are marked so, too.
"""

import re
from itertools import chain
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent

# The start of a test's ID below this folder, by the reason.
_ONCE = {
    "files, and what a browser does with them": ("dashboard/",),
    "other programs; other tests have the answers": ("deployment/test_admin_tools.py",),
    "Prometheus; test_metrics.py tests the exposition": (
        "deployment/test_prometheus.py",
    ),
    "a calendar": ("rest/test_buckets.py",),
    "a slow connection; test_csv.py tests the content": ("rest/test_csv_streaming.py",),
    "another of Synapse's scripts; test_dumps.py tests what copies tables": (
        "deployment/test_port_db.py",
    ),
    "an encoding": ("rest/test_cursor.py",),
    "a file and a connection": ("rest/test_response.py",),
    "patterns; test_search.py tests what is found": ("owners/test_search_patterns.py",),
    "made-up requests; other tests have the answers": ("rest/test_schemathesis.py",),
    "the module's SQL, on a real PostgreSQL": (
        "rollups/test_administrators_objects.py",
        "rollups/test_check.py",
        "rollups/test_dumps.py",
        "rollups/test_keeper.py",
        "rollups/test_keeper_times.py",
        "rollups/test_roles.py",
        "rollups/test_rollups_concurrency.py",
        "rollups/test_rollups_kills.py",
        "rollups/test_rollups_options.py",
        "rollups/test_rollups_times.py",
        "rollups/test_schemas.py",
        "rollups/test_triggers.py",
    ),
    "the command and the SQL of test_remove.py, as docs/install.md has them": (
        "rollups/test_uninstall.py",
    ),
    "how the module repairs its own tables": ("rollups/test_rollups_repair.py",),
    "the module's SQL, in any order": ("rollups/test_rollups_stateful.py",),
    "files": ("rollups/test_version.py",),
    "packaging, demo, documents, benchmark": ("tools/",),
}

# Ways to answer that read the same tables of Synapse's as another way does.
_ONCE_WAYS = {
    "sqlite": re.compile(r"TestCase_scan(_|::)"),
    # `totals` has what is of PostgreSQL, and SQLite has `live`.
    "postgres": re.compile(r"TestCase_(live|scan|log)(_|::)"),
}

_ANY_DATABASE = {
    "files": ("dashboard/",),
    "packaging, demo, documents, benchmark": ("tools/",),
    "a configuration": ("deployment/test_config.py",),
    "refused before the database is asked": (
        "rest/test_auth_delegated.py",
        "rest/test_auth_own_accounts.py",
        "rest/test_auth_paths.py",
        "rest/test_media_errors.py",
    ),
}

# A file that is moved must not lose its markers.
_ONCE_STARTS = tuple(chain.from_iterable(_ONCE.values()))
_ANY_DATABASE_STARTS = tuple(chain.from_iterable(_ANY_DATABASE.values()))
for _start in _ONCE_STARTS + _ANY_DATABASE_STARTS:
    assert (_TESTS / _start).exists(), _start


def leaves_out(expression: str, path: Path) -> bool:
    """Whether no test of a file or folder can run, so that nothing need be imported.

    Args:
        expression: of `-m`. Other forms than `not … and not …` leave nothing out here.
        path: of the file or folder.
    """
    if not re.fullmatch(r"not \w+( and not \w+)*", expression):
        return False
    starts: tuple[str, ...] = ()
    if "not once" in expression:
        starts += _ONCE_STARTS
    if "not any_database" in expression:
        starts += _ANY_DATABASE_STARTS
    # With the slash that folders have in the lists above.
    return f"{path.relative_to(_TESTS).as_posix()}/".startswith(starts)


def mark(item: pytest.Item, *, on_harness: bool) -> None:
    """Give a test its markers.

    Args:
        item: the test.
        on_harness: whether it uses a homeserver of Synapse's harness.
    """
    _, _, name = item.nodeid.partition("::")
    test_id = f"{item.path.relative_to(_TESTS).as_posix()}::{name}"
    once_ways = _ONCE_WAYS[item.config.getoption("database")]
    if test_id.startswith(_ONCE_STARTS) or once_ways.search(test_id):
        item.add_marker("once")
    if not on_harness or test_id.startswith(_ANY_DATABASE_STARTS):
        item.add_marker("any_database")
