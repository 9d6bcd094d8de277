"""The file that CSV is written to, by the thread that reads the database."""

from collections.abc import Iterable, Iterator
from typing import cast
from unittest import TestCase

import attr
from synapse.module_api import SynapseRequest

from media_stats_module.formats import encode_csv
from media_stats_module.rest._response import ResponseFile


@attr.s(auto_attribs=True)
class _Request:
    """The parts of a request that the file uses."""

    _disconnected: bool = False

    def disconnect(self) -> None:
        self._disconnected = True


class CsvFileTest(TestCase):
    """A thread fills the file."""

    def setUp(self) -> None:
        self.request = _Request()
        self.file = ResponseFile(cast(SynapseRequest, self.request))
        self.addCleanup(self.file.__exit__, None, None, None)

    def write(self, numbers: Iterable[int]) -> None:
        columns = {"number": lambda number: number}
        self.file.write_in_thread(encode_csv(columns, numbers))

    def content(self) -> bytes:
        self.file._file.seek(0)
        return self.file._file.read()

    def test_a_transaction_that_is_tried_again_begins_anew(self) -> None:
        """The first attempt leaves nothing, even if the second has fewer rows."""
        self.write([1000, 1001, 1002])
        self.write([1, 2])
        assert self.content() == b"number\r\n1\r\n2\r\n"

    def test_nothing_is_read_for_a_client_that_is_gone(self) -> None:
        numbers = iter(range(10_000))

        def values() -> Iterator[int]:
            for number in numbers:
                if number == 3:
                    self.request.disconnect()
                yield number

        self.write(values())
        assert next(numbers) < 1_000
