"""The status of the totals, for readers, keeper, check and `/v1/rollups` alike."""

import enum
from pathlib import Path
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.dialect import is_postgres
from media_stats_module.storage.rollups import names
from media_stats_module.storage.sources import MediaTable

# Increase it with every change of install.sql or triggers.sql. Objects of another
# version are dropped and created again.
VERSION = 4

# A mark in each of our objects, to tell them from objects of others.
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
    """The totals are not built yet, or must be rebuilt."""
    EXACT = "exact"
    """The totals and the change log together are exact, and answer."""


@attr.frozen
class Installation:
    """The objects of rollups in the database.

    Attributes:
        is_present: whether the table of the state exists.
        has_objects: whether all tables, sequences and functions exist in this version,
            only their owner may execute the functions, and PUBLIC has no rights to the
            others.
        logged_tables: the media tables whose triggers all exist and are enabled.
        definitions: for each source, changes when one of its media tables is rewritten,
            or when a column that counts or one of our triggers is altered.
        identity: identifies the database and its media tables.
    """

    is_present: bool = False
    has_objects: bool = False
    logged_tables: tuple[str, ...] = attr.ib(default=(), converter=tuple)
    definitions: dict[str, str] = attr.ib(default=(), converter=dict)
    identity: str = ""


@attr.frozen
class Totals:
    """The totals of one source.

    Attributes:
        status: whether they answer.
        owners: the number of owners in the totals.
        has_changes: whether the change log has changes to apply.
    """

    status: Status
    owners: int = 0
    has_changes: bool = False


def set_up_totals_txn(txn: LoggingTransaction) -> Installation:
    """Set up the transaction to use the totals; return the installed objects."""
    txn.execute(_STATUS_SQL, (MARK,))
    assert txn.description is not None
    columns = [column[0] for column in txn.description]
    for row in txn.fetchall():
        return Installation(**dict(zip(columns, row, strict=True)))
    return Installation()


def fingerprint(installation: Installation, table: MediaTable) -> str:
    """Identifies the database, the media tables and the options that totals belong to.

    A restored dump has another one, and so has a media table that Synapse replaced.
    """
    return f"{installation.identity}: {table.is_counted_sql}"


def has_current_objects_txn(
    txn: LoggingTransaction, installation: Installation, table: MediaTable
) -> bool:
    """Whether all objects but triggers exist, and belong to these media tables."""
    if not installation.has_objects:
        return False
    txn.execute(
        f"SELECT fingerprint FROM {names.STATE} WHERE source = ?", (table.source.value,)
    )
    return txn.fetchall() == [(fingerprint(installation, table),)]


def get_totals_txn(txn: LoggingTransaction, table: MediaTable) -> Totals:
    """The status of the totals of one source.

    Sets up the transaction to use the totals. PostgreSQL: two statements, 1 ms.
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
            COALESCE(missed = {missed_sql(table)}, FALSE), definitions,
            owners, EXISTS (SELECT FROM {names.CHANGES} AS c WHERE c.source = s.source)
        FROM {names.STATE} AS s WHERE source = ?
        """,
        (table.source.value,),
    )
    rows = cast(list[tuple[str, bool, str | None, int, bool]], txn.fetchall())
    if [row[0] for row in rows] != [fingerprint(installation, table)]:
        return Totals(Status.OUTDATED)
    _, is_complete, definitions, owners, has_changes = rows[0]
    is_exact = is_complete and definitions == installation.definitions.get(
        table.source.value
    )
    return Totals(Status.EXACT if is_exact else Status.BUILDING, owners, has_changes)


def missed_sql(table: MediaTable) -> str:
    """The SQL expression for the number of changes that could not be logged so far.

    A reader compares it with the value of the totals in its snapshot. Not the column
    `last_value`: that is the same before and after the first `nextval`.
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
        owners: the number of owners in the totals.
        media_count: the number of files in the totals.
        unapplied_changes: the number of changes in the change log.
        build_started_ts: the last start of building, in milliseconds since the epoch.
        build_finished_ts: its end, likewise; None while it goes on.
        checked_ts: the last comparison with the media, likewise; None if never.
        differences: the number of wrong totals that it found.
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
