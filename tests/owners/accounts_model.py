"""The model of `/v1/appservices` and of the filters by account, in plain Python.

Written from the documentation of the API, not from the code.
"""

from collections.abc import Iterable, Mapping

import attr
from owners_model import Query
from support import LocalMedia
from synapse.module_api import JsonDict


@attr.frozen(kw_only=True)
class Account:
    """A row of `users`.

    Attributes:
        appservice_id: the application service that registered it; None for a person.
        deactivated: whether it is.
        erased: whether the user is in `erased_users`, too.
    """

    appservice_id: str | None = None
    deactivated: bool = False
    erased: bool = False


Accounts = Mapping[str, Account]
"""All accounts, by user ID."""


def appservices_answer(
    media: Iterable[LocalMedia],
    accounts: Accounts,
    query: Query,
    *,
    count_url_previews: bool = True,
) -> JsonDict:
    """Make the answer of `/v1/appservices`."""
    rows: dict[tuple[str | None, bool], JsonDict] = {}
    users_seen = set()
    for file in media:
        if (
            file.user_id is None
            or file.media_length is None
            or (file.url_cache is not None and not count_url_previews)
            or file.created_ts < _int(query.get("from_ts", file.created_ts))
            or file.created_ts > _int(query.get("until_ts", file.created_ts))
        ):
            continue
        account = accounts.get(file.user_id)
        appservice_id = account.appservice_id if account else None
        has_account = account is not None
        row = rows.setdefault(
            (appservice_id, has_account),
            {
                "appservice_id": appservice_id,
                "has_account": has_account,
                **dict.fromkeys(_COUNTS, 0),
                **{f"deactivated_{name}": 0 for name in _COUNTS},
            },
        )
        counts = (int(file.user_id not in users_seen), 1, file.media_length)
        users_seen.add(file.user_id)
        for name, count in zip(_COUNTS, counts, strict=True):
            row[name] += count
            if account and account.deactivated:
                row[f"deactivated_{name}"] += count

    def place(row: JsonDict) -> tuple[bool, str, bool]:
        name = row["appservice_id"]
        return name is None, name or "", not row["has_account"]

    found = sorted(rows.values(), key=place)
    order_by = str(query.get("order_by", "media_length"))
    is_descending = query.get("dir", "b") == "b"
    if order_by == "appservice_id":
        named = [row for row in found if row["appservice_id"] is not None]
        others = [row for row in found if row["appservice_id"] is None]
        found = (named[::-1] if is_descending else named) + others
    else:
        found.sort(key=lambda row: int(row[order_by]), reverse=is_descending)
    start, limit = _int(query.get("from", 0)), _int(query.get("limit", 100))
    page = found[start : start + limit]
    answer: JsonDict = {"appservices": page, "total": len(found)}
    if page and start + len(page) < len(found):
        answer["next_token"] = start + len(page)
    return answer


def is_chosen(user_id: str | None, accounts: Accounts, query: Query) -> bool:
    """Whether the filters by account choose the media of a user."""
    names = ("appservice", "has_account", "deactivated", "erased")
    if user_id is None:
        return not any(name in query for name in names)
    account = accounts.get(user_id)
    appservice = None if account is None else account.appservice_id or ""
    if query.get("appservice", appservice) != appservice:
        return False
    properties = {
        "has_account": account is not None,
        "deactivated": account is not None and account.deactivated,
        "erased": account is not None and account.erased,
    }
    return all(
        (query[name] == "true") is value
        for name, value in properties.items()
        if name in query
    )


_COUNTS = ("users", "media_count", "media_length")


def _int(value: object) -> int:
    return int(str(value))
