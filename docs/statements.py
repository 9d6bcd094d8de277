"""Writes docs/statements.sql and statements-sqlite.sql: the SQL of every question.

Run it with `python docs/statements.py`. A test compares the files with the statements
that are sent.

It starts PostgreSQL and a real Synapse on each database, inserts some media, asks each
question through the store, and records the statements.
"""

import re
import sqlite3
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import attr
import psycopg2
from synapse.module_api import LoggingTransaction

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from realservers.postgres import PostgresServer  # noqa: E402
from statements_format import format_sql  # noqa: E402
from statements_list import NAMES, OWNERS, QUESTIONS, USER_IDS, Question  # noqa: E402

from demo.homeserver import Homeserver  # noqa: E402
from media_stats_module.config import MediaStatsConfig  # noqa: E402
from media_stats_module.offline import OfflineHomeserver  # noqa: E402
from media_stats_module.storage import (  # noqa: E402
    DiskRows,
    MediaStatsStore,
    OfflineDatabase,
    open_sqlite_file,
)
from media_stats_module.storage.database import Cost  # noqa: E402
from media_stats_module.storage.offline_database import finish  # noqa: E402
from media_stats_module.synapse_internals import connect_to_main  # noqa: E402

_DOCS = Path(__file__).parent
_SERVER_NAME = "example.org"
_TIMEOUT_S = 120

_SETTINGS = "Settings of this transaction only."

_HEAD = """\
-- The SQL of every question, as {database} gets it. All of it only reads.
-- Written by docs/statements.py; do not edit.
--
-- Parameters have the names of the API's. They are always bound, never put into the
-- text.{more}
"""
_ABOUT_POSTGRES = """ Times are those of PostgreSQL 18 with 10 million local media of
-- 100,000 users and 10 million remote media in memory, on two cores.
--
-- A running Synapse first sets statement_timeout to the option query_timeout, in each
-- transaction, and reads long lists with a cursor. What rollups write is in
-- media_stats_module/storage/rollups: install.sql, triggers.sql and build.py.
"""
_ABOUT_SQLITE = """ Statements that are the same on PostgreSQL are in statements.sql
-- only, and so are the costs.
"""

_T = TypeVar("_T")


def main() -> None:
    for name, text in record().items():
        (_DOCS / name).write_text(text)


def record() -> Mapping[str, str]:
    """Ask all questions on both databases; return the files' content by name."""
    with tempfile.TemporaryDirectory(prefix="statements-") as folder:
        postgres = _on_postgres(Path(folder) / "postgres")
        sqlite = _on_sqlite(Path(folder) / "sqlite")
    return {
        "statements.sql": _file(
            "PostgreSQL", _ABOUT_POSTGRES, _postgres_parts(postgres)
        ),
        "statements-sqlite.sql": _file(
            "SQLite", _ABOUT_SQLITE, _sqlite_parts(sqlite, postgres)
        ),
    }


def _file(database: str, more: str, parts: Iterable[str]) -> str:
    return "\n".join([_HEAD.format(database=database, more=more.rstrip()), *parts])


@attr.frozen
class _Statement:
    """A recorded statement, with its parameters named."""

    text: str

    @property
    def is_setting(self) -> bool:
        """Whether it only changes the transaction's settings."""
        words = " ".join(self.text.split()).lstrip("( ")
        return words.startswith(("SELECT set_config", "SET LOCAL", "BEGIN"))


_Recorded = Mapping[str, Sequence[_Statement]]


class _RecordingTransaction:
    """A transaction that records its statements, in `statements`."""

    def __init__(self, txn: LoggingTransaction) -> None:
        self._txn = txn
        self.statements: list[_Statement] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._txn, name)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._txn)

    def execute(self, sql: str, args: Sequence[object] = ()) -> None:
        """Record the statement, and run it."""
        self.statements.append(_Statement(_with_names(sql, args)))
        self._txn.execute(sql, args)


