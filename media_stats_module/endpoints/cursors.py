"""Tokens for the pages of a list that changes while a client reads it.

A token names the last row of a page, not a number of rows. So the next page neither
repeats nor omits a row when others are added or deleted in between.
"""

import base64
from urllib.parse import quote, unquote

from media_stats_module.questions import FilesPosition

# Both databases compare 64-bit signed integers; one more is an error there.
_INTEGERS = range(-(2**63), 2**63)


def write_cursor(list_name: str, position: FilesPosition) -> str:
    """Make the token for the rows after a position.

    Args:
        list_name: one line, different for lists in different orders.
        position: the last row before the next page.
    """
    key = "" if position.key is None else str(position.key)
    # An empty name is still a name.
    server, media_id = (
        "" if name is None else f"/{quote(name, safe='')}"
        for name in (position.server_name, position.media_id)
    )
    text = "\n".join((list_name, key, server, media_id, str(position.skipped)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(list_name: str, token: str) -> FilesPosition:
    """Read the position in a token.

    Raises:
        ValueError: the token is of another list, or not from `write_cursor`.
    """
    padded = token + "=" * (-len(token) % 4)
    text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    _, key, server, media_id, skipped = text.split("\n")
    position = FilesPosition(
        int(key) if key else None,
        unquote(server[1:]) if server else None,
        unquote(media_id[1:]) if media_id else None,
        int(skipped),
    )
    is_stored = (
        (position.key or 0) in _INTEGERS
        and position.skipped in _INTEGERS
        and position.skipped >= 0
        and "%00" not in text
    )
    if not is_stored or write_cursor(list_name, position) != token.rstrip("="):
        raise ValueError("Not a token of this list")
    return position
