"""Formats a statement for reading: a clause a line, subqueries indented."""

import re
from collections.abc import Iterator, Sequence

import attr

_WIDTH = 88
_INDENT = "    "

# Strings, names in quotes, comments, words with their dots and colons, operators,
# punctuation.
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|:?[\w.]+|<>|[<>!]=|<<|>>|\|\||[^\s\w]"
)

_CLAUSES = tuple(
    tuple(words.split())
    for words in (
        "WITH RECURSIVE",
        "WITH",
        "SELECT DISTINCT",
        "SELECT",
        "FROM",
        "LEFT JOIN",
        "CROSS JOIN",
        "JOIN",
        "WHERE",
        "GROUP BY",
        "HAVING",
        "ORDER BY",
        "LIMIT",
        "OFFSET",
        "UNION ALL",
    )
)
# Words with a space before a parenthesis, unlike the name of a function.
_KEYWORDS = re.compile(
    "ALL|AND|ANY|AS|BY|CASE|DISTINCT|ELSE|EXISTS|FROM|IN|IS|JOIN|LIKE|MATERIALIZED|NOT|ON|OR|OVER|"
    "SELECT|THEN|UNION|VALUES|WHEN|WHERE"
)
# Places to break a line that is too long, from the outside to the inside.
_BREAKS = ((",",), ("AND", "OR"), ("WHEN", "ELSE", "END"))


@attr.frozen
class _Group:
    """The text in parentheses or brackets."""

    begin: str
    items: "Sequence[_Item]"

    @property
    def end(self) -> str:
        return {"(": ")", "[": "]"}[self.begin]

    @property
    def is_block(self) -> bool:
        """Whether it is a subquery."""
        return bool(self.items) and self.items[0] in ("SELECT", "WITH")


_Item = str | _Group


def format_sql(sql: str) -> str:
    """Format one statement or more. Only spaces and comments change."""
    tokens = _tokens(sql)
    statements = _split_at_semicolons(_parse(iter(tokens)))
    text = ";\n\n".join("\n".join(_block(items, "")) for items in statements)
    assert _tokens(text) == tokens, sql
    return text


def _tokens(sql: str) -> list[str]:
    return [token for token in _TOKEN.findall(sql) if not token.startswith("--")]


def _split_at_semicolons(items: "Sequence[_Item]") -> "list[list[_Item]]":
    statements: list[list[_Item]] = [[]]
    for item in items:
        if item == ";":
            statements.append([])
        else:
            statements[-1].append(item)
    return statements


def _parse(tokens: Iterator[str]) -> list[_Item]:
    """The tokens up to the end, or to the end of a group."""
    items: list[_Item] = []
    for token in tokens:
        if token in ")]":
            break
        items.append(_Group(token, _parse(tokens)) if token in "([" else token)
    return items


def _block(items: Sequence[_Item], indent: str) -> Iterator[str]:
    """The lines of a statement or subquery."""
    for head, rest in _clauses(items):
        keyword = " ".join(head)
        line = f"{indent}{keyword} {_inline(rest)}".rstrip()
        if len(line) <= _WIDTH and not _has_block(rest):
            yield line
            continue
        separators = ("AND",) if head[-1:] in (("WHERE",), ("HAVING",)) else (",",)
        parts = list(_split(rest, separators))
        if len(parts) == 1:
            yield from _lines([*head, *rest], indent)
            continue
        yield f"{indent}{keyword}"
        for part in parts:
            yield from _lines(part, indent + _INDENT)


def _clauses(
    items: Sequence[_Item],
) -> Iterator[tuple[tuple[str, ...], Sequence[_Item]]]:
    """The keywords that begin a clause, and the tokens after them."""
    head: tuple[str, ...] = ()
    rest: list[_Item] = []
    position = 0
    while position < len(items):
        for clause in _CLAUSES:
            if tuple(items[position : position + len(clause)]) == clause:
                if head or rest:
                    yield head, rest
                head, rest = clause, []
                position += len(clause)
                break
        else:
            rest.append(items[position])
            position += 1
    yield head, rest


def _split(
    items: Sequence[_Item], separators: Sequence[str]
) -> Iterator[Sequence[_Item]]:
    """The parts between separators: a comma ends a part, a word begins the next one."""
    part: list[_Item] = []
    for item in items:
        if item == "," in separators:
            yield [*part, item]
            part = []
        elif item in separators and part:
            yield part
            part = [item]
        else:
            part.append(item)
    if part:
        yield part


def _lines(items: Sequence[_Item], indent: str) -> Iterator[str]:
    """The lines of a part of a clause."""
    line = f"{indent}{_inline(items)}"
    if len(line) <= _WIDTH and not _has_block(items):
        yield line
        return
    for separators in _BREAKS:
        first, *others = _split(items, separators)
        if others:
            yield from _lines(first, indent)
            further = indent if separators == (",",) else indent + _INDENT
            for part in others:
                yield from _lines(part, further)
            return
    # Open the last group, which is usually the longest.
    groups = [index for index, item in enumerate(items) if isinstance(item, _Group)]
    if not groups:
        yield line
        return
    index = max(groups, key=lambda index: len(_inline(items[index : index + 1])))
    group = items[index]
    assert isinstance(group, _Group)
    before = _inline([*items[:index], group]).removesuffix(_inline([group]))
    yield f"{indent}{before}{group.begin}"
    if group.is_block:
        yield from _block(group.items, indent + _INDENT)
    else:
        for part in _split(group.items, (",",)):
            yield from _lines(part, indent + _INDENT)
    yield f"{indent}{_inline([group.end, *items[index + 1 :]])}"


def _has_block(items: Sequence[_Item]) -> bool:
    """Whether there is a subquery with more than a few words."""
    return any(
        isinstance(item, _Group)
        and ((item.is_block and len(_inline([item])) > 60) or _has_block(item.items))
        for item in items
    )


def _inline(items: Sequence[_Item]) -> str:
    """All on one line."""
    text = ""
    before: _Item = ""
    for item in items:
        word = (
            f"{item.begin}{_inline(item.items)}{item.end}"
            if isinstance(item, _Group)
            else item
        )
        text += (" " if text and _wants_space(before, item) else "") + word
        before = item
    return text


def _wants_space(before: _Item, item: _Item) -> bool:
    if item in (",", ")", "]"):
        return False
    if isinstance(item, _Group) and isinstance(before, str):
        return not before[:1].isalpha() or _KEYWORDS.fullmatch(before) is not None
    return True
