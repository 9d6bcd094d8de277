"""The base of all servers of the tests: a `with` statement stops them."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

_Self = TypeVar("_Self", bound="RunningServer")


class RunningServer(ABC):
    """A server that runs until it is stopped."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server, unless it is stopped."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
