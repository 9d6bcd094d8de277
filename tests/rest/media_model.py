"""The model of `/v1/summary`, `/v1/timeline`, `/v1/types` and `/v1/files`.

In plain Python, written from the documentation of the API, not from the code: no SQL,
no imports from the package. All media has a media ID.
"""

import calendar
import datetime
from collections.abc import Collection, Iterable, Sequence

import attr
from owners_model import Query
from support import LocalMedia, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict

Media = LocalMedia | RemoteMedia

_DAY_MS = 24 * 60 * 60 * 1000

NO_ACCOUNT = {
    "has_account": False,
    "appservice_id": None,
    "deactivated": False,
    "erased": False,
}

_GROUPS = ("image", "video", "audio", "text", "application")


@attr.frozen(kw_only=True)
class Store:
    """All that is stored.

    Attributes:
        media: all rows of both tables.
        thumbnails: all rows of both tables.
        count_url_previews: the option of the module.
        keeps_hashes: whether this Synapse keeps hashes of the content.
        now_ts: the time, in milliseconds since the epoch.
        earliest_ts: a timeline does not begin before this time by itself.
        server_name: the homeserver's.
        deactivated: the users with deactivated accounts.
    """

    media: Sequence[Media]
    thumbnails: Sequence[Thumbnail] = ()
    count_url_previews: bool = True
    keeps_hashes: bool = True
    now_ts: int = 0
    earliest_ts: int = 0
    server_name: str = "test"
    deactivated: Collection[str] = ()


def summary_answer(store: Store, query: Query) -> JsonDict:
    """The answer of `/v1/summary`."""
    answer: JsonDict = {}
    files = [
        file
        for file in store.media
        if _is_of_owner(file, query)
        and not ("user" in query and isinstance(file, RemoteMedia))
        and not ("server_name" in query and isinstance(file, LocalMedia))
    ]

    if "server_name" not in query:
        local = [file for file in files if isinstance(file, LocalMedia)]
        owned = [file for file in local if file.user_id is not None]
        previews = [file for file in owned if file.url_cache is not None]
        uploads = [file for file in owned if file.url_cache is None]
        orphans = [file for file in local if file.user_id is None]
        quarantined = [file for file in local if file.quarantined_by is not None]
        ids = {file.media_id for file in local}
        thumbnails = [
            thumbnail.thumbnail_length
            for thumbnail in store.thumbnails
            if thumbnail.media_origin is None and thumbnail.media_id in ids
        ]
        pending = {"media_count": len([f for f in local if f.media_length is None])}
        answer["local"] = {
            "total": _usage([*_lengths(local), *thumbnails]),
            "uploads": _usage(_lengths(uploads)),
            "url_previews": _usage(_lengths(previews)),
            "without_owner": _usage(_lengths(orphans)),
            "thumbnails": _usage(thumbnails),
            "quarantined": _usage(_lengths(quarantined)),
            "protected": _usage(
                _lengths([file for file in local if file.safe_from_quarantine])
            ),
            "pending": pending,
            "users": len({file.user_id for file in local if _counts(file, store)}),
        }

    if "user" not in query:
        remote = [file for file in files if isinstance(file, RemoteMedia)]
        quarantined_remote = [f for f in remote if f.quarantined_by is not None]
        thumbnails = [
            thumbnail.thumbnail_length
            for thumbnail in store.thumbnails
            if thumbnail.media_origin is not None
            and thumbnail.media_origin
            == query.get("server_name", thumbnail.media_origin)
        ]
        answer["remote"] = {
            "total": _usage([*_lengths(remote), *thumbnails]),
            "cached": _usage(_lengths(remote)),
            "thumbnails": _usage(thumbnails),
            "quarantined": _usage(_lengths(quarantined_remote)),
            "servers": len({file.media_origin for file in remote}),
        }

    answer["total"] = _added([part["total"] for part in answer.values()])
    if "user" in query:
        # The only accounts of the model are deactivated ones.
        is_deactivated = query["user"] in store.deactivated
        answer["account"] = {
            **NO_ACCOUNT,
            "has_account": is_deactivated,
            "deactivated": is_deactivated,
        }
    if query.get("duplicates") == "true":
        answer["duplicates"] = _duplicates(files) if store.keeps_hashes else None
    return answer


