"""The description of an endpoint, one for HTTP and the command line."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attr

from media_stats_module.endpoints.parameters import (
    Parameters,
)

if TYPE_CHECKING:
    from media_stats_module.storage import MediaStatsStore, Page

_Q = TypeVar("_Q")
_V = TypeVar("_V")

JsonDict = dict[str, Any]

# The columns of a list in their order, each with a function from a value to its cell.
Columns = Mapping[str, Callable[[_V], object]]

# A function that is given the values of a list one by one. It runs in another thread
# than its caller, and again if the reading transaction is retried.
Write = Callable[[Iterator[_V]], None]


@attr.frozen(kw_only=True)
class Server:
    """The facts about the homeserver that answers contain.

    Attributes:
        name: its name in Matrix IDs.
        now_ts: returns the time, in milliseconds since the epoch.
        media_retention: returns the lifetimes of local and remote media by the setting
            `media_retention`, in milliseconds; None for ever.
        url_preview_enabled: returns the setting of this name.
        file_system: returns the size of the media store's file system, and its free
            space, in bytes: `total_length` and `free_length`; None if this process does
            not know. May block for seconds.
        in_thread: calls a function with its arguments in another thread.
    """

    name: str
    now_ts: Callable[[], int]
    media_retention: Callable[[], tuple[int | None, int | None]]
    url_preview_enabled: Callable[[], bool]
    file_system: Callable[[], JsonDict | None]
    in_thread: Callable[..., Awaitable[Any]]


@attr.frozen(kw_only=True)
class Endpoint(Generic[_Q]):
    """An endpoint of the API, which is also a command.

    Attributes:
        name: the last part of its path, and the name of the command.
        help: its answer, in a few words.
        parameters: its parameters, in the order in which they are checked.
        question: makes the question; the parameters are its keywords.
    """

    name: str
    help: str
    parameters: Parameters
    question: Callable[..., _Q]


@attr.frozen(kw_only=True)
class Document(Endpoint[_Q]):
    """An endpoint that answers with an object.

    Attributes:
        answer: asks the store and makes the answer, with its keys in the documented
            order. Amounts of files in it are `Usage`.
    """

    answer: "Callable[[MediaStatsStore, Server, _Q], Coroutine[Any, Any, JsonDict]]"


@attr.frozen(kw_only=True)
class List(Endpoint[_Q], Generic[_Q, _V]):
    """An endpoint that answers with a list.

    Attributes:
        key: the name of the list in an answer, by default that of the endpoint.
        columns: returns the columns of the answer to a question.
        get_page: asks the store for a page.
        export: makes the store write the values of the page. Returns the page's `end`.
        get_more: makes the answer's other keys, from the number of values and the
            page's `end`.
        has_limit: whether a question limits the number of values.
        is_documented: whether this is the endpoint that Synapse documents. Over HTTP,
            additions with unknown values are ignored, as Synapse ignores unknown
            parameters, and so is the header `Accept`.
    """

    key: str = attr.Factory(lambda self: self.name, takes_self=True)
    columns: Callable[[Server, _Q], Columns[_V]]
    get_page: """Callable[
        [MediaStatsStore, Server, _Q], Coroutine[Any, Any, Page[_V, Any]]
    ]"""
    export: """Callable[
        [MediaStatsStore, Server, _Q, Write[_V]], Coroutine[Any, Any, Any]
    ]"""
    get_more: Callable[[_Q, int, Any], JsonDict]
    has_limit: bool = True
    is_documented: bool = False
