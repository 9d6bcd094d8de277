"""The part `requests`: a page from rollups beside what cannot be done without."""

from collections.abc import Callable
from contextlib import closing

from synapse.module_api import LoggingTransaction

from benchmarks.context import Context
from benchmarks.questions import LOCAL, Question, all_questions
from benchmarks.site import in_transaction
from benchmarks.timing import Timed, take_turns

_RUNS = 200
_TIME_LIMIT_S = 30.0
_WHOAMI = "/_matrix/client/v3/account/whoami"
_USERS = "/_synapse/client/media_stats/v1/users"
# As little as an admin endpoint can do: select from a table, here an empty one.
_TOKENS = "/_synapse/admin/v1/registration_tokens"


def measure_requests(context: Context) -> None:
    """Compare first pages with Synapse's cheapest request, and with an index probe."""
    questions = {
        question.name.removeprefix("users by ").removesuffix(", first page"): question
        for question in all_questions(context.site.size)
        if question.name.endswith(", first page")
        and question.endpoint == "users"
        and "displayname" not in question.name
    }
    with (
        context.site.running(rollups=True) as running,
        closing(context.site.synapse_connection()) as connection,
    ):

        def request(question: Question) -> Callable[[], object]:
            return lambda: running.asker.get(_USERS + question.query_string)

        ways: dict[str, Callable[[], object]] = {
            _page(name): request(question) for name, question in questions.items()
        }
        ways["Synapse's own list of no registration tokens"] = lambda: (
            running.asker.get(_TOKENS)
        )
        ways["whoami"] = lambda: running.asker.get(_WHOAMI)
        _write_down(context, "whoami", "whole request", _take_turns(ways))

        def transaction(question: Question) -> Callable[[], object]:
            return lambda: in_transaction(connection, question.ask, True)

        ways = {
            _page(name): transaction(question) for name, question in questions.items()
        }
        ways["probe"] = lambda: in_transaction(connection, _probe_txn)
        _write_down(context, "probe", "database time", _take_turns(ways))


def _page(order: str) -> str:
    return f"first page by {order}"


def _take_turns(ways: dict[str, Callable[[], object]]) -> dict[str, Timed[object]]:
    return take_turns(ways, runs=_RUNS, time_limit_s=_TIME_LIMIT_S)


def _write_down(
    context: Context, base: str, what: str, timed: dict[str, Timed[object]]
) -> None:
    base_name = {
        "whoami": "Synapse's own whoami",
        "probe": "bare index probe of 100 rows",
    }[base]
    base_s = timed.pop(base).median
    context.figure("requests", f"{what}: {base_name}", base_s * 1000, "ms")
    for name, took in timed.items():
        label = f"{what}: {name}"
        context.figure("requests", label, took.median * 1000, "ms")
        context.figure(
            "requests", f"{label}, beside the {base}", took.median / base_s, "times"
        )


def _probe_txn(txn: LoggingTransaction) -> object:
    txn.execute(
        f"SELECT owner, media_count, media_length FROM {LOCAL.owners} "
        "ORDER BY media_length DESC LIMIT 100"
    )
    return txn.fetchall()
