"""Lists with a total, paged by offset."""

from typing import Protocol

from media_stats_module.endpoints._description import JsonDict
from media_stats_module.endpoints.parameters import Integer

FROM = Integer(name="from", help="how many rows to skip", attribute="start", default=0)


class _PagedQuestion(Protocol):
    """A question for a page: skips `start` rows, and returns at most `limit`."""

    @property
    def start(self) -> int: ...
    @property
    def limit(self) -> int: ...


def get_totals(question: _PagedQuestion, length: int, total: int | None) -> JsonDict:
    """The part of an answer about the whole list: `total` and `next_token`.

    Args:
        question: the question.
        length: the number of rows on the page.
        total: the number of rows on all pages; None if it is not known.
    """
    answer: JsonDict = {"total": total}
    # An empty page has no next one, or a client would ask for ever.
    if total is not None and length and question.start + length < total:
        answer["next_token"] = question.start + length
    return answer
