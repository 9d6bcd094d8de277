"""Looks at the size of the media store's file system every now and then.

`statvfs` can hang for hours where a file server does not answer. So it is asked in a
thread of its own, which nobody waits for, and not again before it has answered.
"""

import os
import threading

from media_stats_module.disk.size import FileSystem, file_system_of


class FileSystemWatch:
    """The file system of the media store, as it was seen last."""

    def __init__(self, path: str, *, may_be_empty: bool) -> None:
        """
        Args:
            path: the folder.
            may_be_empty: whether a folder with nothing in it can be the media store.
                Reading the configuration creates it, in processes too that do not have
                the media.
        """
        self._path = path
        self._may_be_empty = may_be_empty
        self._thread: threading.Thread | None = None
        self._seen: FileSystem | None = None

    @property
    def seen(self) -> FileSystem | None:
        """What was seen; None if there is no media store here, or no answer."""
        return self._seen

    def look(self) -> None:
        """Begin to look. What was seen before a look that hangs is forgotten."""
        if self._thread is not None and self._thread.is_alive():
            self._seen = None
            return
        # A daemon, so that Synapse can stop.
        self._thread = threading.Thread(
            target=self._look, name="media_stats_file_system", daemon=True
        )
        self._thread.start()

    def _look(self) -> None:
        try:
            with os.scandir(self._path) as entries:
                is_here = self._may_be_empty or next(entries, None) is not None
            self._seen = file_system_of(self._path) if is_here else None
        except OSError:
            self._seen = None
