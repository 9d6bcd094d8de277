"""The gauges of the media store's file system."""

import os
import threading
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import pytest
from metrics_support import MINUTE, MetricsTestCase, exposed, value_of
from synapse.module_api import JsonDict

from media_stats_module.disk import patient_size
from media_stats_module.disk.patient_size import PatientSize

# On a loaded machine, a thread may take long to start.
patiently = patch.object(patient_size, "_LONGEST_S", 60)


@patiently
class FileSystemGaugesTestCase(MetricsTestCase):
    # They need neither rollups nor an interval.
    module_options: ClassVar[JsonDict] = {}

    def test_size(self) -> None:
        self.wait(MINUTE)
        status = os.statvfs(self.hs.config.media.media_store_path)
        (size,) = exposed("file_system_size_bytes")
        assert value_of(size) == status.f_blocks * status.f_frsize
        assert 'server_name="test"' in size
        (avail,) = exposed("file_system_avail_bytes")
        assert 0 <= value_of(avail) < value_of(size)

    def test_a_file_server_that_does_not_answer(self) -> None:
        """It is asked once, and its last values are forgotten."""
        self.wait(MINUTE)
        answers = threading.Event()
        asked = []

        def hang(path: str) -> Any:
            asked.append(path)
            answers.wait(60)

        with (
            patch.object(patient_size, "file_system_of", hang),
            patch.object(patient_size, "_LONGEST_S", 0.01),
        ):
            self.wait(5 * MINUTE)
            assert len(asked) == 1
            assert exposed("file_system") == []
            answers.set()
            for thread in threading.enumerate():
                if thread.name == "media_stats file system":
                    thread.join()
        self.wait(MINUTE)
        assert len(exposed("file_system")) == 2


class NoMetricsTestCase(MetricsTestCase):
    def default_config(self) -> JsonDict:
        return {**super().default_config(), "enable_metrics": False}

    def test_no_gauge(self) -> None:
        self.wait(MINUTE)
        assert exposed("file_system") == []


@patiently
@pytest.mark.parametrize("may_be_empty", [True, False])
def test_folders(tmp_path: Path, *, may_be_empty: bool) -> None:
    """Reading the configuration creates the folder, also on workers without media."""

    def is_seen() -> bool:
        return PatientSize(str(folder), may_be_empty=may_be_empty).get() is not None

    folder = tmp_path / "media"
    assert not is_seen()
    assert not folder.exists()
    folder.mkdir()
    assert is_seen() is may_be_empty
    (folder / "local_content").mkdir()
    assert is_seen()
