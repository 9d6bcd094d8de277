"""The totals of the media store: by kind, owners, and duplicates on request."""

from collections.abc import Callable

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersQuestion, Source, SummaryQuestion
from media_stats_module.storage.accounts import get_account_txn
from media_stats_module.storage.answers import (
    Kinds,
    LocalSummary,
    RemoteSummary,
    Summary,
)
from media_stats_module.storage.duplicates import get_duplicates_txn
from media_stats_module.storage.kinds import get_kinds_txn
from media_stats_module.storage.owners import (
    count_owners_txn,
    get_owners_page_from_totals_txn,
)
from media_stats_module.storage.rollups.kinds import get_totals_of_kinds_txn
from media_stats_module.storage.sources import MediaTable, MediaTables

_NO_PAGE = OwnersQuestion(limit=0)

_GetKindsAndOwners = Callable[[MediaTable], tuple[Kinds, int]]


def get_summary_from_totals_txn(
    txn: LoggingTransaction, media: MediaTables, question: SummaryQuestion
) -> Summary | None:
    """The summary, from the totals; None if they cannot answer."""
    if question.owner is not None or question.duplicates:
        return None
    found: dict[Source, tuple[Kinds, int]] = {}
    for table in media.of(question.source):
        page = get_owners_page_from_totals_txn(txn, table, _NO_PAGE)
        if page is None:
            return None
        found[table.source] = get_totals_of_kinds_txn(txn, table.source), page.end
    return _summary(media, question, lambda table: found[table.source])


def get_summary_txn(
    txn: LoggingTransaction, media: MediaTables, question: SummaryQuestion
) -> Summary:
    """The summary, from the media itself.

    Costs a read of each table of media and of thumbnails; for one owner, a range of an
    index. Duplicates cost more than all else.
    """

    def get_kinds_and_owners(table: MediaTable) -> tuple[Kinds, int]:
        return (
            get_kinds_txn(txn, table, question.owner),
            count_owners_txn(txn, table, question.owner),
        )

    summary = _summary(media, question, get_kinds_and_owners)
    if question.duplicates:
        duplicates = get_duplicates_txn(txn, media.of(question.source), question.owner)
        summary = attr.evolve(summary, duplicates=duplicates)
    if question.owner is not None and question.source is Source.LOCAL:
        account = get_account_txn(txn, question.owner)
        summary = attr.evolve(summary, account=account)
    return summary


def _summary(
    media: MediaTables, question: SummaryQuestion, get: _GetKindsAndOwners
) -> Summary:
    """Make the summary from the kinds and the number of owners of each source."""
    local = remote = None
    if question.source is not Source.REMOTE:
        kinds, users = get(media.local)
        local = LocalSummary(
            uploads=kinds.sum(is_owned=True, is_url_preview=False),
            url_previews=kinds.sum(is_owned=True, is_url_preview=True),
            without_owner=kinds.sum(is_owned=False),
            thumbnails=kinds.thumbnails,
            quarantined=kinds.sum(is_quarantined=True),
            protected=kinds.sum(is_protected=True),
            pending=kinds.pending,
            users=users,
        )
    if question.source is not Source.LOCAL:
        kinds, servers = get(media.remote)
        remote = RemoteSummary(
            cached=kinds.sum(is_owned=True),
            thumbnails=kinds.thumbnails,
            quarantined=kinds.sum(is_quarantined=True),
            servers=servers,
        )
    return Summary(local=local, remote=remote)
