"""What a plain scalar means: the core schema of YAML 1.2, in which `no` and `23:00` are text."""

import math
import re
from typing import TypeAlias

from watchdog.config.nodes import Listing, Node, Scalar

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,4})?")


def resolve(text: str) -> bool | int | float | str | None:
    """Return the value of a plain scalar.

    What no finite number of ours can hold (`.nan`, `.inf`, `1e999`, 5,000 digits) stays text, so
    that a number's field refuses it and a text's field takes it as it stands.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _WHOLE.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def plain(node: Node) -> Plain:
    """Return a node as plain Python values; the reader has bounded its depth."""
    if isinstance(node, Scalar):
        return resolve(node.text) if node.is_plain else node.text
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}
