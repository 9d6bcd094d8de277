"""The objects that rollups add to the database: how they come, and how they go.

Each function is one transaction. None waits long for a lock on Synapse's tables, so
none holds up an upload: on PostgreSQL a statement that does not get its lock in time
fails, and the whole transaction is tried again later.

All names start with `media_stats_`. Nothing is `IF NOT EXISTS`, which PostgreSQL does
not do atomically: one process installs, after it has looked what is there.
"""

from collections.abc import Iterable, Sequence

from synapse.module_api import LoggingTransaction

from media_stats_module.storage._sql import Sql, day_of
from media_stats_module.storage._synapse import is_postgres
from media_stats_module.storage.rollups.tables import (
    STATE,
    Rollup,
    fingerprint,
)

# Counted up whenever an object below changes. Totals of another version are rebuilt.
SCHEMA_VERSION = 2

# How long an upload may queue behind our own wait for a lock on a media table.
_LOCK_TIMEOUT = "100ms"

# Held by whoever changes objects; any number that nobody else is likely to use.
_ADVISORY_LOCK = int.from_bytes(b"mediasta", "big")


def is_intact_txn(txn: LoggingTransaction, rollups: Sequence[Rollup]) -> bool:
    """Whether every object is there, and is the one that these rollups need.

    Costs some probes of the catalogue.
    """
    wanted = {STATE, *(table for rollup in rollups for table in _tables(rollup))}
    if not wanted <= set(_present_txn(txn)):
        return False
    txn.execute(f"SELECT source, schema_version, fingerprint FROM {STATE}")
    if sorted(txn.fetchall()) != sorted(
        (rollup.name, SCHEMA_VERSION, fingerprint(txn, rollup)) for rollup in rollups
    ):
        return False
    return all(_triggers_are_intact_txn(txn, rollup) for rollup in rollups)


def has_tables_txn(txn: LoggingTransaction, rollup: Rollup) -> bool:
    """Whether all tables are there that answers come from. Probes of the catalogue."""
    tables = (STATE, *_tables(rollup))
    if is_postgres(txn):
        found = " AND ".join("to_regclass(?) IS NOT NULL" for _ in tables)
        txn.execute(f"SELECT {found}", tables)
    else:
        marks = ", ".join("?" for _ in tables)
        txn.execute(
            f"SELECT COUNT(*) = {len(tables)} FROM sqlite_master "
            f"WHERE name IN ({marks})",
            tables,
        )
    return bool(txn.fetchall()[0][0])


def changes_are_logged(txn: LoggingTransaction, rollup: Rollup) -> Sql:
    """The condition under which every change of the media is logged.

    Part of every question, so that no answer is wrong while a trigger is missing: after
    a command by hand, or a schema upgrade of Synapse that made the media table anew.
    PostgreSQL looks in the same snapshot for the trigger as for the totals.
    """
    if is_postgres(txn):
        return Sql(
            "EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(?) "
            "AND tgname = ? AND tgenabled = 'O')",
            (rollup.media.name, rollup.trigger),
        )
    triggers = _sqlite_triggers(rollup)
    marks = ", ".join("?" for _ in triggers)
    return Sql(
        "(SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' "
        f"AND tbl_name = ? AND name IN ({marks})) = {len(triggers)}",
        (rollup.media.name, *triggers),
    )


def is_present_txn(txn: LoggingTransaction) -> bool:
    """Whether the database has any object of rollups."""
    return bool(_present_txn(txn))


