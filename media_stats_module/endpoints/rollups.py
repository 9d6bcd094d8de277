"""`rollups`: whether rollups are on, and the state of the totals of each source."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attr

from media_stats_module.endpoints._description import Document, JsonDict, Server

if TYPE_CHECKING:
    from media_stats_module.storage import MediaStatsStore, RollupState


async def _answer(store: "MediaStatsStore", server: Server, question: None) -> JsonDict:
    states: Mapping[str, RollupState] = {}
    if store.has_rollups:
        states = await store.get_rollup_states()
    failures = store.maintenance.failures
    return {
        "enabled": store.has_rollups,
        "rollups": {
            source: {**attr.asdict(state), "status": state.status.value}
            for source, state in states.items()
        },
        # Only the process that runs background tasks knows; null on others.
        "failures": failures
        and {step: failure.reason for step, failure in failures.items()},
    }


ROLLUPS = Document(
    name="rollups",
    help="the state of the rollups",
    parameters=(),
    question=lambda: None,
    answer=_answer,
)
