"""Any events in any order: answers from rollups equal those from the media.

`--hypothesis-profile=thorough` tries more; `pytest -s` shows the number.
"""

import sys
from collections import Counter
from typing import ClassVar
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support import LocalMedia, MediaStatsTestCase, RemoteMedia, Thumbnail
from synapse.module_api import JsonDict, LoggingTransaction
from tests.utils import USE_POSTGRES_FOR_TESTS
from twisted.internet.defer import ensureDeferred

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import (
    AccountFilter,
    OwnersOrder,
    OwnersQuestion,
    Source,
    SummaryQuestion,
    TimelineQuestion,
    TypesQuestion,
)
from media_stats_module.rollups_keeper import RollupsKeeper
from media_stats_module.storage import MediaStatsStore, SharedDatabase
from media_stats_module.storage.owners import (
    get_live_owners_page_txn,
    get_owners_page_from_totals_txn,
)
from media_stats_module.storage.rollups import build, install, maintenance, names
from media_stats_module.storage.sources import MediaTable, MediaTables, local_media
from media_stats_module.storage.summary import (
    get_summary_from_totals_txn,
    get_summary_txn,
)
from media_stats_module.storage.timeline import get_days_from_totals_txn, get_days_txn
from media_stats_module.storage.types import (
    get_groups_from_totals_txn,
    get_types_page_txn,
)

# The module's own SQL.
pytestmark = [pytest.mark.once, pytest.mark.long]

_DAY_MS = 86_400_000
# The admin API refuses earlier times.
_READ_TS = 1_000_000_000_000
_ADMIN_API = "/_synapse/admin/v1"

MEDIA = MediaTables(local_media(count_url_previews=True))

USERS = st.sampled_from(("@alice:test", "@bob:test", "@carol:test", None))
SERVERS = st.sampled_from(("a.example", "b.example"))
LENGTHS = st.sampled_from((0, 1, 2, 2**31 - 1))
TIMES = st.sampled_from((0, 1, -1, -_DAY_MS, _DAY_MS - 1, _DAY_MS, 3 * _DAY_MS))
NUMBERS = st.integers(0, 20)
MEDIA_TYPES = st.sampled_from(("image/png", "Image/GIF;a=b", "x", " ; ", None))

QUESTIONS = [
    OwnersQuestion(order_by=order_by, descending=descending, start=start, limit=limit)
    for order_by in OwnersOrder
    for descending, start, limit in ((False, 0, 100), (True, 1, 1))
] + [
    OwnersQuestion(search_term="b"),
    OwnersQuestion(accounts=AccountFilter(deactivated=False)),
    OwnersQuestion(limit=0),
]

WINDOWS = (TimelineQuestion(), TimelineQuestion(from_ts=1, until_ts=2 * _DAY_MS))

GROUPS = TypesQuestion(grouped=True)


def compare_txn(txn: LoggingTransaction) -> int:
    """Compare every kind of answer from the totals with the live one, in one snapshot.

    Returns:
        how many sources of media have totals that answered.
    """
    answered = 0
    for media in MEDIA.both:
        for question in QUESTIONS:
            if not media.owners_are_users and _is_of_users(question):
                continue
            page = get_owners_page_from_totals_txn(txn, media, question)
            if page is not None:
                wanted = get_live_owners_page_txn(txn, media, question)
                assert page == wanted, (media.name, question)
        for window in WINDOWS:
            days = get_days_from_totals_txn(txn, media, window)
            assert days in (None, get_days_txn(txn, media, window)), media.name
        types = get_groups_from_totals_txn(txn, media, GROUPS)
        if types is not None:
            assert types == get_types_page_txn(txn, media, GROUPS), media.name
            answered += 1
    for of in (None, *Source):
        summary = SummaryQuestion(source=of)
        found = get_summary_from_totals_txn(txn, MEDIA, summary)
        assert found in (None, get_summary_txn(txn, MEDIA, summary)), of
    return answered


def _is_of_users(query: OwnersQuestion) -> bool:
    """Whether only `/v1/users` can have this question."""
    by_name = query.order_by is OwnersOrder.DISPLAYNAME
    return by_name or query.accounts is not None


