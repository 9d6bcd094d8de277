"""Creates and drops the objects of rollups in the database.

Each function is a part of one transaction. None waits long for a lock on Synapse's
tables, so none holds up an upload: a statement that does not get its lock in time
fails, and the keeper tries again later.

Uses and drops only our own objects (objects.sql) in the schema of Synapse's media
tables. `IF NOT EXISTS` is not atomic in PostgreSQL, so one process looks first, and
then installs.
"""

from pathlib import Path
from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.storage.errors import DatabaseFailedError
from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import (
    MARK,
    fingerprint,
    has_current_objects_txn,
    set_up_totals_txn,
)
from media_stats_module.storage.sources import MediaTables

_FOLDER = Path(__file__).parent
_INSTALL_SQL = (_FOLDER / "install.sql").read_text(encoding="utf-8")
_TRIGGERS_SQL = (_FOLDER / "triggers.sql").read_text(encoding="utf-8")
_OBJECTS_SQL = (_FOLDER / "objects.sql").read_text(encoding="utf-8")

_TIME_INDEXES = {
    "local_media_repository": "media_stats_local_by_time",
    "remote_media_cache": "media_stats_remote_by_time",
}

# The longest that an upload may wait behind our own wait for a lock on a media table.
_LOCK_TIMEOUT = "100ms"
# Longer than deadlock_timeout, after which autovacuum releases its lock.
_AUTOVACUUM_TIMEOUT = "1500ms"

# The advisory lock of a process that changes objects: an arbitrary number.
_ADVISORY_LOCK = int.from_bytes(b"mediasta", "big")


def set_up_ddl_txn(txn: LoggingTransaction) -> None:
    """Set up the transaction to change objects: schema, lock timeout, advisory lock."""
    txn.execute(
        """
        SELECT set_config(
                'search_path', quote_ident(CAST(nspname AS TEXT)) || ', pg_temp', true
            ),
            set_config('quote_all_identifiers', 'off', true),
            set_config('lock_timeout', ?, true), pg_advisory_xact_lock(?)
        FROM pg_namespace WHERE oid = (
            SELECT relnamespace FROM pg_class
            WHERE oid = CAST(to_regclass('local_media_repository') AS OID)
        )
        """,
        (_LOCK_TIMEOUT, _ADVISORY_LOCK),
    )


def are_objects_current_txn(txn: LoggingTransaction, media: MediaTables) -> bool:
    """Whether all objects but triggers are there, for these tables and options."""
    installation = set_up_totals_txn(txn)
    return all(
        has_current_objects_txn(txn, installation, table) for table in media.both
    )


def install_objects_txn(txn: LoggingTransaction, media: MediaTables) -> None:
    """Create the tables and the functions, in a database that has none of them."""
    txn.execute(
        "SELECT CAST(relnamespace AS REGNAMESPACE) FROM pg_class "
        "WHERE oid = CAST(to_regclass('local_media_repository') AS OID)"
    )
    ((schema,),) = cast(list[tuple[str]], txn.fetchall())
    txn.execute(
        _INSTALL_SQL.replace("'{schema}", "'" + schema.replace("'", "''"))
        .replace("{schema}", schema)
        .replace("{mark}", MARK)
        .replace("{previews}", str(media.local.counts_url_previews))
    )
    _revoke_rights_of_others_txn(txn)
    installation = set_up_totals_txn(txn)
    if not installation.has_objects:
        raise DatabaseFailedError(
            "the new objects differ from their definition, or have other owners or "
            "rights",
            is_lock=False,
        )
    for table in media.both:
        txn.execute(
            f"INSERT INTO {names.STATE} (source, fingerprint, owners) VALUES (?, ?, 0)",
            (table.source.value, fingerprint(installation, table)),
        )


