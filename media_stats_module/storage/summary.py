"""What fills the media store, by kind. Each part of the answer is a function."""

from collections.abc import Sequence
from typing import cast

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import OwnersQuestion, Source, SummaryQuestion
from media_stats_module.storage.answers import (
    LocalSummary,
    RemoteSummary,
    Summary,
    Usage,
)
from media_stats_module.storage.owners import get_owners_page_txn
from media_stats_module.storage.rollups.tables import Rollup
from media_stats_module.storage.sources import (
    MEDIA_HAVE_SHA256,
    MediaTable,
    is_postgres,
)

_OWNED = "m.user_id IS NOT NULL"
_PREVIEW = "m.url_cache IS NOT NULL"
_QUARANTINED = "m.quarantined_by IS NOT NULL"


def get_summary_txn(
    txn: LoggingTransaction,
    local: Rollup,
    remote: Rollup,
    query: SummaryQuestion,
    *,
    has_rollups: bool,
) -> Summary:
    """What fills the media store.

    Args:
        txn: one transaction, in which the answer is consistent.
        local: this server's own media.
        remote: what it keeps of other servers' media.
        query: what is asked.
        has_rollups: whether there may be totals, which know how many owners there are.
    """
    is_local = query.source is not Source.REMOTE
    is_remote = query.source is not Source.LOCAL
    tables = [local.media] * is_local + [remote.media] * is_remote

    def count_owners(rollup: Rollup) -> int:
        return count_owners_txn(txn, rollup, query.owner, has_rollups=has_rollups)

    return Summary(
        local=(
            get_local_summary_txn(txn, local.media, query, users=count_owners(local))
            if is_local
            else None
        ),
        remote=(
            get_remote_summary_txn(
                txn, remote.media, query, servers=count_owners(remote)
            )
            if is_remote
            else None
        ),
        duplicates=(
            get_duplicates_txn(txn, tables, query.owner) if query.duplicates else None
        ),
    )


def get_local_summary_txn(
    txn: LoggingTransaction, media: MediaTable, query: SummaryQuestion, *, users: int
) -> LocalSummary:
    """What users of this server have stored, all of them or one."""
    kinds = [
        f"{_OWNED} AND NOT {_PREVIEW}",
        f"{_OWNED} AND {_PREVIEW}",
        f"NOT {_OWNED}",
        _QUARANTINED,
        "m.safe_from_quarantine",
    ]
    usages, pending = _get_usages_txn(txn, media, query, kinds)
    uploads, url_previews, without_owner, quarantined, protected = usages
    return LocalSummary(
        uploads=uploads,
        url_previews=url_previews,
        without_owner=without_owner,
        thumbnails=get_thumbnails_txn(txn, media, query.owner),
        quarantined=quarantined,
        protected=protected,
        pending=pending,
        users=users,
    )


def get_remote_summary_txn(
    txn: LoggingTransaction, media: MediaTable, query: SummaryQuestion, *, servers: int
) -> RemoteSummary:
    """What is stored of other servers, all of them or one."""
    kinds = ["m.media_origin IS NOT NULL", _QUARANTINED]
    (cached, quarantined), _ = _get_usages_txn(txn, media, query, kinds)
    return RemoteSummary(
        cached=cached,
        thumbnails=get_thumbnails_txn(txn, media, query.owner),
        quarantined=quarantined,
        servers=servers,
    )


def _get_usages_txn(
    txn: LoggingTransaction,
    media: MediaTable,
    query: SummaryQuestion,
    kinds: Sequence[str],
) -> tuple[list[Usage], int]:
    """Add up files by kind, and count the uploads that were announced and not made.

    All kinds in one read of the table; or of one owner's rows, by the index that starts
    with the owner. PostgreSQL, 10 million media: 2 s, a parallel sequential scan.

    Args:
        txn: the transaction.
        media: the media to add up.
        query: what is asked.
        kinds: conditions on a row, called `m`.
    """
    where = "" if query.owner is None else f"WHERE m.{media.owner} = ?"
    sums = "".join(
        f"""
        COUNT(CASE WHEN {kind} THEN m.media_length END),
        COALESCE(SUM(CASE WHEN {kind} THEN m.media_length END), 0),
        """
        for kind in kinds
    )
    txn.execute(
        f"""
        SELECT {sums} COUNT(*) - COUNT(m.media_length)
        FROM {media.name} AS m {where}
        """,
        () if query.owner is None else (query.owner,),
    )
    ((*numbers, pending),) = cast(list[tuple[int, ...]], txn.fetchall())
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return [Usage(*pair) for pair in pairs], pending


