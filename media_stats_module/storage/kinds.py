"""The amount of media of each kind, with thumbnails and pending uploads.

A kind is a group of media types and four properties. There are at most a few hundred
kinds. The totals of rollups have one row for each; the summary, the groups of types and
the gauges are sums of kinds.
"""

from collections.abc import Iterable
from typing import Any

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import MEDIA_GROUPS, Source
from media_stats_module.storage.answers import Kinds, KindUsage, Usage, to_integer
from media_stats_module.storage.dialect import (
    is_postgres,
    media_type_sql,
    scan_hint_sql,
    sum_of_sums_sql,
    sum_sql,
)
from media_stats_module.storage.sources import MediaTable
from media_stats_module.storage.sql import Sql

_THUMBNAIL = "thumbnail"
_PENDING = "pending"

KIND_COLUMNS = "media_group, is_owned, is_url_preview, is_quarantined, is_protected"


def get_kinds_txn(
    txn: LoggingTransaction, table: MediaTable, owner: str | None = None
) -> Kinds:
    """The kinds of a source's media, or of one owner's, from the media itself.

    PostgreSQL, 10 million media: 2 s, parallel sequential scans of the media and of the
    thumbnails. For one owner, a range of the index that starts with the owner; for a
    user also a probe per file for the thumbnails.
    """
    statement = kinds_sql(txn, table, owner)
    txn.execute(statement.text, statement.args)
    return to_kinds(txn.fetchall())


def kinds_sql(
    txn: LoggingTransaction, table: MediaTable, owner: str | None = None
) -> Sql:
    """The statement that adds up media by kind, with thumbnails and pending uploads.

    First adds up files by their type as uploaded, then computes the group once per type
    instead of once per file.
    """
    is_local = table.source is Source.LOCAL
    scan = scan_hint_sql(txn) if owner is None else ""
    where = "" if owner is None else f"WHERE m.{table.owner} = ?"
    media_type = media_type_sql(txn, "media_type")
    is_protected = "COALESCE(m.safe_from_quarantine, FALSE)" if is_local else "FALSE"
    length = sum_sql(txn, "m.media_length")
    lengths = sum_of_sums_sql(txn, "media_length")
    thumbnail_length = sum_sql(txn, "t.thumbnail_length")
    return Sql(
        f"""
        SELECT
            CASE WHEN is_pending THEN '{_PENDING}'
                ELSE {group_sql(media_type)} END AS media_group,
            is_owned, is_url_preview, is_quarantined, is_protected,
            SUM(media_count) AS media_count,
            {lengths} AS media_length
        FROM (
            SELECT m.media_type,
                m.media_length IS NULL AS is_pending,
                m.{table.owner} IS NOT NULL AS is_owned,
                {"m.url_cache IS NOT NULL" if is_local else "FALSE"} AS is_url_preview,
                m.quarantined_by IS NOT NULL AS is_quarantined,
                {is_protected} AS is_protected,
                COUNT(*) AS media_count,
                {length} AS media_length
            FROM {table.name} AS m {scan} {where}
            GROUP BY 1, 2, 3, 4, 5, 6
        ) AS by_type
        GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        SELECT '{_THUMBNAIL}', FALSE, FALSE, FALSE, FALSE, COUNT(*), {thumbnail_length}
        FROM {_thumbnails_sql(table, owner)} HAVING COUNT(*) > 0
        """,
        () if owner is None else (owner, owner),
    )


def _thumbnails_sql(table: MediaTable, owner: str | None) -> str:
    """The SQL after `FROM` for the thumbnails, called `t`."""
    rows = f"{table.thumbnails} AS t"
    if owner is None:
        return rows
    if table.owners_are_users:
        return (
            f"{table.name} AS m JOIN {rows} ON t.media_id = m.media_id "
            f"WHERE m.{table.owner} = ?"
        )
    return f"{rows} WHERE t.{table.owner} = ?"


def group_sql(media_type: str) -> str:
    """The SQL expression for the group of a media type.

    Args:
        media_type: the SQL expression for the type in lower case.
    """
    *named, other = MEDIA_GROUPS
    cases = " ".join(
        f"WHEN substr({media_type}, 1, {len(group) + 1}) = '{group}/' THEN '{group}'"
        for group in named
    )
    return f"CASE {cases} ELSE '{other}' END"


def in_group_sql(txn: LoggingTransaction, media_type: str, group: str) -> Sql:
    """The condition that a media type is of a group.

    Args:
        txn: decides the dialect.
        media_type: the SQL expression for the type in lower case.
        group: one of `MEDIA_GROUPS`.
    """
    *named, other = MEDIA_GROUPS
    if group != other:
        return Sql(f"substr({media_type}, 1, {len(group) + 1}) = ?", (f"{group}/",))
    if is_postgres(txn):
        # Computes the type once. `CASE` computes it for each group, and takes three
        # times as long.
        marks = ", ".join("?" for _ in named)
        return Sql(
            f"{media_type} NOT LIKE ALL (ARRAY[{marks}])",
            tuple(f"{name}/%" for name in named),
        )
    return Sql(f"{group_sql(media_type)} = ?", (group,))


def to_kinds(rows: Iterable[tuple[Any, ...]]) -> Kinds:
    """Make the kinds from the rows of `kinds_sql`."""
    files: list[KindUsage] = []
    thumbnails, pending = Usage(0, 0), 0
    for media_group, owned, preview, quarantined, protected, count, length in rows:
        if media_group == _THUMBNAIL:
            thumbnails = Usage(count, length)
        elif media_group == _PENDING:
            pending += to_integer(count)
        else:
            files.append(
                KindUsage(
                    media_group=media_group,
                    is_owned=bool(owned),
                    is_url_preview=bool(preview),
                    is_quarantined=bool(quarantined),
                    is_protected=bool(protected),
                    usage=Usage(count, length),
                )
            )
    return Kinds(tuple(files), thumbnails, pending)
