"""The parameters of endpoints: their names, help, parsing and checks.

Parameters are checked one after the other, those of the documented endpoint in
Synapse's order. So a request with two errors gets the same response from both.
"""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attr

from media_stats_module.questions import (
    MAX_INTEGER,
    MAX_TEXT_LENGTH,
    NO_LIMIT,
    AccountFilter,
    Source,
)

_PAGE = 100

# The values of an endpoint's parameters, by the name of the question's attribute.
Values = dict[str, Any]


class InvalidParameterError(Exception):
    """A parameter is wrong. The text names it and its legal values."""


@attr.frozen(kw_only=True)
class Checks:
    """The checks of single values, with Synapse's error texts.

    All return None for a parameter that is not given.

    Attributes:
        integer: parses an integer.
        boolean: parses `true` or `false`.
        string: parses a text; one of `allowed_values`, if there are any.
        direction: parses `f` or `b`.
    """

    integer: Callable[..., int | None]
    boolean: Callable[..., bool | None]
    string: Callable[..., str | None]
    direction: Callable[..., str | None]


@attr.frozen(kw_only=True)
class Arguments:
    """The parameters of a request or a command, as given.

    Attributes:
        given: the values by the name of the parameter. The first one counts.
        checks: the checks of single values.
        is_export: whether no limit means the whole list.
        ignored: errors for which an additional parameter is ignored, not refused.
    """

    given: Mapping[bytes, Sequence[bytes]]
    checks: Checks
    is_export: bool = False
    ignored: tuple[type[Exception], ...] = ()


@attr.frozen(kw_only=True)
class Parameter(abc.ABC):
    """A parameter.

    Attributes:
        name: its name.
        help: its help text.
        attribute: the attribute of the question that it sets, if the name differs.
        is_addition: whether the endpoint that Synapse documents does not have it.
    """

    name: str
    help: str
    attribute: str | None = None
    is_addition: bool = False

    @property
    @abc.abstractmethod
    def values(self) -> str:
        """Its legal values, in a word or two."""

    @abc.abstractmethod
    def read(self, arguments: Arguments) -> Any:
        """Read and check the value.

        Raises:
            InvalidParameterError: the value is wrong.
            SynapseError: the same, from one of Synapse's own checks.
        """


# A function checks the values read so far, and can change them.
Parameters = Sequence[Parameter | Callable[[Values], None]]


def read_parameters(parameters: Parameters, arguments: Arguments) -> Values:
    """Read and check all parameters.

    Ignores unknown ones, as Synapse does: published clients send some.

    Raises:
        InvalidParameterError: a parameter is wrong.
        SynapseError: the same, from one of Synapse's own checks.
    """
    values: Values = {}
    for parameter in parameters:
        if isinstance(parameter, Parameter):
            attribute = parameter.attribute or parameter.name
            try:
                values[attribute] = parameter.read(arguments)
            except arguments.ignored:
                if not parameter.is_addition:
                    raise
                # Clients of Synapse's own endpoint may send it for other lists.
                values[attribute] = None
        else:
            parameter(values)
    return values


@attr.frozen(kw_only=True)
class Integer(Parameter):
    """An integer from 0 to `MAX_INTEGER`.

    Attributes:
        default: the value if it is not given.
        is_bounded: whether the bounds are checked here; else a later function does it.
    """

    default: int | None = None
    is_bounded: bool = True

    @property
    def values(self) -> str:
        return "integer"

    def read(self, arguments: Arguments) -> int | None:
        value = arguments.checks.integer(arguments.given, self.name)
        if value is None:
            return self.default
        if self.is_bounded:
            assert_in_bounds(self.name, value)
        return value


@attr.frozen(kw_only=True)
class Limit(Integer):
    """The maximum number of rows.

    Attributes:
        largest_page: the most rows of a page; None for no bound.
    """

    name: str = "limit"
    help: str = "the maximum number of rows (default 100; as CSV, all)"
    largest_page: int = NO_LIMIT

    def read(self, arguments: Arguments) -> int:
        value = super().read(arguments)
        if arguments.is_export:
            return NO_LIMIT if value is None else value
        return min(_PAGE if value is None else value, self.largest_page)


@attr.frozen(kw_only=True)
class Boolean(Parameter):
    """`true` or `false`.

    Attributes:
        default: the value if it is not given.
    """

    default: bool | None = None

    @property
    def values(self) -> str:
        return "true|false"

    def read(self, arguments: Arguments) -> bool | None:
        value = arguments.checks.boolean(arguments.given, self.name)
        return self.default if value is None else value


@attr.frozen(kw_only=True)
class Choice(Parameter):
    """One of some words.

    Attributes:
        choices: the value of each word.
        default: the value if it is not given.
    """

    choices: Mapping[str, object]
    default: object = None

    @property
    def values(self) -> str:
        return "|".join(self.choices)

    def read(self, arguments: Arguments) -> object:
        word = arguments.checks.string(
            arguments.given, self.name, allowed_values=list(self.choices)
        )
        return self.default if word is None else self.choices[word]


@attr.frozen(kw_only=True)
class Direction(Parameter):
    """Whether the largest comes first. As in Matrix, `f` is forwards, `b` backwards.

    Attributes:
        default: the value if it is not given.
    """

    name: str = "dir"
    help: str = "f: the smallest first (default); b: the largest first"
    attribute: str | None = "descending"
    default: bool = False

    @property
    def values(self) -> str:
        return "f|b"

    def read(self, arguments: Arguments) -> bool:
        if self.name.encode() not in arguments.given:
            return self.default
        return arguments.checks.direction(arguments.given, self.name) == "b"