def timeline_answer(store: Store, query: Query) -> JsonDict:
    """The answer of `/v1/timeline`, if it is not too long."""
    files = _counted(store, query)
    from_ts = _int(query.get("from_ts", 0))
    last = _int(query.get("until_ts", max(store.now_ts, from_ts)))
    end_of_last = _ts(_date(last)) + _DAY_MS
    times = [file.created_ts for file in files]
    known = [time for time in times if store.earliest_ts <= time < end_of_last]
    if not from_ts and not known:
        return {
            "buckets": [],
            "before": _created(files, None, store.earliest_ts),
            "after": _created(files, store.earliest_ts, None),
        }
    first = from_ts or min(known)

    buckets: list[JsonDict] = []
    date, end = _date(first), _date(last)
    interval = str(query.get("interval", "day"))
    while True:
        date = _begin(date, interval)
        following = _begin(date + _AT_LEAST_NEXT[interval], interval)
        buckets.append(
            {
                "date": date.isoformat(),
                "from_ts": max(_ts(date), from_ts),
                "until_ts": min(_ts(following) - 1, _int(query.get("until_ts", 2**63))),
                **_created(files, _ts(date), _ts(following)),
            }
        )
        date = following
        if date > end:
            begin = datetime.date.fromisoformat(buckets[0]["date"])
            return {
                "buckets": buckets,
                "before": _created(files, None, _ts(begin)),
                "after": _created(files, _ts(date), None),
            }


def _created(
    files: Iterable[Media], from_ts: int | None, before_ts: int | None
) -> JsonDict:
    """The files created at or after one time, and before another."""
    return _usage(
        [
            _int(file.media_length)
            for file in files
            if (from_ts is None or file.created_ts >= from_ts)
            and (before_ts is None or file.created_ts < before_ts)
        ]
    )


def types_answer(store: Store, query: Query) -> JsonDict:
    """The answer of `/v1/types`."""
    name = "group" if query.get("group") == "true" else "media_type"
    lengths: dict[str, list[int]] = {}
    for file in _counted(store, query):
        media_type = group_of(file) if name == "group" else media_type_of(file)
        lengths.setdefault(media_type, []).append(_int(file.media_length))
    types = [{name: key, **_usage(values)} for key, values in lengths.items()]

    order_by = str(query.get("order_by", "media_type"))
    types.sort(key=lambda entry: str(entry[name]))
    types.sort(
        key=lambda entry: entry[name if order_by == "media_type" else order_by],
        reverse=query.get("dir") == "b",
    )
    start, limit = _int(query.get("from", 0)), _int(query.get("limit", 100))
    page = types[start : start + limit]
    answer: JsonDict = {"types": page, "total": len(types)}
    if page and start + len(page) < len(types):
        answer["next_token"] = start + len(page)
    return answer


def files_answer(store: Store, query: Query) -> list[JsonDict]:
    """The files of all pages of `/v1/files`."""
    files = [
        file
        for file in store.media
        if _is_of_source(file, store, query)
        and _is_in_window(file, query)
        and _passes_filters(file, store, query)
    ]
    files.sort(key=_name)
    if (order_by := query.get("order_by", "media_id")) == "media_id":
        files.sort(key=_name, reverse=query.get("dir") == "b")
    else:
        key = {
            "media_length": lambda file: _int(file.media_length),
            "created_ts": lambda file: file.created_ts,
            "last_access_ts": _last_read,
        }[str(order_by)]
        files.sort(key=key, reverse=query.get("dir") == "b")
    return [_file_body(file, store) for file in files]


def media_type_of(file: Media) -> str:
    """A file's type in lower case, without parameters."""
    media_type = (file.media_type or "").split(";")[0].strip(" ")
    small = "".join(c.lower() if c.isascii() else c for c in media_type)
    return small or "application/octet-stream"


def group_of(file: Media) -> str:
    """The group of a file's type."""
    group, slash, _ = media_type_of(file).partition("/")
    return group if slash and group in _GROUPS else "other"


def _file_body(file: Media, store: Store) -> JsonDict:
    local = file if isinstance(file, LocalMedia) else None
    remote = file if isinstance(file, RemoteMedia) else None
    server_name = remote.media_origin if remote else store.server_name
    return {
        "mxc": f"mxc://{server_name}/{file.media_id}",
        "user_id": local.user_id if local else None,
        "server_name": server_name,
        "media_type": file.media_type,
        "upload_name": file.upload_name,
        "media_length": file.media_length,
        "created_ts": file.created_ts,
        "last_access_ts": file.last_access_ts,
        "quarantined_by": file.quarantined_by,
        "safe_from_quarantine": local.safe_from_quarantine if local else None,
        "url_preview": local.url_cache is not None if local else None,
        "sha256": file.sha256 if store.keeps_hashes else None,
    }


def _counted(store: Store, query: Query) -> list[Media]:
    """The files that match the question and have an owner."""
    return [
        file
        for file in store.media
        if _is_of_source(file, store, query)
        and _is_in_window(file, query)
        and _counts(file, store)
    ]