def _revoke_rights_of_others_txn(txn: LoggingTransaction) -> None:
    """Let only the owner use the objects.

    PostgreSQL lets PUBLIC execute every new function, and default privileges may grant
    more. A role that may execute a trigger function of another owner could run it, with
    that owner's rights, for a table with its own types and operators.

    A role that makes dumps of the database must keep SELECT on tables and sequences.
    """
    txn.execute(
        """
        SELECT what, CASE grantee WHEN CAST(0 AS OID) THEN 'PUBLIC'
                ELSE CAST(CAST(grantee AS REGROLE) AS TEXT) END,
            string_agg(DISTINCT privilege_type, ', ')
        FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
                    || CAST(CAST(oid AS REGCLASS) AS TEXT) AS what,
                relowner AS owner, relacl AS acl
            FROM pg_class
            WHERE oid = ANY (CAST(CAST(? AS REGCLASS[]) AS OID[]))
            UNION ALL
            SELECT 'FUNCTION ' || CAST(CAST(oid AS REGPROCEDURE) AS TEXT), proowner,
                COALESCE(proacl, acldefault(CAST('f' AS "char"), proowner))
            FROM pg_proc
            WHERE proname = ANY (?) AND strpos(prosrc, ?) > 0
                AND pronamespace = (
                    SELECT oid FROM pg_namespace WHERE nspname = current_schema()
                )
        ) AS ours, aclexplode(acl)
        WHERE grantee <> owner
            AND (privilege_type <> 'SELECT' OR grantee = CAST(0 AS OID))
        GROUP BY what, grantee
        """,
        ([*names.TABLES, *names.SEQUENCES], list(names.FUNCTIONS), f"-- {MARK} "),
    )
    for what, grantee, rights in cast(list[tuple[str, str, str]], txn.fetchall()):
        txn.execute(f"REVOKE {rights} ON {what} FROM {grantee} CASCADE")


def tables_without_triggers_txn(
    txn: LoggingTransaction, media: MediaTables
) -> list[str]:
    """The tables of media and thumbnails whose changes are not logged."""
    logged = set_up_totals_txn(txn).logged_tables
    return [name for name in media.table_names if name not in logged]


def install_triggers_txn(txn: LoggingTransaction, table: str) -> None:
    """Log every change of one table from now on, and request a rebuild of the totals.

    Waits for the transactions that are writing to the table: after this one commits,
    all of them log.
    """
    txn.execute(
        "SELECT FROM pg_inherits "
        "WHERE CAST(to_regclass(?) AS OID) IN (inhrelid, inhparent)",
        (table,),
    )
    if txn.rowcount:
        raise DatabaseFailedError(
            f"{table} has partitions or inherits: their changes cannot be logged",
            is_lock=False,
        )
    _wait_for_autovacuum_txn(txn, table)
    for triggered, trigger in _triggers_txn(txn):
        if triggered == table:
            txn.execute(f"DROP TRIGGER {trigger} ON {table}")
    txn.execute(
        _TRIGGERS_SQL.replace("{table}", table).replace(
            "{function}", names.TRIGGER_FUNCTIONS[table]
        )
    )
    txn.execute(f"UPDATE {names.STATE} SET missed = NULL, build_finished_ts = NULL")


def is_present_txn(txn: LoggingTransaction) -> bool:
    """Whether the database has any object of rollups. Costs some probes."""
    return bool(
        _objects_txn(txn)
        or _triggers_txn(txn)
        or any(_time_index_txn(txn, table) for table in _TIME_INDEXES)
    )


def remove_triggers_txn(txn: LoggingTransaction) -> bool:
    """Drop the triggers on one table; return False if there were none left."""
    triggers = _triggers_txn(txn)
    if not triggers:
        return False
    # One table at a time: no lock is held while waiting for another.
    first, _ = triggers[0]
    _wait_for_autovacuum_txn(txn, first)
    for table, trigger in triggers:
        if table == first:
            txn.execute(f"DROP TRIGGER {trigger} ON {table}")
    return True


def _wait_for_autovacuum_txn(txn: LoggingTransaction, table: str) -> None:
    """Wait until autovacuum has released its lock on a table, and keep it away.

    It does so a second after another transaction wants the lock. No upload waits for
    this one.
    """
    set_timeout = "SELECT set_config('lock_timeout', ?, true)"
    txn.execute(set_timeout, (_AUTOVACUUM_TIMEOUT,))
    txn.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
    txn.execute(set_timeout, (_LOCK_TIMEOUT,))


def disarm_functions_txn(txn: LoggingTransaction) -> None:
    """Take their owner's rights from our functions, once our triggers are gone.

    Another role's trigger may use a function, and so prevent a drop of it.
    """
    for what in _objects_txn(txn):
        if what.startswith("FUNCTION "):
            txn.execute(f"ALTER {what.removesuffix(' CASCADE')} SECURITY INVOKER")


def remove_objects_txn(txn: LoggingTransaction) -> None:
    """Drop the tables and the functions that are ours, once the triggers are gone."""
    for what in _objects_txn(txn):
        txn.execute(f"DROP {what}")


