"""The check of the totals, on rows that Synapse does not write."""

import pytest
from media_database import Connection, Keeper, finish

# The module's own SQL.
pytestmark = pytest.mark.once

_INSERTED = (
    "INSERT INTO local_media_repository (media_id, user_id, media_length, created_ts) "
    "VALUES (?, '@a:test', 1, ?)",
    "INSERT INTO remote_media_cache (media_id, media_origin, filesystem_id, "
    "media_length, created_ts) VALUES (?, 'a.example', '', 1, ?)",
)


@pytest.mark.parametrize("is_before", [True, False])
def test_files_without_a_time(connection: Connection, is_before: bool) -> None:
    """A file without a time belongs to day 0, for the check and for building.

    Args:
        connection: a connection to the database.
        is_before: whether they are there before the totals are built.
    """
    keeper = Keeper(connection)
    if not is_before:
        keeper.round()
    for statement in _INSERTED:
        for media_id, created_ts in (("a", None), ("b", None), ("c", 1), ("d", -1)):
            connection.execute(statement, media_id, created_ts)
    if is_before:
        keeper.round()
    keeper.check()
    connection.execute("DELETE FROM local_media_repository WHERE media_id = 'a'")
    connection.execute(
        "UPDATE remote_media_cache SET created_ts = 90000000 WHERE created_ts IS NULL"
    )
    keeper.check()
    keeper.round()
    keeper.check()


def test_a_file_without_a_time_that_bypassed_the_triggers(
    connection: Connection,
) -> None:
    """The check misses one owner, one day and one kind."""
    keeper = Keeper(connection)
    keeper.round()
    connection.execute(
        f"SET LOCAL session_replication_role = replica; {_INSERTED[0]}", "a", None
    )
    found = finish(keeper.maintenance.check(keeper.maintenance.media.local))
    assert found is not None
    assert (found.owners, found.days, found.kinds) == (1, 1, 1)
    assert (found.media_count, found.media_length) == (1, 1)
