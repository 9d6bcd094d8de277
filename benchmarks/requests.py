"""The part `requests`: a page from rollups beside the smallest possible requests."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmarks.context import Context
from benchmarks.questions import all_questions
from benchmarks.site import Asked, median_database_s
from benchmarks.timing import Timed, take_turns

_RUNS = 200
_TIME_LIMIT_S = 30.0
_WHOAMI = "/_matrix/client/v3/account/whoami"
# The smallest work of an admin endpoint: a select from an empty table.
_TOKENS = "/_synapse/admin/v1/registration_tokens"
_PROBE = (
    "SELECT owner, media_count, media_length FROM media_stats_owners "
    "WHERE source = 'local' ORDER BY media_length DESC LIMIT 100"
)


def measure_requests(context: Context) -> None:
    """Compare first pages with Synapse's cheapest request, and with an index probe."""
    paths = {
        f"first page{question.name.removeprefix('users').split(',')[0]}": question.path
        for question in all_questions(context.site.size)
        if question.name.startswith("users by ")
        and question.name.endswith(", first page")
        and "displayname" not in question.name
    }
    paths["Synapse's own list of no registration tokens"] = _TOKENS
    paths["Synapse's own whoami"] = _WHOAMI
    with (
        context.site.running(rollups=True) as running,
        closing(context.site.cursor_connection()) as connection,
    ):

        def asking(path: str) -> Callable[[], Asked]:
            return lambda: running.ask(path)

        ways = {name: asking(path) for name, path in paths.items()}
        ways["index probe of 100 rows"] = lambda: Asked(_probe(connection))
        timed = take_turns(ways, runs=_RUNS, time_limit_s=_TIME_LIMIT_S)
    _write_down(context, timed)


def _write_down(context: Context, timed: dict[str, Timed[Asked]]) -> None:
    probe_s = timed.pop("index probe of 100 rows").median
    context.figure("requests", "bare index probe of 100 rows", probe_s * 1000, "ms")
    whoami_s = timed["Synapse's own whoami"].median
    for name, took in timed.items():
        context.figure("requests", f"{name}: request", took.median * 1000, "ms")
        context.figure(
            "requests", f"{name}: beside whoami", took.median / whoami_s, "times"
        )
        if name.startswith("first page"):
            database_s = median_database_s(took)
            context.figure("requests", f"{name}: database", database_s * 1000, "ms")
            context.figure(
                "requests", f"{name}: beside the probe", database_s / probe_s, "times"
            )


def _probe(connection: Any) -> object:
    cursor = connection.cursor()
    cursor.execute(_PROBE)
    rows = cursor.fetchall()
    connection.rollback()
    return rows
