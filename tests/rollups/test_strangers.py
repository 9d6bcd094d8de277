"""Roles that may connect, and no more: nothing of the module runs for them.

Every role of a cluster may connect to Synapse's database and create temporary tables
there, unless an administrator forbids it. The tests try to have a function of the
module run for such a role's own table, with types, casts and operators of its own.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

import psycopg2.errors
import pytest
import yaml
from administrator_support import MEDIA_TABLES, assert_exact, insert_media, run_as
from media_database import (
    Connection,
    Keeper,
    assert_applied_totals_are_exact_txn,
    execute_txn,
    write_config,
)
from realservers.postgres import PostgresServer
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.rollups import install, names, status
from media_stats_module.storage.rollups.status import Status

pytestmark = [pytest.mark.once, pytest.mark.any_database]

# The columns that the functions read, with the stranger's types.
_COLUMNS = {
    "user_id": "TEXT",
    "media_origin": "TEXT",
    "media_length": "BIGINT",
    "created_ts": "BIGINT",
    "media_type": "TEXT",
    "url_cache": "TEXT",
    "quarantined_by": "TEXT",
    "safe_from_quarantine": "BOOLEAN",
    "thumbnail_length": "BIGINT",
}

# Has the rights of the role that evaluates it. Synapse's role would lose the server.
_EVIL = """
    CREATE FUNCTION pg_temp.evil() RETURNS VOID LANGUAGE plpgsql AS $$
    BEGIN
        IF current_user <> session_user THEN
            INSERT INTO public.proof VALUES (current_user);
        END IF;
    END
    $$
"""

_ONES = ", ".join("'1'" for _ in _COLUMNS)
_INSERT = f"INSERT INTO mine VALUES ({_ONES})"
_UPDATE = f"UPDATE mine SET {', '.join(f'{name} = NULL' for name in _COLUMNS)}"

# When a trigger fires, and the statement for it.
_TIMINGS = {
    "AFTER INSERT OR UPDATE ON mine FOR EACH ROW": (_INSERT, _UPDATE),
    "BEFORE INSERT OR UPDATE OR DELETE ON mine FOR EACH ROW": (_INSERT, _UPDATE),
    "AFTER INSERT ON mine REFERENCING NEW TABLE AS old_rows": (_INSERT,),
    "AFTER DELETE ON mine REFERENCING OLD TABLE AS old_rows": (
        _INSERT,
        "DELETE FROM mine",
    ),
    "AFTER TRUNCATE ON mine": (_INSERT, "TRUNCATE mine"),
}

# Statements that make the type pg_temp.bad_{plain}, in place of another one. Using it
# calls the function above.
_TYPES = {
    "a cast": """
        CREATE TYPE pg_temp.bad_{plain} AS ENUM ('1');
        CREATE FUNCTION pg_temp.cast_{plain}(pg_temp.bad_{plain}) RETURNS {plain}
            LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_temp.evil(); RETURN '1'; END $$;
        CREATE CAST (pg_temp.bad_{plain} AS {plain})
            WITH FUNCTION pg_temp.cast_{plain}(pg_temp.bad_{plain}) AS IMPLICIT;
    """,
    "a domain": """
        CREATE FUNCTION pg_temp.allows({plain}) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_temp.evil(); RETURN TRUE; END $$;
        CREATE DOMAIN pg_temp.bad_{plain} AS {plain} CHECK (pg_temp.allows(VALUE));
    """,
    "an operator": """
        CREATE TYPE pg_temp.bad_{plain} AS ENUM ('1');
        CREATE FUNCTION pg_temp.equals(pg_temp.bad_{plain}, pg_temp.bad_{plain})
            RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_temp.evil(); RETURN FALSE; END $$;
        CREATE OPERATOR pg_temp.= (
            LEFTARG = pg_temp.bad_{plain}, RIGHTARG = pg_temp.bad_{plain},
            PROCEDURE = pg_temp.equals
        );
    """,
    "nothing but wrong totals": "CREATE DOMAIN pg_temp.bad_{plain} AS {plain}",
}


@pytest.fixture
def role_connection(
    server: PostgresServer, config_path: Path, role: str, tmp_path: Path
) -> Iterator[Connection]:
    """A connection of a role that may connect, and has a database of its own."""
    args = yaml.safe_load(config_path.read_text())["database"]["args"]
    directory = tmp_path / role
    directory.mkdir()
    args |= {"user": role, "password": role}
    path = write_config(directory, {"name": "psycopg2", "args": args})
    with closing(Connection(path)) as connection:
        yield connection


@pytest.fixture
def keeper(connection: Connection) -> Keeper:
    """Rollups of some files, and a table for the proof of a stranger's function."""
    connection.execute("CREATE TABLE proof (name TEXT)")
    connection.execute("GRANT INSERT ON proof TO PUBLIC")
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    insert_media(connection, "a")
    keeper = Keeper(connection)
    keeper.round()
    assert keeper.failures == {}
    return keeper