def install_tables_txn(txn: LoggingTransaction, rollups: Sequence[Rollup]) -> None:
    """Create the module's own tables, empty, in a database that has none of them."""
    _begin_txn(txn)
    txn.execute(
        f"""
        CREATE TABLE {STATE} (
            source TEXT NOT NULL PRIMARY KEY,
            schema_version INTEGER NOT NULL,
            fingerprint TEXT NOT NULL,
            -- Whether the totals and the log together are exact.
            is_ready BOOLEAN NOT NULL,
            -- How many rows the table of totals has.
            owners BIGINT NOT NULL,
            -- On SQLite, rows of the media table beyond this one are not in the totals
            -- yet, and changes to them are not logged.
            built_to BIGINT NOT NULL,
            build_started_ts BIGINT,
            build_finished_ts BIGINT,
            checked_ts BIGINT,
            differences BIGINT
        )
        """
    )
    identity = (
        "BIGINT GENERATED ALWAYS AS IDENTITY"
        if is_postgres(txn)
        else "INTEGER PRIMARY KEY"
    )
    # SQLite has no INCLUDE, and walks this table fast enough without.
    include = "INCLUDE (media_count, media_length)" if is_postgres(txn) else ""
    for rollup in rollups:
        txn.execute(
            f"""
            CREATE TABLE {rollup.owners} (
                owner TEXT NOT NULL,
                media_count BIGINT NOT NULL,
                media_length BIGINT NOT NULL,
                PRIMARY KEY (owner) {include}
            )
            """
        )
        # With all columns, so that a page is read from the index alone.
        txn.execute(
            f"CREATE INDEX {rollup.by_count} "
            f"ON {rollup.owners} (media_count DESC, owner, media_length)"
        )
        txn.execute(
            f"CREATE INDEX {rollup.by_length} "
            f"ON {rollup.owners} (media_length DESC, owner, media_count)"
        )
        txn.execute(
            f"""
            CREATE TABLE {rollup.days} (
                day BIGINT NOT NULL PRIMARY KEY,
                media_count BIGINT NOT NULL,
                media_length BIGINT NOT NULL
            )
            """
        )
        # No key on PostgreSQL: an upload should not pay for an index, and the log is
        # short.
        txn.execute(
            f"""
            CREATE TABLE {rollup.changes} (
                id {identity},
                owner TEXT NOT NULL,
                day BIGINT NOT NULL,
                media_count BIGINT NOT NULL,
                media_length BIGINT NOT NULL
            )
            """
        )
        txn.execute(
            f"INSERT INTO {STATE} "
            "(source, schema_version, fingerprint, is_ready, owners, built_to) "
            "VALUES (?, ?, ?, ?, 0, 0)",
            (rollup.name, SCHEMA_VERSION, fingerprint(txn, rollup), False),
        )


def install_triggers_txn(txn: LoggingTransaction, rollup: Rollup) -> None:
    """Have every change of the media logged from now on.

    PostgreSQL waits for the transactions that are writing to the media table, so
    after this one commits, none is left that does not log.
    """
    _begin_txn(txn)
    if not is_postgres(txn):
        for statement in _sqlite_triggers(rollup).values():
            txn.execute(statement)
        return

    # The settings hold while the function runs. `search_path`: the log stays where it
    # is for a session that looks elsewhere. `lock_timeout`: whoever locks the log, say
    # with VACUUM FULL, holds up uploads no longer than this.
    txn.execute(
        f"""
        CREATE FUNCTION {rollup.trigger}() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT SET lock_timeout = '{_LOCK_TIMEOUT}'
        AS ?
        """,
        (_postgres_function_body(rollup),),
    )
    # Of no columns in particular: PostgreSQL would not let an upgrade of Synapse change
    # the types of those columns.
    txn.execute(
        f"""
        CREATE TRIGGER {rollup.trigger}
        AFTER INSERT OR DELETE OR UPDATE ON {rollup.media.name}
        FOR EACH ROW EXECUTE PROCEDURE {rollup.trigger}()
        """
    )


def remove_triggers_txn(txn: LoggingTransaction, rollup: Rollup) -> None:
    """Stop logging, if the triggers are there."""
    _begin_txn(txn)
    if not is_postgres(txn):
        txn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?",
            (f"{rollup.trigger}%",),
        )
        for (name,) in txn.fetchall():
            txn.execute(f"DROP TRIGGER {name}")
        return

    # With its trigger, whichever table that is on: the media table may have got another
    # name when Synapse made a new one.
    txn.execute(f"DROP FUNCTION IF EXISTS {rollup.trigger}() CASCADE")


