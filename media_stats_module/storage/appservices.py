"""Who uploads: application services, people, and users without an account."""

from operator import attrgetter

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import AppservicesOrder, AppservicesQuestion
from media_stats_module.storage.answers import AppserviceUsage, Page
from media_stats_module.storage.dialect import sum_of_sums_sql
from media_stats_module.storage.owners import scan, totals
from media_stats_module.storage.rollups.status import Status, get_totals_txn
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import Sql


def get_appservices_page_from_totals_txn(
    txn: LoggingTransaction, table: MediaTable, question: AppservicesQuestion
) -> Page[AppserviceUsage, int] | None:
    """One page of the application services, from totals; None if they cannot answer.

    PostgreSQL, 100,000 users: 0.1 s, sequential scans of the totals and of `users`.
    """
    if question.has_window:
        return None
    found = get_totals_txn(txn, table)
    if found.status is not Status.EXACT:
        return None
    owners = totals.all_owners_sql_txn(txn, table, found)
    return _page(_add_up_txn(txn, owners), question)


def get_appservices_page_txn(
    txn: LoggingTransaction, table: MediaTable, question: AppservicesQuestion
) -> Page[AppserviceUsage, int]:
    """One page of the application services, from the media itself.

    PostgreSQL, 10 million media of 100,000 users: 1.3 s, a parallel sequential scan. In
    a window: a range of the module's index by time, if it is there.
    """
    owners = scan.all_owners_sql_txn(txn, table, question)
    return _page(_add_up_txn(txn, owners), question)


def _page(
    rows: list[AppserviceUsage], question: AppservicesQuestion
) -> Page[AppserviceUsage, int]:
    """Sort the rows by code points, here since they are few, and cut the page."""
    rows.sort(key=_name)
    if question.order_by is not AppservicesOrder.APPSERVICE_ID:
        # `reverse` keeps equal rows in order.
        rows.sort(key=attrgetter(question.order_by.value), reverse=question.descending)
    elif question.descending:
        named = [row for row in rows if row.appservice_id is not None]
        rows = named[::-1] + rows[len(named) :]
    page = rows[question.start : question.start + question.limit]
    return Page(values=page, end=len(rows))


def _name(row: AppserviceUsage) -> tuple[bool, str, bool]:
    """The order by ID: services, then people, then users without an account."""
    return row.appservice_id is None, row.appservice_id or "", not row.has_account


def _add_up_txn(txn: LoggingTransaction, owners: Sql) -> list[AppserviceUsage]:
    """Add up users by the application service that registered them.

    Args:
        txn: the transaction.
        owners: common table expressions, one of them `owners`.
    """
    deactivated = "CASE WHEN u.deactivated = 1 THEN {} END"
    txn.execute(
        f"""
        WITH {owners.text}
        SELECT NULLIF(u.appservice_id, ''), u.name IS NOT NULL,
            COUNT(*), SUM(o.media_count), {sum_of_sums_sql(txn, "o.media_length")},
            COUNT({deactivated.format(1)}),
            SUM({deactivated.format("o.media_count")}),
            {sum_of_sums_sql(txn, deactivated.format("o.media_length"))}
        FROM owners AS o LEFT JOIN users AS u ON u.name = o.owner
        GROUP BY 1, 2
        """,
        owners.args,
    )
    return [AppserviceUsage(*row) for row in txn.fetchall()]
