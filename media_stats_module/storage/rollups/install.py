"""What rollups add to the database: how it comes, and how it goes.

Each function is one transaction. None waits long for a lock on Synapse's tables, so
none holds up an upload: a statement that does not get its lock in time fails, and the
keeper tries again later.

Only objects in the schema of Synapse's media tables that have our names and our mark
are seen, used or dropped. Nothing is `IF NOT EXISTS`, which is not atomic in
PostgreSQL: one process installs, after it has looked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import names
from media_stats_module.storage.rollups.status import (
    MARK,
    fingerprint,
    set_up_totals_txn,
)
from media_stats_module.storage.sources import MediaTables

_FOLDER = Path(__file__).parent
_TABLES_SQL = (_FOLDER / "install.sql").read_text(encoding="utf-8")
_TRIGGERS_SQL = (_FOLDER / "triggers.sql").read_text(encoding="utf-8")

_TIME_INDEXES = {
    "local_media_repository": "media_stats_local_by_time",
    "remote_media_cache": "media_stats_remote_by_time",
}

# How long an upload may queue behind our own wait for a lock on a media table.
_LOCK_TIMEOUT = "100ms"

# Held by a process that changes objects; any number that nobody else is likely to use.
_ADVISORY_LOCK = int.from_bytes(b"mediasta", "big")


def install_tables_txn(txn: LoggingTransaction, media: MediaTables) -> None:
    """Create the tables and the functions, in a database that has none of them."""
    _set_up_ddl_txn(txn)
    txn.execute(_TABLES_SQL)
    marked = [f"TABLE {name}" for name in names.TABLES]
    marked += [f"FUNCTION {name}" for name in names.FUNCTIONS]
    marked.append(f"SEQUENCE {names.LOG_IS_FULL}")
    for what in marked:
        txn.execute(f"COMMENT ON {what} IS '{MARK}'")
    for what, grantee in _rights_of_others_txn(txn):
        txn.execute(f"REVOKE ALL ON {what} FROM {grantee} CASCADE")
    installation = set_up_totals_txn(txn)
    for table in media.both:
        txn.execute(
            f"INSERT INTO {names.STATE} (source, fingerprint, is_built, owners) "
            "VALUES (?, ?, FALSE, 0)",
            (table.source.value, fingerprint(installation, table)),
        )


def are_tables_current_txn(txn: LoggingTransaction, media: MediaTables) -> bool:
    """Whether the tables and functions are there, of this version and these options."""
    installation = set_up_totals_txn(txn)
    if (
        installation.mark != MARK
        or not installation.has_tables
        or not _are_functions_current_txn(txn)
        or _rights_of_others_txn(txn)
    ):
        return False
    txn.execute(f"SELECT source, fingerprint FROM {names.STATE}")
    return sorted(txn.fetchall()) == [
        (table.source.value, fingerprint(installation, table)) for table in media.both
    ]


def _are_functions_current_txn(txn: LoggingTransaction) -> bool:
    """Whether all functions are there, of this version, with the settings they had."""
    txn.execute(
        f"""
        SELECT COUNT(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE n.oid = {_OUR_SCHEMA} AND obj_description(p.oid, 'pg_proc') = ? AND (
            proname = ANY(?)
            OR proname = ANY(?) AND prosecdef AND proconfig = ARRAY[
                'search_path=' || quote_ident(nspname) || ', pg_temp',
                'lock_timeout=100ms'
            ]
        )
        """,
        (
            MARK,
            [name for name in names.FUNCTIONS if name not in names.TRIGGER_FUNCTIONS],
            list(names.TRIGGER_FUNCTIONS),
        ),
    )
    ((number,),) = cast(list[tuple[int]], txn.fetchall())
    return number == len(names.FUNCTIONS)


def _rights_of_others_txn(txn: LoggingTransaction) -> list[tuple[str, str]]:
    """Our objects that others than their owner may use, and who may.

    PostgreSQL lets PUBLIC execute every new function; default privileges may give more.
    A trigger function that runs as its owner, called for a table of one's own, would
    run one's own operators as its owner. To read the tables is in order, if an
    administrator gave a role that right.
    """
    txn.execute(
        f"""
        SELECT what, CASE grantee WHEN 0 THEN 'PUBLIC'
            ELSE CAST(CAST(grantee AS REGROLE) AS TEXT) END
        FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
                || CAST(oid AS REGCLASS) AS what, relowner AS owner, relacl AS acl
            FROM pg_class
            WHERE relname LIKE ? AND relkind IN ('r', 'S')
                AND relnamespace = {_OUR_SCHEMA}
                AND obj_description(
                    COALESCE(
                        -- A column's sequence is its table's.
                        (
                            SELECT refobjid FROM pg_depend
                            WHERE objid = pg_class.oid AND deptype = 'i'
                                AND classid = CAST('pg_class' AS REGCLASS)
                                AND refclassid = classid
                        ),
                        oid
                    ),
                    'pg_class'
                ) LIKE ?
            UNION ALL
            SELECT 'FUNCTION ' || CAST(oid AS REGPROCEDURE), proowner,
                COALESCE(proacl, acldefault('f', proowner))
            FROM pg_proc
            WHERE proname LIKE ? AND pronamespace = {_OUR_SCHEMA}
                AND obj_description(oid, 'pg_proc') LIKE ?
        ) AS ours, aclexplode(acl)
        WHERE grantee <> owner
            AND NOT (
                grantee <> 0 AND privilege_type = 'SELECT'
                AND starts_with(what, 'TABLE')
            )
        GROUP BY what, grantee
        """,
        (r"media\_stats\_%", _ANY_MARK) * 2,
    )
    return cast(list[tuple[str, str]], txn.fetchall())


def tables_without_triggers_txn(
    txn: LoggingTransaction, media: MediaTables
) -> list[str]:
    """The tables of media and thumbnails whose changes are not logged."""
    logged = set_up_totals_txn(txn).logged_tables
    return [name for name in media.names if name not in logged]


def install_triggers_txn(
    txn: LoggingTransaction, table: str, media: MediaTables
) -> None:
    """Have every change of one table logged from now on, and the totals rebuilt.

    Waits for the transactions that are writing to the table, so after this one commits,
    none is left that does not log.
    """
    _set_up_ddl_txn(txn)
    for triggered, trigger in _triggers_txn(txn):
        if triggered == table:
            txn.execute(f"DROP TRIGGER {trigger} ON {table}")
    _, _, statements = _TRIGGERS_SQL.partition(f"-- table {table}\n")
    statements, _, _ = statements.partition("-- table ")
    previews = media.local.counts_url_previews
    txn.execute(statements.replace("{previews}", str(previews).lower()))
    txn.execute(f"UPDATE {names.STATE} SET is_built = FALSE")


def is_present_txn(txn: LoggingTransaction) -> bool:
    """Whether the database has any object of rollups. Costs some probes."""
    return bool(
        _marked_txn(txn)
        or _triggers_txn(txn)
        or any(_time_index_txn(txn, table, "TRUE") for table in _TIME_INDEXES)
    )


def remove_triggers_txn(txn: LoggingTransaction) -> bool:
    """Take the triggers off one table; False if there are none left."""
    _set_up_ddl_txn(txn)
    triggers = _triggers_txn(txn)
    for table, trigger in triggers:
        # One table at a time: no lock is held while waiting for another.
        if table == triggers[0][0]:
            txn.execute(f"DROP TRIGGER {trigger} ON {table}")
    return bool(triggers)


def remove_tables_txn(txn: LoggingTransaction) -> None:
    """Drop the tables and the functions that are ours, once the triggers are gone."""
    _set_up_ddl_txn(txn)
    for what in _marked_txn(txn):
        txn.execute(f"DROP {what}")


def resume_log_txn(txn: LoggingTransaction) -> bool:
    """Have changes logged again, if the change log was full.

    Returns:
        whether a transaction may still run that did not log its changes.
    """
    set_up_totals_txn(txn)
    txn.execute(
        f"""
        SELECT CASE last_value WHEN 1 THEN setval('{names.LOG_IS_FULL}', 2)
            ELSE last_value END
        FROM {names.LOG_IS_FULL}
        """
    )
    ((value,),) = cast(list[tuple[int]], txn.fetchall())
    return value == 2


def wait_for_writers_txn(txn: LoggingTransaction, table: str) -> None:
    """Wait for the transactions that are writing to a table."""
    _set_up_ddl_txn(txn)
    txn.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def all_changes_are_logged_txn(txn: LoggingTransaction) -> None:
    """Note that no transaction is left that does not log its changes."""
    set_up_totals_txn(txn)
    txn.execute(f"SELECT setval('{names.LOG_IS_FULL}', 0)")


def lacks_time_index_txn(txn: LoggingTransaction, media: MediaTables) -> list[str]:
    """The tables of media without a usable index by time. Costs some probes."""
    is_usable = "indisvalid AND indrelid = to_regclass('{table}')"
    return [
        table.name
        for table in media.both
        if not _time_index_txn(txn, table.name, is_usable)
    ]


def create_time_index_txn(txn: LoggingTransaction, table: str) -> None:
    """Index the media by time, which makes windows of time cheap.

    Outside of a transaction, since `CONCURRENTLY` is what lets uploads go on meanwhile.
    It takes 21 bytes per file. BRIN would take less, but a file that is read moves to
    another page: after a tenth of 10 million rows had moved, a window of a day took
    430 ms, and 6 ms with this one.

    An interrupted attempt leaves an index that is not valid, and a media table that was
    renamed takes its index along; it is dropped first.
    """
    drop_time_index_txn(txn, table)
    txn.execute(
        f"CREATE INDEX CONCURRENTLY {_TIME_INDEXES[table]} ON {table} (created_ts)"
    )


def drop_time_index_txn(txn: LoggingTransaction, table: str) -> None:
    """Drop the index by time, if it is there. Outside of a transaction likewise."""
    index = _time_index_txn(txn, table, "TRUE")
    if index:
        txn.execute(f"DROP INDEX CONCURRENTLY {index}")


@contextmanager
def no_statement_timeout(txn: LoggingTransaction) -> Iterator[None]:
    """Lift Synapse's limit to the time of a statement, outside of a transaction."""
    txn.execute("SELECT current_setting('statement_timeout')")
    ((before,),) = txn.fetchall()
    txn.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        txn.execute("SELECT set_config('statement_timeout', ?, false)", (before,))


