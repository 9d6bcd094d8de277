"""The commands `users` and `summary`, beside a server."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from media_database import Connection, Keeper
from realservers.deployment import wait_until
from synapse.module_api import LoggingTransaction
from synapse.storage.database import LoggingDatabaseConnection

from media_stats_module.__main__ import main
from media_stats_module.offline import OfflineHomeserver
from media_stats_module.storage import DatabaseFailedError, OfflineDatabase, finish
from media_stats_module.storage.database import Cost

ALICE, BOB, CONTROL = "@alice:test", "@bob:test", "@\x1b[31m:test"


@pytest.fixture
def config(config_path: Path, connection: Connection) -> Path:
    """A configuration whose database has some media."""
    for media_id, user_id, length in (
        ("a", ALICE, 1_500),
        ("b", ALICE, 500),
        ("c", BOB, 5 << 20),
        ("d", CONTROL, 1),
    ):
        connection.execute(
            "INSERT INTO local_media_repository "
            "(media_id, user_id, media_length, created_ts, media_type) "
            f"VALUES ('{media_id}', '{user_id}', {length}, 1, 'image/png')"
        )
    connection.execute(
        "INSERT INTO remote_media_cache (media_origin, media_id, media_length, "
        "created_ts, media_type) VALUES ('a.example', 'e', 3, 1, 'image/png')"
    )
    return config_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that succeeds; return its output."""
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("has_totals", [False, True])
def test_users(
    config: Path,
    connection: Connection,
    capsys: pytest.CaptureFixture[str],
    *,
    has_totals: bool,
) -> None:
    if has_totals:
        Keeper(connection).round()
    largest = ("users", "--order-by", "media_length", "--dir", "b", "-c", str(config))
    assert run(capsys, *largest).splitlines() == [
        "user_id         displayname  media_count  media_length",
        "@bob:test                              1       5.0 MiB",
        "@alice:test                            2       2.0 KiB",
        # Would change the colour of a terminal.
        "@\\x1b[31m:test                         1        1 byte",
        "total: 3",
    ]
    assert json.loads(run(capsys, *largest, "--limit", "1", "--json")) == {
        "users": [
            {
                "user_id": BOB,
                "displayname": None,
                "media_count": 1,
                "media_length": 5 << 20,
            }
        ],
        "total": 3,
        "next_token": 1,
    }