@pytest.mark.skipif(not USE_POSTGRES_FOR_TESTS, reason="rollups are for PostgreSQL")
class RollupsStatefulTest(MediaStatsTestCase):
    # The machine does the rounds, each as after a restart.
    module_options: ClassVar[JsonDict] = {}

    def setUp(self) -> None:
        with patch.object(RollupsKeeper, "start", lambda _: None):
            super().setUp()

    def test_answers_are_those_of_the_live_path_after_every_step(self) -> None:
        done: Counter[str] = Counter()

        class MachineHere(Machine):
            _case = self
            _done = done

        with patch.object(maintenance, "APPLY_AT_MOST", 3):
            run_state_machine_as_test(
                MachineHere,
                settings=settings(
                    max_examples=settings().max_examples // 8,
                    stateful_step_count=40,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        sys.stdout.write(f"\n{dict(done)}\n")
        assert done["answers of totals"] > done["steps"] / 4

    def round(self, *, rollups: bool) -> None:
        """One round of a Synapse that has just started."""
        api = self.hs.get_module_api()
        config = MediaStatsConfig(rollups=rollups)
        database = SharedDatabase(api, config.query_timeout)
        keeper = RollupsKeeper(
            api, config, MediaStatsStore(database, config).maintenance
        )
        with patch.object(keeper, "_loop") as loop:
            keeper.start()
        for (work,), _ in loop.call_args_list:
            finished = ensureDeferred(work())
            for _ in range(100):
                if finished.called:
                    break
                self.pump()
            self.successResultOf(finished)

    def admin_request(self, method: str, path: str) -> None:
        """A request to Synapse's own admin API."""
        answer = self.make_request(
            method, f"{_ADMIN_API}/{path}", {}, access_token=self.admin_token
        )
        assert answer.code in (200, 404), answer.result


class Machine(RuleBasedStateMachine):
    """Does one thing after the other, and compares after each."""

    _case: ClassVar[RollupsStatefulTest]
    _done: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self._case.round(rollups=False)
        self._case.execute("DELETE FROM local_media_repository")
        self._case.execute("DELETE FROM remote_media_cache")
        self._case.execute("DELETE FROM local_media_repository_thumbnails")
        self._case.execute("DELETE FROM remote_media_cache_thumbnails")
        self._case.round(rollups=True)
        self._local: list[str] = []
        self._remote: list[tuple[str, str]] = []
        self._made = 0

    @invariant()
    def answers_are_those_of_the_live_path(self) -> None:
        self._done["steps"] += 1
        self._done["answers of totals"] += self._case.in_transaction(compare_txn)

    # Media, through Synapse's admin API if possible.

    @rule(user_id=USERS, length=LENGTHS, created_ts=TIMES)
    def upload(self, user_id: str | None, length: int, created_ts: int) -> None:
        self._insert(
            LocalMedia(user_id=user_id, media_length=length, created_ts=created_ts)
        )

    @rule(user_id=USERS, created_ts=TIMES)
    def announce_an_upload(self, user_id: str | None, created_ts: int) -> None:
        self._insert(
            LocalMedia(
                user_id=user_id,
                media_length=None,
                media_type=None,
                created_ts=created_ts,
            )
        )

    @rule(user_id=USERS, length=LENGTHS)
    def fetch_the_image_of_a_preview(self, user_id: str | None, length: int) -> None:
        self._insert(
            LocalMedia(
                user_id=user_id, media_length=length, url_cache="https://a.example/"
            )
        )

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, length=LENGTHS)
    def complete_an_upload(self, number: int, length: int) -> None:
        self._update(number, "media_length", length)

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, user_id=USERS)
    def move_to_another_user(self, number: int, user_id: str | None) -> None:
        self._update(number, "user_id", user_id)

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, created_ts=TIMES)
    def move_to_another_time(self, number: int, created_ts: int) -> None:
        self._update(number, "created_ts", created_ts)

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, last_access_ts=TIMES)
    def download(self, number: int, last_access_ts: int) -> None:
        self._update(number, "last_access_ts", _READ_TS + last_access_ts)

    @rule(length=LENGTHS)
    def change_all_at_once(self, length: int) -> None:
        self._case.execute("UPDATE local_media_repository SET media_length = ?", length)

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS)
    def delete_a_file(self, number: int) -> None:
        media_id = self._local.pop(number % len(self._local))
        self._case.admin_request("DELETE", f"media/test/{media_id}")

    @rule(user_id=USERS)
    def delete_the_files_of_a_user(self, user_id: str | None) -> None:
        self._case.admin_request("DELETE", f"users/{user_id or '@nobody:test'}/media")

    @rule(before_ts=TIMES)
    def delete_what_is_old(self, before_ts: int) -> None:
        self._case.admin_request(
            "POST", f"media/delete?before_ts={_READ_TS + before_ts}"
        )

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS)
    def quarantine(self, number: int) -> None:
        media_id = self._local[number % len(self._local)]
        self._case.admin_request("POST", f"media/quarantine/test/{media_id}")

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS)
    def protect(self, number: int) -> None:
        media_id = self._local[number % len(self._local)]
        self._case.admin_request("POST", f"media/protect/{media_id}")

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, media_type=MEDIA_TYPES)
    def change_the_type(self, number: int, media_type: str | None) -> None:
        self._update(number, "media_type", media_type)

    @precondition(lambda self: self._local)
    @rule(number=NUMBERS, length=LENGTHS)
    def make_a_thumbnail(self, number: int, length: int) -> None:
        self._made += 1
        self._case.insert_thumbnails(
            Thumbnail(
                media_id=self._local[number % len(self._local)],
                thumbnail_length=length,
                thumbnail_width=self._made,
            )
        )

    @precondition(lambda self: self._remote)
    @rule(number=NUMBERS, length=LENGTHS)
    def make_a_thumbnail_of_remote_media(self, number: int, length: int) -> None:
        self._made += 1
        server_name, media_id = self._remote[number % len(self._remote)]
        self._case.insert_thumbnails(
            Thumbnail(
                media_origin=server_name,
                media_id=media_id,
                thumbnail_length=length,
                thumbnail_width=self._made,
            )
        )

    @rule(server_name=SERVERS, length=LENGTHS, created_ts=TIMES)
    def cache_remote_media(
        self, server_name: str, length: int, created_ts: int
    ) -> None:
        self._made += 1
        media_id = f"remote{self._made}"
        self._case.insert_remote_media(
            RemoteMedia(
                media_origin=server_name,
                media_length=length,
                created_ts=created_ts,
                last_access_ts=_READ_TS + created_ts,
                media_id=media_id,
            )
        )
        self._remote.append((server_name, media_id))

    @precondition(lambda self: self._remote)
    @rule(number=NUMBERS)
    def delete_remote_media(self, number: int) -> None:
        self._case.execute(
            "DELETE FROM remote_media_cache WHERE media_origin = ? AND media_id = ?",
            *self._remote.pop(number % len(self._remote)),
        )

    @rule(before_ts=TIMES)
    def purge_remote_media(self, before_ts: int) -> None:
        self._case.admin_request(
            "POST", f"purge_media_cache?before_ts={_READ_TS + before_ts}"
        )

    # Rollups.

    @rule()
    def start_with_rollups(self) -> None:
        self._case.round(rollups=True)
        self._done["rounds"] += 1

    @rule()
    def be_killed_while_installing(self) -> None:
        if not self._case.in_transaction(install.is_present_txn):
            self._case.in_transaction(
                lambda txn: install.install_objects_txn(txn, MEDIA)
            )
            self._done["kills"] += 1

    @rule()
    def start_without_rollups(self) -> None:
        self._case.round(rollups=False)
        self._done["removals"] += 1

    @precondition(lambda self: self._is_current())
    @rule(media=st.sampled_from(MEDIA.both))
    def begin_to_rebuild(self, media: MediaTable) -> None:
        self._case.in_transaction(lambda txn: build.start_build_txn(txn, media, 1))
        self._done["rebuilds"] += 1

    @precondition(lambda self: self._is_current())
    @rule(media=st.sampled_from(MEDIA.both))
    def build(self, media: MediaTable) -> None:
        in_transaction = self._case.in_transaction
        missed = in_transaction(lambda txn: build.start_build_txn(txn, media, 1))
        in_transaction(lambda txn: build.build_txn(txn, media, missed, lambda: 1))

    @precondition(lambda self: self._is_current())
    @rule(media=st.sampled_from(MEDIA.both), most=st.integers(1, 4))
    def apply_some(self, media: MediaTable, most: int) -> None:
        """Also before the totals are built."""
        self._case.in_transaction(lambda txn: build.apply_txn(txn, media, most=most))
        self._done["applied"] += 1

    @precondition(lambda self: self._is_current())
    @rule()
    def drop_triggers_by_hand(self) -> None:
        self._case.in_transaction(install.remove_triggers_txn)
        self._done["objects dropped"] += 1

    @precondition(lambda self: self._is_current())
    @rule(table=st.sampled_from(names.TABLES))
    def drop_a_table_by_hand(self, table: str) -> None:
        self._case.execute(f"DROP TABLE {table}")
        self._done["objects dropped"] += 1

    def _is_current(self) -> bool:
        return self._case.in_transaction(
            lambda txn: install.are_objects_current_txn(txn, MEDIA)
        )

    def _insert(self, media: LocalMedia) -> None:
        self._made += 1
        media_id = f"local{self._made}"
        self._case.execute(
            "INSERT INTO local_media_repository "
            "(media_id, user_id, media_length, media_type, created_ts, url_cache) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            media_id,
            media.user_id,
            media.media_length,
            media.media_type,
            media.created_ts,
            media.url_cache,
        )
        self._local.append(media_id)

    def _update(self, number: int, column: str, value: object) -> None:
        self._case.execute(
            f"UPDATE local_media_repository SET {column} = ? WHERE media_id = ?",
            value,
            self._local[number % len(self._local)],
        )