@attr.frozen(kw_only=True)
class Text(Parameter):
    """A text in any script.

    Attributes:
        can_be_empty: whether an empty text is legal.
        is_bounded: whether a text longer than any name is refused.
    """

    can_be_empty: bool = False
    is_bounded: bool = True

    @property
    def values(self) -> str:
        return "text"

    def read(self, arguments: Arguments) -> str | None:
        text = arguments.checks.string(arguments.given, self.name, encoding="utf-8")
        if text == "" and not self.can_be_empty:
            raise InvalidParameterError(
                f"Query parameter {self.name} cannot be an empty string."
            )
        if text is not None and "\0" in text:
            raise InvalidParameterError(
                f"Query parameter {self.name} cannot contain a NUL character."
            )
        if self.is_bounded and text is not None and len(text) > MAX_TEXT_LENGTH:
            raise InvalidParameterError(
                f"Query parameter {self.name} cannot be longer than {MAX_TEXT_LENGTH} "
                "characters."
            )
        return text


def assert_in_bounds(name: str, value: int) -> None:
    """Refuse an integer that is negative or larger than `MAX_INTEGER`.

    Raises:
        InvalidParameterError: it is.
    """
    if value < 0:
        # Since 1.110, Synapse's function refuses these. This is the older error text.
        raise InvalidParameterError(
            f"Query parameter {name} must be a string representing a positive integer."
        )
    if value > MAX_INTEGER:
        raise InvalidParameterError(
            f"Query parameter {name} must be an integer from 0 to {MAX_INTEGER}."
        )


def _check_window(values: Values) -> None:
    from_ts, until_ts = values["from_ts"], values["until_ts"]
    if until_ts is not None and until_ts <= (from_ts or 0):
        raise InvalidParameterError(
            "Query parameter until_ts must be greater than from_ts."
        )
    # Zero, the default in Synapse's documentation, means no limit.
    values["from_ts"] = from_ts or None


# When the media was created.
WINDOW: Parameters = (
    Integer(
        name="from_ts",
        help="only media created at or after this time, in ms since the epoch",
    ),
    Integer(
        name="until_ts",
        help="only media created at or before this time, in ms since the epoch",
    ),
    _check_window,
)

_EACH_FOR_ONE_SOURCE = "user is for local media and server_name for remote media."


def _check_owner(values: Values) -> None:
    """Turn a user or a server into an owner and the source that it implies."""
    user, server_name = values.pop("user"), values.pop("server_name")
    values["owner"] = server_name if user is None else user
    values["source"] = None
    if server_name is not None:
        values["source"] = Source.REMOTE
    if user is None:
        return
    if server_name is not None:
        raise InvalidParameterError(
            "Query parameters user and server_name do not go together: "
            f"{_EACH_FOR_ONE_SOURCE}"
        )
    # A localpart alone would match no media.
    if not user.startswith("@") or ":" not in user:
        raise InvalidParameterError(
            "Query parameter user must be a complete user ID, such as "
            "@user:example.org."
        )
    values["source"] = Source.LOCAL


def _check_source(values: Values) -> None:
    source, owner = values.pop("asked_source"), values["owner"]
    if source is None:
        return
    if values["source"] not in (None, source):
        raise InvalidParameterError(
            f"Query parameter source={source.value} does not go with {owner}: "
            f"{_EACH_FOR_ONE_SOURCE}"
        )
    values["source"] = source


def default_to_local(values: Values) -> None:
    """Ask about local media, unless the source or the owner says otherwise."""
    values["source"] = values["source"] or Source.LOCAL


def require_local(values: Values, name: str, topic: str) -> None:
    """Ask about local media, because of a parameter.

    Raises:
        InvalidParameterError: the request asks about remote media.
    """
    if values["source"] is Source.REMOTE:
        raise InvalidParameterError(
            f"Query parameter {name} is about {topic}, and goes with source=local only."
        )
    values["source"] = Source.LOCAL


# The owner of the media. The name is not `user_id`: application services send that
# parameter to act for a user.
OWNER: Parameters = (
    Text(name="user", help="only local media of this user (a complete user ID)"),
    Text(name="server_name", help="only cached media of this server"),
    _check_owner,
)

# The owner and the source of the media.
OWNER_AND_SOURCE: Parameters = (
    *OWNER,
    Choice(
        name="source",
        help="local: media of this server; remote: cached media of other servers",
        attribute="asked_source",
        choices={source.value: source for source in Source},
    ),
    _check_source,
)


def _check_accounts(values: Values) -> None:
    """Combine the filters of users into one, which implies local media."""
    filters = {
        name: values.pop(name)
        for name in ("appservice", "has_account", "deactivated", "erased")
    }
    given = [name for name, value in filters.items() if value is not None]
    values["accounts"] = AccountFilter(**filters) if given else None
    if given and "source" in values:
        require_local(values, given[0], "users of this server")


# Only users with such an account.
ACCOUNTS: Parameters = (
    Text(
        name="appservice",
        help="only users whom the application service with this ID registered; empty: "
        "only users with an account that none registered",
        can_be_empty=True,
        is_addition=True,
    ),
    Boolean(
        name="has_account",
        help="true: only users with an account; false: only users without one",
        is_addition=True,
    ),
    Boolean(
        name="deactivated",
        help="true: only deactivated users; false: only other users",
        is_addition=True,
    ),
    Boolean(
        name="erased",
        help="true: only erased users; false: only other users",
        is_addition=True,
    ),
    _check_accounts,
)
