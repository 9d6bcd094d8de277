"""The amount of media of each kind, with thumbnails and pending uploads.

A kind is a group of media types and four properties. There are at most a few hundred
kinds. The totals of rollups have one row for each; the summary, the groups of types and
the gauges are sums of kinds.
"""

from collections.abc import Iterable
from typing import Any

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.questions import Source
from media_stats_module.storage.answers import Usage, to_integer
from media_stats_module.storage.sources import MediaTable, media_type_sql
from media_stats_module.storage.sql import Sql, scan_hint_sql, sum_of_sums_sql, sum_sql

# All other media types are in the group "other".
GROUPS = ("application", "audio", "image", "text", "video")
OTHER = "other"
_THUMBNAIL = "thumbnail"
_PENDING = "pending"

KIND_COLUMNS = "media_group, is_owned, is_url_preview, is_quarantined, is_protected"


@attr.frozen
class KindUsage:
    """The media of one kind.

    Attributes:
        media_group: the group of media types.
        is_owned: whether it has an owner.
        is_url_preview: whether it belongs to a URL preview.
        is_quarantined: whether it is in quarantine.
        is_protected: whether an admin protects it from quarantine.
        usage: the number of files, and their bytes.
    """

    media_group: str
    is_owned: bool
    is_url_preview: bool
    is_quarantined: bool
    is_protected: bool
    usage: Usage


@attr.frozen
class Kinds:
    """All media of one source, by kind.

    Attributes:
        files: the files of each kind.
        thumbnails: the thumbnails of all these.
        pending: the number of uploads that have no content yet.
    """

    files: tuple[KindUsage, ...]
    thumbnails: Usage
    pending: int

    def sum(self, **properties: bool) -> Usage:
        """The files that have these properties, such as `is_quarantined=True`."""
        return sum(
            (
                kind.usage
                for kind in self.files
                if all(
                    getattr(kind, name) is value for name, value in properties.items()
                )
            ),
            Usage(0, 0),
        )


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
    return Sql(
        f"""
        SELECT
            CASE WHEN is_pending THEN '{_PENDING}'
                ELSE {group_sql(media_type_sql(txn, "media_type"))} END AS media_group,
            is_owned, is_url_preview, is_quarantined, is_protected,
            SUM(media_count) AS media_count,
            {sum_of_sums_sql(txn, "media_length")} AS media_length
        FROM (
            SELECT m.media_type,
                m.media_length IS NULL AS is_pending,
                m.{table.owner} IS NOT NULL AS is_owned,
                {"m.url_cache IS NOT NULL" if is_local else "FALSE"} AS is_url_preview,
                m.quarantined_by IS NOT NULL AS is_quarantined,
                {"m.safe_from_quarantine" if is_local else "FALSE"} AS is_protected,
                COUNT(*) AS media_count,
                {sum_sql(txn, "m.media_length")} AS media_length
            FROM {table.name} AS m {scan} {where}
            GROUP BY 1, 2, 3, 4, 5, 6
        ) AS by_type
        GROUP BY 1, 2, 3, 4, 5
        UNION ALL
        {_thumbnails_sql(txn, table, owner)}
        """,
        () if owner is None else (owner, owner),
    )


def _thumbnails_sql(
    txn: LoggingTransaction, table: MediaTable, owner: str | None
) -> str:
    rows = f"{table.thumbnails} AS t"
    if owner is not None and table.owners_are_users:
        rows = (
            f"{table.name} AS m JOIN {rows} ON t.media_id = m.media_id "
            f"WHERE m.{table.owner} = ?"
        )
    elif owner is not None:
        rows += f" WHERE t.{table.owner} = ?"
    return (
        f"SELECT '{_THUMBNAIL}', FALSE, FALSE, FALSE, FALSE, COUNT(*), "
        f"{sum_sql(txn, 't.thumbnail_length')} FROM {rows} HAVING COUNT(*) > 0"
    )


def group_sql(media_type: str) -> str:
    """The SQL expression for the group of a media type.

    Args:
        media_type: the SQL expression for the type in lower case.
    """
    cases = " ".join(
        f"WHEN substr({media_type}, 1, {len(group) + 1}) = '{group}/' THEN '{group}'"
        for group in GROUPS
    )
    return f"CASE {cases} ELSE '{OTHER}' END"


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
