"""Which tests need not run on each version of Synapse, or on each database.

Two markers, set here by folder, file or test:

- `once`: what it tests does not depend on the version of Synapse. Only the newest
  version runs it.
- `any_database`: what it tests does not depend on the database of the harness. Only
  `--database=sqlite` runs it. Tests that do not use the harness are marked so, too.
"""

import re
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent

# By the start of a test's ID below this folder, with the reason.
_ONCE = {
    "dashboard/": "files, and what a browser does with them",
    "deployment/test_admin_tools.py": "other programs; other tests have the answers",
    "deployment/test_prometheus.py": "Prometheus; test_metrics.py tests the exposition",
    "rest/test_buckets.py": "a calendar",
    "rest/test_csv_streaming.py": "a slow connection; test_csv.py tests the content",
    "rest/test_cursor.py": "an encoding",
    "rest/test_response.py": "a file and a connection",
    "rest/test_schemathesis.py": "made-up requests; other tests have the answers",
    "rollups/test_administrators_objects.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_check.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_dumps.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_keeper.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_keeper_times.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_roles.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_rollups_concurrency.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_rollups_kills.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_rollups_options.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_rollups_stateful.py": "the module's SQL, in any order",
    "rollups/test_rollups_times.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_schemas.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_triggers.py": "the module's SQL, on a real PostgreSQL",
    "rollups/test_version.py": "files",
    "tools/": "packaging, demo, documents, benchmark",
}

# Ways to answer that read the same tables of Synapse's as `live` and `totals` do.
_ONCE_WAYS = re.compile(r"TestCase_(scan|log)(_|::)")

_ANY_DATABASE = {
    "dashboard/": "files",
    "deployment/test_config.py": "a configuration",
    "rest/test_auth_delegated.py": "refused before the database is asked",
    "rest/test_auth_own_accounts.py": "refused before the database is asked",
    "rest/test_auth_paths.py": "refused before the database is asked",
    "rest/test_media_errors.py": "refused before the database is asked",
}

# A file that is moved must not lose its markers.
for _start in (*_ONCE, *_ANY_DATABASE):
    assert (_TESTS / _start.partition("::")[0]).exists(), _start


def mark(item: pytest.Item, *, on_harness: bool) -> None:
    """Give a test its markers.

    Args:
        item: the test.
        on_harness: whether it uses a homeserver of Synapse's harness.
    """
    _, _, name = item.nodeid.partition("::")
    test_id = f"{item.path.relative_to(_TESTS).as_posix()}::{name}"
    if test_id.startswith(tuple(_ONCE)) or _ONCE_WAYS.search(test_id):
        item.add_marker("once")
    if not on_harness or test_id.startswith(tuple(_ANY_DATABASE)):
        item.add_marker("any_database")
