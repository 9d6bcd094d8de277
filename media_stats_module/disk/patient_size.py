"""The size of a file system. One that hangs holds up nobody for long."""

import threading

from media_stats_module.disk.size import FileSystem, file_system_of

# A file system on another computer may not answer at all.
_LONGEST_S = 2


class PatientSize:
    """Says how large the file system of a folder is. Any thread may ask."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._asking: _Asking | None = None

    def get(self) -> FileSystem | None:
        """The size now; None without a folder, or without an answer in time.

        However many ask, one thread waits for a file system that hangs.
        """
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asking = _Asking(self._path)
                self._asking.start()
            asking = self._asking
        asking.join(_LONGEST_S)
        return asking.answer


class _Asking(threading.Thread):
    def __init__(self, path: str) -> None:
        super().__init__(name="media_stats file system", daemon=True)
        self._path = path
        self.answer: FileSystem | None = None

    def run(self) -> None:
        try:
            self.answer = file_system_of(self._path)
        except OSError:
            # There is no such folder here.
            self.answer = None