def assert_nothing_happened(connection: Connection, keeper: Keeper) -> None:
    """Check that nothing ran as Synapse's role, and nothing was logged."""
    assert connection.execute("SELECT name FROM proof") == []
    connection.run(assert_applied_totals_are_exact_txn)
    keeper.round()
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)
    assert_exact(connection)


def trigger_functions(connection: Connection) -> list[str]:
    """All functions of triggers that rollups have."""
    rows = connection.execute(
        "SELECT proname FROM pg_proc WHERE starts_with(proname, 'media_stats') "
        "AND prorettype = CAST('trigger' AS regtype) ORDER BY proname"
    )
    return [name for (name,) in rows]


def try_trigger(
    connection: Connection, function: str, kind: str, timing: str, argument: str
) -> bool:
    """Try to run a function for a temporary table; return whether that is allowed.

    Args:
        connection: the stranger's.
        function: the module's.
        kind: the way in which the types of columns call the stranger's function.
        timing: when the trigger fires.
        argument: the trigger's argument.
    """
    columns = ", ".join(
        f"{name} pg_temp.bad_{plain}" for name, plain in _COLUMNS.items()
    )
    for statement in (
        "DISCARD TEMP",
        _EVIL,
        *(_TYPES[kind].format(plain=plain) for plain in sorted(set(_COLUMNS.values()))),
        f"CREATE TEMPORARY TABLE mine ({columns})",
    ):
        connection.run_autocommit(execute_txn, statement)
    try:
        connection.execute(
            f"CREATE TRIGGER t {timing} EXECUTE FUNCTION public.{function}({argument})"
        )
    except psycopg2.errors.InsufficientPrivilege:
        return False
    for change in _TIMINGS[timing]:
        with suppress(psycopg2.Error):
            connection.execute(change)
    return True


def test_triggers_on_a_table_of_ones_own(
    connection: Connection, role_connection: Connection, keeper: Keeper
) -> None:
    for function in trigger_functions(connection):
        for timing in _TIMINGS:
            assert not try_trigger(role_connection, function, "a cast", timing, "")
    assert_nothing_happened(connection, keeper)


@pytest.mark.parametrize("kind", _TYPES)
def test_triggers_on_a_table_of_ones_own_where_that_is_allowed(
    connection: Connection,
    role_connection: Connection,
    keeper: Keeper,
    role: str,
    kind: str,
) -> None:
    """Too much was granted. The functions work for Synapse's tables only."""
    connection.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}")
    functions = trigger_functions(connection)
    assert functions
    for function in functions:
        for timing in _TIMINGS:
            for argument in ("", "'true'", "'local'"):
                attack = function, kind, timing, argument
                assert try_trigger(role_connection, *attack), attack
    assert connection.execute("SELECT * FROM media_stats_changes") == []
    assert connection.execute("SELECT name FROM proof") == []
    keeper.round()
    assert_nothing_happened(connection, keeper)
    # The round revoked the right.
    assert not try_trigger(role_connection, *attack)


