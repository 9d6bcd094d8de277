"""The SQL that searches, orders and names owners, shared by all ways to answer.

Each way has a common table expression `owners` with the columns `owner`, `media_count`
and `media_length`. The SQL around it comes from here.
"""

from collections.abc import Iterable
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import (
    MAX_TEXT_LENGTH,
    OwnersOrder,
    OwnersQuestion,
)
from media_stats_module.storage.answers import OwnerUsage, Page, Values
from media_stats_module.storage.dialect import is_postgres, localpart_sql
from media_stats_module.storage.owners.search import (
    glob_containing,
    glob_equal_to,
    regex_containing,
    regex_equal_to,
)
from media_stats_module.storage.sources import (
    MediaTable,
    displayname_sql,
    join_displaynames_sql,
)
from media_stats_module.storage.sql import Sql, of_accounts_sql

_ORDER_BY = {
    OwnersOrder.MEDIA_LENGTH: "media_length {dir}, owner",
    OwnersOrder.MEDIA_COUNT: "media_count {dir}, owner",
    OwnersOrder.OWNER: "owner {dir}",
    # NULLS LAST needs SQLite 3.30; the oldest Synapse runs on older versions.
    OwnersOrder.DISPLAYNAME: "displayname IS NULL, displayname {dir}, owner",
}


class Listing:
    """The pieces of a statement that lists owners.

    If displaynames decide which users are on the page, profiles are joined before the
    page is cut. Otherwise, the displaynames of the page's users are looked up one by
    one.

    Attributes:
        order_by: the expressions after `ORDER BY`.
        details: the SQL expressions for what is looked up for each owner of a `page`,
            as `OwnerUsage` has it between the owner and the sums.
    """

    def __init__(
        self, txn: LoggingTransaction, table: MediaTable, question: OwnersQuestion
    ) -> None:
        self._txn = txn
        self._are_users = table.owners_are_users
        self._question = question
        self._has_profiles = self._are_users and (
            question.search_term is not None
            or question.order_by is OwnersOrder.DISPLAYNAME
        )
        self.order_by = _ORDER_BY[question.order_by].format(
            dir="DESC" if question.descending else "ASC"
        )
        displayname = "NULL"
        if self._has_profiles:
            displayname = "displayname"
        elif self._are_users:
            # A probe per row: for a join, the planner might read all profiles.
            displayname = displayname_sql(txn, "page.owner")
        self.details = displayname

    def matched_sql(self, columns: str) -> Sql:
        """Select the owners in `owners` that match the search and the accounts."""
        text = f"SELECT {columns} FROM owners"
        if self._has_profiles:
            profiles = join_displaynames_sql(self._txn, "owners.owner")
            text = (
                f"SELECT {columns}, p.displayname AS displayname FROM owners {profiles}"
            )
        accounts = of_accounts_sql("owners.owner", self._question.accounts)
        found = Sql("")
        if self._question.search_term is not None:
            found = self._is_found_sql(self._question.search_term)
        return Sql(
            f"{text} WHERE TRUE{accounts.text}{found.text}", accounts.args + found.args
        )

    def page_sql(self, owners: Sql) -> Sql:
        """The statement for a page. Each row has the total; an empty page is NULLs.

        Args:
            owners: common table expressions, one of them `owners`.
        """
        matched = self.matched_sql(
            "owners.owner, owners.media_count, owners.media_length"
        )
        return Sql(
            f"""
            WITH {owners.text},
            matched AS ({matched.text}),
            page AS (SELECT * FROM matched ORDER BY {self.order_by} LIMIT ? OFFSET ?)
            SELECT
                (SELECT COUNT(*) FROM matched),
                owner, {self.details}, media_count, media_length
            FROM (SELECT 1 AS one) AS always
            LEFT JOIN page ON one = 1
            ORDER BY {self.order_by}
            """,
            (*owners.args, *matched.args, self._question.limit, self._question.start),
        )

    def _is_found_sql(self, term: str) -> Sql:
        """A further condition: the term finds `owners.owner`, or its profile `p`."""
        if len(term) > MAX_TEXT_LENGTH:
            # The pattern would be enormous.
            return Sql(" AND FALSE")
        if is_postgres(self._txn):
            operator, containing, equal_to = "~", regex_containing, regex_equal_to
        else:
            operator, containing, equal_to = "GLOB", glob_containing, glob_equal_to

        if not self._are_users:
            return Sql(f" AND owners.owner {operator} ?", (containing(term),))
        if term.startswith("@") and ":" in term:
            # A complete user ID. No localpart has a colon.
            user_id, pattern = "owners.owner", equal_to(term)
        else:
            user_id = localpart_sql(self._txn, "owners.owner")
            pattern = containing(term)
        return Sql(
            f" AND ({user_id} {operator} ? OR p.displayname {operator} ?)",
            (pattern, containing(term)),
        )


def get_page_txn(
    txn: LoggingTransaction, statement: Sql, *, total_if_empty: int = 0
) -> Page[OwnerUsage, int]:
    """Run a statement for a page; see `Listing.page_sql`.

    Args:
        txn: the transaction.
        statement: the statement.
        total_if_empty: the total if there are no rows.
    """
    txn.execute(statement.text, statement.args)
    # One by one: fetching 100,000 rows at once would hold the interpreter's lock.
    rows = list(txn)
    return Page(
        values=list(to_owners(rows)), end=rows[0][0] if rows else total_if_empty
    )


def to_owners(
    rows: Iterable[tuple[Any, ...]], *, total_if_empty: int = 0
) -> Values[OwnerUsage, int]:
    """Yield the owners from the rows of `Listing.page_sql`; return the total."""
    total = total_if_empty
    for row in rows:
        total, owner, *others = row
        if owner is not None:
            yield OwnerUsage(owner, *others)
    return total
