"""The demo: the module's answers on a homeserver with two years of media."""

import contextlib
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from demo import sample
from demo.client import Account
from demo.homeserver import Homeserver
from demo.media import PEOPLE
from demo.process import StartError
from demo.progress import Progress
from demo.store import write_files
from demo.tables import get_tables

_MODULE_PATH = "/_synapse/client/media_stats"
_QUESTION = f"{_MODULE_PATH}/v1/users?order_by=media_length&dir=b&limit=5"


def show(directory: Path, port: int | None, *, once: bool, progress: Progress) -> None:
    """Start a homeserver, print tables, and clean up at the end.

    Args:
        directory: the homeserver's data goes into a temporary folder in it.
        port: the port that the homeserver listens on, or None for a free one.
        once: whether to end after the tables, and not with Ctrl-C.
        progress: called with every step.
    """
    data = Path(tempfile.mkdtemp(prefix="homeserver-", dir=directory))
    try:
        homeserver = Homeserver(data, port=port, module={})
        try:
            progress.say(
                f"Starting Synapse {version('matrix-synapse')} with the module"
            )
            homeserver.start()
            admin = _fill(homeserver, progress)
            progress.say("Asking the module")
            _print(get_tables(homeserver.client, _MODULE_PATH, admin.access_token))
            progress.say("Comparing the database with the disk")
            _print(_compare_with_disk(homeserver))
            if not once:
                _print(_what_next(homeserver, admin))
                _wait(homeserver)
        finally:
            progress.say("Stopping Synapse and removing its data")
            homeserver.stop()
    except StartError as error:
        sys.exit(str(error))
    except (OSError, sqlite3.OperationalError) as error:
        sys.exit(f"{error}. The demo needs 100 MB in {directory}.")
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _fill(homeserver: Homeserver, progress: Progress) -> Account:
    """Register users who upload files, add the sample, and return the admin."""
    progress.say(f"Registering an admin and {len(PEOPLE)} users, who upload files")
    admin = homeserver.register("admin", admin=True)
    user_ids = []
    for person in PEOPLE:
        account = homeserver.register(person.localpart, displayname=person.displayname)
        user_ids.append(account.user_id)
        for file in person.files:
            uri = homeserver.client.upload(
                account, file.read(), media_type=file.media_type, name=file.name
            )
            if file.name == "avatar.png":
                homeserver.client.set_avatar(account, uri)
    progress.say("Adding two years of media to the database and the disk")
    database = homeserver.directory / "homeserver.db"
    sample.fill(database, "localhost", registered=user_ids)
    write_files(homeserver.directory / "media", database)
    return admin


def _compare_with_disk(homeserver: Homeserver) -> str:
    """The output of the command `disk`."""
    command = ["-m", "media_stats_module", "disk", "-c", str(homeserver.config_path)]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    return f"\npython {shlex.join(command)}\n\n{done.stdout}{done.stderr}"


def _what_next(homeserver: Homeserver, admin: Account) -> str:
    curl = [
        *("curl", "--header", f"Authorization: Bearer {admin.access_token}"),
        homeserver.base_url + _QUESTION,
    ]
    return f"""
The dashboard, for the user {admin.user_id} with the password {admin.password}:

  {homeserver.base_url}{_MODULE_PATH}/

The users with the most media, as JSON:

  {shlex.join(curl)}

Ctrl-C stops Synapse and removes its data.
"""


def _print(text: str) -> None:
    # Some terminals lack some scripts, and a closed one shows nothing.
    encoding = sys.stdout.encoding
    with contextlib.suppress(OSError):
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _wait(homeserver: Homeserver) -> None:
    """Wait until a signal ends the demo."""
    while homeserver.main.pid is not None:
        time.sleep(0.5)
    sys.exit(f"Synapse has ended:\n{homeserver.main.log_tail()}")