def get_thumbnails_txn(
    txn: LoggingTransaction, media: MediaTable, owner: str | None
) -> Usage:
    """The thumbnails of all files, or of one owner's.

    PostgreSQL: 0.1 s per million, a parallel sequential scan. Of one owner, an index
    probe per file; of a server, a range of the index that starts with the server.
    """
    thumbnails = f"{media.thumbnails} AS t"
    if owner is not None and media.owners_are_users:
        thumbnails = (
            f"{media.name} AS m JOIN {thumbnails} ON t.media_id = m.media_id "
            f"WHERE m.{media.owner} = ?"
        )
    elif owner is not None:
        thumbnails += f" WHERE t.{media.owner} = ?"
    txn.execute(
        f"SELECT COUNT(*), COALESCE(SUM(t.thumbnail_length), 0) FROM {thumbnails}",
        () if owner is None else (owner,),
    )
    ((count, length),) = cast(list[tuple[int, int]], txn.fetchall())
    return Usage(count, length)


def count_owners_txn(
    txn: LoggingTransaction, rollup: Rollup, owner: str | None, *, has_rollups: bool
) -> int:
    """How many owners have media that counts; of one owner, whether that one has.

    As many as a list of them has: the totals know, or it is an index probe per owner.
    """
    if owner is None:
        nobody = OwnersQuestion(limit=0)
        return get_owners_page_txn(txn, rollup, nobody, has_rollups=has_rollups).total
    media = rollup.media
    txn.execute(
        f"""
        SELECT COUNT(*) FROM (
            SELECT 1 FROM {media.name} AS m
            WHERE {media.is_counted} AND m.{media.owner} = ? LIMIT 1
        ) AS found
        """,
        (owner,),
    )
    ((count,),) = cast(list[tuple[int]], txn.fetchall())
    return count


def get_duplicates_txn(
    txn: LoggingTransaction, tables: Sequence[MediaTable], owner: str | None
) -> Usage | None:
    """The files that are stored although another file with the same content is.

    Files from before Synapse kept hashes have none, and are not compared.

    PostgreSQL, 10 million media: 10 s, a sequential scan and a hash of 10 million keys
    in temporary files. Along the index on `sha256`, which the planner would take, and
    which the empty string keeps it from, each row is a random read: 19 s. SQLite is
    told in its own way, which saves a million strings.

    Args:
        txn: the transaction.
        tables: where to look for files, and for their duplicates.
        owner: whose files to compare with each other; None for everybody's.

    Returns:
        None if this version of Synapse keeps no hashes.
    """
    if not MEDIA_HAVE_SHA256:
        return None
    sha256, scan = "m.sha256", ""
    if is_postgres(txn):
        sha256 = "m.sha256 || ''"
    elif owner is None:
        scan = "NOT INDEXED"
    files = " UNION ALL ".join(
        f"SELECT {sha256} AS sha256, m.media_length FROM {media.name} AS m {scan} "
        "WHERE m.sha256 IS NOT NULL AND m.media_length IS NOT NULL"
        + ("" if owner is None else f" AND m.{media.owner} = ?")
        for media in tables
    )
    txn.execute(
        f"""
        SELECT
            CAST(COALESCE(SUM(copies), 0) AS BIGINT),
            CAST(COALESCE(SUM(copies * media_length), 0) AS BIGINT)
        FROM (
            SELECT COUNT(*) - 1 AS copies, MAX(media_length) AS media_length
            FROM ({files}) AS files
            GROUP BY sha256 HAVING COUNT(*) > 1
        ) AS duplicates
        """,
        () if owner is None else (owner,) * len(tables),
    )
    ((count, length),) = cast(list[tuple[int, int]], txn.fetchall())
    return Usage(count, length)
