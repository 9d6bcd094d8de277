"""The status of the totals: one answer for readers, keeper, check and `/v1/rollups`."""

import enum
from pathlib import Path
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import names
from media_stats_module.storage.sources import MediaTable, is_postgres

# Counts up with every change of install.sql or triggers.sql. Objects of another version
# are dropped and created again.
VERSION = 2

# In each of our objects: nothing of anybody else is taken for ours.
MARK = f"media_stats_module_{VERSION}"

_STATUS_SQL = Path(__file__).with_name("status.sql").read_text(encoding="utf-8")


class Status(enum.Enum):
    """Whether the totals of a source answer, or why not."""

    ABSENT = "absent"
    """Nothing is installed."""
    OUTDATED = "outdated"
    """The objects are of another version, other options or another database, or some
    are missing, or everybody has rights to them."""
    BUILDING = "building"
    """The media has yet to be added up, or to be added up again."""
    EXACT = "exact"
    """The totals and the change log together are exact, and answer."""


@attr.frozen
class Installation:
    """The objects of rollups in the database.

    Attributes:
        is_present: whether there is a table with the state.
        has_objects: whether all tables, sequences and functions are there, of this
            version, nobody but their owner may execute the functions, and PUBLIC has
            no rights to the others.
        logged_tables: the tables of media whose triggers are all there and enabled.
        identity: identifies the database and the media tables in it.
    """

    is_present: bool = False
    has_objects: bool = False
    logged_tables: tuple[str, ...] = attr.ib(default=(), converter=tuple)
    identity: str = ""


@attr.frozen
class Totals:
    """The totals of one source.

    Attributes:
        status: whether they answer.
        owners: how many owners they have.
        has_changes: whether the change log has changes that are not in them.
    """

    status: Status
    owners: int = 0
    has_changes: bool = False


def set_up_totals_txn(txn: LoggingTransaction) -> Installation:
    """Set the transaction up to use the totals; return what is installed."""
    txn.execute(_STATUS_SQL, (MARK,))
    assert txn.description is not None
    columns = [column[0] for column in txn.description]
    for row in txn.fetchall():
        return Installation(**dict(zip(columns, row, strict=True)))
    return Installation()


def fingerprint(installation: Installation, table: MediaTable) -> str:
    """What the totals of a source belong to: a database, its media tables, the options.

    A restored dump has another one, and so has a media table that Synapse made anew.
    """
    return f"{installation.identity}: {table.is_counted_sql}"


def has_current_objects_txn(
    txn: LoggingTransaction, installation: Installation, table: MediaTable
) -> bool:
    """Whether all objects but triggers are there, and belong to these media tables."""
    if not installation.has_objects:
        return False
    txn.execute(
        f"SELECT fingerprint FROM {names.STATE} WHERE source = ?", (table.source.value,)
    )
    return txn.fetchall() == [(fingerprint(installation, table),)]


def get_totals_txn(txn: LoggingTransaction, table: MediaTable) -> Totals:
    """The status of the totals of one source, and what a reader has to know of them.

    Sets the transaction up to use the totals. PostgreSQL: two statements, 1 ms.
    """
    if not is_postgres(txn):
        return Totals(Status.ABSENT)
    installation = set_up_totals_txn(txn)
    if not installation.is_present:
        return Totals(Status.ABSENT)
    if not installation.has_objects or not {table.name, table.thumbnails} <= set(
        installation.logged_tables
    ):
        return Totals(Status.OUTDATED)
    txn.execute(
        f"""
        SELECT fingerprint,
            COALESCE(missed = {missed_sql(table)}, FALSE),
            owners, EXISTS (SELECT FROM {names.CHANGES} AS c WHERE c.source = s.source)
        FROM {names.STATE} AS s WHERE source = ?
        """,
        (table.source.value,),
    )
    rows = cast(list[tuple[str, bool, int, bool]], txn.fetchall())
    if [row[0] for row in rows] != [fingerprint(installation, table)]:
        return Totals(Status.OUTDATED)
    _, is_exact, owners, has_changes = rows[0]
    return Totals(Status.EXACT if is_exact else Status.BUILDING, owners, has_changes)


def missed_sql(table: MediaTable) -> str:
    """The SQL expression for how many changes of a source could not be logged by now.

    A reader compares it with the value that its snapshot has for the totals. Not the
    column `last_value`: that is the same before and after the first count.
    """
    return (
        "COALESCE(pg_sequence_last_value("
        f"CAST('{names.MISSED}{table.source.value}' AS REGCLASS)), 0)"
    )


@attr.frozen
class RollupState:
    """The state of the totals of one source, for an administrator.

    Attributes:
        status: whether they answer, or why not.
        owners: how many owners they have.
        media_count: how many files they have.
        unapplied_changes: how many changes are in the change log.
        build_started_ts: when building last began, in milliseconds since the epoch.
        build_finished_ts: when it last ended, likewise; None while it goes on.
        checked_ts: when they were last compared with the media; None if never.
        differences: how many totals were wrong then.
    """

    status: Status
    owners: int = 0
    media_count: int = 0
    unapplied_changes: int = 0
    build_started_ts: int | None = None
    build_finished_ts: int | None = None
    checked_ts: int | None = None
    differences: int | None = None


def get_state_txn(txn: LoggingTransaction, table: MediaTable) -> RollupState:
    """The state of the totals of one source.

    Costs a read of the change log and of the totals per day, both short.
    """
    totals = get_totals_txn(txn, table)
    if totals.status in (Status.ABSENT, Status.OUTDATED):
        return RollupState(totals.status)
    source = table.source.value
    txn.execute(
        f"""
        SELECT owners,
            (
                SELECT CAST(COALESCE(SUM(media_count), 0) AS BIGINT) FROM {names.DAYS}
                WHERE source = ?
            ),
            (SELECT COUNT(*) FROM {names.CHANGES} WHERE source = ?),
            build_started_ts, build_finished_ts, checked_ts, differences
        FROM {names.STATE} WHERE source = ?
        """,
        (source, source, source),
    )
    (row,) = txn.fetchall()
    return RollupState(totals.status, *row)
