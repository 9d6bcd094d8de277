"""`/v1/summary?limits=true`: the file system, and the settings for deletion.

deployment/test_retention.py has a process that does not serve media.
"""

import os
import threading
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import pytest
from media_support import DAY_MS, MediaTestCase
from synapse.module_api import JsonDict

from media_stats_module.disk import patient_size
from media_stats_module.disk.patient_size import PatientSize

pytestmark = pytest.mark.any_database


class LimitsTestCase(MediaTestCase):
    """A process that serves media."""

    endpoint: ClassVar[str] = "summary"

    def default_config(self) -> JsonDict:
        config = super().default_config()
        config["media_retention"] = {"remote_media_lifetime": "14d"}
        config["media_store_path"] = os.getcwd()
        return config

    def test_limits(self) -> None:
        whole = self.answer({})
        answer = self.answer({"limits": "true"})
        limits = answer.pop("limits")
        assert answer == whole
        status = os.statvfs(os.getcwd())
        file_system = limits["file_system"]
        assert file_system["total_length"] == status.f_blocks * status.f_frsize
        assert 0 <= file_system["free_length"] <= file_system["total_length"]
        assert limits["media_retention"] == {
            "local_media_lifetime": None,
            "remote_media_lifetime": 14 * DAY_MS,
        }
        assert limits["url_preview_enabled"] is False


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    assert PatientSize(str(tmp_path / "nothing")).get() is None
    assert PatientSize(str(tmp_path)).get() is not None


def test_file_system_that_hangs(tmp_path: Path) -> None:
    """Every caller gets an answer in time, and only one thread waits."""
    asked: list[str] = []
    comes_back = threading.Event()

    def hang(path: str) -> None:
        asked.append(path)
        comes_back.wait()

    size = PatientSize(str(tmp_path))
    with (
        patch.object(patient_size, "file_system_of", hang),
        patch.object(patient_size, "_LONGEST_S", 0.01),
    ):
        assert [size.get() for _ in range(5)] == [None] * 5
        assert len(asked) == 1
        comes_back.set()
        for thread in threading.enumerate():
            if thread.name == "media_stats file system":
                thread.join()
    assert size.get() is not None
