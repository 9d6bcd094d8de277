"""Whether two answers to a question are equal, where they should be.

docs/compared-with-synapse.md lists the errors of Synapse's own endpoint. Those that
matter here: it counts pending uploads, and media without a user as that of a user;
users with equal sort keys come in any order; users without a displayname come first or
last.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from benchmarks.questions import Question

YES = "yes"

# The columns of an administrator's statement, as the endpoint's answer has them.
_Rows = Sequence[Sequence[Any]]


def digest(answer: Any) -> str:
    """A digest of an answer; equal answers have equal digests."""
    if "ages" in answer:
        # These count from now.
        answer = [{**age, "before_ts": None} for age in answer["ages"]]
    elif "buckets" in answer:
        # The timeline ends today.
        answer = [bucket for bucket in answer["buckets"] if bucket["media_count"]]
    return sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:16]


def compare_with_built_in(
    question: Question,
    module: Mapping[str, Any],
    built_in: Mapping[str, Any],
    *,
    pending: Mapping[str, int],
    nobodies: int,
) -> str:
    """Compare the answer with Synapse's own; return `yes`, or the difference.

    Args:
        question: the question.
        module: the module's answer.
        built_in: Synapse's own.
        pending: the number of pending uploads.
        nobodies: the number of users whom only the built-in counts.
    """
    if built_in["total"] - module["total"] != nobodies:
        return (
            f"total {module['total']}, and {built_in['total']} with {nobodies} too many"
        )
    theirs = {user["user_id"]: user for user in built_in["users"]}
    for ours in module["users"]:
        user = theirs.get(ours["user_id"])
        if user is None:
            continue
        corrected = {
            **user,
            "media_length": user["media_length"] or 0,
            "media_count": user["media_count"] - pending.get(user["user_id"], 0),
        }
        if corrected != ours:
            return f"{ours} and {user}"
    order = question.parameters.get("order_by", "user_id")
    if order in ("user_id", "media_length"):
        keys = Counter(user[order] for user in module["users"])
        # Users without media may have pushed others off the page.
        missing = keys - Counter(user[order] for user in built_in["users"])
        if missing.total() > nobodies:
            return f"{missing.total()} are on one page and not on the other"
    return YES


def compare_with_by_hand(
    question: Question, answer: Any, found: Sequence[_Rows]
) -> str:
    """Compare the answer with statements by hand; return `yes`, or the difference.

    Args:
        question: the question.
        answer: the module's.
        found: the rows of each statement.
    """
    expected, got = _COMPARED[question.endpoint](answer, found)
    return YES if expected == got else f"{got} and, by hand, {expected}"


def _servers(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    # By hand, it is the whole list.
    return (len(found[0]), _usages(found[0][: len(answer["servers"])])), (
        answer["total"],
        [(row["media_count"], row["media_length"]) for row in answer["servers"]],
    )


def _timeline(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    return _usages(found[0]), [
        (row["media_count"], row["media_length"])
        for row in answer["buckets"]
        if row["media_count"]
    ]


def _types(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    return _usages(found[0]), [
        (row["media_count"], row["media_length"]) for row in answer["types"]
    ]


def _usages(rows: _Rows) -> list[tuple[int, int]]:
    return [(count, int(length)) for _, count, length in rows]


def _files(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    return [row[-1] for row in found[0]], [
        row["media_length"] for row in answer["files"]
    ]


def _appservices(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    columns = ("appservice_id", "users", "media_count", "media_length")
    return (
        {(name, *map(int, numbers)) for name, *numbers in found[0]},
        {tuple(row[column] for column in columns) for row in answer["appservices"]},
    )


def _summary(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    def numbers(*kinds: Mapping[str, int]) -> list[int]:
        return [
            kind[name] for kind in kinds for name in ("media_count", "media_length")
        ]

    local, remote = answer["local"], answer["remote"]
    kinds = ("uploads", "url_previews", "without_owner", "quarantined", "protected")
    got = [
        *numbers(*(local[kind] for kind in kinds)),
        local["pending"]["media_count"],
        local["users"],
        *numbers(local["thumbnails"], remote["cached"], remote["quarantined"]),
        remote["servers"],
        *numbers(remote["thumbnails"]),
    ]
    if answer.get("duplicates") is not None:
        got += numbers(answer["duplicates"])
    return [int(number or 0) for rows in found for number in rows[0]], got


def _reclaimable(answer: Any, found: Sequence[_Rows]) -> tuple[object, object]:
    # Synapse deletes the rows of URL previews, too.
    got = [
        age[source][name] + age[source].get("url_previews", {}).get(name, 0)
        for source in ("local", "remote")
        for age in answer.get("ages", [answer])
        for name in ("media_count", "media_length")
    ]
    return [int(number or 0) for rows in found for number in rows[0]], got


_COMPARED = {
    "servers": _servers,
    "timeline": _timeline,
    "types": _types,
    "files": _files,
    "appservices": _appservices,
    "summary": _summary,
    "reclaimable": _reclaimable,
}
