"""Search patterns, with the same meaning on both databases.

A term is found anywhere in a text, literally, ignoring letter case in every script.
PostgreSQL's `ILIKE` and `lower()` ignore the case of ASCII letters only in the C
locale, which Synapse requires, and so do SQLite's `LIKE` and `LOWER`. But both match
sets of characters, so each letter of the term becomes the set of its forms: `[üÜ][nN]`.
"""

import functools
from collections.abc import Mapping

# The highest code point that has another case is U+1E943 (Adlam), so the planes above
# U+1FFFF are not read. A test reads them.
_FIRST_CASELESS_CODE_POINT = 0x20000


def regex_containing(term: str) -> str:
    """A PostgreSQL regular expression (`~`) that finds `term`, ignoring case."""
    return "".join(_regex_atom(character) for character in term)


def regex_equal_to(term: str) -> str:
    """A PostgreSQL regular expression that matches only `term`, ignoring case."""
    return f"^{regex_containing(term)}$"


def glob_containing(term: str) -> str:
    """A SQLite `GLOB` pattern that finds `term`, ignoring case."""
    return f"*{glob_equal_to(term)}*"


def glob_equal_to(term: str) -> str:
    """A SQLite `GLOB` pattern that matches only `term`, ignoring case."""
    return "".join(_glob_atom(character) for character in term)


def _regex_atom(character: str) -> str:
    forms = _letter_forms(character)
    if len(forms) > 1:
        return f"[{forms}]"
    if character.isascii() and not character.isalnum():
        # A backslash makes a character that is not alphanumeric literal.
        return f"\\{character}"
    return character


def _glob_atom(character: str) -> str:
    forms = _letter_forms(character)
    if len(forms) > 1 or character in "*?[":
        return f"[{forms}]"
    return character


def _letter_forms(character: str) -> str:
    """The characters that differ from this one by case only, itself included."""
    return _letters_by_case_folding().get(character.casefold(), character)


@functools.cache
def _letters_by_case_folding() -> Mapping[str, str]:
    """All characters that have more than one form, by their case folding.

    From Python's Unicode tables, for both databases. Reading them takes about 20 ms, so
    the first search does it, not the start-up.
    """
    letters: dict[str, str] = {}
    for code_point in range(_FIRST_CASELESS_CODE_POINT):
        character = chr(code_point)
        folded = character.casefold()
        letters[folded] = letters.get(folded, "") + character
    return {folded: forms for folded, forms in letters.items() if len(forms) > 1}
