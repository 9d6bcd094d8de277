"""A real Synapse with a bridge, registered as an application service.

Only that shows whose media its users' files are, also after its removal.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from support import MODULE_PATH

from demo.client import Account, Client
from demo.homeserver import Homeserver

_TOKEN = "token_of_the_bridge"
_GHOSTS = ("_discord_ann", "_discord_ben")

_REGISTRATION: dict[str, Any] = {
    "id": "discord",
    "url": None,
    "as_token": _TOKEN,
    "hs_token": "token_of_synapse",
    "sender_localpart": "discordbot",
    "rate_limited": False,
    "namespaces": {
        "users": [{"regex": "@_discord_.*", "exclusive": True}],
        "aliases": [],
        "rooms": [],
    },
}


def test_bridge(tmp_path: Path) -> None:
    registration = tmp_path / "discord.yaml"
    registration.write_text(yaml.safe_dump(_REGISTRATION))
    bridged = Homeserver(
        tmp_path / "synapse",
        module={},
        overrides={"app_service_config_files": [str(registration)]},
    )
    with bridged:
        admin = bridged.register("admin", admin=True)
        puppet = bridged.register("puppet")
        client = bridged.client
        ghosts = [_register(client, localpart) for localpart in _GHOSTS]
        # The bridge names the user for whom it acts.
        _upload_as_bridge(client, 100, user_id=ghosts[0])
        _upload_as_bridge(client, 101, user_id=ghosts[1])
        # A double puppet: the bridge uses the token of a real user, who owns the file.
        client.upload(puppet, b"x" * 1_000)
        client.upload(admin, b"x" * 2_000)

        # Its own user can upload before it has an account.
        _upload_as_bridge(client, 10)
        *_, no_account = _appservices(client, admin)
        assert no_account == {
            **_row(None, _usage(1, 10), _usage(0, 0)),
            "has_account": False,
        }
        bot = _register(client, _REGISTRATION["sender_localpart"])

        people = _row(None, _usage(2, 3_000), _usage(0, 0))
        discord = _row("discord", _usage(3, 211), _usage(0, 0))
        assert _appservices(client, admin) == [people, discord]
        assert _users(client, admin, "discord") == [*ghosts, bot]
        assert _users(client, admin, "") == [admin.user_id, puppet.user_id]

        _deactivate(client, admin, ghosts[0], erase=True)
        _deactivate(client, admin, ghosts[1], erase=False)
        discord = _row("discord", _usage(3, 211), _usage(2, 201))
        assert _appservices(client, admin) == [people, discord]
        assert _users(client, admin, "discord", erased="true") == [ghosts[0]]

    # The bridge is removed. Its users remain known as its users.
    with Homeserver(tmp_path / "synapse", module={}) as homeserver:
        client = homeserver.client
        assert _appservices(client, admin) == [people, discord]
        for ghost, is_erased in zip(ghosts, (True, False), strict=True):
            account = _ask(client, admin, f"summary?user={quote(ghost)}")["account"]
            assert account == {
                "has_account": True,
                "appservice_id": "discord",
                "deactivated": True,
                "erased": is_erased,
            }


def _row(
    appservice_id: str | None, users: dict[str, int], deactivated: dict[str, int]
) -> dict[str, Any]:
    return {
        "appservice_id": appservice_id,
        "has_account": True,
        **users,
        **{f"deactivated_{name}": count for name, count in deactivated.items()},
    }


def _usage(users: int, media_length: int) -> dict[str, int]:
    """Each has one file."""
    return {"users": users, "media_count": users, "media_length": media_length}


def _register(client: Client, localpart: str) -> str:
    response = client.request(
        "POST",
        "/_matrix/client/v3/register",
        token=_TOKEN,
        content={"type": "m.login.application_service", "username": localpart},
    )
    assert response.status == 200, response.body
    user_id: str = response.json()["user_id"]
    return user_id


def _upload_as_bridge(client: Client, length: int, **query: str) -> None:
    response = client.request(
        "POST",
        f"/_matrix/media/v3/upload?{urlencode(query)}",
        token=_TOKEN,
        body=b"x" * length,
        headers={"Content-Type": "image/png"},
    )
    assert response.status == 200, response.body


def _deactivate(client: Client, admin: Account, user_id: str, *, erase: bool) -> None:
    response = client.request(
        "POST",
        f"/_synapse/admin/v1/deactivate/{quote(user_id)}",
        token=admin.access_token,
        content={"erase": erase},
    )
    assert response.status == 200, response.body


def _appservices(client: Client, admin: Account) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _ask(client, admin, "appservices")["appservices"]
    return rows


def _users(client: Client, admin: Account, appservice: str, **more: str) -> list[str]:
    query = urlencode({"appservice": appservice, **more})
    users = _ask(client, admin, f"users?{query}")["users"]
    return [user["user_id"] for user in users]


def _ask(client: Client, admin: Account, path: str) -> Any:
    response = client.request(
        "GET", f"{MODULE_PATH}/v1/{path}", token=admin.access_token
    )
    assert response.status == 200, response.body
    return response.json()
