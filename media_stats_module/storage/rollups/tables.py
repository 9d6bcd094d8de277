"""What the module's own tables are called, and whose media each is about."""

import attr
from synapse.module_api import LoggingTransaction

from media_stats_module.config import MediaStatsConfig
from media_stats_module.storage.sources import (
    REMOTE_MEDIA,
    MediaTable,
    is_postgres,
    local_media,
)

STATE = "media_stats_state"


@attr.frozen
class Rollup:
    """The totals of one media table.

    Attributes:
        name: `local` or `remote`.
        media: what is added up.
    """

    name: str
    media: MediaTable

    @property
    def owners(self) -> str:
        """The table `(owner, media_count, media_length)`."""
        return f"media_stats_{self.name}_owners"

    @property
    def days(self) -> str:
        """The table `(day, media_count, media_length)`; days since the epoch, UTC."""
        return f"media_stats_{self.name}_days"

    @property
    def changes(self) -> str:
        """The log `(id, owner, day, media_count, media_length)` of differences."""
        return f"media_stats_{self.name}_changes"

    @property
    def missed(self) -> str:
        """The table `(missed_ts)`: a row for each change that could not be logged."""
        return f"media_stats_{self.name}_missed"

    @property
    def times(self) -> str:
        """The table `(created_ts, owner, media_count, media_length)`, on SQLite only.

        What was created when, for windows of time; PostgreSQL has the index `by_time`.
        """
        return f"media_stats_{self.name}_times"

    @property
    def by_count(self) -> str:
        """The index of `owners` by `media_count`."""
        return f"media_stats_{self.name}_owners_by_count"

    @property
    def by_length(self) -> str:
        """The index of `owners` by `media_length`."""
        return f"media_stats_{self.name}_owners_by_length"

    @property
    def by_time(self) -> str:
        """The index of the media table by `created_ts`, on PostgreSQL only."""
        return f"media_stats_{self.name}_by_time"

    @property
    def trigger(self) -> str:
        """What the names of the triggers on the media table start with."""
        return f"media_stats_{self.name}"

    @property
    def truncate_trigger(self) -> str:
        """The trigger on the media table that sees it emptied by `TRUNCATE`."""
        return f"{self.trigger}_truncate"


def all_rollups(config: MediaStatsConfig) -> tuple[Rollup, Rollup]:
    """The totals that are kept for these options: local, then remote."""
    media = local_media(count_url_previews=config.count_url_previews)
    return Rollup("local", media), Rollup("remote", REMOTE_MEDIA)


def fingerprint(txn: LoggingTransaction, rollup: Rollup) -> str:
    """What the totals depend on; those with another fingerprint are not ours to use.

    They came about under other options, or were copied from the other kind of
    database, by `synapse_port_db`.
    """
    database = "postgres" if is_postgres(txn) else "sqlite"
    return f"{database}: {rollup.media.is_counted}"
