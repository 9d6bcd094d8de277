"""Media of every time that the database can hold, in the totals."""

import pytest
from administrator_support import assert_exact
from media_database import Connection, Keeper, assert_applied_totals_are_exact_txn

# The module's own SQL.
pytestmark = pytest.mark.once


@pytest.mark.parametrize("is_before", [True, False])
def test_times_of_every_kind(connection: Connection, is_before: bool) -> None:
    """Also times that Synapse does not write, before and after installing."""
    if not is_before:
        Keeper(connection).round()
    day = 86_400_000
    times = [None, 0, -1, -day, -day - 1, 1 - day, 1, day - 1, day, 1_700_000_000]
    times += [1_700_000_000_000, 1_700_000_000_000_000, 2**63 - 1, -(2**63)]
    for number, created_ts in enumerate(times):
        connection.execute(
            "INSERT INTO local_media_repository "
            "(media_id, user_id, media_length, created_ts) VALUES (?, '@a', 1, ?)",
            f"a{number}",
            created_ts,
        )
    if is_before:
        Keeper(connection).round()
    assert_exact(connection)
    connection.execute("DELETE FROM local_media_repository WHERE created_ts < 0")
    assert_exact(connection)
    Keeper(connection).round()
    connection.run(assert_applied_totals_are_exact_txn)
