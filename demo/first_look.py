"""What the demo shows: the module's answer on a homeserver with some media."""

import json
import shlex
import shutil
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from demo.client import Account
from demo.homeserver import Homeserver
from demo.media import PEOPLE
from demo.process import StartError
from demo.progress import Progress

_MODULE_PATH = "/_synapse/client/media_stats"
_QUESTION = f"{_MODULE_PATH}/v1/users?order_by=media_length&dir=b"


def show(directory: Path, port: int | None, *, once: bool, progress: Progress) -> None:
    """Start a homeserver, show the answer, and clean up when it is over.

    Args:
        directory: what is removed in the end is in a folder of its own in there.
        port: where the homeserver listens, or None for a free port.
        once: whether to end after the answer, or with Ctrl-C.
        progress: is told about every step.
    """
    data = Path(tempfile.mkdtemp(prefix="homeserver-", dir=directory))
    homeserver = Homeserver(data, port=port, module={"rollups": True})
    try:
        progress.say(f"Starting Synapse {version('matrix-synapse')} with the module")
        homeserver.start()
        admin = _fill(homeserver, progress)
        progress.say("Asking the module")
        _print_answer(homeserver, admin)
        _print_what_next(homeserver, admin)
        if not once:
            _wait(homeserver)
    except StartError as error:
        sys.exit(str(error))
    finally:
        progress.say("Stopping Synapse and removing its data")
        homeserver.stop()
        shutil.rmtree(data, ignore_errors=True)


def _fill(homeserver: Homeserver, progress: Progress) -> Account:
    """Register everybody, have them upload their files, and return the admin."""
    progress.say(f"Registering an admin and {len(PEOPLE)} users, who upload files")
    admin = homeserver.register("admin", admin=True)
    for person in PEOPLE:
        account = homeserver.register(person.localpart, displayname=person.displayname)
        for file in person.files:
            homeserver.client.upload(
                account, file.read(), media_type=file.media_type, name=file.name
            )
    return admin


def _print_answer(homeserver: Homeserver, admin: Account) -> None:
    answer = homeserver.client.request("GET", _QUESTION, token=admin.access_token)
    print(f"\nGET {_QUESTION}\n")
    # Not every terminal can show every script.
    text = json.dumps(answer.json(), indent=2, ensure_ascii=False)
    encoding = sys.stdout.encoding
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _print_what_next(homeserver: Homeserver, admin: Account) -> None:
    curl = [
        *("curl", "--header", f"Authorization: Bearer {admin.access_token}"),
        homeserver.base_url + _QUESTION,
    ]
    print(
        f"""
Ask it yourself:

  {shlex.join(curl)}

Or open the dashboard, as the user {admin.user_id} with the password {admin.password}:

  {homeserver.base_url}{_MODULE_PATH}/

Ctrl-C stops Synapse and removes its data.
""",
        flush=True,
    )


def _wait(homeserver: Homeserver) -> None:
    """Wait for Ctrl-C."""
    while homeserver.main.pid is not None:
        time.sleep(0.5)
    sys.exit(f"Synapse has ended:\n{homeserver.main.log_tail()}")
