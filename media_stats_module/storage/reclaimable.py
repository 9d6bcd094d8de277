"""What Synapse's own deletion would delete, and what it would keep.

The rules are those of `get_local_media_ids` and `get_remote_media_ids` in Synapse's
`MediaRepositoryStore`, which the admin API and `media_retention` both use. They are the
same in all versions supported here. The option `count_url_previews` does not matter:
Synapse deletes the images of previews, too.
"""

from collections.abc import Iterable, Mapping, Sequence
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
from media_stats_module.storage.sources import AVATARS, MediaTable, is_postgres
from media_stats_module.storage.sql import (
    Sql,
    of_accounts_sql,
    of_owner_sql,
    scan_hint_sql,
    set_up_scan_txn,
    sum_sql,
)

_NOTHING = Usage(0, 0)

# Why Synapse keeps a file however old it is: the condition on a row, called `m`. A file
# is counted under the first reason that applies; that it is an avatar comes last.
_LOCAL_REASONS = {
    "quarantined": "m.quarantined_by IS NOT NULL",
    "protected": "m.safe_from_quarantine",
}
_REMOTE_REASONS = {"quarantined": "m.quarantined_by IS NOT NULL"}
_AVATAR = "avatar"

# Images of URL previews lie in a folder of their own, where Synapse's deletion does not
# look: it deletes their rows, and leaves the files.
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
    """What a deletion would delete, and what it would keep, for each of some times.

    Args:
        txn: one transaction, in which the answer is consistent.
        tables: the tables to look at.
        question: what is asked.
        server_name: this server's name, as it stands in the URIs of avatars.
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
    """The condition under which a deletion deletes a file, whose row is called `m`."""
    is_old = _is_old_sql(table, deletion.before_ts, deletion)
    is_not_kept = _is_not_kept_sql(txn, table, deletion, server_name)
    return Sql(is_old.text + is_not_kept.text, is_old.args + is_not_kept.args)


class _Counter:
    """Counts files of one table by age.

    An age is a part of time: before the first of the times that are asked for, from the
    first to the second, and so on. What is before a time is the sum of the ages up to
    it. So the table is read once for however many times.
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
        # PostgreSQL knows that there are few groups if each column is a boolean. It
        # would expect a group for every row, and read without parallel workers, if one
        # column was the number of the age.
        self._age_names = [f"before_{index}" for index in range(len(self._times))]
        self._ages = Sql(
            ", ".join(
                f"{_last_read_sql(table)} < ? AS {name}" for name in self._age_names
            ),
            tuple(self._times),
        )
        is_old = _is_old_sql(table, self._times[-1], question.rules)
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
        """What would be deleted and what kept, by the time that a deletion is told."""
        files = self._count_files()
        kept = {reason: files.pop(reason) for reason in _reasons(self._table)}
        if self._table.owners_are_users:
            kept[_AVATAR] = self._nothing()
        if _keeps_avatars(self._table, self._rules):
            for kind, avatars in self._count_avatars().items():
                files[kind] = _difference(files[kind], avatars)
                kept[_AVATAR] = _sum(kept[_AVATAR], avatars)
        thumbnails = self._count_thumbnails() if self._has_thumbnails else {}
        # What is before a time is the sum of the ages up to it.
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
        """The files by age; for each reason, those that are kept for it.

        One read of the table; or of one owner's rows, by the index that starts with
        the owner.
        """
        return self._add_up(
            {**_reasons(self._table), **self._kinds},
            "m.media_length",
            Sql(
                f"{self._table.name} AS m {self._scan} WHERE {self._where.text}",
                self._where.args,
            ),
        )

    def _count_avatars(self) -> dict[str, list[Usage]]:
        """The avatars that are kept for no reason of their own, by age.

        One read of the tables that have avatars, and a look-up for each different one:
        there are far fewer than files.
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
        """The thumbnails of the files that would be deleted, by age.

        A hash join of the two tables on PostgreSQL. On SQLite a look-up for each
        thumbnail; of one owner, on both, for each file.
        """
        names = ["media_id"]
        if not self._table.owners_are_users:
            names = [self._table.owner, "media_id"]
        is_same = " AND ".join(f"t.{name} = m.{name}" for name in names)
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
            kinds: the condition of each kind. A file is of the first that applies, or
                else of the kind `_OTHER`.
            length: the SQL expression for how many bytes a row is.
            rows: what follows `FROM` in a query for rows, of which `m` is the file.
        """
        # Negated, each is a boolean whatever SQLite has in the column.
        is_not = {f"is_not_{kind}": f"NOT ({sql})" for kind, sql in kinds.items()}
        flags = "".join(f"{sql} AS {name}, " for name, sql in is_not.items())
        groups = ", ".join([*self._age_names, *is_not])
        self._txn.execute(
            f"""
            SELECT {groups}, COUNT(*), {sum_sql(self._txn, "length")}
            FROM (
                SELECT {self._ages.text}, {flags}{length} AS length FROM {rows.text}
            ) AS files
            GROUP BY {groups}
            """,
            self._ages.args + rows.args,
        )
        usages = {kind: self._nothing() for kind in (*kinds, _OTHER)}
        for *columns, media_count, media_length in self._txn.fetchall():
            others = zip(kinds, columns[len(self._times) :], strict=True)
            kind = next((kind for kind, is_other in others if not is_other), _OTHER)
            usages[kind][_age(columns)] += Usage(media_count, media_length)
        return usages

    def _nothing(self) -> list[Usage]:
        return [_NOTHING] * len(self._times)