def _is_of_source(file: Media, store: Store, query: Query) -> bool:
    default = "both" if "sha256" in query and "user" not in query else "local"
    source = query.get("source", "remote" if "server_name" in query else default)
    if isinstance(file, LocalMedia):
        is_hidden = (
            file.url_cache is not None
            and not store.count_url_previews
            and "true" not in (query.get("url_preview"), query.get("without_owner"))
            and "sha256" not in query
        )
        is_source = source != "remote" and not is_hidden
    else:
        is_source = source != "local"
    return is_source and file.media_length is not None and _is_of_owner(file, query)


def _is_of_owner(file: Media, query: Query) -> bool:
    if isinstance(file, LocalMedia):
        return "user" not in query or file.user_id == query["user"]
    return "server_name" not in query or file.media_origin == query["server_name"]


def _is_in_window(file: Media, query: Query) -> bool:
    from_ts = _int(query.get("from_ts", 0)) or file.created_ts
    return from_ts <= file.created_ts <= _int(query.get("until_ts", file.created_ts))


def _counts(file: Media, store: Store) -> bool:
    """Whether a file counts for its owner."""
    if file.media_length is None:
        return False
    return isinstance(file, RemoteMedia) or (
        file.user_id is not None
        and (store.count_url_previews or file.url_cache is None)
    )


def _passes_filters(file: Media, store: Store, query: Query) -> bool:
    wanted = str(query.get("media_type", "")).split(";")[0].strip(" ").lower()
    media_type = media_type_of(file)
    if wanted.endswith("/*"):
        if not media_type.startswith(wanted[:-1]):
            return False
    elif wanted not in ("", media_type):
        return False
    if query.get("group", group_of(file)) != group_of(file):
        return False
    properties = {
        "quarantined": file.quarantined_by is not None,
        "never_read": file.last_access_ts is None,
    }
    if isinstance(file, LocalMedia):
        properties["url_preview"] = file.url_cache is not None
        properties["without_owner"] = file.user_id is None
    if any(
        query.get(name, str(value).lower()) != str(value).lower()
        for name, value in properties.items()
    ):
        return False
    if "unread_since_ts" in query and _last_read(file) >= _int(
        query["unread_since_ts"]
    ):
        return False
    deactivated = query.get("deactivated")
    if deactivated is not None and isinstance(file, LocalMedia):
        is_gone = file.user_id in store.deactivated
        # Files without an owner match no filter of accounts.
        if file.user_id is None or is_gone is not (deactivated == "true"):
            return False
    if "sha256" in query:
        sha256 = file.sha256 if store.keeps_hashes else None
        if sha256 != str(query["sha256"]).lower():
            return False
    return _int(file.media_length) >= _int(query.get("min_length", 0))


def _last_read(file: Media) -> int:
    return file.created_ts if file.last_access_ts is None else file.last_access_ts


def _name(file: Media) -> tuple[str, str]:
    origin = file.media_origin if isinstance(file, RemoteMedia) else ""
    return origin, str(file.media_id)


def _duplicates(files: Iterable[Media]) -> JsonDict:
    seen: set[str] = set()
    lengths = []
    for file in files:
        if file.sha256 is None or file.media_length is None:
            continue
        if file.sha256 in seen:
            lengths.append(file.media_length)
        seen.add(file.sha256)
    return _usage(lengths)


def _lengths(files: Iterable[Media]) -> list[int]:
    return [file.media_length for file in files if file.media_length is not None]


def _usage(lengths: Sequence[int]) -> JsonDict:
    return {"media_count": len(lengths), "media_length": sum(lengths)}


def _added(usages: Iterable[JsonDict]) -> JsonDict:
    added = {"media_count": 0, "media_length": 0}
    for usage in usages:
        for key in added:
            added[key] += usage[key]
    return added


_AT_LEAST_NEXT = {
    "day": datetime.timedelta(days=1),
    "week": datetime.timedelta(days=7),
    "month": datetime.timedelta(days=31),
}


def _begin(date: datetime.date, interval: str) -> datetime.date:
    if interval == "week":
        while date.weekday() != calendar.MONDAY:
            date -= datetime.timedelta(days=1)
    elif interval == "month":
        date = datetime.date(date.year, date.month, 1)
    return date


def _date(ts: int) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=ts // _DAY_MS)


def _ts(date: datetime.date) -> int:
    return (date - datetime.date(1970, 1, 1)).days * _DAY_MS


def _int(value: object) -> int:
    return int(str(value))
