"""The files that Synapse's own deletion would delete, and those it would keep.

The rules are those of `get_local_media_ids` and `get_remote_media_ids` in Synapse's
`MediaRepositoryStore`, which the admin API and `media_retention` both use. They are the
same in all versions supported here. The option `count_url_previews` does not matter:
Synapse deletes the images of previews, too.
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from synapse.module_api import LoggingTransaction

from media_stats_module.questions import (
    Deletion,
    DeletionRules,
    ReclaimableQuestion,
)
from media_stats_module.storage.answers import (
    DeletedFiles,
    Reclaimable,
    ReclaimablePart,
    Usage,
)
from media_stats_module.storage.dialect import (
    is_postgres,
    scan_hint_sql,
    set_up_scan_txn,
    sum_sql,
)
from media_stats_module.storage.sources import AVATARS, MediaTable
from media_stats_module.storage.sql import Sql, of_accounts_sql, of_owner_sql

_NOTHING = Usage(0, 0)

# The reasons why Synapse keeps an old file: conditions on a row, called `m`. The first
# that applies counts. "Is an avatar" comes last.
_LOCAL_REASONS = {
    "quarantined": "m.quarantined_by IS NOT NULL",
    "protected": "m.safe_from_quarantine",
}
_REMOTE_REASONS = {"quarantined": "m.quarantined_by IS NOT NULL"}
_AVATAR = "avatar"

# Images of URL previews have a folder of their own. Synapse's deletion does not look
# there: it deletes the rows, and leaves the files.
_URL_PREVIEW = "url_preview"
_LOCAL_KINDS = {_URL_PREVIEW: "m.url_cache IS NOT NULL"}

# All other files.
_OTHER = "other"


def get_reclaimable_txn(
    txn: LoggingTransaction,
    tables: Iterable[MediaTable],
    question: ReclaimableQuestion,
    *,
    server_name: str,
) -> Mapping[int, Reclaimable]:
    """The effect of a deletion, for each time of the question.

    Args:
        txn: the transaction.
        tables: the tables to count.
        question: the question.
        server_name: this server's name, as in the URIs of avatars.
    """
    local: Mapping[int, ReclaimablePart] = {}
    remote: Mapping[int, ReclaimablePart] = {}
    for table in tables:
        counted = _Counter(txn, table, question, server_name).count_txn()
        if table.owners_are_users:
            local = counted
        else:
            remote = counted
    return {
        before_ts: Reclaimable(local=local.get(before_ts), remote=remote.get(before_ts))
        for before_ts in question.before_ts
    }


def is_deleted_sql(
    txn: LoggingTransaction, table: MediaTable, deletion: Deletion, server_name: str
) -> Sql:
    """The condition on a row, called `m`, that a deletion deletes its file."""
    is_old = _is_old_sql(table, deletion.before_ts, deletion)
    is_not_kept = _is_not_kept_sql(txn, table, deletion, server_name)
    return Sql(is_old.text + is_not_kept.text, is_old.args + is_not_kept.args)


class _Counter:
    """Counts files of one table by age.

    An age is an interval: before the first time of the question, from the first to the
    second, and so on. The files before a time are the sum of the ages up to it. So one
    read of the table serves any number of times.
    """

    def __init__(
        self,
        txn: LoggingTransaction,
        table: MediaTable,
        question: ReclaimableQuestion,
        server_name: str,
    ) -> None:
        self._txn = txn
        self._table = table
        self._rules = question.rules
        self._has_thumbnails = question.thumbnails
        self._server_name = server_name
        self._kinds = _LOCAL_KINDS if table.owners_are_users else {}
        self._times = sorted(set(question.before_ts))
        # All rows that are read are of the last age, or of one before it.
        *times, last_time = self._times
        is_old = _is_old_sql(table, last_time, question.rules)
        # From boolean columns, PostgreSQL knows that there are few groups. With a
        # number for the age, it would expect a group per row, and use no parallel
        # workers.
        last_read = _last_read_sql(table)
        self._ages = {
            f"before_{index}": Sql(f"{last_read} < ?", (before_ts,))
            for index, before_ts in enumerate(times)
        }
        owner = of_owner_sql(table, question.owner)
        accounts = of_accounts_sql(f"m.{table.owner}", question.accounts)
        self._where = Sql(
            is_old.text + owner.text + accounts.text,
            is_old.args + owner.args + accounts.args,
        )
        self._scan = ""
        if question.owner is None:
            set_up_scan_txn(txn)
            self._scan = scan_hint_sql(txn)

    def count_txn(self) -> Mapping[int, ReclaimablePart]:
        """Count the files that would be deleted and kept, by `before_ts`."""
        files = self._count_files()
        kept = {reason: files.pop(reason) for reason in _reasons_sql(self._table)}
        if self._table.owners_are_users:
            kept[_AVATAR] = self._nothing()
        if _keeps_avatars(self._table, self._rules):
            for kind, avatars in self._count_avatars().items():
                files[kind] = _difference(files[kind], avatars)
                kept[_AVATAR] = _sum(kept[_AVATAR], avatars)
        thumbnails = self._count_thumbnails() if self._has_thumbnails else {}
        # The files before a time are the sum of the ages up to it.
        files, thumbnails, kept = (
            {name: list(accumulate(usages)) for name, usages in found.items()}
            for found in (files, thumbnails, kept)
        )

        def deleted(kind: str, index: int) -> DeletedFiles:
            return DeletedFiles(
                files[kind][index], thumbnails[kind][index] if thumbnails else None
            )

        return {
            before_ts: ReclaimablePart(
                files=deleted(_OTHER, index),
                url_previews=(
                    deleted(_URL_PREVIEW, index) if _URL_PREVIEW in files else None
                ),
                kept={reason: usages[index] for reason, usages in kept.items()},
            )
            for index, before_ts in enumerate(self._times)
        }

    def _count_files(self) -> dict[str, list[Usage]]:
        """Count all files by age, and those kept for each reason.

        Costs one read of the table; or of one owner's rows, by the index that starts
        with the owner.
        """
        return self._add_up(
            {**_reasons_sql(self._table), **self._kinds},
            "m.media_length",
            Sql(
                f"{self._table.name} AS m {self._scan} WHERE {self._where.text}",
                self._where.args,
            ),
        )

    def _count_avatars(self) -> dict[str, list[Usage]]:
        """Count by age the avatars that are not kept for another reason.

        Costs one read of the tables that have avatars, and a probe for each different
        one: there are far fewer than files.
        """
        is_avatar = _is_avatar_sql(self._txn, self._server_name)
        is_not_kept = _has_no_reason_sql(self._table)
        return self._add_up(
            self._kinds,
            "m.media_length",
            Sql(
                f"{self._table.name} AS m "
                f"WHERE {is_avatar.text} AND {self._where.text} {is_not_kept}",
                is_avatar.args + self._where.args,
            ),
        )

    def _count_thumbnails(self) -> dict[str, list[Usage]]:
        """Count by age the thumbnails of the files that would be deleted.

        Costs a hash join of the two tables on PostgreSQL, a probe for each thumbnail on
        SQLite; for one owner, on both, a probe for each file.
        """
        columns = ["media_id"]
        if not self._table.owners_are_users:
            columns = [self._table.owner, "media_id"]
        is_same = " AND ".join(f"t.{column} = m.{column}" for column in columns)
        is_not_kept = _is_not_kept_sql(
            self._txn, self._table, self._rules, self._server_name
        )
        return self._add_up(
            self._kinds,
            "t.thumbnail_length",
            Sql(
                f"{self._table.name} AS m "
                f"JOIN {self._table.thumbnails} AS t ON {is_same} "
                f"WHERE {self._where.text} {is_not_kept.text}",
                self._where.args + is_not_kept.args,
            ),
        )

    def _add_up(
        self, kinds: Mapping[str, str], length: str, rows: Sql
    ) -> dict[str, list[Usage]]:
        """Add up by kind and age.

        Args:
            kinds: the condition of each kind. The first that applies counts, or else
                the kind is `_OTHER`.
            length: the SQL expression for the bytes of a row.
            rows: the SQL after `FROM`; `m` is the file.
        """
        columns = {
            **self._ages,
            # `NOT` makes each a boolean, whatever type SQLite has in the column.
            **{f"is_not_{kind}": Sql(f"NOT ({sql})") for kind, sql in kinds.items()},
        }
        named = "".join(f"{sql.text} AS {name}, " for name, sql in columns.items())
        group_by = f"GROUP BY {', '.join(columns)}" if columns else ""
        self._txn.execute(
            f"""
            SELECT COUNT(*), {", ".join([sum_sql(self._txn, "length"), *columns])}
            FROM (SELECT {named} {length} AS length FROM {rows.text}) AS files
            {group_by}
            """,
            sum((sql.args for sql in columns.values()), ()) + rows.args,
        )
        usages = {kind: self._nothing() for kind in (*kinds, _OTHER)}
        last = len(self._ages)
        for media_count, media_length, *flags in self._txn.fetchall():
            age = next((age for age in range(last) if flags[age]), last)
            others = zip(kinds, flags[last:], strict=True)
            kind = next((kind for kind, is_other in others if not is_other), _OTHER)
            usages[kind][age] += Usage(media_count, media_length)
        return usages

    def _nothing(self) -> list[Usage]:
        return [_NOTHING] * len(self._times)


def _last_read_sql(table: MediaTable) -> str:
    """The SQL expression for the time that a deletion compares, of a row called `m`.

    For a local file that was never read, its creation counts. A remote file that was
    never read is never deleted.
    """
    if table.owners_are_users:
        return "COALESCE(m.last_access_ts, m.created_ts)"
    return "m.last_access_ts"


def _is_old_sql(table: MediaTable, before_ts: int, rules: DeletionRules) -> Sql:
    """The condition on a row, called `m`, that it is old and large enough to delete."""
    if table.owners_are_users:
        return Sql(
            # Equals a condition with COALESCE, but PostgreSQL can estimate the rows.
            "(m.last_access_ts < ? OR (m.created_ts < ? AND m.last_access_ts IS NULL)) "
            "AND m.media_length > ? AND m.media_id IS NOT NULL",
            (before_ts, before_ts, rules.size_gt),
        )
    return Sql(
        "m.last_access_ts < ? AND m.media_origin IS NOT NULL "
        "AND m.media_id IS NOT NULL",
        (before_ts,),
    )


def _reasons_sql(table: MediaTable) -> Mapping[str, str]:
    return _LOCAL_REASONS if table.owners_are_users else _REMOTE_REASONS


def _keeps_avatars(table: MediaTable, rules: DeletionRules) -> bool:
    return table.owners_are_users and rules.keep_profiles


def _has_no_reason_sql(table: MediaTable) -> str:
    """Further conditions on a row, called `m`: none of its columns keeps the file."""
    return "".join(f" AND NOT ({reason})" for reason in _reasons_sql(table).values())


def _is_not_kept_sql(
    txn: LoggingTransaction, table: MediaTable, rules: DeletionRules, server_name: str
) -> Sql:
    """Further conditions on a row, called `m`: nothing keeps the file."""
    has_no_reason = _has_no_reason_sql(table)
    if not _keeps_avatars(table, rules):
        return Sql(has_no_reason)
    is_avatar = _is_avatar_sql(txn, server_name)
    return Sql(f"{has_no_reason} AND NOT {is_avatar.text}", is_avatar.args)


def _is_avatar_sql(txn: LoggingTransaction, server_name: str) -> Sql:
    """The condition on a row of local media, called `m`, that it is an avatar.

    Both databases first collect the media IDs of all avatars, each once.
    """
    prefix = f"mxc://{server_name}/"
    if is_postgres(txn):
        # Synapse checks the server's name: it has no wildcards.
        starts_so, start = "{} LIKE ?", f"{prefix}%"
    else:
        # SQLite's LIKE ignores case.
        starts_so, start = f"substr({{}}, 1, {len(prefix)}) = ?", prefix
    avatars = " UNION ALL ".join(
        f"SELECT substr({column}, {len(prefix) + 1}) AS media_id FROM {table} "
        f"WHERE {starts_so.format(column)}"
        for table, column in AVATARS
    )
    args = (start,) * len(AVATARS)
    if not is_postgres(txn):
        return Sql(f"m.media_id IN ({avatars})", args)
    # The array is computed once, by parallel workers, and given to all workers that
    # read the media. With a subquery, PostgreSQL would run it in each worker, or hash
    # the media, which is far larger.
    return Sql(
        f"""
        EXISTS (
            SELECT 1
            FROM unnest(
                ARRAY(SELECT DISTINCT media_id FROM ({avatars}) AS uris)
            ) AS avatars (media_id)
            WHERE avatars.media_id = m.media_id
        )
        """,
        args,
    )


def _sum(usages: Iterable[Usage], more: Iterable[Usage]) -> list[Usage]:
    return [usage + other for usage, other in zip(usages, more, strict=True)]


def _difference(usages: Iterable[Usage], less: Iterable[Usage]) -> list[Usage]:
    return [
        Usage(
            usage.media_count - other.media_count,
            usage.media_length - other.media_length,
        )
        for usage, other in zip(usages, less, strict=True)
    ]
