"""The same answers on a connection of one's own, for the command line."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from synapse.storage.database import LoggingDatabaseConnection

from media_stats_module.config import MediaStatsConfig
from media_stats_module.questions import OwnersQuestion, SummaryQuestion
from media_stats_module.storage.answers import OwnersPage, Summary
from media_stats_module.storage.errors import DatabaseFailedError
from media_stats_module.storage.owners import (
    get_live_owners_page_txn,
    get_owners_page_from_totals_txn,
)
from media_stats_module.storage.rollups import install
from media_stats_module.storage.rollups.maintenance import raising_database_failed
from media_stats_module.storage.sources import MediaTables, local_media
from media_stats_module.storage.summary import (
    get_summary_from_totals_txn,
    get_summary_txn,
)
from media_stats_module.synapse_internals import is_postgres_engine

_T = TypeVar("_T")

# A lock on a media table may take so many attempts, a tenth of a second each.
_ATTEMPTS = 100


class OfflineStore:
    """Asks the database of a homeserver, whether Synapse runs or not.

    Every method raises `DatabaseFailedError` where the database refuses.
    """

    def __init__(
        self, connection: LoggingDatabaseConnection, config: MediaStatsConfig
    ) -> None:
        """
        Args:
            connection: to the database that has the media tables.
            config: the module's options.
        """
        self._connection = connection
        self._media = MediaTables(
            local_media(count_url_previews=config.count_url_previews)
        )

    def get_summary(self, question: SummaryQuestion) -> Summary:
        """What fills the media store."""
        return self._run(
            get_summary_from_totals_txn, self._media, question
        ) or self._run(get_summary_txn, self._media, question)

    def get_users_page(self, question: OwnersQuestion) -> OwnersPage:
        """One page of the users that have local media, with their usage."""
        media = self._media.local
        return self._run(get_owners_page_from_totals_txn, media, question) or self._run(
            get_live_owners_page_txn, media, question
        )

    def remove_rollups(self) -> bool:
        """Take every object of rollups out of the database; False if there is none."""
        connection = self._connection
        if not is_postgres_engine(connection.engine):
            return False
        if not self._run(install.is_present_txn):
            return False
        while self._run(install.remove_triggers_txn):
            pass
        self._run(install.remove_tables_txn)
        driver: Any = connection.conn
        connection.engine.attempt_to_set_autocommit(driver, True)
        for table in self._media.both:
            self._run(install.drop_time_index_txn, table.name)
        return True

    def _run(self, function: Callable[..., _T], *args: object) -> _T:
        """Run a transaction; again if another one has what it needs locked."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with (
                    self._connection.cursor(txn_name=function.__name__) as txn,
                    raising_database_failed(txn),
                ):
                    result = function(txn, *args)
                    self._connection.commit()
                    return result
            except DatabaseFailedError as error:
                self._connection.rollback()
                if not error.is_lock or attempt == _ATTEMPTS:
                    raise
                time.sleep(0.1)
        raise AssertionError("unreachable")
