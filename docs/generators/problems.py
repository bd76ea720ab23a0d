"""Every mistake that `watchdog check` finds, with an example from the tests."""

import re
from collections.abc import Iterator
from pathlib import Path

from docs.generators.text import filled

EXAMPLES = Path(__file__).parents[2] / "tests" / "config"
_HEAD = re.compile(r"(error|warning)\[([a-z-]+)\]: ")
_LINE_MAX = 120

RARE = {
    "too-large": (
        "A file is larger than 1 MiB, there are more than 1000 files, "
        "or a template makes more than 1000 rules."
    ),
    "no-library": "`channels.apprise` needs Apprise, which is not installed.",
    "unreadable-file": "A file is there, but this account may not read it.",
}
"""What no example can show, in a sentence."""


def page() -> str:
    """Return docs/problems.md."""
    problems = [f"## {code}\n\n```text\n{text}\n```\n" for code, text in sorted(shortest().items())]
    rare = [f"- `{code}`: {words}" for code, words in RARE.items()]
    return filled("problems.md", {"problems": "\n".join(problems), "rare": "\n".join(rare)})


def shortest() -> dict[str, str]:
    """Return for each code the example that is read quickest."""
    found: dict[str, str] = {}
    for code, text in _blocks():
        if code not in found or _trouble(text) < _trouble(found[code]):
            found[code] = text
    return found


def _blocks() -> Iterator[tuple[str, str]]:
    for path in sorted(EXAMPLES.glob("*.bad.txt")):
        block: list[str] = []
        for line in [*path.read_text("utf-8").splitlines(), "error[end]: "]:
            if _HEAD.match(line) and block:
                matched = _HEAD.match(block[0])
                if matched:
                    yield matched[2], "\n".join(block)
                block = []
            block.append(line)
        # what stands below the last problem of a file is its summary


def _trouble(text: str) -> tuple[bool, int]:
    """Return how hard an example is to read: long lines scroll."""
    return max(map(len, text.splitlines())) > _LINE_MAX, len(text)