def _last_read_sql(table: MediaTable) -> str:
    """The SQL expression for the time that a deletion compares, of a row called `m`.

    A local file that nobody has read counts from its creation. A remote file that
    nobody has read is never old enough.
    """
    if table.owners_are_users:
        return "COALESCE(m.last_access_ts, m.created_ts)"
    return "m.last_access_ts"


def _is_old_sql(table: MediaTable, before_ts: int, rules: DeletionRules) -> Sql:
    """The condition under which a deletion looks at a row, called `m`."""
    if table.owners_are_users:
        return Sql(
            # The same as with COALESCE, but PostgreSQL knows how many rows that are.
            "(m.last_access_ts < ? OR (m.created_ts < ? AND m.last_access_ts IS NULL)) "
            "AND m.media_length > ? AND m.media_id IS NOT NULL",
            (before_ts, before_ts, rules.size_gt),
        )
    return Sql(
        "m.last_access_ts < ? AND m.media_origin IS NOT NULL "
        "AND m.media_id IS NOT NULL",
        (before_ts,),
    )


def _reasons(table: MediaTable) -> Mapping[str, str]:
    return _LOCAL_REASONS if table.owners_are_users else _REMOTE_REASONS


def _keeps_avatars(table: MediaTable, rules: DeletionRules) -> bool:
    return table.owners_are_users and rules.keep_profiles


def _has_no_reason_sql(table: MediaTable) -> str:
    """Further conditions on a row, called `m`: that no column of it keeps the file."""
    return "".join(f" AND NOT ({reason})" for reason in _reasons(table).values())


def _is_not_kept_sql(
    txn: LoggingTransaction, table: MediaTable, rules: DeletionRules, server_name: str
) -> Sql:
    """Further conditions on a row, called `m`: that nothing keeps the file."""
    has_no_reason = _has_no_reason_sql(table)
    if not _keeps_avatars(table, rules):
        return Sql(has_no_reason)
    is_avatar = _is_avatar_sql(txn, server_name)
    return Sql(f"{has_no_reason} AND NOT {is_avatar.text}", is_avatar.args)


def _is_avatar_sql(txn: LoggingTransaction, server_name: str) -> Sql:
    """The condition under which a local file, whose row is called `m`, is an avatar.

    Both databases collect the media IDs of all avatars first, each once.
    """
    prefix = f"mxc://{server_name}/"
    if is_postgres(txn):
        # The name of a server, which Synapse checks, has no wildcards.
        starts_so, start = "{} LIKE ?", f"{prefix}%"
    else:
        # For SQLite's LIKE capital letters are the same as small ones.
        starts_so, start = f"substr({{}}, 1, {len(prefix)}) = ?", prefix
    avatars = " UNION ALL ".join(
        f"SELECT substr({column}, {len(prefix) + 1}) AS media_id FROM {table} "
        f"WHERE {starts_so.format(column)}"
        for table, column in AVATARS
    )
    args = (start,) * len(AVATARS)
    if not is_postgres(txn):
        return Sql(f"m.media_id IN ({avatars})", args)
    # The array is made once, with parallel workers, and given to all workers that read
    # the media. Of a query PostgreSQL would give each worker its own copy to run, or
    # make a hash of the media, which is far larger.
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


def _age(columns: Sequence[object]) -> int:
    """The number of an age, from the booleans that say before which times it is."""
    return next(index for index, is_before in enumerate(columns) if is_before)


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