def program(config: Path, *options: str, **environment: str) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` for `users` in a real process."""
    command = (sys.executable, "-W", "ignore", "-m", "media_stats_module", "users")
    return {
        "args": [*command, "-c", str(config), *filter(None, options)],
        "env": {**os.environ, **environment},
    }


@pytest.mark.once
def test_ctrl_c(config: Path, connect: Callable[[], Connection]) -> None:
    """It ends the command and its statement, which waits for a lock."""
    watching = connect()

    def is_waiting() -> bool:
        return bool(
            watching.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND backend_type = 'client backend' AND datname = current_database()"
            )
        )

    def lock(txn: LoggingTransaction) -> None:
        txn.execute("LOCK TABLE local_media_repository IN ACCESS EXCLUSIVE MODE")
        with subprocess.Popen(
            **program(config),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # It is ignored where tests run in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as running:
            wait_until(is_waiting)
            running.send_signal(signal.SIGINT)
            printed, _ = running.communicate()
        assert (printed, running.returncode) == (b"", -signal.SIGINT)
        wait_until(lambda: not is_waiting())

    connect().run_once(lock)


# These do not depend on the version of Synapse.
in_each_format = pytest.mark.parametrize(
    ("format", "unbuffered"),
    [("--csv", ""), ("--json", ""), ("", ""), ("", "1"), ("--help", "")],
)


@pytest.mark.once
@in_each_format
def test_a_reader_that_has_seen_enough(
    config: Path, connection: Connection, format: str, unbuffered: str
) -> None:
    """Before `| head`."""
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts) SELECT 'f' || i, '@user' || i || ':test', 1, 1 "
        # More than a pipe holds.
        "FROM generate_series(1, 10000) AS i"
    )
    with subprocess.Popen(
        **program(config, "--limit=10000", format, PYTHONUNBUFFERED=unbuffered),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0


@pytest.mark.once
@in_each_format
def test_output_that_cannot_be_written(
    config: Path, format: str, unbuffered: str
) -> None:
    """To a full disk."""
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            **program(config, format, PYTHONUNBUFFERED=unbuffered),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 1
    assert ended.stderr == "media_stats_module: [Errno 28] No space left on device\n"


@pytest.mark.once
def test_a_terminal_without_a_character(config: Path, connection: Connection) -> None:
    connection.execute("UPDATE local_media_repository SET user_id = '@\u00fc:test'")
    printed = subprocess.run(
        **program(config, PYTHONIOENCODING="ascii"),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    assert "@\\xfc:test" in printed.stdout


def test_the_module_is_one_of_several(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other modules have options of the same names."""

    def remove(others: bool, ours: bool) -> int:
        configuration = yaml.safe_load(config.read_text())
        configuration["modules"] = [
            {"module": "others.Module", "config": {"rollups": others}},
            {
                "module": "media_stats_module.MediaStatsModule",
                "config": {"rollups": ours},
            },
            {"module": "media_stats.Module", "config": {"rollups": others}},
        ]
        path = config.with_name("modules.yaml")
        path.write_text(yaml.safe_dump(configuration))
        return main(["remove", "-c", str(path)])

    assert remove(others=True, ours=False) == 0
    assert remove(others=False, ours=True) == 1
    assert "`rollups: true`" in capsys.readouterr().err


def test_another_database(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last file counts, such as one that names a hot standby."""
    standby = config.with_name("standby.yaml")
    configuration = yaml.safe_load(config.read_text())
    standby.write_text(yaml.safe_dump({"database": configuration["database"]}))
    configuration["database"]["args"]["dbname"] = "nothing"
    config.write_text(yaml.safe_dump(configuration))

    assert main(["summary", "-c", str(config)]) == 1
    out = run(capsys, "summary", "--json", "-c", str(config), "-c", str(standby))
    assert json.loads(out)["local"]["users"] == 3


def test_summary(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "summary", "-c", str(config)).splitlines()
    assert lines[0].split() == ["kind", "files", "size"]
    assert [line.split() for line in lines if "uploads" in line or "total" in line] == [
        ["total", "5", "5.0", "MiB"],
        ["local", "total", "4", "5.0", "MiB"],
        ["local", "uploads", "4", "5.0", "MiB"],
        ["remote", "total", "1", "3", "bytes"],
    ]
    assert "local users: 3" in lines
    summary = json.loads(run(capsys, "summary", "--json", "-c", str(config)))
    assert summary["local"]["users"] == 3
    # To the byte, which the table does not show.
    for usage, count, length in (
        (summary["total"], 5, 5_244_884),
        (summary["local"]["uploads"], 4, 5_244_881),
        (summary["remote"]["cached"], 1, 3),
    ):
        assert usage == {"media_count": count, "media_length": length}


@pytest.mark.parametrize("command", ["users", "summary", "remove"])
def test_no_cursor_is_left_open(
    config: Path,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    Keeper(connection).round()
    opened: list[LoggingTransaction] = []
    make_cursor = LoggingDatabaseConnection.cursor

    def cursor(self: LoggingDatabaseConnection, **options: Any) -> LoggingTransaction:
        opened.append(make_cursor(self, **options))
        return opened[-1]

    monkeypatch.setattr(LoggingDatabaseConnection, "cursor", cursor)
    assert main([command, "-c", str(config)]) == 0
    cursors: list[Any] = [txn.txn for txn in opened]
    assert cursors
    assert all(cursor.closed for cursor in cursors)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty, or not a mapping of options"),
        ("a: [", "while parsing"),
        ("server_name: a\nreport_stats: false\n", "there is no `database`"),
        *(
            (
                f"server_name: a\nreport_stats: false\ndatabase: {database}\n",
                "must be a mapping with `name` and `args`",
            )
            for database in (
                "x",
                "{args: {}}",
                "{name: sqlite3}",
                "{name: sqlite3, args: 5}",
                "{name: psycopg2, args: 3}",
            )
        ),
    ],
)
def test_refusals_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "homeserver.yaml"
    path.write_text(text)
    assert main(["users", "-c", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def sqlite_config(directory: Path, database: str) -> Path:
    """A configuration with an SQLite database."""
    path = directory / "homeserver.yaml"
    path.write_text(
        "server_name: test\nreport_stats: false\n"
        f"database: {{name: sqlite3, args: {{database: {database}}}}}\n"
    )
    return path


@pytest.mark.parametrize("command", ["users", "remove"])
def test_no_empty_database_is_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """A relative path, in another directory than Synapse's."""
    monkeypatch.chdir(tmp_path)
    path = sqlite_config(tmp_path, "homeserver.db")
    assert main([command, "-c", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "homeserver.db") in line
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_database_without_tables(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = yaml.safe_load(config.read_text())
    configuration["database"]["args"]["options"] = "-c search_path=nothing"
    configuration["media_store_path"] = str(config.parent)
    config.write_text(yaml.safe_dump(configuration))
    for command in ("files", "disk"):
        assert main([command, "-c", str(config)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert 'relation "local_media_repository" does not exist' in line


def test_a_lost_connection(config: Path) -> None:
    def end_connection(txn: LoggingTransaction, cost: Cost | None = None) -> None:
        txn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def connect() -> OfflineDatabase:
        return OfflineHomeserver([str(config)]).connect_to_database()

    for work in (
        connect().read("media_stats_test", end_connection, [Cost.PROBES]),
        connect().write_autocommit("media_stats_test", end_connection),
    ):
        with pytest.raises(DatabaseFailedError, match="terminat"):
            finish(work)


def test_sqlite_on_a_full_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite cannot create the file through which processes share a database."""
    stopped, killed = tmp_path / "stopped.db", tmp_path / "killed.db"
    with closing(sqlite3.connect(stopped)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE others (id INTEGER)")
        # With changes in a file beside it.
        for end in ("", "-wal"):
            shutil.copy(f"{stopped}{end}", f"{killed}{end}")
    for database, said in (
        (stopped, "no such table: local_media_repository"),
        (killed, "unable to open database file"),
    ):
        Path(f"{database}-shm").symlink_to("nothing/at/all")
        assert main(["users", "-c", str(sqlite_config(tmp_path, str(database)))]) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_file_of_sqlite_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], journal_mode: str
) -> None:
    database = tmp_path / "homeserver.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("CREATE TABLE others (id INTEGER)")
    before = database.read_bytes()
    path = str(sqlite_config(tmp_path, str(database)))
    assert "nothing to remove" in run(capsys, "remove", "-c", path)
    assert main(["users", "-c", path]) == 1
    assert "no such table" in capsys.readouterr().err
    assert database.read_bytes() == before


def test_what_is_no_configuration_is_not_said_in_the_answer(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Synapse prints the names of files that it does not read."""
    directory = config.parent / "conf.d"
    directory.mkdir()
    (directory / "homeserver.yaml").write_bytes(config.read_bytes())
    (directory / "README").touch()
    (directory / "old").mkdir()
    out = run(capsys, "summary", "--json", "-c", str(directory))
    assert json.loads(out)["local"]["users"] == 3
