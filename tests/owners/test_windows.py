"""Windows of time in the order of names: whom the totals know, looked up one by one."""

from itertools import product
from typing import Any
from unittest.mock import patch

from modes_support import DIRECTIONS, MODES
from owners_model import Query
from owners_support import OwnersTestCase, probing_short_windows
from parameterized import parameterized_class  # type: ignore[import-untyped]
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS

from media_stats_module.storage.rollups import window

_DAY_MS = 86_400_000
_USERS = 60

_TOTALS: list[JsonDict] = [mode for mode in MODES if mode["mode_options"]]


@parameterized_class(_TOTALS)
class ProbedWindowsTestCase(OwnersTestCase):
    """Of 60 users, each has a file on every day from his number on."""

    def setUp(self) -> None:
        super().setUp()
        names = [f"user{number:02}" for number in range(_USERS)]
        self.fill(
            *[
                self.file(
                    name, created_ts=(number + day) * _DAY_MS, media_length=number + day
                )
                for number, name in enumerate(names)
                for day in range(3)
            ],
            # Announced and not made; nobody else has anything then.
            self.file("user00", created_ts=99 * _DAY_MS, media_length=None),
            displaynames={
                self.owner(name): f"Name {-number % 7}"
                for number, name in enumerate(names)
                if number % 5
            },
        )

    def answers(self, query: Query) -> tuple[JsonDict, bool]:
        """The answer, and whether users were looked up one by one for it."""
        found: list[Any] = []
        function = window.get_owners_page_txn

        def look(*args: Any) -> Any:
            found.append(function(*args))
            return found[-1]

        with patch.object(window, "get_owners_page_txn", look):
            answer = self.answer(query)
        return answer, any(page is not None for page in found)

    def test_pages(self) -> None:
        windows: tuple[Query, ...] = (
            {"from_ts": 10 * _DAY_MS, "until_ts": 40 * _DAY_MS},
            {"from_ts": 10 * _DAY_MS + 1},
            {"until_ts": 20 * _DAY_MS - 1},
            {"from_ts": 63 * _DAY_MS},
        )
        for asked, order_by, direction, start in product(
            windows, ("user_id", "displayname"), DIRECTIONS, (0, 2, 50)
        ):
            query = {
                **asked,
                "order_by": order_by,
                "dir": direction,
                "from": start,
                "limit": 3,
            }
            with probing_short_windows():
                answer, is_probed = self.answers(query)
            assert answer == self.expected(query), query
            assert is_probed, query

    def test_searches(self) -> None:
        for order_by, term in product(self.orders, ("user01", "Name 3")):
            query = {
                "from_ts": _DAY_MS,
                "until_ts": 20 * _DAY_MS,
                "order_by": order_by,
                "dir": "b",
                "search_term": term,
                "limit": 1,
            }
            with probing_short_windows():
                answer, is_probed = self.answers(query)
            assert answer == self.expected(query), query
            assert is_probed, query

    def test_when_it_is_worth_it(self) -> None:
        """Much media of few users, in a window that is not short."""
        query = {"limit": 1, "from_ts": 1, "until_ts": 50 * _DAY_MS}
        # Some 150 files of 60 users.
        with patch.object(window, "_FILES_PER_PROBED_OWNER", 2):
            assert self.answers(query) == (self.expected(query), self.folds)
            by_size = {**query, "order_by": "media_length"}
            assert self.answers(by_size) == (self.expected(by_size), False)
            large = {**query, "limit": 50}
            assert self.answers(large) == (self.expected(large), False)
            short = {**query, "until_ts": 30 * _DAY_MS}
            assert self.answers(short) == (self.expected(short), False)
        with patch.object(window, "_FILES_PER_PROBED_OWNER", 3):
            assert self.answers(query) == (self.expected(query), False)

    def test_index(self) -> None:
        """Each user is a probe of the index that has the time in it, on SQLite too."""
        if USE_POSTGRES_FOR_TESTS:
            self.skipTest("PostgreSQL would read tables so small")
        statements: list[tuple[str, Any]] = []
        execute = LoggingTransaction.execute

        def write_down(txn: LoggingTransaction, sql: str, args: Any = ()) -> None:
            execute(txn, sql, args)
            if "EXISTS" in sql and "created_ts >= ?" in sql:
                statements.append((sql, args))

        with (
            probing_short_windows(),
            patch.object(LoggingTransaction, "execute", write_down),
        ):
            self.answer({"from_ts": 1, "limit": 1})
        ((sql, args),) = statements
        plan = [step for *_, step in self.execute(f"EXPLAIN QUERY PLAN {sql}", *args)]
        assert [step for step in plan if " m " in step] == [
            "SEARCH m USING INDEX users_have_local_media (user_id=? AND created_ts>?)"
        ] * 2
