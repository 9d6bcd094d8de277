"""The size of a file system, with a timeout for one that hangs."""

import os
import threading
import time

from media_stats_module.disk.size import FileSystem, file_system_of

# A network file system may never answer.
_LONGEST_S = 2


class PatientSize:
    """Returns the size of a folder's file system. Any thread may ask."""

    def __init__(self, path: str, *, may_be_empty: bool = True) -> None:
        """
        Args:
            path: the folder.
            may_be_empty: whether a folder with nothing in it can be the media store.
                Reading its configuration makes a worker create the folder, also where
                the media store is on another computer.
        """
        self._path = path
        self._may_be_empty = may_be_empty
        self._lock = threading.Lock()
        self._asking: _Asking | None = None

    def get(self) -> FileSystem | None:
        """The size now; None without a folder, or without an answer in time.

        At most one thread waits for a file system that hangs.
        """
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asking = _Asking(self._path, self._may_be_empty)
                self._asking.start()
            asking = self._asking
        asking.join(max(0.0, asking.until - time.monotonic()))
        return asking.answer


class _Asking(threading.Thread):
    """A thread that asks one file system for its size."""

    def __init__(self, path: str, may_be_empty: bool) -> None:
        super().__init__(name="media_stats file system", daemon=True)
        self._path = path
        self._may_be_empty = may_be_empty
        self.answer: FileSystem | None = None
        # Nobody waits longer.
        self.until = time.monotonic() + _LONGEST_S

    def run(self) -> None:
        try:
            with os.scandir(self._path) as entries:
                if self._may_be_empty or next(entries, None) is not None:
                    self.answer = file_system_of(self._path)
        except OSError:
            # There is no such folder here.
            self.answer = None
