"""The patterns that the databases get for `search_term` match as Python does."""

# ruff: noqa: RUF001 - letters that look like those of another script are the point
import sys
from collections import defaultdict
from functools import cache
from itertools import chain
from typing import ClassVar
from unittest import TestCase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owners_model import contains, fold
from support import MediaStatsTestCase
from synapse.module_api import LoggingTransaction

from media_stats_module.storage.dialect import is_postgres
from media_stats_module.storage.owners import search

# Only patterns; test_search.py tests the search itself.
pytestmark = pytest.mark.once


@cache
def _letters_by_folding() -> dict[str, list[str]]:
    """Characters of Unicode that have several forms, by their folded form."""
    letters = defaultdict(list)
    for code_point in range(sys.maxunicode + 1):
        letters[chr(code_point).casefold()].append(chr(code_point))
    return {folded: forms for folded, forms in letters.items() if len(forms) > 1}


def _letters_with_forms() -> list[str]:
    return list(chain.from_iterable(_letters_by_folding().values()))


# Many have case, and many are special in patterns.
_CHARACTERS = st.one_of(
    st.sampled_from("aAsSkKiI_%*?[]^-\\.$(){}|+:@ \n"),
    st.sampled_from("ßẞσςΣİıſǅǆﬁ𐐔𐐼𞤀𞤢\N{KELVIN SIGN}\N{COMBINING GREEK YPOGEGRAMMENI}"),
    # Takes seconds, so not while pytest collects tests.
    st.deferred(lambda: st.sampled_from(_letters_with_forms())),
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
)


class PatternsTestCase(MediaStatsTestCase):
    """The databases match as Python does."""

    shares_homeserver: ClassVar[bool] = True

    def matches(self, *pairs: tuple[str, str]) -> list[tuple[bool, bool]]:
        """Whether each text contains its term, and whether it equals it."""

        def match_txn(txn: LoggingTransaction) -> list[tuple[bool, bool]]:
            if is_postgres(txn):
                operator = "~"
                containing, equal_to = search.regex_containing, search.regex_equal_to
            else:
                operator = "GLOB"
                containing, equal_to = search.glob_containing, search.glob_equal_to
            results = []
            for text, term in pairs:
                txn.execute(
                    f"SELECT ? {operator} ?, ? {operator} ?",
                    (text, containing(term), text, equal_to(term)),
                )
                ((contained, equal),) = txn.fetchall()
                results.append((bool(contained), bool(equal)))
            return results

        return self.in_transaction(match_txn)

    @given(
        st.lists(
            st.tuples(
                st.text(_CHARACTERS, max_size=6),
                st.text(_CHARACTERS, min_size=1, max_size=3),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_any_text(self, pairs: list[tuple[str, str]]) -> None:
        for text, term in pairs:
            ((contained, equal), (within, _)) = self.matches(
                (text, term), (f"{text}{term}{text}", term)
            )
            assert contained == contains(text, term)
            assert equal == (fold(text) == fold(term))
            assert within

    def test_every_letter_with_several_forms(self) -> None:
        everything = "".join(_letters_with_forms())
        pairs = []
        for forms in _letters_by_folding().values():
            # Each form gives the same pattern.
            assert len({search.regex_containing(form) for form in forms}) == 1
            assert len({search.glob_containing(form) for form in forms}) == 1
            others = everything.translate({ord(form): None for form in forms})
            pairs += [(form, forms[0]) for form in forms]
            pairs.append((others, forms[0]))

        for (text, term), (contained, equal) in zip(
            pairs, self.matches(*pairs), strict=True
        ):
            assert contained == equal == (len(text) == 1), (text[:10], term)

    def test_every_character_of_ascii(self) -> None:
        characters = [chr(code_point) for code_point in range(1, 128)]
        everything = "".join(characters)
        for character in characters:
            others = everything.translate(
                {ord(form): None for form in (character.upper(), character.lower())}
            )
            assert self.matches(
                (character, character),
                (f"x{character}y", character),
                (f"{character}{character}", character * 2),
                (f"x\ny{others}", f"z{character}"),
                (others, character),
            ) == [
                (True, True),
                (True, False),
                (True, True),
                (False, False),
                (False, False),
            ], character

    def test_long_terms(self) -> None:
        for character in "akσ*[_\N{KELVIN SIGN}𞤢":
            term = character * 512
            assert self.matches((term, term), (term[1:], term)) == [
                (True, True),
                (False, False),
            ]


class TablesOfUnicodeTestCase(TestCase):
    """The tables behind the patterns."""

    def test_no_letter_is_left_out(self) -> None:
        # In the newest Python, U+1E943 is the highest letter with case.
        for code_point in range(search._FIRST_CASELESS_CODE_POINT, sys.maxunicode + 1):
            character = chr(code_point)
            assert character == character.casefold()
            assert character == character.upper() == character.lower()

        for forms in _letters_by_folding().values():
            for form in forms:
                assert set(search._letter_forms(form)) == set(forms)