def remove_tables_txn(txn: LoggingTransaction, rollups: Sequence[Rollup]) -> None:
    """Drop the module's own tables, if they are there. The triggers must be gone."""
    _begin_txn(txn)
    for table in (*(table for rollup in rollups for table in _tables(rollup)), STATE):
        txn.execute(f"DROP TABLE IF EXISTS {table}")


def has_time_index_txn(txn: LoggingTransaction, rollup: Rollup) -> bool:
    """Whether the index by time is there and can be used."""
    if is_postgres(txn):
        txn.execute(
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(?) "
            "AND indrelid = to_regclass(?) AND indisvalid",
            (rollup.by_time, rollup.media.name),
        )
    else:
        txn.execute(
            "SELECT 1 FROM sqlite_master WHERE name = ? AND tbl_name = ?",
            (rollup.by_time, rollup.media.name),
        )
    return bool(txn.fetchall())


def create_time_index_txn(txn: LoggingTransaction, rollup: Rollup) -> None:
    """Index the media by time, which makes windows of time cheap.

    On PostgreSQL outside of a transaction, since `CONCURRENTLY` is what lets uploads
    go on meanwhile, and with a BRIN index: uploads stand in the table in the order
    they came in, so all it needs to keep is the first and last time of each run of
    pages. It is about a ten-thousandth of the table in size, and costs an upload
    nothing that can be measured. What was inserted since the last vacuum is read
    whether or not it is in the window. On SQLite a B-tree, with all that is added up.

    What is left of an attempt that was interrupted is an index that is not valid; it
    is dropped first. So is one of a table that has another name now.
    """
    drop_time_index_txn(txn, rollup)
    if is_postgres(txn):
        txn.execute(
            f"CREATE INDEX CONCURRENTLY {rollup.by_time} ON {rollup.media.name} "
            "USING brin (created_ts) WITH (pages_per_range = 32, autosummarize = on)"
        )
    else:
        txn.execute(
            f"CREATE INDEX {rollup.by_time} ON {rollup.media.name} "
            f"(created_ts, {', '.join((*rollup.media.present, *rollup.media.absent))})"
        )


def drop_time_index_txn(txn: LoggingTransaction, rollup: Rollup) -> None:
    """Drop the index by time, if it is there. Outside of a transaction likewise."""
    concurrently = "CONCURRENTLY" if is_postgres(txn) else ""
    txn.execute(f"DROP INDEX {concurrently} IF EXISTS {rollup.by_time}")


def _tables(rollup: Rollup) -> Iterable[str]:
    return rollup.owners, rollup.days, rollup.changes


def _present_txn(txn: LoggingTransaction) -> list[str]:
    """The names of all that rollups have added to the database."""
    if is_postgres(txn):
        txn.execute(
            r"""
            SELECT relname FROM pg_class
            WHERE relname LIKE ? AND relnamespace = current_schema()::regnamespace
            UNION ALL
            SELECT proname FROM pg_proc
            WHERE proname LIKE ? AND pronamespace = current_schema()::regnamespace
            """,
            (r"media\_stats\_%", r"media\_stats\_%"),
        )
    else:
        txn.execute("SELECT name FROM sqlite_master WHERE name GLOB 'media_stats_*'")
    return [name for (name,) in txn.fetchall()]


def _begin_txn(txn: LoggingTransaction) -> None:
    """Begin a transaction that changes objects: alone, and without waiting long."""
    if is_postgres(txn):
        txn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        txn.execute("SELECT pg_advisory_xact_lock(?)", (_ADVISORY_LOCK,))
    else:
        # Python begins one only before INSERT, UPDATE and DELETE. Without it each
        # statement would be a transaction of its own.
        txn.execute("BEGIN IMMEDIATE")


