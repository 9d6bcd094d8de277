"""A piece of SQL with the values that go with it."""

import attr


@attr.s(auto_attribs=True, frozen=True, slots=True)
class Sql:
    """A piece of a statement with the values of its placeholders, in order."""

    text: str
    args: tuple[object, ...] = ()