def _set_up_ddl_txn(txn: LoggingTransaction) -> None:
    """Set the transaction up to change objects: in our schema, alone, not waiting."""
    txn.execute(
        """
        SELECT set_config('search_path', quote_ident(nspname) || ', pg_temp', true),
            set_config('lock_timeout', ?, true), pg_advisory_xact_lock(?)
        FROM pg_namespace WHERE oid = (
            SELECT relnamespace FROM pg_class
            WHERE oid = to_regclass('local_media_repository')
        )
        """,
        (_LOCK_TIMEOUT, _ADVISORY_LOCK),
    )


# The marks of all versions.
_ANY_MARK = "media_stats_module %"

_OUR_SCHEMA = """(
    SELECT relnamespace FROM pg_class WHERE oid = to_regclass('local_media_repository')
)"""


def _marked_txn(txn: LoggingTransaction) -> list[str]:
    """The tables, functions and the sequence that are ours, as DROP names them.

    In an order in which they can go: tables take their own sequences and triggers
    along, and then no trigger needs a function any more.
    """
    txn.execute(
        f"""
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || oid::regclass
        FROM pg_class
        WHERE relname LIKE ? AND relkind IN ('r', 'S') AND relnamespace = {_OUR_SCHEMA}
            AND obj_description(oid, 'pg_class') LIKE ?
        UNION ALL
        SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc
        WHERE proname LIKE ? AND pronamespace = {_OUR_SCHEMA}
            AND obj_description(oid, 'pg_proc') LIKE ?
        """,
        (r"media\_stats\_%", _ANY_MARK) * 2,
    )
    return [what for (what,) in txn.fetchall()]


