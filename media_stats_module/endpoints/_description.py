"""How an endpoint is described: once, for HTTP and for the command line."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attr

from media_stats_module.endpoints.parameters import (
    Parameters,
)

if TYPE_CHECKING:
    from media_stats_module.storage import MediaStatsStore

_Q = TypeVar("_Q")
_V = TypeVar("_V")

JsonDict = dict[str, Any]

# The columns of a list in their order, and how each comes from a value.
Columns = Mapping[str, Callable[[_V], object]]

# Is given the values of a list one by one. It runs in another thread than its caller,
# and again if the transaction that reads them is tried again.
Write = Callable[[Iterator[_V]], None]


@attr.frozen(kw_only=True)
class Server:
    """What an answer says of the homeserver itself.

    Attributes:
        name: its name in Matrix IDs.
        now_ts: the time, in milliseconds since the epoch.
        media_retention: how long local and remote media is kept by the setting
            `media_retention`, in milliseconds; None for ever.
        file_system: how large the file system of the media store is, and how much of it
            is free, in bytes: `total_length` and `free_length`. None if it is not known
            here. It can take a while.
        in_thread: calls a function with its arguments where it holds up nobody.
    """

    name: str
    now_ts: Callable[[], int]
    media_retention: Callable[[], tuple[int | None, int | None]]
    file_system: Callable[[], JsonDict | None]
    in_thread: Callable[..., Awaitable[Any]]


@attr.frozen(kw_only=True)
class Endpoint(Generic[_Q]):
    """What every endpoint has.

    Attributes:
        name: the last part of its path, and the name of the command.
        help: what it answers, in a few words.
        parameters: its parameters, in the order in which they are checked.
        question: makes the question from the parameters, which are its keywords.
    """

    name: str
    help: str
    parameters: Parameters
    question: Callable[..., _Q]


@attr.frozen(kw_only=True)
class Document(Endpoint[_Q]):
    """An endpoint that answers with an object.

    Attributes:
        answer: asks the store, and makes the answer, with its keys in their documented
            order. Amounts of files in it are `Usage`.
    """

    answer: "Callable[[MediaStatsStore, Server, _Q], Coroutine[Any, Any, JsonDict]]"


@attr.frozen
class Answer(Generic[_V]):
    """A page of a list, as an endpoint answers it.

    Attributes:
        values: what is on the page, in order.
        more: what the answer has besides.
    """

    values: Sequence[_V]
    more: JsonDict


@attr.frozen(kw_only=True)
class List(Endpoint[_Q], Generic[_Q, _V]):
    """An endpoint that answers with a list.

    Attributes:
        key: the name of the list in an answer.
        columns: the columns of the answer to a question.
        get_page: asks the store for a page.
        export: has the store write what would be on the page. Gives what the store says
            at the end of the list.
        get_more: what the answer has besides the list, if that is written already. It
            is told how many values there were, and what the store said at their end.
            None if no page is long.
        is_documented: whether this is the endpoint that Synapse documents. Over HTTP,
            additions with unknown values are ignored, as Synapse ignores unknown
            parameters, and so is the header `Accept`.
    """

    key: str
    columns: Callable[[Server, _Q], Columns[_V]]
    get_page: "Callable[[MediaStatsStore, Server, _Q], Coroutine[Any, Any, Answer[_V]]]"
    export: """Callable[
        [MediaStatsStore, Server, _Q, Write[_V]], Coroutine[Any, Any, Any]
    ]"""
    get_more: Callable[[_Q, int, Any], JsonDict] | None = None
    is_documented: bool = False
