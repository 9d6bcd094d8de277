"""What the README tells administrators to write, word for word."""

import json
import re
from pathlib import Path

_README = Path(__file__).parent.parent / "README.md"

# A process of Synapse that has loaded the module.
_ADDRESS = "127.0.0.1:8008"


def example(heading: str) -> str:
    """The first block of code below a heading."""
    found = re.search(
        rf"^#+ {re.escape(heading)}$(?:(?!^#+ ).)*?^```\w+\n(.*?)^```$",
        _README.read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None, heading
    return found[1]


def recipe(proxy: str, address: str) -> str:
    """How to put the module behind the documented path, with a proxy.

    Args:
        proxy: such as `nginx`.
        address: of the process that is to answer.
    """
    text = example(proxy)
    assert text.count(_ADDRESS) == 1
    return text.replace(_ADDRESS, address)


def answers_shown() -> dict[str, object]:
    """The answers of the API that are shown, by path and query."""
    return {
        request: json.loads(answer)
        for request, answer in re.findall(
            r"^`GET (\S+)`\n\n```json\n(.*?)^```$",
            _README.read_text(),
            re.MULTILINE | re.DOTALL,
        )
    }