class _RecordingDatabase(OfflineDatabase):
    """A database that records the statements of its reading transactions.

    Attributes:
        statements: those since it was last emptied, each once.
    """

    statements: Sequence[_Statement] = ()

    async def read(
        self,
        description: str,
        function: Callable[[LoggingTransaction, Cost], _T | None],
        costs: Sequence[Cost],
    ) -> _T | None:
        def recording(txn: LoggingTransaction, cost: Cost) -> _T | None:
            recorder = _RecordingTransaction(txn)
            found = function(cast(LoggingTransaction, recorder), cost)
            self.statements = list(
                dict.fromkeys((*self.statements, *recorder.statements))
            )
            return found

        return await super().read(description, recording, costs)


def _with_names(sql: str, args: Sequence[object]) -> str:
    """Put the name or the value of each parameter in place of its mark.

    No string in the statements has a question mark.
    """
    first, *rest = sql.split("?")
    assert len(rest) == len(args), (sql, args)
    return first + "".join(
        (":names" if isinstance(arg, list) else NAMES.get(arg, _literal(arg))) + part
        for arg, part in zip(args, rest, strict=True)
    )


def _literal(value: object) -> str:
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    return str(value)


def _on_postgres(folder: Path) -> _Recorded:
    server = PostgresServer.start(folder / "server", {"fsync": "off"})
    try:
        server.create_database("synapse")
        with _database(folder, server.dsn("synapse")) as database:
            recorded = _ask_all(database, has_rollups=True)
            finish(database.read("check", _assert_known_txn, [Cost.PROBES]))
            return recorded
    finally:
        server.stop()


def _on_sqlite(folder: Path) -> _Recorded:
    with _database(folder, None) as database:
        return _ask_all(database, has_rollups=False)


@contextmanager
def _database(
    folder: Path, postgres: Mapping[str, object] | None
) -> Iterator[_RecordingDatabase]:
    """A database of Synapse's, with all of its indexes, and some media."""
    homeserver = Homeserver(
        folder / "homeserver",
        server_name=_SERVER_NAME,
        postgres=postgres,
        overrides={"background_updates": {"sleep_enabled": False}},
    )
    with homeserver:
        with closing(_connect(homeserver, postgres)) as connection:
            _fill(connection)
        offline = OfflineHomeserver([str(homeserver.config_path)])
        database = _RecordingDatabase(
            connect_to_main(offline.configuration, open_sqlite_file), _SERVER_NAME
        )
        deadline = time.monotonic() + _TIMEOUT_S
        while finish(database.read("wait", _has_updates_txn, [Cost.PROBES])):
            if time.monotonic() > deadline:
                raise TimeoutError("Synapse's background updates do not end")
            time.sleep(0.2)
    yield database


def _has_updates_txn(txn: LoggingTransaction, cost: Cost) -> bool:
    txn.execute("SELECT 1 FROM background_updates LIMIT 1")
    return bool(txn.fetchall())


def _connect(homeserver: Homeserver, postgres: Mapping[str, Any] | None) -> Any:
    if postgres is None:
        return sqlite3.connect(homeserver.directory / "homeserver.db", timeout=30)
    return psycopg2.connect(**postgres)


def _fill(connection: Any) -> None:
    """Insert a file for each of some users and servers."""
    cursor = connection.cursor()
    for number in range(OWNERS):
        cursor.execute(
            "INSERT INTO local_media_repository "
            "(media_id, media_type, media_length, created_ts, user_id) VALUES "
            f"('local{number}', 'image/png', 1, 1700000000000, '{USER_IDS[number]}')"
        )
        cursor.execute(
            "INSERT INTO remote_media_cache (media_origin, media_id, media_type, "
            "media_length, created_ts, filesystem_id) VALUES "
            f"('{number}.example', 'remote', 'image/png', 1, 1700000000000, 'file')"
        )
    connection.commit()


