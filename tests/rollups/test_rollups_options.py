"""Processes with other options than those that the totals were made with."""

from collections.abc import Callable

import pytest
from administrator_support import assert_exact, assert_right_or_silent
from media_database import Connection, Keeper, assert_reads_are_exact_txn

from media_stats_module.storage.rollups.status import Status

# The module's own SQL.
pytestmark = pytest.mark.once

EXACT = [Status.EXACT, Status.EXACT]


def test_options_that_differ_between_processes(
    connection: Connection, connect: Callable[[], Connection]
) -> None:
    """The totals answer only in processes with their options."""
    connection.execute(
        "INSERT INTO local_media_repository (media_id, user_id, media_length, "
        "created_ts, url_cache) VALUES ('a', '@a', 1, 1, 'https://a')"
    )
    uploads_only = Keeper(connection, count_url_previews=False)
    uploads_only.round()
    assert uploads_only.statuses() == EXACT
    connection.run(assert_reads_are_exact_txn, uploads_only.maintenance.media)
    worker = Keeper(connect(), count_url_previews=True)
    assert worker.statuses() == [Status.OUTDATED, Status.EXACT]
    assert_right_or_silent(connection)
    # It becomes the process for background tasks.
    worker.round()
    assert worker.statuses() == EXACT
    assert_exact(connection)
    assert uploads_only.statuses() == [Status.OUTDATED, Status.EXACT]