def lacks_time_index_txn(txn: LoggingTransaction, media: MediaTables) -> list[str]:
    """The tables of media without a usable index by time. Costs some probes."""
    is_usable = "indisvalid AND indrelid = CAST(to_regclass('{table}') AS OID)"
    return [
        table.name
        for table in media.both
        if not _time_index_txn(txn, table.name, is_usable)
    ]


def create_time_index_txn(txn: LoggingTransaction, table: str) -> None:
    """Create the index of the media by time, which makes windows of time cheap.

    Outside of a transaction, because `CONCURRENTLY` lets uploads go on meanwhile. It
    takes 21 bytes per file. BRIN would take less, but a file that is read moves to
    another page: after a tenth of 10 million rows had moved, a window of a day took
    430 ms instead of 6 ms.

    An interrupted attempt leaves an invalid index. A renamed media table keeps its
    index. Either is dropped first.
    """
    drop_time_index_txn(txn, table)
    txn.execute(
        f"CREATE INDEX CONCURRENTLY {_TIME_INDEXES[table]} ON {table} (created_ts)"
    )


def drop_time_index_txn(txn: LoggingTransaction, table: str) -> None:
    """Drop the index by time, if it is there. Also outside of a transaction.

    Raises:
        DatabaseFailedError: another connection may be creating it, such as one of a
            killed process.
    """
    index = _time_index_txn(txn, table)
    if not index:
        return
    if _time_index_txn(txn, table, "NOT indisvalid"):
        txn.execute(
            """
            SELECT 1 FROM pg_locks JOIN pg_database AS d ON d.oid = database
            WHERE relation = CAST(to_regclass(?) AS OID)
                AND mode = 'ShareUpdateExclusiveLock' AND granted
                AND datname = current_database() AND pid <> pg_backend_pid()
            """,
            (table,),
        )
        if txn.fetchall():
            raise DatabaseFailedError(
                f"another connection works on {table}, and may be creating the index",
                is_lock=True,
            )
    txn.execute(f"DROP INDEX CONCURRENTLY {index}")


_OUR_SCHEMA = """(
    SELECT relnamespace FROM pg_class
    WHERE oid = CAST(to_regclass('local_media_repository') AS OID)
)"""


def _objects_txn(txn: LoggingTransaction) -> list[str]:
    """The tables, sequences and functions that are ours, as DROP names them."""
    txn.execute(_OBJECTS_SQL)
    return [what for (what,) in txn.fetchall()]


def _triggers_txn(txn: LoggingTransaction) -> list[tuple[str, str]]:
    """The tables and names of the triggers that run our functions, of all versions.

    The table may have another name now, if Synapse has replaced it.
    """
    txn.execute(
        f"""
        SELECT CAST(tgrelid::regclass AS TEXT), quote_ident(CAST(tgname AS TEXT))
        FROM pg_trigger
            JOIN pg_proc ON pg_proc.oid = tgfoid
            JOIN pg_class ON pg_class.oid = tgrelid
        WHERE tgname = ANY (?) AND {_OUR_SCHEMA} IN (pronamespace, relnamespace)
            AND CAST(proname AS TEXT)
                ~ '^media_stats_log_(local|remote|thumbnails|truncate)'
        ORDER BY tgrelid
        """,
        (list(names.TRIGGERS),),
    )
    return cast(list[tuple[str, str]], txn.fetchall())


def _time_index_txn(
    txn: LoggingTransaction, table: str, condition: str = "TRUE"
) -> str | None:
    """The index by time of a table of media, as DROP names it; None if it is not there.

    Args:
        txn: the transaction.
        table: the table that it was created on, which may have another name now.
        condition: an SQL condition on the index, a row of `pg_index`.
    """
    txn.execute(
        f"""
        SELECT CAST(CAST(indexrelid AS REGCLASS) AS TEXT)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relname = ? AND relnamespace = {_OUR_SCHEMA}
            AND indnatts = 1 AND NOT indisunique AND indpred IS NULL
            AND trim(pg_get_indexdef(indexrelid, 1, TRUE), '"') = 'created_ts'
            AND {condition.format(table=table)}
        """,
        (_TIME_INDEXES[table],),
    )
    rows = cast(list[tuple[str]], txn.fetchall())
    return rows[0][0] if rows else None
