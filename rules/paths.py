"""Files as teams name them: a path or a pattern, one or several."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from rules.durations import shown
from rules.fields import one_or_many

PATH_MAX = 1000
PATTERNS_MAX = 20


def _pattern(given: str) -> str:
    text = given.strip()
    if not text or len(text) > PATH_MAX or "\0" in text or text.endswith("/"):
        hint = "write it like `/var/log/api/*.log`"
        about = {"given": shown(given), "hint": hint}
        raise PydanticCustomError("bad_path", "`{given}` names no files", about)
    if "**" in text:
        about = {"given": shown(given), "hint": "write a `*` for each folder on the way"}
        raise PydanticCustomError("bad_path", "`{given}` goes through any number of folders", about)
    return text


def _few(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(patterns) <= PATTERNS_MAX:
        raise PydanticCustomError("no_words", "must name 1 to {most} files", {"most": PATTERNS_MAX})
    return patterns


Pattern = Annotated[str, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], AfterValidator(_few), BeforeValidator(one_or_many)]
"""One path or several; `*`, `?` and `[…]` stand for parts of a name, a hidden name is named."""


def listed(patterns: tuple[str, ...]) -> str:
    """Return the patterns for a sentence."""
    more = f" and {len(patterns) - 1} more" if len(patterns) > 1 else ""
    return f"`{shown(patterns[0])}`{more}"
