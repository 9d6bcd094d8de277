"""`/v1/reclaimable`: what Synapse's own deletion would delete, and would keep."""

from collections.abc import Mapping, Sequence

import attr
from synapse.module_api import JsonDict, SynapseRequest

from media_stats_module.questions import DeletionRules, ReclaimableQuestion
from media_stats_module.rest._base import AdminResource, usage_body
from media_stats_module.rest.parameters import parse_reclaimable_question
from media_stats_module.storage import Reclaimable, ReclaimablePart
from media_stats_module.synapse_internals import current_time_ms, media_retention

_DAY_MS = 24 * 60 * 60 * 1000

# How long ago a file was last read.
AGES_IN_DAYS = (30, 90, 180, 365)

# What Synapse deletes by `media_retention`: files of any size, but no avatars.
_RETENTION_RULES = DeletionRules()


class ReclaimableMediaStatsResource(AdminResource):
    """Says how much a deletion would free, before somebody asks Synapse for it."""

    async def answer(self, request: SynapseRequest) -> JsonDict:
        now_ts = current_time_ms(self._api)
        ages = {days: now_ts - days * _DAY_MS for days in AGES_IN_DAYS}
        question = parse_reclaimable_question(request, list(ages.values()))
        retention = _Retention.of_server(*media_retention(self._api), now_ts)
        found, by_retention = await self._ask(question, retention)

        rules: JsonDict = {
            "size_gt": question.rules.size_gt,
            "keep_profiles": question.rules.keep_profiles,
        }
        answer: JsonDict
        if len(question.before_ts) == 1:
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
        self, question: ReclaimableQuestion, retention: "_Retention"
    ) -> tuple[Mapping[int, Reclaimable], Mapping[int, Reclaimable]]:
        """The answers to a question, and to the same one about `media_retention`."""
        if not retention.before_ts:
            return await self._store.get_reclaimable(question), {}
        if question.rules == _RETENTION_RULES:
            # Both in one read of the media.
            times = [*question.before_ts, *retention.before_ts]
            found = await self._store.get_reclaimable(
                attr.evolve(question, before_ts=times)
            )
            return found, found
        found = await self._store.get_reclaimable(question)
        by_retention = await self._store.get_reclaimable(
            attr.evolve(question, before_ts=retention.before_ts, rules=_RETENTION_RULES)
        )
        return found, by_retention


@attr.frozen
class _Retention:
    """What `media_retention` of the server's configuration says.

    Attributes:
        local_lifetime: for how many milliseconds local media is kept; None for ever.
        remote_lifetime: the same for remote media.
        local_before_ts: the time up to which it would be deleted now; None likewise.
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
        return cls(
            local_lifetime,
            remote_lifetime,
            None if local_lifetime is None else now_ts - local_lifetime,
            None if remote_lifetime is None else now_ts - remote_lifetime,
        )

    @property
    def before_ts(self) -> Sequence[int]:
        """The times to ask about."""
        times = (self.local_before_ts, self.remote_before_ts)
        return [before_ts for before_ts in times if before_ts is not None]

    def body(self, found: Mapping[int, Reclaimable]) -> JsonDict | None:
        """What an answer says of it; None if the server keeps all media for ever."""
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


def _parts(reclaimable: Reclaimable) -> JsonDict:
    parts = {"local": reclaimable.local, "remote": reclaimable.remote}
    return {name: _part(part) for name, part in parts.items() if part}


def _part(part: ReclaimablePart) -> JsonDict:
    return {
        **usage_body(part.media),
        "thumbnails": usage_body(part.thumbnails),
        "kept": {reason: usage_body(usage) for reason, usage in part.kept.items()},
    }
