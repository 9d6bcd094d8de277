"""The model of `/v1/users` and `/v1/servers`, in plain Python.

Written from the documentation of the API, not from the code: no SQL, no patterns, no
imports from the package.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from support import LocalMedia, RemoteMedia
from synapse.module_api import JsonDict

Query = Mapping[str, object]
"""The parameters of a request that is not refused, by name."""


def users_answer(
    media: Iterable[LocalMedia],
    displaynames: Mapping[str, str | None],
    query: Query,
    *,
    count_url_previews: bool = True,
    deactivated: Collection[str] = (),
) -> JsonDict:
    """The answer of `/v1/users`.

    Args:
        media: all of `local_media_repository`.
        displaynames: those in the profiles, by user ID.
        query: the parameters.
        count_url_previews: the option of the module.
        deactivated: the users with deactivated accounts.
    """
    from_ts, until_ts = _window(query)
    counted = [
        (file.user_id, file.media_length)
        for file in media
        if from_ts <= file.created_ts <= until_ts
        and (count_url_previews or file.url_cache is None)
    ]
    users = [
        {
            "user_id": user_id,
            "displayname": displaynames.get(user_id),
            "media_count": len(lengths),
            "media_length": sum(lengths),
        }
        for user_id, lengths in _lengths_by_owner(counted).items()
        if _user_is_found(user_id, displaynames.get(user_id), query)
        and query.get("deactivated") in (None, str(user_id in deactivated).lower())
    ]
    return _answer("users", "user_id", users, query)


def servers_answer(media: Iterable[RemoteMedia], query: Query) -> JsonDict:
    """The answer of `/v1/servers`.

    Args:
        media: all of `remote_media_cache`.
        query: the parameters.
    """
    from_ts, until_ts = _window(query)
    counted = [
        (file.media_origin, file.media_length)
        for file in media
        if from_ts <= file.created_ts <= until_ts
    ]
    servers = [
        {
            "server_name": server_name,
            "media_count": len(lengths),
            "media_length": sum(lengths),
        }
        for server_name, lengths in _lengths_by_owner(counted).items()
        if contains(server_name, str(query.get("search_term", "")))
    ]
    return _answer("servers", "server_name", servers, query)


# Called for each page and each owner.
@lru_cache(10_000)
def contains(text: str, term: str) -> bool:
    """Whether a text contains a term. Case does not matter."""
    folded, sought = fold(text), fold(term)
    return any(
        folded[start : start + len(sought)] == sought
        for start in range(len(folded) - len(sought) + 1)
    )


@lru_cache(10_000)
def fold(text: str) -> tuple[str, ...]:
    """Fold the case of each character, one by one: ß does not equal ss."""
    return tuple(character.casefold() for character in text)


def _window(query: Query) -> tuple[int, int]:
    """The first and the last millisecond."""
    # from_ts=0, the default, means no limit.
    from_ts = _integer(query, "from_ts", 0) or -(2**63)
    return from_ts, _integer(query, "until_ts", 2**63)


def _lengths_by_owner(
    files: Iterable[tuple[str | None, int | None]],
) -> dict[str, list[int]]:
    lengths: dict[str, list[int]] = defaultdict(list)
    for owner, length in files:
        if owner is not None and length is not None:
            lengths[owner].append(length)
    return lengths


def _user_is_found(user_id: str, displayname: str | None, query: Query) -> bool:
    term = str(query.get("search_term", ""))
    localpart = user_id[1 : user_id.index(":")]
    return (
        contains(localpart, term)
        or (displayname is not None and contains(displayname, term))
        or fold(user_id) == fold(term)
    )


def _answer(
    listed_as: str, owner: str, entries: list[JsonDict], query: Query
) -> JsonDict:
    order_by = str(query.get("order_by", owner))
    # Stable, also in reverse: equal keys stay in order.
    entries = sorted(entries, key=lambda entry: str(entry[owner]))
    known = [entry for entry in entries if entry[order_by] is not None]
    unknown = [entry for entry in entries if entry[order_by] is None]
    known.sort(key=lambda entry: entry[order_by], reverse=query.get("dir") == "b")
    entries = known + unknown

    start = _integer(query, "from", 0)
    page = entries[start : start + _integer(query, "limit", 100)]
    answer: JsonDict = {listed_as: page, "total": len(entries)}
    if page and start + len(page) < len(entries):
        answer["next_token"] = start + len(page)
    return answer


def _integer(query: Query, name: str, default: int) -> int:
    return int(str(query.get(name, default)))
