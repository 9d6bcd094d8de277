"""The tokens of `/v1/files` are read as they were written; others are refused."""

import base64
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_stats_module.endpoints.cursors import read_cursor, write_cursor
from media_stats_module.questions import (
    MAX_INTEGER,
    FilesOrder,
    FilesPosition,
    FilesQuestion,
    Source,
)

# An encoding.
pytestmark = pytest.mark.once

_LISTS = [
    FilesQuestion(source=source, order_by=order_by, descending=descending)
    for source in Source
    for order_by in FilesOrder
    for descending in (False, True)
]

# Other servers choose their media IDs; PostgreSQL stores no NUL.
_MEDIA_IDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
)

_KEYS = st.integers(-MAX_INTEGER - 1, MAX_INTEGER)

# Any text that the database holds, although Synapse checks the names of servers.
_SERVER_NAMES = st.one_of(st.just("a.org:8448"), st.just(""), _MEDIA_IDS)


def _position(
    query: FilesQuestion,
    key: int,
    media_id: str,
    server_name: str = "a.org:8448",
    skipped: int = 0,
) -> FilesPosition:
    """A position at which a page of this list can end."""
    return FilesPosition(
        None if query.order_by is FilesOrder.MEDIA_ID else key,
        server_name if query.source is Source.REMOTE else None,
        media_id,
        skipped,
    )


@given(
    query=st.sampled_from(_LISTS),
    key=_KEYS,
    media_id=_MEDIA_IDS,
    server_name=_SERVER_NAMES,
    skipped=st.integers(0, MAX_INTEGER),
    is_beginning=st.booleans(),
)
def test_what_is_written_is_read(
    query: FilesQuestion,
    key: int,
    media_id: str,
    server_name: str,
    skipped: int,
    is_beginning: bool,
) -> None:
    position = _position(query, key, media_id, server_name, skipped)
    if is_beginning:
        position = FilesPosition(skipped=skipped)
    assert query.can_end_at(position)
    token = write_cursor(query.list_name, position)
    assert read_cursor(query.list_name, token) == position
    # So a client need not escape it.
    assert re.fullmatch("[A-Za-z0-9_-]+", token)


@given(query=st.sampled_from(_LISTS), other=st.sampled_from(_LISTS))
def test_a_token_is_for_one_list(query: FilesQuestion, other: FilesQuestion) -> None:
    token = write_cursor(query.list_name, _position(query, 5, "a"))
    if other != query:
        with pytest.raises(ValueError, match="token"):
            read_cursor(other.list_name, token)


@given(
    text=st.one_of(
        st.text(),
        # A list's name, followed by anything.
        st.builds("\n".join, st.lists(st.text(), max_size=3)).map(
            lambda rest: f"{_LISTS[0].list_name}\n{rest}"
        ),
    )
)
def test_whatever_is_sent(text: str) -> None:
    """Any text is refused, unless it is exactly the token that would be written."""
    token = base64.urlsafe_b64encode(text.encode(errors="replace")).decode()
    with suppress(ValueError):
        position = read_cursor(_LISTS[0].list_name, token)
        assert write_cursor(_LISTS[0].list_name, position) == token.rstrip("=")


@given(token=st.text())
def test_no_text_is_another_error(token: str) -> None:
    with suppress(ValueError):
        read_cursor(_LISTS[0].list_name, token)
