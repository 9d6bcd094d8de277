"""The users for admin tools, and the requests that the tools send."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attr
import psycopg2
from owners_model import users_answer
from psycopg2.extras import execute_values
from support import LocalMedia

from demo.client import Client, Response
from media_stats_module.module import DOCUMENTED_PATH

SERVER_NAME = "localhost:8448"
_USERS = 2_300

# In many scripts, and with characters that are special in URLs and in SQL.
NAMES = (
    "Ünïcode Größe",
    "Ελληνική Σοφία",
    "Ёжик Кириллица",
    "Հայերեն Անուն",
    "ქართული სახელი",
    "山田 太郎",
    "한국어 이름",
    "اسم عربي",
    "שם עברי",
    "हिन्दी नाम",
    "ชื่อไทย",
    "🦊 and 👩‍🚀",
    "50%_off",
    "100 percent",
    "a+b&c=d#e?f/g;h",
    "back\\slash 'quote' \"double\"",
)

ORDERS = {"ASC": "f", "DESC": "b"}


def _media() -> Sequence[LocalMedia]:
    """Many users are equal in all but their ID."""
    names = [f"user{index:04}" for index in range(_USERS)]
    names += [f"name{index:02}" for index in range(len(NAMES))]
    return [
        LocalMedia(user_id=f"@{name}:{SERVER_NAME}", media_length=1000 * (index % 7))
        for index, name in enumerate(names)
        for _ in range(1 + index % 3)
    ]


def _displaynames() -> Mapping[str, str | None]:
    displaynames: dict[str, str | None] = {}
    for index in range(_USERS):
        # Some have a profile without a displayname, and some have no profile.
        if index % 10:
            name = f"Name {index % 40:02}" if index % 5 else None
            displaynames[f"@user{index:04}:{SERVER_NAME}"] = name
    for index, name in enumerate(NAMES):
        displaynames[f"@name{index:02}:{SERVER_NAME}"] = name
    return displaynames


def right_answer(**query: object) -> Any:
    """The right answer."""
    return users_answer(_media(), _displaynames(), query)


def insert_media(database: Mapping[str, Any]) -> None:
    """Insert the media as uploads would, which would take minutes."""
    with (
        closing(psycopg2.connect(**database)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        execute_values(
            cursor,
            "INSERT INTO local_media_repository (media_id, media_type, "
            "media_length, created_ts, user_id) VALUES %s",
            [
                (f"m{index}", row.media_type, row.media_length, 1, row.user_id)
                for index, row in enumerate(_media())
            ],
        )
        cursor.execute(
            "SELECT FROM information_schema.columns "
            "WHERE table_name = 'profiles' AND column_name = 'full_user_id'"
        )
        columns = ["user_id", "displayname"]
        columns += ["full_user_id"] * cursor.rowcount
        execute_values(
            cursor,
            f"INSERT INTO profiles ({', '.join(columns)}) VALUES %s",
            [
                (user_id[1:].split(":")[0], name, user_id)[: len(columns)]
                for user_id, name in _displaynames().items()
            ],
        )


# The web admin UIs: Ketesa and synapse-admin
#
# Both are made with react-admin, and run on a host of their own. They send
# (src/providers, src/synapse/dataProvider.ts) the headers Accept and Authorization, so
# browsers send a preflight first. They compute `from` of the page, and read `users` and
# `total` of the answer, or `errcode` and `error`.


@attr.s(frozen=True, auto_attribs=True, kw_only=True)
class WebUi:
    """A page on another host, and its browser."""

    client: Client
    token: str

    _ORIGIN = "https://admin.example.org"

    def fetch(self, path: str, method: str = "GET") -> Response:
        """Ask as a browser does, which hides answers that the page may not read."""
        preflight = self.client.request(
            "OPTIONS",
            path,
            headers={
                "Origin": self._ORIGIN,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "authorization",
            },
        )
        assert 200 <= preflight.status < 300
        self._check_origin(preflight)
        assert method in _listed(preflight, "Access-Control-Allow-Methods")
        assert "authorization" in _listed(preflight, "Access-Control-Allow-Headers")

        response = self.client.request(
            method,
            path,
            token=self.token,
            headers={"Origin": self._ORIGIN, "Accept": "application/json"},
        )
        self._check_origin(response)
        return response

    def list_users(
        self,
        page: int,
        per_page: int,
        field: str = "media_length",
        order: str = "DESC",
        **filters: str,
    ) -> Any:
        """The list of users, in the order and with the fields that it has at first."""
        query = {
            "from": (page - 1) * per_page,
            "limit": per_page,
            **filters,
            "order_by": field,
            "dir": ORDERS[order],
        }
        response = self.fetch(f"{DOCUMENTED_PATH}?{urlencode(query)}")
        assert response.status == 200, response.body
        return response.json()

    def _check_origin(self, response: Response) -> None:
        # Browsers refuse two, even if they are equal.
        assert response.headers.get_all("Access-Control-Allow-Origin") == ["*"]


def _listed(response: Response, header: str) -> Sequence[str]:
    names = [name.strip() for name in response.headers[header].split(",")]
    # Methods are upper case, names of headers any.
    return names if header.endswith("Methods") else [name.lower() for name in names]


@attr.s(frozen=True, auto_attribs=True, kw_only=True)
class Synadm:
    """The command line of one user.

    Attributes:
        program: the command.
        home: their home directory, with its configuration.
    """

    program: str
    home: Path

    def __call__(self, *arguments: str) -> Any:
        """Run a command, and return its output."""
        done = subprocess.run(
            [
                self.program,
                *("--batch", "--output", "json"),
                *("--config-file", str(self.home / "synadm.yaml")),
                *arguments,
            ],
            env={**os.environ, "HOME": str(self.home), "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
