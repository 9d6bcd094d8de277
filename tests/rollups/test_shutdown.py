"""A real Synapse is stopped or killed while an index is created, which takes hours.

Here it lasts as long as another transaction has an old snapshot.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from realservers.deployment import wait_until
from realservers.postgres import PostgresServer

from demo.homeserver import Homeserver

pytestmark = [pytest.mark.any_database]

# Synapse logs this when it begins to shut down.
_ENDED = "Shutting down..."


@pytest.fixture
def database() -> Iterator[dict[str, Any]]:
    with PostgresServer.start(settings={"fsync": "off"}) as postgres:
        postgres.create_database("synapse")
        yield postgres.dsn("synapse")


def query(database: dict[str, Any], statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(**database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


def creating(database: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The connections that create an index by time."""
    return query(
        database,
        "SELECT pid FROM pg_stat_activity WHERE state = 'active' "
        "AND query LIKE 'CREATE INDEX CONCURRENTLY media_stats%'",
    )


def indexes(database: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The indexes by time, and whether they are valid."""
    return query(
        database,
        "SELECT CAST(CAST(indexrelid AS regclass) AS TEXT), indisvalid FROM pg_index "
        "WHERE CAST(CAST(indexrelid AS regclass) AS TEXT) LIKE 'media_stats_%_by_time' "
        "ORDER BY 1",
    )


@pytest.mark.parametrize("is_killed", [False, True])
def test_while_an_index_is_created(
    tmp_path: Path, database: dict[str, Any], is_killed: bool
) -> None:
    homeserver = Homeserver(tmp_path, postgres=database, module=None)
    # Synapse's tables.
    with homeserver:
        pass
    # Synapse's own indexes would wait for the old snapshot as well.
    query(database, "DELETE FROM background_updates RETURNING update_name")
    homeserver = Homeserver(tmp_path, postgres=database, module={"rollups": True})
    with closing(psycopg2.connect(**database)) as other:
        other.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
        with other.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM local_media_repository")
        homeserver.start()
        process = homeserver.main.pid
        assert process is not None
        try:
            wait_until(lambda: bool(creating(database)))
        finally:
            if is_killed:
                homeserver.kill()
            else:
                os.kill(process, signal.SIGTERM)
                wait_until(lambda: homeserver.main.pid is None)
        assert bool(creating(database)) is is_killed
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        if is_killed:
            homeserver.start()
    log = homeserver.log_path.read_text()
    if is_killed:
        wait_until(
            lambda: (
                [valid for _, valid in indexes(database)] == [True, True]
                and not creating(database)
            )
        )
        homeserver.stop()
    else:
        assert "works again" not in log
    assert "tuple concurrently updated" not in homeserver.log_path.read_text()
    assert "Traceback" not in log.partition(_ENDED)[0]
    assert "Rollups: index: failed" not in log or is_killed
