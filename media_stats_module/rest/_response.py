"""A response that is written to a temporary file first, and sent afterwards."""

import io
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType

from synapse.module_api import SynapseRequest, make_deferred_yieldable
from twisted.internet.defer import CancelledError
from twisted.protocols.basic import FileSender

from media_stats_module.synapse_internals import set_cors_headers

logger = logging.getLogger(__name__)

# Smaller responses stay in memory. A larger one is a file in the directory `TMPDIR`.
_MEMORY = 1 << 20

# Sent whenever the client has taken what came before.
_BYTES_AT_ONCE = 1 << 18

# After each piece, which takes a few milliseconds.
_PAUSE_S = 0.001


class _FileSender(FileSender):
    """Sends a file. If the file cannot be read, its `Deferred` fails.

    Twisted's own would never be done.
    """

    CHUNK_SIZE = _BYTES_AT_ONCE

    def resumeProducing(self) -> None:  # noqa: N802
        try:
            super().resumeProducing()  # type: ignore[no-untyped-call]
        except Exception:
            self.consumer.unregisterProducer()
            deferred, self.deferred = self.deferred, None
            if deferred is not None:
                deferred.errback()


class ResponseFile:
    """The body of a response, in a temporary file.

    The body is complete before the first byte is sent. So an error while it is written
    is answered with an error, and a client that reads slowly holds neither a connection
    to the database nor the body in memory.
    """

    def __init__(self, request: SynapseRequest) -> None:
        self._request = request
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115

    def __enter__(self) -> "ResponseFile":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def length(self) -> int:
        """How many bytes are written."""
        return self._file.seek(0, io.SEEK_END)

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write the body; a second call replaces it. Stops when the client has gone."""
        self._file.seek(0)
        self._file.truncate()
        for piece in pieces:
            if self._request._disconnected:
                return
            self._file.write(piece)

    def write_in_thread(self, pieces: Iterable[bytes]) -> None:
        """Write a long body in another thread than the reactor's."""
        self.write(_with_pauses(pieces))

    def append(self, piece: bytes) -> None:
        """Write the end of the body."""
        self._file.write(piece)

    async def send_with(self, headers: Mapping[str, str]) -> None:
        """Send the headers and the body, as fast as the client reads.

        Args:
            headers: are sent in this order, before the headers for browsers (CORS).
        """
        request = self._request
        if request._disconnected:
            return
        for header, value in headers.items():
            request.responseHeaders.setRawHeaders(header, [value])
        set_cors_headers(request)
        self._file.seek(0)
        try:
            await make_deferred_yieldable(
                _FileSender().beginFileTransfer(  # type: ignore[no-untyped-call]
                    self._file, request
                )
            )
        except CancelledError:
            raise
        except Exception as e:
            # The client has gone, or the disk failed. The client must not take what it
            # has got for the whole response.
            logger.info("A response was not sent to its end: %s", e)
            request.loseConnection()  # type: ignore[no-untyped-call]
        else:
            request.finish()


def _with_pauses(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Let the other threads, above all the reactor's, have the interpreter's lock."""
    for piece in pieces:
        yield piece
        time.sleep(_PAUSE_S)
