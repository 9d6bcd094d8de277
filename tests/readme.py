"""The commands and settings in the README and docs/, word for word."""

import json
import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent

README = _ROOT / "README.md"
PAGES = (README, *sorted((_ROOT / "docs").glob("*.md")))

# The README has one recipe for a proxy; docs/reverse-proxies.md has the others, each
# below the proxy's name.
_HEADING_IN_README = {"nginx": "Behind a reverse proxy"}

# A process of Synapse that has loaded the module.
_ADDRESS = r"127\.0\.0\.1:80\d\d"


def example(heading: str) -> str:
    """The first block of code below a heading, on any page."""
    for page in PAGES:
        found = re.search(
            rf"^#+ {re.escape(heading)}$(?:(?!^#+ ).)*?^```\w+\n(.*?)^```$",
            page.read_text(),
            re.MULTILINE | re.DOTALL,
        )
        if found is not None:
            return found[1]
    raise AssertionError(heading)


def recipe(heading: str, address: str) -> str:
    """A rule for a proxy.

    Args:
        heading: above the rule, such as `Caddy`; `nginx` is the rule in the README.
        address: the address of the process that answers.
    """
    text = example(_HEADING_IN_README.get(heading, heading))
    changed, number = re.subn(_ADDRESS, address, text)
    assert number == 1, text
    return changed


def commands(heading: str) -> list[str]:
    """The shell commands in the README below a heading."""
    text = README.read_text()
    return commands_in(
        text[text.index(f"\n## {heading}\n") + 1 :].partition("\n## ")[0]
    )


def commands_in(text: str) -> list[str]:
    """All shell commands in a part of a page."""
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [
        command.strip()
        for block in blocks
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)
        if command
    ]


def answers_shown() -> dict[str, object]:
    """The answers of the API in the README, by path and query."""
    return {
        request: json.loads(answer)
        for request, answer in re.findall(
            r"^`GET (\S+)`\n\n```json\n(.*?)^```$",
            README.read_text(),
            re.MULTILINE | re.DOTALL,
        )
    }