@pytest.mark.parametrize("rights", ["", "INSERT, UPDATE, DELETE, TRUNCATE, SELECT"])
def test_everything_directly(
    connection: Connection,
    role_connection: Connection,
    keeper: Keeper,
    role: str,
    rights: str,
) -> None:
    """Functions, tables and sequences, also for a role that may write media."""
    if rights:
        connection.execute(f"GRANT {rights} ON {', '.join(MEDIA_TABLES)} TO {role}")
    calls = [
        f"SELECT {oid}({', '.join(['NULL'] * arguments)})"
        for oid, arguments in connection.execute(
            "SELECT CAST(CAST(oid AS regproc) AS TEXT), pronargs FROM pg_proc "
            "WHERE starts_with(proname, 'media_stats') "
            "AND prorettype <> CAST('trigger' AS regtype)"
        )
    ]
    assert calls
    for kind, name in connection.execute(
        "SELECT relkind, relname FROM pg_class "
        "WHERE starts_with(relname, 'media_stats') AND relkind IN ('r', 'S')"
    ):
        calls.append(f"SELECT * FROM {name}")
        if kind == "S":
            calls += [f"SELECT nextval('{name}')", f"SELECT setval('{name}', 1)"]
        else:
            calls += [
                f"DELETE FROM {name}",
                f"INSERT INTO {name} DEFAULT VALUES",
                f"UPDATE {name} SET source = 'local'",
                f"TRUNCATE {name}",
                f"LOCK TABLE {name}",
                f"CREATE TRIGGER t AFTER INSERT ON {name} "
                "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            ]
    for call in calls:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            role_connection.execute(call)
    assert_nothing_happened(connection, keeper)


# Types that PostgreSQL converts to one another, or that an argument may have.
_ARGUMENTS = (
    "TEXT",
    "NAME",
    "VARCHAR",
    "OID",
    "REGCLASS",
    "INTEGER",
    "BIGINT",
    "NUMERIC",
)
_OPERATORS = ("=", "<>", ">", "<", ">=", "||", "+", "-", "*", "/", "~")


def overloads(connection: Connection) -> list[str]:
    """Statements that create functions and operators in `public`.

    They have the names of those that the module's statements use, and may fit better
    than PostgreSQL's own. All of them fail.
    """
    folder = Path(install.__file__).parent
    files = [*folder.glob("*.sql"), *folder.glob("*.py")]
    words = set(re.findall(r"[a-z_]+(?=\()", "".join(map(Path.read_text, files))))
    made = []
    for name, numbers, result in connection.execute(
        "SELECT proname, array_agg(DISTINCT CAST(pronargs AS INT)), "
        "MIN(CASE typtype WHEN 'p' THEN 'text' ELSE prorettype::REGTYPE::TEXT END) "
        "FROM pg_proc JOIN pg_type AS t ON t.oid = prorettype "
        "WHERE proname = ANY (?) AND pronamespace = CAST('pg_catalog' AS REGNAMESPACE) "
        "AND prokind = 'f' GROUP BY proname",
        sorted(words),
    ):
        for number in {1, 2} & set(numbers):
            made += [
                _failing(name, arguments, result)
                for arguments in product(_ARGUMENTS, repeat=number)
            ]
    for name, own in (
        ("media_stats_day", ("BIGINT",)),
        ("media_stats_group", ("TEXT", "NUMERIC")),
    ):
        made += [
            _failing(name, arguments, "TEXT")
            for arguments in product(_ARGUMENTS, repeat=len(own))
            if arguments != own
        ]
    for number, operator in enumerate(_OPERATORS):
        for left, right in product(_ARGUMENTS, repeat=2):
            result = {"||": "TEXT", "+": left, "-": left, "*": left, "/": left}
            name = f"operator_{number}"
            made.append(
                _failing(name, (left, right), result.get(operator, "BOOLEAN"))
                + f"; CREATE OPERATOR public.{operator} (LEFTARG = {left}, "
                f"RIGHTARG = {right}, PROCEDURE = public.{name})"
            )
    return made


def _failing(name: str, arguments: Sequence[str], result: str) -> str:
    types = ", ".join(arguments)
    return (
        f"CREATE FUNCTION public.{name}({types}) RETURNS {result} LANGUAGE plpgsql "
        f"AS $$ BEGIN RAISE EXCEPTION 'ran: {name}({types})'; END $$"
    )


def test_a_schema_that_everybody_may_create_objects_in(
    connection: Connection, role_connection: Connection
) -> None:
    """Like `public` by default before PostgreSQL 15."""
    connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    statements = overloads(connection)

    def create_txn(txn: LoggingTransaction) -> None:
        for statement in statements:
            txn.execute(statement)

    role_connection.run_once(create_txn)

    def change() -> None:
        run_as(
            connection,
            "NONE",
            "INSERT INTO public.local_media_repository (media_id, user_id, "
            "media_length, created_ts) VALUES ('a', '@a', 3, 4), ('b', '@a', 4, 5)",
            "UPDATE public.local_media_repository SET media_length = 5",
            "DELETE FROM public.local_media_repository WHERE media_id = 'b'",
            "INSERT INTO public.remote_media_cache (media_origin, media_id, "
            "media_length, created_ts, filesystem_id) VALUES ('a', 'a', 3, 4, 'a')",
            "DELETE FROM public.remote_media_cache",
            "INSERT INTO public.local_media_repository_thumbnails (media_id, "
            "thumbnail_length) VALUES ('a', 3)",
            "DELETE FROM public.local_media_repository_thumbnails",
        )

    change()
    keeper = Keeper(connection)
    keeper.round()
    assert keeper.failures == {}
    run_as(connection, "NONE", "DELETE FROM public.local_media_repository")
    change()
    assert_exact(connection)
    keeper.wait(2 * 24 * 3600)
    assert keeper.failures == {}
    connection.run(assert_applied_totals_are_exact_txn)
    # Checked, without a difference.
    assert connection.execute("SELECT SUM(differences) FROM media_stats_state") == [
        (0,)
    ]
    off = Keeper(connection, rollups=False)
    off.round()
    assert off.failures == {}


def test_objects_of_a_stranger_with_our_names(
    connection: Connection, role_connection: Connection, role: str
) -> None:
    """The stranger's objects came first, look like ours, and have triggers."""
    insert_media(connection, "a")
    connection.execute("CREATE TABLE proof (name TEXT)")
    connection.execute("GRANT INSERT ON proof TO PUBLIC")
    connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    install_sql = Path(install.__file__).with_name("install.sql").read_text()
    role_connection.execute(
        install_sql.replace("{schema}", "public")
        .replace("{mark}", status.MARK)
        .replace("{previews}", "true")
    )
    for table in names.TABLES:
        role_connection.execute(f"GRANT ALL ON {table} TO PUBLIC")
        role_connection.execute(
            "CREATE OR REPLACE FUNCTION public.evil() RETURNS TRIGGER LANGUAGE plpgsql "
            "AS $$ BEGIN INSERT INTO public.proof VALUES (current_user); "
            "RETURN NEW; END $$"
        )
        role_connection.execute(
            f"CREATE TRIGGER evil BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "EXECUTE FUNCTION public.evil()"
        )
    assert Keeper(connection).statuses() == [Status.ABSENT] * 2
    # Synapse's role, here a superuser, drops what has our marks.
    keeper = Keeper(connection)
    keeper.round()
    assert keeper.failures == {}
    assert_exact(connection)
    assert connection.execute("SELECT name FROM proof") == []


def test_default_privileges(connection: Connection, role: str) -> None:
    """An administrator grants everybody all that is new."""
    for kind in ("FUNCTIONS", "TABLES", "SEQUENCES"):
        for grantee in ("PUBLIC", role):
            connection.execute(
                f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {grantee}"
            )
    keeper = Keeper(connection)
    keeper.round()
    # All that a dump by the role needs, and no more.
    allowed = [(name, "SELECT") for name in (*names.SEQUENCES, *names.TABLES)]
    assert rights_of_others(connection) == sorted(allowed)
    for right in (
        "SELECT ON media_stats_owners TO PUBLIC",
        "EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC",
        f"EXECUTE ON FUNCTION media_stats_log_local TO {role}",
        "USAGE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC",
    ):
        connection.execute(f"GRANT {right}")
        assert rights_of_others(connection) != sorted(allowed)
        keeper.round()
        assert keeper.failures == {}
        assert rights_of_others(connection) == sorted(allowed), right
        assert keeper.statuses() == [Status.EXACT] * 2
    # The rights to tables are the administrator's business.
    connection.execute(f"GRANT UPDATE ON ALL TABLES IN SCHEMA public TO {role}")
    keeper.round()
    assert rights_of_others(connection) != sorted(allowed)
    assert keeper.statuses() == [Status.EXACT] * 2


def rights_of_others(connection: Connection) -> list[tuple[str, ...]]:
    """The rights of others than the owner to the module's objects."""
    return connection.execute(
        """
        SELECT name, privilege_type
        FROM (
            SELECT relname AS name, relowner AS owner, relacl AS acl
            FROM pg_class WHERE relkind IN ('r', 'S')
            UNION ALL
            SELECT proname, proowner, COALESCE(proacl, acldefault('f', proowner))
            FROM pg_proc
        ) AS objects, aclexplode(acl)
        WHERE starts_with(name, 'media_stats') AND grantee <> owner
        ORDER BY name, privilege_type
        """
    )
