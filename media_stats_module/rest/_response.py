"""A response that is written to a temporary file first, and sent afterwards.

The number of files kept for slow clients is limited, and so is their time.
"""

import io
import logging
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from synapse.module_api import SynapseRequest, make_deferred_yieldable
from twisted.internet.defer import CancelledError
from twisted.protocols.basic import FileSender

from media_stats_module.synapse_internals import set_cors_headers

logger = logging.getLogger(__name__)

# A response larger than this is a file in the directory `TMPDIR`, else it is in memory.
_MEMORY = 1 << 20

# The bytes sent each time the client has taken the ones before.
_BYTES_AT_ONCE = 1 << 18
# A client that takes longer for them is cut off: it reads less than 5 kB a second.
_LONGEST_READ_S = 60

# The most responses of more than `_BYTES_AT_ONCE` that are kept at a time.
_MOST_KEPT = 20
_kept = threading.BoundedSemaphore(_MOST_KEPT)

# The pause after each piece, which takes a few milliseconds.
_PAUSE_S = 0.001


class ResponseNotKeptError(Exception):
    """A response cannot be kept until the client has read it; the text says why."""


class _TooSlowError(Exception):
    """A client takes too long to read."""


class _FileSender(FileSender):
    """Sends a file. If the file cannot be read, its `Deferred` fails.

    Twisted's own class would wait for ever.
    """

    CHUNK_SIZE = _BYTES_AT_ONCE

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._cutting_off: Any = None

    def resumeProducing(self) -> None:  # noqa: N802
        self.stop_waiting()
        try:
            super().resumeProducing()  # type: ignore[no-untyped-call]
        except Exception:
            self.consumer.unregisterProducer()
            deferred, self.deferred = self.deferred, None
            if deferred is not None:
                deferred.errback()
        if self.deferred is not None:
            self._cutting_off = self._reactor.callLater(_LONGEST_READ_S, self._cut_off)

    def stop_waiting(self) -> None:
        """Stop the timer that cuts the client off."""
        if self._cutting_off is not None and self._cutting_off.active():
            self._cutting_off.cancel()

    def _cut_off(self) -> None:
        self.consumer.unregisterProducer()
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            deferred.errback(_TooSlowError("the client reads too slowly"))


class ResponseFile:
    """The body of a response, in a temporary file.

    The body is complete before the first byte is sent. So an error while writing still
    gives an error response, and a slow client holds neither a database connection nor
    the body in memory.
    """

    def __init__(self, request: SynapseRequest) -> None:
        self._request = request
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115
        self._is_kept = False

    def __enter__(self) -> "ResponseFile":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._is_kept:
            self._is_kept = False
            _kept.release()

    @property
    def length(self) -> int:
        """The number of bytes written."""
        return self._file.seek(0, io.SEEK_END)

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write the body; a second call replaces it. Stops when the client has gone.

        Raises:
            ResponseNotKeptError: there is no room for the body.
        """
        with _saying_why():
            self._file.seek(0)
            self._file.truncate()
        for piece in pieces:
            if self._request._disconnected:
                return
            self.append(piece)

    def write_in_thread(self, pieces: Iterable[bytes]) -> None:
        """Write a long body in another thread than the reactor's.

        Raises:
            ResponseNotKeptError: there is no room for it.
        """
        self.write(_with_pauses(pieces))

    def append(self, piece: bytes) -> None:
        """Write the end of the body.

        Raises:
            ResponseNotKeptError: there is no room for it.
        """
        with _saying_why():
            self._file.write(piece)
        if not self._is_kept and self._file.tell() > _BYTES_AT_ONCE:
            if not _kept.acquire(blocking=False):
                raise ResponseNotKeptError(
                    f"{_MOST_KEPT} large answers are being read already. Try again "
                    "when one of them is."
                )
            self._is_kept = True

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
        sender = _FileSender(request.reactor)
        try:
            await make_deferred_yieldable(
                sender.beginFileTransfer(  # type: ignore[no-untyped-call]
                    self._file, request
                )
            )
        except CancelledError:
            raise
        except Exception as e:
            # The client has gone or is too slow, or the disk failed. The client must
            # not mistake this part for the whole response.
            logger.info("A response was not sent to its end: %s", e)
            if not request._disconnected:
                # Does not wait until the client has read the bytes on their way.
                transport: Any = request.transport
                transport.abortConnection()
        else:
            request.finish()
        finally:
            sender.stop_waiting()


@contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResponseNotKeptError(
            f"The answer is larger than {_MEMORY >> 20} MiB, and cannot be written to "
            "a temporary file on the server, in the directory that the environment "
            f"variable TMPDIR names: {error.strerror or error}"
        ) from error


def _with_pauses(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Release the interpreter's lock after each piece, above all for the reactor."""
    for piece in pieces:
        yield piece
        time.sleep(_PAUSE_S)
