"""Responses that cannot be sent, or not completely."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import attr
import pytest
from synapse.module_api import SynapseRequest
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from media_stats_module.rest import _response
from media_stats_module.rest._response import ResponseFile, ResponseNotKeptError

# A file and a connection.
pytestmark = pytest.mark.once

# More than is sent at once.
_BODY = b"a" * 1_000_000


@attr.define
class Request:
    """The parts of a request that a response uses, and a record of their use."""

    path: bytes = b"/"
    method: bytes = b"GET"
    _disconnected: bool = False
    responseHeaders: Headers = attr.Factory(Headers)  # noqa: N815
    written: bytes = b""
    is_finished: bool = False
    is_lost: bool = False
    producer: Any = None
    reactor: MemoryReactorClock = attr.Factory(MemoryReactorClock)

    @property
    def transport(self) -> "Request":
        return self

    def setHeader(self, name: bytes, value: bytes) -> None:  # noqa: N802
        self.responseHeaders.setRawHeaders(name, [value])

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        self.producer = producer

    def unregisterProducer(self) -> None:  # noqa: N802
        self.producer = None

    def write(self, data: bytes) -> None:
        self.written += data

    def finish(self) -> None:
        self.is_finished = True

    def abortConnection(self) -> None:  # noqa: N802
        self.is_lost = True


def _sending(request: Request) -> tuple[ResponseFile, "Deferred[None]"]:
    file = ResponseFile(cast(SynapseRequest, request))
    file.write([_BODY])
    return file, ensureDeferred(file.send_with({"Content-Type": "text/plain"}))


def _result(sent: "Deferred[None]") -> list[object]:
    results: list[object] = []
    sent.addBoth(results.append)
    return results


def test_whole() -> None:
    request = Request()
    _, sent = _sending(request)
    while request.producer:
        request.producer.resumeProducing()
    assert _result(sent) == [None]
    assert request.written == _BODY
    assert (request.is_finished, request.is_lost) == (True, False)


def test_client_has_gone_before() -> None:
    """Without a connection, nothing is sent."""
    request = Request(disconnected=True)
    _, sent = _sending(request)
    assert _result(sent) == [None]
    assert request.producer is None
    assert not list(request.responseHeaders.getAllRawHeaders())
    assert (request.is_finished, request.is_lost) == (False, False)


def test_client_goes_meanwhile() -> None:
    request = Request()
    _, sent = _sending(request)
    request.producer.resumeProducing()
    request.producer.stopProducing()
    assert _result(sent) == [None]
    assert (request.is_finished, request.is_lost) == (False, True)


def test_disk_fails_meanwhile() -> None:
    """The client must not mistake the part for the whole."""
    request = Request()
    file, sent = _sending(request)
    request.producer.resumeProducing()
    file.__exit__(None, None, None)
    request.producer.resumeProducing()
    assert _result(sent) == [None]
    assert 0 < len(request.written) < len(_BODY)
    assert (request.is_finished, request.is_lost) == (False, True)


def test_cancelled_meanwhile() -> None:
    """The cancellation is passed on: nothing may run after it."""
    request = Request()
    _, sent = _sending(request)
    sent.cancel()
    (failure,) = _result(sent)
    assert isinstance(failure, Failure)
    assert isinstance(failure.value, CancelledError)
    assert not request.is_finished


def test_writing_again_begins_anew() -> None:
    request = Request()
    file = ResponseFile(cast(SynapseRequest, request))
    file.write([b"a long body"])
    file.write([b"short"])
    file.append(b"er")
    assert file.length == len("shorter")


def test_writing_ends_when_the_client_has_gone() -> None:
    request = Request()
    file = ResponseFile(cast(SynapseRequest, request))

    def pieces() -> Iterator[bytes]:
        yield b"1"
        request._disconnected = True
        yield b"2"
        raise AssertionError

    file.write(pieces())
    assert file.length == 1


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    request = Request()
    _, sent = _sending(request)
    for _ in range(3):
        request.producer.resumeProducing()
        request.reactor.advance(_response._LONGEST_READ_S - 1)
        assert not request.is_lost
    request.reactor.advance(1)
    assert _result(sent) == [None]
    assert request.is_lost
    assert len(request.written) < len(_BODY)


def test_nobody_is_cut_off_afterwards() -> None:
    request = Request()
    _, sent = _sending(request)
    while request.producer:
        request.producer.resumeProducing()
    assert _result(sent) == [None]
    assert request.reactor.getDelayedCalls() == []


def test_cancelled_clients_are_not_cut_off() -> None:
    request = Request()
    _, sent = _sending(request)
    request.producer.resumeProducing()
    sent.cancel()
    _result(sent)
    assert request.reactor.getDelayedCalls() == []


def test_a_bounded_number_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small responses are always sent."""
    # Without those of the tests above.
    most = _response._MOST_KEPT
    monkeypatch.setattr(_response, "_kept", threading.BoundedSemaphore(most))
    request = cast(SynapseRequest, Request())
    with ExitStack() as kept:
        for _ in range(most):
            kept.enter_context(ResponseFile(request)).write([_BODY])
        with pytest.raises(ResponseNotKeptError, match="large answers"):
            kept.enter_context(ResponseFile(request)).write([_BODY])
        kept.enter_context(ResponseFile(request)).write([b"small"])
    with ResponseFile(request) as file:
        file.write([_BODY])
        # Once more, as in a transaction that is retried.
        file.write([_BODY])
        assert file.length == len(_BODY)


def test_the_reactor_has_time_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that encodes holds the interpreter's lock."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with ResponseFile(cast(SynapseRequest, Request())) as file:
        file.write_in_thread([b"1", b"2"])
        assert file.length == len(pauses) == 2


def test_no_room_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    request = cast(SynapseRequest, Request())
    with ResponseFile(request) as file:
        file.write([_BODY])
        with pytest.raises(ResponseNotKeptError, match="No such file"):
            file.append(_BODY)
