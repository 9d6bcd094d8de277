"""Synapse's own endpoint for users: its path, and its statements without its server."""

from types import SimpleNamespace
from typing import Any, cast

from synapse.module_api import DatabasePool, LoggingTransaction
from synapse.storage.databases.main.stats import StatsStore

from benchmarks.dataset import SERVER_NAME
from benchmarks.questions import Question

try:
    from synapse.api.constants import Direction
except ImportError:  # Synapse 1.75
    Direction = str  # type: ignore[misc, assignment]

PATH = "/_synapse/admin/v1/statistics/users/media"


def ask_built_in(txn: LoggingTransaction, question: Question) -> object:
    """Run what Synapse's own endpoint runs for a question, in a transaction."""

    async def run(_: str, function: Any) -> object:
        return function(txn)

    # All that the function has of its store is a way to run a transaction; in older
    # versions the server's name, and a function of the pool, too.
    server = SimpleNamespace(server_name=SERVER_NAME)
    pool = SimpleNamespace(
        runInteraction=run, cursor_to_dict=getattr(DatabasePool, "cursor_to_dict", None)
    )
    store = SimpleNamespace(
        db_pool=pool, hs=SimpleNamespace(config=SimpleNamespace(server=server))
    )
    asked = question.parameters
    coroutine = StatsStore.get_users_media_usage_paginate(
        cast(StatsStore, store),
        start=cast(int, asked.get("from", 0)),
        limit=cast(int, asked.get("limit", 100)),
        from_ts=cast(int, asked.get("from_ts", 0)),
        until_ts=cast("int | None", asked.get("until_ts")),
        order_by=cast(str, asked.get("order_by", "user_id")),
        direction=Direction(asked.get("dir", "f")),
        search_term=cast("str | None", asked.get("search_term")),
    )
    # It waits for nothing.
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast(object, done.value)
    raise AssertionError("Synapse's function waits for something")
