"""A process that writes media and keeps rollups until it is killed.

Tests start it, so nothing here needs Synapse's harness.
"""

import contextlib
import logging
import threading
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

import psycopg2
from media_database import MEDIA, Connection, Keeper
from media_writer import MediaWriter

from media_stats_module.storage.rollups import build, install, maintenance

_OTHER_WRITERS = 3


def work(config_path: Path, name: str, seed: int, works: Event) -> None:
    """Work until killed, or until the server is gone.

    Args:
        config_path: the homeserver.yaml of the database.
        name: no other process has had it on this database.
        seed: the seed of the random choices.
        works: is set when work begins.
    """
    logging.disable()
    # Small, so a kill meets steps in the middle.
    maintenance.APPLY_AT_MOST = 20
    random = Random(seed)
    connection = Connection(config_path)
    writers = [MediaWriter(f"{name}-{number}", seed) for number in range(4)]
    for writer in writers[:_OTHER_WRITERS]:
        thread = threading.Thread(
            target=_write, args=(config_path, writer), daemon=True
        )
        thread.start()
    works.set()
    while connection.is_open:
        try:
            _work_once(connection, writers[-1], random)
        except psycopg2.OperationalError:
            if connection.is_open:
                raise


def _work_once(connection: Connection, writer: MediaWriter, random: Random) -> None:
    for _ in range(random.randrange(40)):
        connection.run_once(writer.write_txn)
    what = random.choice(("round", "round", "rebuild", "remove"))
    if what == "remove":
        Keeper(connection, rollups=False).round()
    elif what == "rebuild" and connection.run(install.are_objects_current_txn, MEDIA):
        connection.run(build.start_build_txn, random.choice(MEDIA.both), 1)
    Keeper(connection).round()


def _write(config_path: Path, writer: MediaWriter) -> None:
    with contextlib.suppress(psycopg2.OperationalError):
        connection = Connection(config_path)
        while True:
            connection.run_once(writer.write_txn)
