"""Values in a JSON document, by dotted paths with indexes: `items.0.id` or `items[0].id`."""

import json
import re
from enum import Enum
from typing import Any, Final, TypeAlias

from rules.wording import clipped


class Missing(Enum):
    """Stands for what a document does not hold; null is a value."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Steps: TypeAlias = tuple[str, ...]
_PATH = re.compile(r"[^.\[\]\s][^.\[\]]*(?:\.[^.\[\]]+|\[\d{1,9}\])*")
_STEP = re.compile(r"[^.\[\]]+")


class BadJsonError(ValueError):
    """A body that is no JSON document we can read."""


def steps(path: str) -> Steps | None:
    """Return the steps of a path, or None when it is none."""
    return tuple(_STEP.findall(path)) if _PATH.fullmatch(path) else None


def parse(body: bytes | str) -> Any:
    """Return the document.

    Raises:
        BadJsonError: It is not JSON, not text, nested too deeply, or a number has thousands of digits.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadJsonError(type(error).__name__) from None


def value_at(document: Any, path: Steps) -> Any:
    """Return the value at `path`, or MISSING."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step, MISSING)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def shown(value: Any) -> str:
    """Return a value as a reader expects it, short."""
    if value is MISSING:
        return "missing"
    if isinstance(value, str):
        return clipped(value, 80)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a huge number"
    return json.dumps(value)
