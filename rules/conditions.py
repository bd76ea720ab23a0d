"""Which documents count: conditions on their fields, as teams write them."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from rules import jsonpath
from rules.classify import compiled
from rules.comparison import Comparison, parse_comparison
from rules.durations import shown
from rules.log_lines import field_of
from rules.parsing import ParsedBy
from rules.values import dataclass

WORDS_MAX = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a field must be like: something at all, one of several, or text that a pattern finds.

    Attributes:
        any_of: One of these must hold; without them anything does.
        pattern: A regular expression (RE2); '' for none.
    """

    any_of: tuple[Comparison, ...] = ()
    pattern: str = ""

    def holds(self, value: object) -> bool:
        """Return whether a value, which may be MISSING, is as wanted."""
        if value is jsonpath.MISSING or value is None:
            return value is None and any(one.holds(None) for one in self.any_of)
        if self.pattern:
            return isinstance(value, str) and _is_found(self.pattern, value)
        return not self.any_of or any(one.holds(value) for one in self.any_of)


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A condition on the field at a path; a field that is missing meets none."""

    path: tuple[str, ...]
    wanted: Wanted

    def holds(self, document: Any) -> bool:
        """Return whether the document's field is as wanted."""
        return self.wanted.holds(field_of(document, self.path))


@lru_cache(maxsize=1000)
def _pattern(text: str) -> Any:
    return compiled(text, is_case_sensitive=True)


def _is_found(pattern: str, value: str) -> bool:
    # A lone surrogate, as JSON may spell it, has no bytes to look at.
    return bool(_pattern(pattern).search(value.encode("utf-8", "replace").decode()))


def parse_condition(given: object) -> Wanted:
    """Return the condition that was written.

    Raises:
        PydanticCustomError: `bad_condition`, `bad_comparison`, `bad_pattern` or `no_words`.
    """
    if isinstance(given, Wanted):
        return given
    if given == "exists":
        return Wanted()
    if isinstance(given, dict):
        return Wanted(pattern=_checked(given))
    if isinstance(given, list | tuple):
        if not 1 <= len(given) <= WORDS_MAX:
            raise PydanticCustomError(
                "no_words", "must name 1 to {most} values", {"most": WORDS_MAX}
            )
        return Wanted(tuple(parse_comparison(one) for one in given))
    return Wanted((parse_comparison(given),))


def _checked(given: dict[Any, Any]) -> str:
    hint = "write `{ matches: ^token_ }`"
    if list(given) != ["matches"] or not isinstance(given["matches"], str):
        raise PydanticCustomError("bad_condition", "is no condition", {"hint": hint})
    text: str = given["matches"]
    try:
        _pattern(text)
    except ValueError as error:
        about = {"pattern": shown(text), "reason": str(error)}
        raise PydanticCustomError(
            "bad_pattern", "`{pattern}` is no regular expression: {reason}", about
        ) from None
    return text


def _spelled(wanted: Wanted) -> object:
    if wanted.pattern:
        return {"matches": wanted.pattern}
    return [str(one) for one in wanted.any_of] or "exists"


def _path(given: str) -> str:
    if jsonpath.steps(given) is None:
        hint = "write it like `level`, `extra.status` or `items[0].id`"
        about = {"given": shown(given), "hint": hint}
        raise PydanticCustomError("bad_path", "`{given}` is no path into JSON", about)
    return given


_SCHEMA = {"type": ["string", "number", "boolean", "null", "array", "object"]}
FieldPath = Annotated[str, AfterValidator(_path)]
"""Where a field stands in a document: `level`, `extra.status`, `items[0].id`."""

Condition = Annotated[Wanted, ParsedBy(parse_condition, _SCHEMA), PlainSerializer(_spelled)]
"""A comparison, a list of values, `{ matches: PATTERN }`, or `exists`."""