def _counting_columns(rollup: Rollup) -> Sequence[str]:
    """The columns of the media table that decide what a row adds to the totals.

    Not `last_access_ts`, which Synapse writes all the time.
    """
    return *rollup.media.present, *rollup.media.absent, "created_ts"


def _is_same(rollup: Rollup) -> str:
    """The condition under which an UPDATE does not matter to the totals."""
    before, after = (
        ", ".join(f"{row}.{column}" for column in _counting_columns(rollup))
        for row in ("OLD", "NEW")
    )
    return f"({before}) IS NOT DISTINCT FROM ({after})"


def _log(rollup: Rollup, row: str, sign: str) -> str:
    """The statement that logs that a row, OLD or NEW, has gone or come."""
    return (
        f"INSERT INTO {rollup.changes} (owner, day, media_count, media_length) VALUES "
        f"({row}.{rollup.media.owner}, {day_of(f'{row}.created_ts')}, "
        f"{sign}1, {sign}{row}.media_length)"
    )


def _postgres_function_body(rollup: Rollup) -> str:
    # An upload or deletion must go on whatever is wrong with our log; then the log
    # misses a change, which the check finds.
    return f"""
BEGIN
    IF TG_OP = 'UPDATE' AND {_is_same(rollup)} THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND {rollup.media.is_row_counted("OLD")} THEN
        {_log(rollup, "OLD", "-")};
    END IF;
    IF TG_OP <> 'DELETE' AND {rollup.media.is_row_counted("NEW")} THEN
        {_log(rollup, "NEW", "")};
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'media_stats_module could not log a change: %', SQLERRM;
    RETURN NULL;
END
"""


def _sqlite_triggers(rollup: Rollup) -> dict[str, str]:
    """The triggers by name. SQLite has no way to go on after an error in one."""
    triggers = {}
    for event, row, sign in (("insert", "NEW", ""), ("delete", "OLD", "-")):
        name = f"{rollup.trigger}_{event}"
        triggers[name] = (
            f"CREATE TRIGGER {name} AFTER {event.upper()} ON {rollup.media.name} "
            f"WHEN {_is_logged(rollup, row)} BEGIN {_log(rollup, row, sign)}; END"
        )
    columns = ", ".join(_counting_columns(rollup))
    for row, sign in (("OLD", "-"), ("NEW", "")):
        name = f"{rollup.trigger}_update_{row.lower()}"
        triggers[name] = (
            f"CREATE TRIGGER {name} AFTER UPDATE OF {columns} "
            f"ON {rollup.media.name} "
            f"WHEN {_is_logged(rollup, row)} BEGIN {_log(rollup, row, sign)}; END"
        )
    return triggers


def _is_logged(rollup: Rollup, row: str) -> str:
    return (
        f"{rollup.media.is_row_counted(row)} AND {row}.rowid <= "
        f"(SELECT built_to FROM {STATE} WHERE source = '{rollup.name}')"
    )


def _triggers_are_intact_txn(txn: LoggingTransaction, rollup: Rollup) -> bool:
    if is_postgres(txn):
        return _postgres_trigger_txn(txn, rollup) == [
            (_postgres_function_body(rollup), "O")
        ]
    txn.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?",
        (rollup.media.name,),
    )
    return _sqlite_triggers(rollup).items() <= dict(txn.fetchall()).items()


def _postgres_trigger_txn(
    txn: LoggingTransaction, rollup: Rollup
) -> list[tuple[object, ...]]:
    """What the trigger runs and whether it is enabled; nothing if there is none."""
    txn.execute(
        """
        SELECT p.prosrc, t.tgenabled
        FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
        WHERE t.tgrelid = to_regclass(?) AND t.tgname = ?
        """,
        (rollup.media.name, rollup.trigger),
    )
    return list(txn.fetchall())
