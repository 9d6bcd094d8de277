"""A writer of media, like Synapse and like an administrator."""

from random import Random

from synapse.module_api import LoggingTransaction

_DAY_MS = 86_400_000

HOT_USER = "@hot:test"

_MEDIA_TYPES = ("image/png", "Image/PNG; q=1", "video/mp4", "text/plain", "x", None)


class MediaWriter:
    """Uploads, completes, moves, quarantines and deletes media of its own.

    Two writers never write the same row, so only the module can make them fail.

    Attributes:
        writes: the number of rows written.
    """

    def __init__(self, name: str, seed: int) -> None:
        self._name = name
        self._random = Random(f"{name} {seed}")
        self._local: list[str] = []
        self._remote: list[str] = []
        self._made = 0
        self.writes = 0

    def write_txn(self, txn: LoggingTransaction) -> None:
        """Write in one transaction, mostly one row."""
        for _ in range(self._random.choice((1, 1, 1, 1, 5))):
            choice = self._random.choice
            if not self._local or not self._remote:
                choice((self._upload_txn, self._cache_txn))(txn)
                continue
            choice(
                (
                    *(self._upload_txn,) * 4,
                    self._announce_txn,
                    self._complete_txn,
                    self._move_txn,
                    self._touch_txn,
                    self._quarantine_txn,
                    self._protect_txn,
                    self._retype_txn,
                    self._thumbnail_txn,
                    self._thumbnail_txn,
                    self._delete_thumbnails_txn,
                    self._delete_txn,
                    self._delete_txn,
                    self._cache_txn,
                    self._cache_txn,
                    self._purge_txn,
                )
            )(txn)

    def _upload_txn(self, txn: LoggingTransaction) -> None:
        self._insert_local_txn(txn, self._random.randrange(1_000))

    def _announce_txn(self, txn: LoggingTransaction) -> None:
        self._insert_local_txn(txn, None)

    def _insert_local_txn(self, txn: LoggingTransaction, length: int | None) -> None:
        media_id = self._new_id()
        self._execute_txn(
            txn,
            "INSERT INTO local_media_repository "
            "(media_id, user_id, media_length, created_ts, media_type, url_cache) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            media_id,
            self._some_user(),
            length,
            self._some_time(),
            self._random.choice(_MEDIA_TYPES),
            self._random.choice((None, None, "https://example.org/")),
        )
        self._local.append(media_id)

    def _complete_txn(self, txn: LoggingTransaction) -> None:
        self._update_local_txn(txn, "media_length", self._random.randrange(1_000))

    def _move_txn(self, txn: LoggingTransaction) -> None:
        self._update_local_txn(txn, "user_id", self._some_user())

    def _touch_txn(self, txn: LoggingTransaction) -> None:
        self._update_local_txn(txn, "last_access_ts", self._some_time())

    def _quarantine_txn(self, txn: LoggingTransaction) -> None:
        by = self._random.choice((None, "@admin:test"))
        self._update_local_txn(txn, "quarantined_by", by)

    def _protect_txn(self, txn: LoggingTransaction) -> None:
        is_safe = self._random.choice((True, False))
        self._update_local_txn(txn, "safe_from_quarantine", is_safe)

    def _retype_txn(self, txn: LoggingTransaction) -> None:
        self._update_local_txn(txn, "media_type", self._random.choice(_MEDIA_TYPES))

    def _update_local_txn(
        self, txn: LoggingTransaction, column: str, value: object
    ) -> None:
        self._execute_txn(
            txn,
            f"UPDATE local_media_repository SET {column} = ? WHERE media_id = ?",
            value,
            self._random.choice(self._local),
        )

    def _delete_txn(self, txn: LoggingTransaction) -> None:
        self._execute_txn(
            txn,
            "DELETE FROM local_media_repository WHERE media_id = ?",
            self._local.pop(self._random.randrange(len(self._local))),
        )

    def _cache_txn(self, txn: LoggingTransaction) -> None:
        media_id = self._new_id()
        self._execute_txn(
            txn,
            "INSERT INTO remote_media_cache "
            "(media_origin, media_id, media_length, created_ts, filesystem_id, "
            "media_type) VALUES (?, ?, ?, ?, ?, ?)",
            f"{self._random.randrange(5)}.example",
            media_id,
            self._random.randrange(1_000),
            self._some_time(),
            media_id,
            self._random.choice(_MEDIA_TYPES),
        )
        self._remote.append(media_id)

    def _purge_txn(self, txn: LoggingTransaction) -> None:
        self._execute_txn(
            txn,
            "DELETE FROM remote_media_cache WHERE media_id = ?",
            self._remote.pop(self._random.randrange(len(self._remote))),
        )

    def _thumbnail_txn(self, txn: LoggingTransaction) -> None:
        columns = (
            "media_id, thumbnail_width, thumbnail_height, thumbnail_type, "
            "thumbnail_method, thumbnail_length"
        )
        # Each has its own width, so none exists already.
        self._made += 1
        values = (self._made, 1, "image/png", "crop", self._random.randrange(100))
        if self._random.random() < 0.5:
            self._execute_txn(
                txn,
                f"INSERT INTO local_media_repository_thumbnails ({columns}) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                self._random.choice(self._local),
                *values,
            )
            return
        self._execute_txn(
            txn,
            "INSERT INTO remote_media_cache_thumbnails "
            f"({columns}, media_origin, filesystem_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            self._random.choice(self._remote),
            *values,
            "a.example",
            "a",
        )

    def _delete_thumbnails_txn(self, txn: LoggingTransaction) -> None:
        for table, media_ids in (
            ("local_media_repository_thumbnails", self._local),
            ("remote_media_cache_thumbnails", self._remote),
        ):
            self._execute_txn(
                txn,
                f"DELETE FROM {table} WHERE media_id = ?",
                self._random.choice(media_ids),
            )

    def _execute_txn(self, txn: LoggingTransaction, sql: str, *args: object) -> None:
        txn.execute(sql, args)
        self.writes += 1

    def _new_id(self) -> str:
        self._made += 1
        return f"{self._name}-{self._made}"

    def _some_user(self) -> str | None:
        if self._random.random() < 0.7:
            return HOT_USER
        return self._random.choice((None, "@a:test", "@b:test", "@c:test"))

    def _some_time(self) -> int:
        return self._random.randrange(4 * _DAY_MS)