def _ask_all(database: _RecordingDatabase, *, has_rollups: bool) -> _Recorded:
    """The statements of each question, by its title."""
    live = MediaStatsStore(database, MediaStatsConfig())
    recorded = {
        question.title: _ask(database, live, question)
        for question in QUESTIONS
        if not question.from_totals
    }
    if has_rollups:
        store = MediaStatsStore(database, MediaStatsConfig(rollups=True))
        finish(store.maintenance.install())
        finish(store.maintenance.create_missing_indexes())
        for table in store.maintenance.media.both:
            finish(store.maintenance.build(table))
        for has_changes in (False, True):
            if has_changes:
                finish(database.write("change", _change_txn))
            recorded.update(
                (question.title, _ask(database, store, question))
                for question in QUESTIONS
                if question.from_totals and question.has_changes is has_changes
            )
    return recorded


def _assert_known_txn(txn: LoggingTransaction, cost: Cost) -> None:
    """Check that the tables, indexes and columns in the costs exist."""
    txn.execute(
        "SELECT relname FROM pg_class UNION SELECT attname FROM pg_attribute UNION "
        "SELECT name FROM pg_settings"
    )
    known = {name for (name,) in txn.fetchall()}
    costs = " ".join(cost for question in QUESTIONS for cost in question.costs)
    unknown = {name for name in re.findall(r"\w+_\w+", costs) if name not in known}
    assert not unknown, unknown


def _change_txn(txn: LoggingTransaction) -> None:
    txn.execute("UPDATE local_media_repository SET media_length = 2")


def _ask(
    database: _RecordingDatabase, store: MediaStatsStore, question: Question
) -> Sequence[_Statement]:
    database.statements = ()
    if question.ask:
        finish(cast(Coroutine[Any, Any, object], question.ask(store)))
    if question.ask_disk:
        question.ask_disk(DiskRows(database))
    return database.statements


def _postgres_parts(recorded: _Recorded) -> Iterator[str]:
    """The statements, each once, with their costs."""
    numbers: dict[_Statement, int] = {}
    for question in QUESTIONS:
        costs = iter(question.costs)
        yield _heading(question.title)
        yield from _again(recorded[question.title], numbers)
        for statement in recorded[question.title]:
            if statement not in numbers:
                number = numbers[statement] = len(numbers) + 1
                cost = _SETTINGS if statement.is_setting else next(costs, None)
                assert cost, f"{question.title} has no cost of: {statement.text}"
                yield _block(f"{number}. {cost}", statement)
        assert not list(costs), f"{question.title}: a cost without a statement"


def _sqlite_parts(recorded: _Recorded, postgres: _Recorded) -> Iterator[str]:
    """The statements that PostgreSQL does not get, each once."""
    numbers: dict[_Statement, int] = {}
    for question in QUESTIONS:
        statements = [
            statement
            for statement in recorded.get(question.title, ())
            if statement not in postgres[question.title] and not statement.is_setting
        ]
        if statements:
            yield _heading(question.title)
            yield from _again(statements, numbers)
        for statement in statements:
            if statement not in numbers:
                number = numbers[statement] = len(numbers) + 1
                yield _block(f"{number}.", statement)


def _again(
    statements: Iterable[_Statement], numbers: Mapping[_Statement, int]
) -> Iterator[str]:
    again = [
        str(numbers[statement]) for statement in statements if statement in numbers
    ]
    if again:
        yield f"-- Again: {', '.join(again)}.\n"


def _heading(title: str) -> str:
    return f"\n-- {title}\n-- {'=' * len(title)}\n"


def _block(about: str, statement: _Statement) -> str:
    lines = textwrap.wrap(about, 85)
    comment = "\n".join(f"-- {line}" for line in lines)
    return f"{comment}\n{format_sql(statement.text)};\n"


if __name__ == "__main__":
    main()
