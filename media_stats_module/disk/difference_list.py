"""The list of differences, one file or row a line.

It stays in a temporary file until the folder has proved to be the right one. Each line
has the time of its second look, because a list may be read hours later.
"""

import csv
import io
import json
import os
import tempfile
from typing import BinaryIO

from media_stats_module.disk.report import time_text
from media_stats_module.disk.second_look import Difference
from media_stats_module.disk.tallies import Cause
from media_stats_module.formats import printable

CAUSES = {
    "without-row": Cause.WITHOUT_ROW,
    "without-file": Cause.WITHOUT_FILE,
    "another-length": Cause.OTHER_LENGTH,
    "other": Cause.OTHER,
}

# Longer lists are in a file.
_IN_MEMORY = 4 << 20

_COLUMNS = ("looked_at_ts", "kind", "path", "uri", "media_length", "row_length")


class DifferenceList:
    """A list of the differences of one cause.

    A line has the time, the number of bytes and the path; for a row without a file, the
    URI of the media instead. JSON and CSV have both.
    """

    def __init__(self, cause: Cause, form: str, server_name: str, root: str) -> None:
        """
        Args:
            cause: the cause of the differences to list.
            form: `text`, `null`, `json` or `csv`.
            server_name: this homeserver's name.
            root: the folder of the media store.
        """
        self._cause = cause
        self._form = form
        self._server_name = server_name
        self._root = os.fsencode(root)
        self._lines = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._count = 0

    def add(self, difference: Difference) -> None:
        """Keep a difference, if it has this cause."""
        if difference.suspect.cause is self._cause:
            self._lines.write(self._line(difference))
            self._count += 1

    def write_to(self, file: BinaryIO) -> None:
        """Write the list."""
        if self._form == "json":
            file.write(b"[")
        elif self._form == "csv":
            file.write(_csv_line(_COLUMNS))
        self._lines.seek(0)
        while chunk := self._lines.read(1 << 16):
            file.write(chunk)
        if self._form == "json":
            file.write(b"\n]\n" if self._count else b"]\n")

    def _line(self, difference: Difference) -> bytes:
        """Format a difference in the form of the list."""
        suspect = difference.suspect
        row, found = suspect.row, suspect.file
        path = None if suspect.path is None else os.path.join(self._root, suspect.path)
        uri = None
        if row is not None:
            origin = row.media_origin
            if origin is None:
                origin = self._server_name
            uri = f"mxc://{origin}/{row.media_id}"
        row_length = None if row is None else row.media_length
        length = None if found is None else found.media_length
        if self._form in ("json", "csv"):
            values = (
                difference.looked_at_ts,
                suspect.kind.value,
                None if path is None else os.fsdecode(path),
                uri,
                length,
                row_length,
            )
            if self._form == "csv":
                return _csv_line(values)
            before = b",\n" if self._count else b"\n"
            return (
                before + json.dumps(dict(zip(_COLUMNS, values, strict=True))).encode()
            )
        if self._cause is Cause.WITHOUT_FILE:
            name = (uri or "").encode(errors="surrogateescape")
        else:
            name = path or b""
        if self._form == "text":
            name = printable(os.fsdecode(name)).encode()
        end = b"\0" if self._form == "null" else b"\n"
        shown = row_length if length is None else length
        return f"{time_text(difference.looked_at_ts)}\t{shown}\t".encode() + name + end


def _csv_line(values: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode(errors="surrogateescape")
