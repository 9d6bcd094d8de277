"""The gauges of the file system that the media store is on."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from metrics_support import MINUTE, MetricsTestCase, exposed, value_of
from synapse.module_api import JsonDict

from media_stats_module.disk import watch
from media_stats_module.disk.watch import FileSystemWatch


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait for a thread."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class FileSystemGaugesTestCase(MetricsTestCase):
    # Neither rollups nor an interval is needed.
    module_options: ClassVar[JsonDict] = {}

    def test_size(self) -> None:
        wait_for(lambda: len(exposed("file_system")) == 2)
        status = os.statvfs(self.hs.config.media.media_store_path)
        (size,) = exposed("file_system_size_bytes")
        assert value_of(size) == status.f_blocks * status.f_frsize
        assert 'server_name="test"' in size
        (avail,) = exposed("file_system_avail_bytes")
        assert 0 <= value_of(avail) < value_of(size)

    def test_a_file_server_that_does_not_answer(self) -> None:
        """Nobody waits for it, it is asked once, and what was known is forgotten."""
        wait_for(lambda: len(exposed("file_system")) == 2)
        answers = threading.Event()
        asked = []

        def hang(path: str) -> Any:
            asked.append(path)
            answers.wait(60)
            return os.statvfs("/")

        with patch.object(watch, "file_system_of", hang):
            self.wait(5 * MINUTE)
            assert len(asked) == 1
            assert exposed("file_system") == []
            # Another gauge.
            assert exposed("rollups") == []
            answers.set()
        self.wait(MINUTE)
        wait_for(lambda: len(exposed("file_system")) == 2)


class NoMetricsTestCase(MetricsTestCase):
    def default_config(self) -> JsonDict:
        return {**super().default_config(), "enable_metrics": False}

    def test_no_gauge(self) -> None:
        self.wait(MINUTE)
        assert exposed("file_system") == []


@pytest.mark.parametrize("may_be_empty", [True, False])
def test_folders(tmp_path: Path, *, may_be_empty: bool) -> None:
    """Reading the configuration creates the folder, on workers without media, too."""

    def is_seen() -> bool:
        looks.look()
        assert looks._thread is not None
        looks._thread.join()
        return looks.seen is not None

    folder = tmp_path / "media"
    looks = FileSystemWatch(str(folder), may_be_empty=may_be_empty)
    assert not is_seen()
    assert not folder.exists()
    folder.mkdir()
    assert is_seen() is may_be_empty
    (folder / "local_content").mkdir()
    assert is_seen()
    (folder / "local_content").rmdir()
    folder.rmdir()
    assert not is_seen()
