"""The costs that the store announces to the queues, by question.

test_guest.py tests that the queues keep to them.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

import attr
import pytest

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    FilesOrder,
    FilesQuestion,
    OwnersOrder,
    OwnersQuestion,
    Source,
    SummaryQuestion,
    TypesQuestion,
)
from media_stats_module.storage import MediaStatsStore
from media_stats_module.storage.database import Cost, Database

# Nothing is asked.
pytestmark = pytest.mark.once

_Ask = Callable[[MediaStatsStore], Coroutine[Any, Any, object]]

_WHOLE, _OWNER, _EXPORT = Cost.WHOLE_TABLE, Cost.ONE_OWNER, Cost.EXPORT
_TOTALS = Cost.TOTALS
_PAGE = (Cost.PROBES, Cost.TOTALS)


class _AskedError(Exception):
    """Ends a question."""


@attr.define
class _Database:
    """Notes the costs, and answers nothing."""

    server_name = "test"
    costs: Sequence[Cost] = ()

    async def read(self, _: str, __: object, costs: Sequence[Cost]) -> None:
        self.costs = costs
        raise _AskedError


def _users(**question: Any) -> _Ask:
    return lambda store: store.get_users_page(OwnersQuestion(**question))


def _files(**question: Any) -> _Ask:
    asked = FilesQuestion(**{"source": Source.LOCAL, **question})
    return lambda store: store.get_files_page(asked)


def _summary(**question: Any) -> _Ask:
    return lambda store: store.get_summary(SummaryQuestion(**question))


def _types(**question: Any) -> _Ask:
    asked = TypesQuestion(source=Source.LOCAL, **question)
    return lambda store: store.get_types_page(asked)


@pytest.mark.parametrize(
    ("ask", "with_rollups", "without"),
    [
        (_users(), (*_PAGE, _WHOLE), _WHOLE),
        (_users(start=1_000), (*_PAGE, _WHOLE), _WHOLE),
        (_users(start=1_001), (_TOTALS, _WHOLE), _WHOLE),
        (_users(limit=101), (_TOTALS, _WHOLE), _WHOLE),
        (_users(limit=10_001), (_TOTALS, _EXPORT), _EXPORT),
        (_users(search_term="a"), (_TOTALS, _WHOLE), _WHOLE),
        (_users(order_by=OwnersOrder.DISPLAYNAME), (_TOTALS, _WHOLE), _WHOLE),
        (_users(from_ts=1), (_WHOLE,), _WHOLE),
        (_summary(), (*_PAGE, _WHOLE), _WHOLE),
        (_summary(duplicates=True), (_WHOLE,), _WHOLE),
        (_summary(owner="@a:test"), (_OWNER,), _OWNER),
        (_types(grouped=True), (*_PAGE, _WHOLE), _WHOLE),
        (_types(), (_WHOLE,), _WHOLE),
        (_types(owner="@a:test", limit=100), (_OWNER,), _OWNER),
        (_files(limit=100), (Cost.PROBES, _WHOLE), None),
        (_files(limit=101), (_WHOLE,), None),
        (_files(limit=10_001), (_EXPORT,), None),
        (_files(order_by=FilesOrder.CREATED_TS), (_WHOLE,), None),
    ],
)
def test_costs(ask: _Ask, with_rollups: tuple[Cost, ...], without: Cost | None) -> None:
    wanted = (with_rollups, with_rollups if without is None else (without,))
    for rollups, costs in zip((True, False), wanted, strict=True):
        database = _Database()
        store = MediaStatsStore(
            cast(Database, database), MediaStatsConfig(rollups=rollups)
        )
        with pytest.raises(_AskedError):
            ask(store).send(None)
        assert tuple(database.costs) == costs
