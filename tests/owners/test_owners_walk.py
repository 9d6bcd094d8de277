"""The walk from owner to owner stops when there are too many owners."""

from unittest.mock import patch

from owners_model import Query
from owners_support import OwnersTestCase, in_every_mode_of_both_endpoints

from media_stats_module.storage.owners import walk

_MOST_WALKED = 20


@in_every_mode_of_both_endpoints
class GivenUpWalkTestCase(OwnersTestCase):
    """Page and total are complete although the walk did not reach all owners."""

    def assert_pages(self, owners: int) -> None:
        self.fill(*[self.file(f"{number:02}") for number in range(owners)])
        pages: tuple[Query, ...] = (
            {"limit": 1},
            {"limit": 3, "dir": "b"},
            {"from": owners - 1},
            {"search_term": f"{owners - 1:02}", "order_by": "media_length"},
        )
        with patch.object(walk, "_WALK_AT_LEAST", _MOST_WALKED):
            for query in pages:
                assert self.answer(query) == self.expected(query), query

    def test_as_many_as_are_walked(self) -> None:
        self.assert_pages(_MOST_WALKED - 1)
        self.assert_pages(_MOST_WALKED)

    def test_more_than_are_walked(self) -> None:
        self.assert_pages(_MOST_WALKED + 1)
        self.assert_pages(2 * _MOST_WALKED)