def _triggers_txn(txn: LoggingTransaction) -> list[tuple[str, str]]:
    """The tables and names of the triggers that run our functions.

    The table may have another name than it had, if Synapse made a new one.
    """
    txn.execute(
        f"""
        SELECT CAST(tgrelid::regclass AS TEXT), quote_ident(tgname)
        FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
        WHERE proname LIKE ? AND pronamespace = {_OUR_SCHEMA}
            AND obj_description(pg_proc.oid, 'pg_proc') LIKE ?
        ORDER BY tgrelid
        """,
        (r"media\_stats\_log\_%", _ANY_MARK),
    )
    return cast(list[tuple[str, str]], txn.fetchall())


def _time_index_txn(txn: LoggingTransaction, table: str, condition: str) -> str | None:
    """The index by time of a table of media, as DROP names it; None if it is not there.

    Args:
        txn: the transaction.
        table: the table, which may have another name by now.
        condition: an SQL condition on the index, a row of `pg_index`.
    """
    txn.execute(
        f"""
        SELECT CAST(CAST(indexrelid AS REGCLASS) AS TEXT)
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relname = ? AND relnamespace = {_OUR_SCHEMA}
            AND {condition.format(table=table)}
        """,
        (_TIME_INDEXES[table],),
    )
    rows = cast(list[tuple[str]], txn.fetchall())
    return rows[0][0] if rows else None
