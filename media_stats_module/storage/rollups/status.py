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
VERSION = 5

# The comment on each of our objects.
MARK = f"media_stats_module rollups {VERSION}"


class Status(enum.Enum):
    """Whether the totals of a source answer, or why not."""

    ABSENT = "absent"
    """Nothing is installed."""
    OUTDATED = "outdated"
    """The installed objects are of another version, other options or another database,
    or some are missing."""
    BUILDING = "building"
    """The media has yet to be added up, or to be added up again."""
    EXACT = "exact"
    """The totals and the change log together are exact, and answer."""


@attr.frozen
class Installation:
    """The objects of rollups in the database.

    Attributes:
        is_present: whether there are any tables of ours.
        is_current: whether all tables and functions are there, and of this version.
        logged_tables: the tables of media whose triggers are all there and enabled.
        place: identifies the database and the media tables in it.
    """

    is_present: bool
    is_current: bool
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


# Costs some probes of the catalogue. It also makes the transaction look for tables in
# the schema of Synapse's media tables alone, and gives it room to hash a million owners
# in the change log: one round trip less than by itself.
_INSTALLATION_SQL = f"""
    SELECT
        (
            SELECT CAST(ARRAY_AGG(description) AS TEXT[])
            FROM pg_class AS c LEFT JOIN pg_description AS d
                ON d.objoid = c.oid AND d.objsubid = 0
                AND d.classoid = 'pg_class'::regclass
            WHERE c.relnamespace = n.oid AND c.relname IN (
                {", ".join(f"'{name}'" for name in (*names.TABLES, names.LOG_IS_FULL))}
            )
        ),
        (
            SELECT CAST(ARRAY_AGG(d.description) AS TEXT[])
            FROM pg_proc AS p JOIN pg_description AS d
                ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
            WHERE p.pronamespace = n.oid AND p.proname IN (
                {", ".join(f"'{name}'" for name in names.FUNCTIONS)}
            )
        ),
        ARRAY(
            SELECT CAST(t.tgrelid AS BIGINT)
            FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
            WHERE t.tgrelid IN (
                to_regclass('local_media_repository'),
                to_regclass('local_media_repository_thumbnails'),
                to_regclass('remote_media_cache'),
                to_regclass('remote_media_cache_thumbnails')
            )
                AND t.tgname IN ({", ".join(f"'{name}'" for name in names.TRIGGERS)})
                AND t.tgenabled IN ('O', 'A')
                AND p.pronamespace = n.oid AND p.prosecdef AND p.proconfig = ARRAY[
                    'search_path=' || quote_ident(n.nspname) || ', pg_temp',
                    'lock_timeout=100ms'
                ]
            GROUP BY t.tgrelid HAVING COUNT(*) = {len(names.TRIGGERS)}
        ),
        CAST(to_regclass('local_media_repository')::oid AS BIGINT),
        CAST(to_regclass('local_media_repository_thumbnails')::oid AS BIGINT),
        CAST(to_regclass('remote_media_cache')::oid AS BIGINT),
        CAST(to_regclass('remote_media_cache_thumbnails')::oid AS BIGINT),
        (SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()),
        set_config('search_path', quote_ident(n.nspname) || ', pg_temp', true),
        {set_work_mem_sql(64 * 1024)}
    FROM pg_namespace AS n WHERE n.oid = (
        SELECT relnamespace FROM pg_class
        WHERE oid = to_regclass('local_media_repository')
    )
"""


def set_up_totals_txn(txn: LoggingTransaction) -> Installation:
    """Set the transaction up to use the totals; return what is installed."""
    txn.execute(_INSTALLATION_SQL)
    rows = txn.fetchall()
    if not rows:
        return Installation(False, False, frozenset(), "")
    tables, functions, logged, *oids, _, _ = rows[0]
    by_oid = dict(
        zip(
            oids,
            (
                "local_media_repository",
                "local_media_repository_thumbnails",
                "remote_media_cache",
                "remote_media_cache_thumbnails",
            ),
            strict=False,
        )
    )
    return Installation(
        is_present=any(
            (mark or "").startswith("media_stats_module ") for mark in tables or ()
        ),
        is_current=(tables or []) == [MARK] * (len(names.TABLES) + 1)
        and (functions or []) == [MARK] * len(names.FUNCTIONS),
        logged_tables=frozenset(by_oid[oid] for oid in logged),
        place=" ".join(map(str, oids)),
    )


def fingerprint(installation: Installation, media: MediaTable) -> str:
    """What the totals of a source belong to: a database, its media tables, the options.

    A restored dump has another one, and so has a media table that Synapse made anew.
    """
    return f"{installation.place}: {media.is_counted}"


def get_totals_txn(txn: LoggingTransaction, media: MediaTable) -> Totals:
    """The status of the totals of one source, and what a reader has to know of them.

    Sets the transaction up to use the totals. PostgreSQL: two statements, 0.5 ms.
    """
    if not is_postgres(txn):
        return Totals(Status.ABSENT)
    installation = set_up_totals_txn(txn)
    if not installation.is_present:
        return Totals(Status.ABSENT)
    if not (
        installation.is_current
        and installation.logged_tables >= {media.name, media.thumbnails}
    ):
        return Totals(Status.OUTDATED)
    txn.execute(
        f"""
        SELECT fingerprint,
            is_built
                AND NOT EXISTS (SELECT FROM {names.MISSED} AS m WHERE m.source = s.source)
                AND (SELECT last_value FROM {names.LOG_IS_FULL}) = 0,
            owners, EXISTS (SELECT FROM {names.CHANGES} AS c WHERE c.source = s.source)
        FROM {names.STATE} AS s WHERE source = ?
        """,
        (media.source.value,),
    )
    rows = cast(list[tuple[str, bool, int, bool]], txn.fetchall())
    if not rows or rows[0][0] != fingerprint(installation, media):
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
