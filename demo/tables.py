"""The module's answers as short tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from demo.client import Client

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MONTHS = 6

_Row = tuple[str, Mapping[str, int]]


def get_tables(client: Client, path: str, token: str) -> str:
    """Ask the module for an overview.

    Args:
        client: asks the homeserver.
        path: the option `path` of the module.
        token: an access token of a server admin.
    """

    def ask(question: str) -> Any:
        response = client.request("GET", f"{path}/v1/{question}", token=token)
        assert response.status == 200, response.body
        return response.json()

    summary = ask("summary?duplicates=true")
    top = "order_by=media_length&dir=b&limit=5"
    users = ask(f"users?{top}")
    servers = ask(f"servers?{top}")
    groups = ask(f"types?group=true&{top}")
    ages = ask("reclaimable?thumbnails=true")["ages"]
    months = ask("timeline?interval=month")["buckets"][-_MONTHS:]
    return "\n".join(
        (
            _table("What fills the media store", _kinds(summary)),
            _table(
                f"The largest of {users['total']} users",
                ((_name(user), user) for user in users["users"]),
            ),
            _table(
                f"The largest of {servers['total']} servers in the remote cache",
                ((server["server_name"], server) for server in servers["servers"]),
            ),
            _table(
                "What Synapse's own deletion would delete: media not read for",
                ((f"{age['days']} days", _together(age)) for age in ages),
            ),
            _table(
                "Local media by type",
                ((group["group"], group) for group in groups["types"]),
            ),
            _table(
                f"Local media of the last {_MONTHS} months, by month of creation",
                ((month["date"][:7], month) for month in months),
            ),
        )
    )


def _kinds(summary: Any) -> Iterable[_Row]:
    local, remote = summary["local"], summary["remote"]
    yield "uploads", local["uploads"]
    yield "images of URL previews", local["url_previews"]
    yield "thumbnails", local["thumbnails"]
    yield "cached files of other servers", remote["cached"]
    yield "TOTAL", summary["total"]
    yield "in quarantine (part of the local files)", local["quarantined"]
    if summary["duplicates"] is not None:
        yield "duplicates (second and further copies)", summary["duplicates"]


def _together(age: Any) -> Mapping[str, int]:
    """Local and remote files, and their thumbnails."""
    parts = [age["local"], age["remote"]]
    parts += [part["thumbnails"] for part in parts]
    return {
        field: sum(part[field] for part in parts)
        for field in ("media_count", "media_length")
    }


def _name(user: Any) -> str:
    if user["displayname"] is None:
        return str(user["user_id"])
    return f"{user['displayname']}  {user['user_id']}"


def _table(heading: str, rows: Iterable[_Row]) -> str:
    lines = [f"\n{heading}", f"{'files':>10}{'size':>12}"]
    lines += (
        f"{row['media_count']:>10,}{_size(row['media_length']):>12}  {name}"
        for name, row in rows
    )
    return "\n".join(lines)


def _size(length: int) -> str:
    size = float(length)
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"
