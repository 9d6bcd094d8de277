"""The status of the totals: one answer for readers, keeper, check and `/v1/rollups`."""

import enum
from typing import cast

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import names
from media_stats_module.storage.sources import MediaTable, is_postgres
from media_stats_module.storage.sql import set_work_mem_sql

# Counts up with every change of install.sql or triggers.sql. Objects of another version
# are dropped and created again.
VERSION = 2

# The comment on each of our objects: nothing of anybody else is taken for ours.
MARK = f"media_stats_module rollups {VERSION}"


class Status(enum.Enum):
    """Whether the totals of a source answer, or why not."""

    ABSENT = "absent"
    """Nothing is installed."""
    OUTDATED = "outdated"
    """The objects are of another version, other options or another database, or some
    are missing."""
    BUILDING = "building"
    """The media has yet to be added up, or to be added up again."""
    EXACT = "exact"
    """The totals and the change log together are exact, and answer."""


@attr.frozen
class Installation:
    """The objects of rollups in the database.

    Attributes:
        mark: the comment on the table with the state; None if there is neither.
        has_tables: whether all other tables are there, too.
        logged_tables: the tables of media whose triggers are all there and enabled.
        place: identifies the database and the media tables in it.
    """

    mark: str | None
    has_tables: bool
    logged_tables: frozenset[str]
    place: str


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


# Synapse's tables, in the order of their OIDs in the statement below.
_MEDIA_TABLES = (
    "local_media_repository",
    "local_media_repository_thumbnails",
    "remote_media_cache",
    "remote_media_cache_thumbnails",
)

# Costs some probes of the catalogue. It also makes the transaction look for tables in
# the schema of Synapse's media tables alone, and gives it room to hash a million owners
# in the change log: one round trip less than by itself.
_INSTALLATION_SQL = f"""
    SELECT
        obj_description(to_regclass(schema || '.{names.STATE}'), 'pg_class'),
        {
    " AND ".join(
        f"to_regclass(schema || '.{name}') IS NOT NULL"
        for name in (*names.TABLES, names.LOG_IS_FULL)
    )
},
        ARRAY(
            SELECT CAST(t.tgrelid AS BIGINT)
            FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
            WHERE t.tgrelid IN (
                {", ".join(f"to_regclass('{name}')" for name in _MEDIA_TABLES)}
            )
                AND t.tgname IN ({", ".join(f"'{name}'" for name in names.TRIGGERS)})
                AND t.tgenabled IN ('O', 'A')
                AND p.pronamespace = schema_oid AND p.prosecdef
                AND p.proconfig = ARRAY[
                    'search_path=' || schema || ', pg_temp', 'lock_timeout=100ms'
                ]
        ),
        ARRAY[
            {
    ", ".join(
        f"CAST(CAST(to_regclass('{name}') AS OID) AS BIGINT)" for name in _MEDIA_TABLES
    )
},
            (
                SELECT CAST(oid AS BIGINT) FROM pg_database
                WHERE datname = current_database()
            )
        ],
        set_config('search_path', schema || ', pg_temp', true),
        {set_work_mem_sql(64 * 1024)}
    FROM (
        SELECT relnamespace AS schema_oid,
            CAST(CAST(relnamespace AS REGNAMESPACE) AS TEXT) AS schema
        FROM pg_class WHERE oid = to_regclass('local_media_repository')
        OFFSET 0
    ) AS place
"""


def set_up_totals_txn(txn: LoggingTransaction) -> Installation:
    """Set the transaction up to use the totals; return what is installed."""
    txn.execute(_INSTALLATION_SQL)
    rows = txn.fetchall()
    if not rows:
        return Installation(None, False, frozenset(), "")
    mark, has_tables, triggered, oids, _, _ = rows[0]
    return Installation(
        mark=mark,
        has_tables=has_tables,
        logged_tables=frozenset(
            table
            for table, oid in zip(_MEDIA_TABLES, oids, strict=False)
            if triggered.count(oid) == len(names.TRIGGERS)
        ),
        place=" ".join(map(str, oids)),
    )


def fingerprint(installation: Installation, media: MediaTable) -> str:
    """What the totals of a source belong to: a database, its media tables, the options.

    A restored dump has another one, and so has a media table that Synapse made anew.
    """
    return f"{installation.place}: {media.is_counted_sql}"


def get_totals_txn(txn: LoggingTransaction, media: MediaTable) -> Totals:
    """The status of the totals of one source, and what a reader has to know of them.

    Sets the transaction up to use the totals. PostgreSQL: two statements, 0.5 ms.
    """
    if not is_postgres(txn):
        return Totals(Status.ABSENT)
    installation = set_up_totals_txn(txn)
    if not (installation.mark or "").startswith("media_stats_module "):
        return Totals(Status.ABSENT)
    if (
        installation.mark != MARK
        or not installation.has_tables
        or not installation.logged_tables >= {media.name, media.thumbnails}
    ):
        return Totals(Status.OUTDATED)
    txn.execute(
        f"""
        SELECT fingerprint,
            is_built
                AND NOT EXISTS (
                    SELECT FROM {names.MISSED} AS m WHERE m.source = s.source
                )
                AND (SELECT last_value FROM {names.LOG_IS_FULL}) = 0,
            owners, EXISTS (SELECT FROM {names.CHANGES} AS c WHERE c.source = s.source)
        FROM {names.STATE} AS s WHERE source = ?
        """,
        (media.source.value,),
    )
    rows = cast(list[tuple[str, bool, int, bool]], txn.fetchall())
    if [row[0] for row in rows] != [fingerprint(installation, media)]:
        return Totals(Status.OUTDATED)
    _, is_exact, owners, has_changes = rows[0]
    return Totals(Status.EXACT if is_exact else Status.BUILDING, owners, has_changes)


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


def get_state_txn(txn: LoggingTransaction, media: MediaTable) -> RollupState:
    """The state of the totals of one source.

    Costs a read of the change log and of the totals per day, both short.
    """
    totals = get_totals_txn(txn, media)
    if totals.status in (Status.ABSENT, Status.OUTDATED):
        return RollupState(totals.status)
    source = media.source.value
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
