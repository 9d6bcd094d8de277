"""How lists of owners are searched, ordered and named, wherever the totals come from.

Statements that list owners put the owners into a common table expression called
`owners`, and get the pieces around it from here.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersOrder, OwnersQuestion
from media_stats_module.storage.answers import OwnersPage, OwnerUsage
from media_stats_module.storage.owners.search import (
    glob_containing,
    glob_equal_to,
    regex_containing,
    regex_equal_to,
)
from media_stats_module.storage.sources import (
    MediaTable,
    is_deactivated,
    is_postgres,
    localpart_of,
    profile_of,
)
from media_stats_module.storage.sql import Sql

_ORDER_BY = {
    OwnersOrder.MEDIA_LENGTH: "media_length {dir}, owner",
    OwnersOrder.MEDIA_COUNT: "media_count {dir}, owner",
    OwnersOrder.OWNER: "owner {dir}",
    # NULLS LAST would want SQLite 3.30, newer than the oldest Synapse does.
    OwnersOrder.DISPLAYNAME: "displayname IS NULL, displayname {dir}, owner",
}


class Owners:
    """How a statement finds, orders and names owners.

    Users have profiles. They are joined before the page is cut if they decide what is
    on it, or else looked up one by one, for the users on the page only.
    """

    def __init__(
        self, txn: LoggingTransaction, media: MediaTable, query: OwnersQuestion
    ) -> None:
        self._txn = txn
        self._are_users = media.owners_are_users
        self._query = query
        self._early = self._are_users and (
            query.search_term is not None or query.order_by is OwnersOrder.DISPLAYNAME
        )
        self.order_by = _ORDER_BY[query.order_by].format(
            dir="DESC" if query.descending else "ASC"
        )
        self.carried = ", displayname" if self._early else ""
        # In a select from `page`. A join could be planned as a read of all profiles.
        self.displayname = "NULL"
        if self._early:
            self.displayname = "displayname"
        elif self._are_users:
            profile = profile_of(txn, "page.owner")
            self.displayname = (
                f"(SELECT p.displayname FROM profiles AS p WHERE {profile} LIMIT 1)"
            )

    def matched(self, columns: str) -> Sql:
        """Select from `owners` those that are searched for."""
        text = f"SELECT {columns} FROM owners"
        if self._early:
            text = f"""
                SELECT {columns}, p.displayname AS displayname FROM owners
                LEFT JOIN profiles AS p ON {profile_of(self._txn, "owners.owner")}
                """
        conditions: list[str] = []
        args: tuple[object, ...] = ()
        if self._query.deactivated is not None:
            conditions.append(is_deactivated("owners.owner", self._query.deactivated))
        if self._query.search_term is not None:
            found = self._found(self._query.search_term)
            conditions.append(found.text)
            args = found.args
        if conditions:
            text += f" WHERE {' AND '.join(conditions)}"
        return Sql(text, args)

    def listed(self, totals: Sql) -> Sql:
        """The statement for a page, of which each row carries the total.

        An empty page is a row of NULLs.

        Args:
            totals: common table expressions, among them `owners`, of all owners with
                their `media_count` and `media_length`.
        """
        matched = self.matched("owners.owner, owners.media_count, owners.media_length")
        return Sql(
            f"""
            WITH {totals.text},
            matched AS ({matched.text}),
            page AS (SELECT * FROM matched ORDER BY {self.order_by} LIMIT ? OFFSET ?)
            SELECT
                (SELECT COUNT(*) FROM matched),
                owner, {self.displayname}, media_count, media_length
            FROM (SELECT 1 AS one) AS always
            LEFT JOIN page ON one = 1
            ORDER BY {self.order_by}
            """,
            (*totals.args, *matched.args, self._query.limit, self._query.start),
        )

    def _found(self, term: str) -> Sql:
        """Whether a search term finds `owners.owner`, with the profile `p`."""
        if is_postgres(self._txn):
            operator, containing, equal_to = "~", regex_containing, regex_equal_to
        else:
            operator, containing, equal_to = "GLOB", glob_containing, glob_equal_to

        if not self._are_users:
            return Sql(f"owners.owner {operator} ?", (containing(term),))
        if term.startswith("@") and ":" in term:
            # A complete user ID. No localpart contains a colon.
            user_id, pattern = "owners.owner", equal_to(term)
        else:
            user_id = localpart_of(self._txn, "owners.owner")
            pattern = containing(term)
        return Sql(
            f"({user_id} {operator} ? OR p.displayname {operator} ?)",
            (pattern, containing(term)),
        )


def owners_page(rows: Sequence[tuple[Any, ...]], or_total: int = 0) -> OwnersPage:
    """A page from the rows of a statement; see `Owners.listed`.

    Args:
        rows: the rows.
        or_total: the total if there is no row to tell it.
    """
    return OwnersPage(
        owners=list(owners_of(rows)), total=rows[0][0] if rows else or_total
    )


def owners_of(rows: Iterable[tuple[Any, ...]]) -> Iterator[OwnerUsage]:
    """The owners in such rows."""
    return (OwnerUsage(*row[1:]) for row in rows if row[1] is not None)
