"""The figures: the amount of each kind, and the causes of differences."""

from enum import Enum

import attr

from media_stats_module.disk.paths import Kind
from media_stats_module.disk.walk import Folders


@attr.define
class Tally:
    """A number of files or rows, and their bytes, which can be negative."""

    media_count: int = 0
    media_length: int = 0

    def add(self, media_length: int, media_count: int = 1) -> None:
        """Count one more, or some more."""
        self.media_count += media_count
        self.media_length += media_length


class Cause(Enum):
    """The causes of a difference between the bytes of the files and of the rows.

    A row or a file without its counterpart has one cause. In the report, the text
    follows the number of files or rows.
    """

    WITHOUT_FILE = "rows whose file is not there"
    OTHER_LENGTH = "files of another length than their row says"
    WITHOUT_ROW = "files that no row explains"
    NOT_LOCAL = "rows whose file only a storage provider has, or may have"
    EXPIRED = "rows of URL previews whose file has expired, as it should"
    PENDING = "files of uploads that are not complete"
    OTHER = "files that are not Synapse's media"
    YOUNG = "files or rows too young to be judged"
    UNREADABLE = "rows whose file is where nothing could be read"
    OLDER_NAME = "thumbnails under the names of older versions, and their rows"
    SHARED = "rows that have a file in common with another row"
    CHANGED = "files or rows that have changed meanwhile"


@attr.define
class ProviderTallies:
    """The files of a kind in a storage provider.

    Attributes:
        stored: all its files.
        both: rows whose file is in the folder and in the provider.
        only_local: rows whose file is in the folder only.
        only_provider: rows whose file is in the provider only.
        without_row: its files that no row explains.
    """

    stored: Tally = attr.Factory(Tally)
    both: Tally = attr.Factory(Tally)
    only_local: Tally = attr.Factory(Tally)
    only_provider: Tally = attr.Factory(Tally)
    without_row: Tally = attr.Factory(Tally)


@attr.define
class KindTallies:
    """The rows and files of a kind.

    Attributes:
        rows: the rows in the database.
        files: the files on the disk.
        allocated_length: the bytes of their blocks, without the folders.
        folders: their folders.
        without_row: files that no row explains.
        without_file: rows whose file is not there.
        other_length: rows whose file has another length; the length is the rows'.
        causes: by cause, the bytes of the files minus those of the rows.
        providers: the files in each storage provider.
    """

    rows: Tally = attr.Factory(Tally)
    files: Tally = attr.Factory(Tally)
    allocated_length: int = 0
    folders: Folders = attr.Factory(Folders)
    without_row: Tally = attr.Factory(Tally)
    without_file: Tally = attr.Factory(Tally)
    other_length: Tally = attr.Factory(Tally)
    causes: dict[Cause, Tally] = attr.Factory(dict)
    providers: list[ProviderTallies] = attr.Factory(list)

    def explain(self, cause: Cause, media_length: int, media_count: int = 1) -> None:
        """Count more for a cause. Rows without a file have negative bytes."""
        self.causes.setdefault(cause, Tally()).add(media_length, media_count)


Tallies = dict[Kind, KindTallies]
