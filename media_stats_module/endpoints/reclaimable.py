"""`reclaimable`: the files that Synapse's own deletion would delete or keep."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attr

from media_stats_module.endpoints._deletion import deletion_parameters, read_rules
from media_stats_module.endpoints._description import (
    Document,
    JsonDict,
    Server,
)
from media_stats_module.endpoints.parameters import (
    ACCOUNTS,
    OWNER_AND_SOURCE,
    Boolean,
    Values,
)
from media_stats_module.questions import (
    MAX_INTEGER,
    DeletionRules,
    ReclaimableQuestion,
)

if TYPE_CHECKING:
    from media_stats_module.storage import (
        DeletedFiles,
        MediaStatsStore,
        Reclaimable,
        ReclaimablePart,
    )

_DAY_MS = 24 * 60 * 60 * 1000

# The ages to answer for, by the last read of a file.
AGES_IN_DAYS = (30, 90, 180, 365)

# By `media_retention`, Synapse deletes files of any size, but no avatars.
_RETENTION_RULES = DeletionRules()


def _read_rules(values: Values) -> None:
    before_ts = values["before_ts"]
    values["before_ts"] = () if before_ts is None else (before_ts,)
    values["rules"] = read_rules(values)


async def _answer(
    store: "MediaStatsStore", server: Server, question: ReclaimableQuestion
) -> JsonDict:
    now_ts = server.now_ts()
    ages = {days: now_ts - days * _DAY_MS for days in AGES_IN_DAYS}
    retention = _Retention.of_server(*server.media_retention(), now_ts)
    found, by_retention = await _ask(
        store,
        attr.evolve(question, before_ts=question.before_ts or list(ages.values())),
        retention,
    )
    rules: JsonDict = attr.asdict(question.rules)
    answer: JsonDict
    if question.before_ts:
        (before_ts,) = question.before_ts
        answer = {"before_ts": before_ts, **rules, **_parts(found[before_ts])}
    else:
        answer = rules
        answer["ages"] = [
            {"days": days, "before_ts": before_ts, **_parts(found[before_ts])}
            for days, before_ts in ages.items()
        ]
    answer["media_retention"] = retention.body(by_retention)
    return answer


async def _ask(
    store: "MediaStatsStore", question: ReclaimableQuestion, retention: "_Retention"
) -> "tuple[Mapping[int, Reclaimable], Mapping[int, Reclaimable]]":
    """Ask a question, and the same one about `media_retention`."""
    if not retention.before_ts:
        return await store.get_reclaimable(question), {}
    if question.rules == _RETENTION_RULES:
        # Both in one read of the media.
        times = [*question.before_ts, *retention.before_ts]
        found = await store.get_reclaimable(attr.evolve(question, before_ts=times))
        return found, found
    found = await store.get_reclaimable(question)
    by_retention = await store.get_reclaimable(
        attr.evolve(question, before_ts=retention.before_ts, rules=_RETENTION_RULES)
    )
    return found, by_retention


@attr.frozen
class _Retention:
    """The setting `media_retention` of the server's configuration.

    Attributes:
        local_lifetime: the lifetime of local media in milliseconds; None for ever.
        remote_lifetime: the same for remote media.
        local_before_ts: local media last read before this time would be deleted now;
            None for none.
        remote_before_ts: the same for remote media.
    """

    local_lifetime: int | None
    remote_lifetime: int | None
    local_before_ts: int | None
    remote_before_ts: int | None

    @classmethod
    def of_server(
        cls, local_lifetime: int | None, remote_lifetime: int | None, now_ts: int
    ) -> "_Retention":
        local_before_ts, remote_before_ts = (
            # Any integer is a lifetime.
            None if lifetime is None else max(now_ts - lifetime, -MAX_INTEGER)
            for lifetime in (local_lifetime, remote_lifetime)
        )
        return cls(local_lifetime, remote_lifetime, local_before_ts, remote_before_ts)

    @property
    def before_ts(self) -> Sequence[int]:
        """The times to ask about."""
        times = (self.local_before_ts, self.remote_before_ts)
        return [before_ts for before_ts in times if before_ts is not None]

    def body(self, found: "Mapping[int, Reclaimable]") -> JsonDict | None:
        """Its part of an answer; None if the server keeps all media for ever."""
        if not self.before_ts:
            return None
        body: JsonDict = {
            "local_media_lifetime": self.local_lifetime,
            "remote_media_lifetime": self.remote_lifetime,
        }
        if self.local_before_ts is not None:
            local = found[self.local_before_ts].local
            if local:
                body["local"] = {"before_ts": self.local_before_ts, **_part(local)}
        if self.remote_before_ts is not None:
            remote = found[self.remote_before_ts].remote
            if remote:
                body["remote"] = {"before_ts": self.remote_before_ts, **_part(remote)}
        return body


def _parts(reclaimable: "Reclaimable") -> JsonDict:
    parts = {"local": reclaimable.local, "remote": reclaimable.remote}
    return {name: _part(part) for name, part in parts.items() if part}


def _part(part: "ReclaimablePart") -> JsonDict:
    body = _files(part.files)
    if part.url_previews:
        body["url_previews"] = _files(part.url_previews)
    body["kept"] = part.kept
    return body


def _files(files: "DeletedFiles") -> JsonDict:
    body: JsonDict = attr.asdict(files.media)
    if files.thumbnails:
        body["thumbnails"] = files.thumbnails
    return body


RECLAIMABLE = Document(
    name="reclaimable",
    help="the media that Synapse's own deletion would delete, and keep",
    parameters=(
        *deletion_parameters(
            "before_ts",
            "media last read before this time, in ms since the epoch (default: 30, 90, "
            "180 and 365 days ago)",
        ),
        Boolean(
            name="thumbnails",
            help="whether to add up the thumbnails, too (takes longer)",
            default=False,
        ),
        *OWNER_AND_SOURCE,
        *ACCOUNTS,
        _read_rules,
    ),
    question=ReclaimableQuestion,
    answer=_answer,
)
