"""The tokens with which a list is paged that changes while it is read.

A token says after which row the next page begins, and not how many rows are before
it. So what is added or deleted meanwhile neither repeats rows nor hides any.
"""

import base64

from media_stats_module.questions import FilesPosition

# Both databases compare 64-bit signed integers; one more is an error there.
_KEYS = range(-(2**63), 2**63)


def write_cursor(list_name: str, position: FilesPosition) -> str:
    """The token for the rows after a position.

    Args:
        list_name: one line that tells lists apart that are sorted differently.
        position: the last row before the next page.
    """
    key = "" if position.key is None else str(position.key)
    text = "\n".join((list_name, key, position.server_name or "", position.media_id))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(list_name: str, token: str) -> FilesPosition:
    """The position that a token was written for.

    Raises:
        ValueError: it was not written for this list, or not by `write_cursor`.
    """
    padded = token + "=" * (-len(token) % 4)
    text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    # No list, number or server name has more than one line; what a media ID has in
    # it is up to the server that it is from.
    _, key, server_name, media_id = text.split("\n", 3)
    position = FilesPosition(int(key) if key else None, server_name or None, media_id)
    is_stored = (position.key or 0) in _KEYS and "\0" not in text
    if not is_stored or write_cursor(list_name, position) != token.rstrip("="):
        raise ValueError("Not a token of this list")
    return position
