"""Types of settings: what a team may write, and what it is told when it wrote something else.

Each refusal is a `PydanticCustomError`: its message names what was written, its context may hold
a `hint` that shows the right spelling.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_args

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema

from rules.base import Severity
from rules.comparison import Comparison
from rules.durations import format_duration, parse_duration, shown
from rules.numbers import GREATEST
from rules.parsing import ParsedBy
from rules.ranges import Range
from rules.sql_tokens import Lexeme, Token, tokens
from rules.values import dataclass

TEXT_MAX = 20_000
"""Most characters of a fragment of SQL."""


def _positive(span: timedelta) -> timedelta:
    if not span:
        raise PydanticCustomError("bad_duration", "must be longer than 0s", {"hint": "write `30m`"})
    return span


Duration = Annotated[
    timedelta,
    ParsedBy(
        parse_duration,
        {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$|^\d+ms$"},
    ),
    PlainSerializer(format_duration, return_type=str),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]


def _number(given: object) -> float:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    # Above it no float is left to hold a value against; NaN is below nothing.
    if not number or not abs(given) <= GREATEST:  # type: ignore[arg-type]
        raise PydanticCustomError(
            "bad_number", "`{given}` is not a number", {"given": shown(given)}
        )
    return given  # type: ignore[return-value]


def _spelled_out(number: float) -> float:
    """Return 5.0 for 5: both are the same setting, so what is watched stays the same, too."""
    return float(number)


Number = Annotated[
    float,
    ParsedBy(_number, {"type": "number"}),
    PlainSerializer(_spelled_out, return_type=float),
]


def _count(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < 2**63:
        raise PydanticCustomError(
            "bad_count", "`{given}` is not a whole number from 0 up", {"given": shown(given)}
        )
    return given


Count = Annotated[int, ParsedBy(_count, {"type": "integer", "minimum": 0})]


def _at_least_one(count: int) -> int:
    if count < 1:
        raise PydanticCustomError("bad_count", "must be at least 1", {})
    return count


PositiveCount = Annotated[Count, AfterValidator(_at_least_one)]


class Share(float):
    """A part of a whole, from 0 to 1; it is said in percent."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{round(self * 100, 6):.10g}%"

    @property
    def rounded(self) -> str:
        """Return it with one digit behind the point; only all is `100%`, and only none `0%`."""
        if not 0 < self < 1:
            return str(self)
        return f"{min(max(round(self * 100, 1), 0.1), 99.9):g}%"


_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)


def _share(given: object) -> Share:
    percent = _PERCENT.fullmatch(given) if isinstance(given, str) else None
    if percent and (share := Fraction(percent[1]) / 100) <= 1:
        return Share(share)
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if is_number and 0 <= given <= 1:  # type: ignore[operator]
        return Share(given)  # type: ignore[arg-type]
    hint = f"write `{given:g}%`" if is_number and 1 < given <= 100 else "write `90%`"  # type: ignore[operator]
    about = {"given": shown(given), "hint": hint}
    raise PydanticCustomError("bad_share", "`{given}` is not a share", about)


Percent = Annotated[Share, ParsedBy(_share, {"type": ["string", "number"]})]
"""A share, written as `90%` or as a number from 0 to 1."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits(Generic[T]):
    """A threshold: one value at the rule's own severity, or one for each level.

    Written as a value, or as `{ warning: , critical: }` with one or both of them.
    """

    plain: T | None = None
    warning: T | None = None
    critical: T | None = None

    def levels(self, severity: Severity) -> tuple[tuple[Severity, T], ...]:
        """Return the limits with their severity, the most severe first.

        Args:
            severity: Of a limit that was written as a plain value.
        """
        pairs = ((Severity.CRITICAL, self.critical), (Severity.WARNING, self.warning))
        found = tuple((level, value) for level, value in pairs if value is not None)
        return found if self.plain is None else ((severity, self.plain),)

    @property
    def has_levels(self) -> bool:
        """Return whether the severity comes from here, so that the rule must not say it too."""
        return self.plain is None


class _ValueOrLevels:
    """Reads `Limits[T]`: a mapping as levels, anything else as the plain value."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        value, levels = _limits_schemas(source, handler)
        of_value, of_levels = SchemaValidator(value), SchemaValidator(levels)

        def validate(given: object) -> Limits[Any]:
            if isinstance(given, Limits):
                return given
            if not isinstance(given, Mapping):
                return Limits(plain=of_value.validate_python(given))
            found = of_levels.validate_python(given)
            if not found:
                raise PydanticCustomError(
                    "no_limit",
                    "names no limit",
                    {"hint": "write a value, or `{ warning: …, critical: … }`"},
                )
            return Limits(**found)

        return core_schema.no_info_plain_validator_function(
            validate, json_schema_input_schema=core_schema.union_schema([value, levels])
        )


def _limits_schemas(source: Any, handler: GetCoreSchemaHandler) -> tuple[CoreSchema, CoreSchema]:
    value = handler.generate_schema(get_args(source)[0])
    level = core_schema.typed_dict_field(value, required=False)
    return value, core_schema.typed_dict_schema(
        {"warning": level, "critical": level}, extra_behavior="forbid"
    )


def _in_order(limits: Limits[Any], *, falling: bool) -> None:
    warning, critical = limits.warning, limits.critical
    if warning is None or critical is None:
        return
    if critical > warning if falling else critical < warning:
        spelled = [_spelled(critical), "above" if falling else "below", _spelled(warning)]
        raise PydanticCustomError(
            "bad_order",
            "critical {critical} is {side} warning {warning}",
            dict(zip(("critical", "side", "warning"), spelled, strict=True)),
        )


def _spelled(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else f"{value}"


def _rising(limits: Limits[T]) -> Limits[T]:
    _in_order(limits, falling=False)
    return limits


def _falling(limits: Limits[T]) -> Limits[T]:
    _in_order(limits, falling=True)
    return limits


Most: TypeAlias = Annotated[Limits[T], _ValueOrLevels(), AfterValidator(_rising)]
"""Limits that are crossed upwards: critical is not below warning."""

Least: TypeAlias = Annotated[Limits[T], _ValueOrLevels(), AfterValidator(_falling)]
"""Limits that are crossed downwards: critical is not above warning."""


def _same_direction(limits: Limits[Comparison]) -> Limits[Comparison]:
    warning, critical = limits.warning, limits.critical
    if warning is None or critical is None or warning.bound is None or critical.bound is None:
        return limits
    if warning.rises is not None and warning.rises == critical.rises:
        _in_order(Limits(warning=warning.bound, critical=critical.bound), falling=not warning.rises)
    return limits


ComparisonLimits = Annotated[Limits[Comparison], _ValueOrLevels(), AfterValidator(_same_direction)]


def _around(limits: Limits[Range]) -> Limits[Range]:
    warning, critical = limits.warning, limits.critical
    if warning is not None and critical is not None and not critical.holds(warning):
        spelled = {"critical": str(critical), "warning": str(warning)}
        raise PydanticCustomError(
            "bad_order", "critical {critical} is not around warning {warning}", spelled
        )
    return limits


Ranges = Annotated[Limits[Range], _ValueOrLevels(), AfterValidator(_around)]
"""What may happen; critical begins farther out than warning."""

_NAME = r'(?:[^\W\d][\w$]{0,62}|"(?:[^"\x00]|""){1,63}")'
_STEP = r"\s*(?:->>?\s*(?:'(?:[^'\x00]|'')*'|-?\d{1,9})|#>>?\s*'\{[^'\x00]*\}')"
_TABLE = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,2}}")
_COLUMN = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,3}}(?:{_STEP}){{0,20}}")


def _table(given: object) -> str:
    if not isinstance(given, str) or not _TABLE.fullmatch(given):
        raise _bad_name("table", given, 'write `orders`, `public.orders` or `"Orders"`')
    return given


def _column(given: object) -> str:
    if not isinstance(given, str) or not _COLUMN.fullmatch(given):
        raise _bad_name("column", given, "write `updated_at`, `\"updatedAt\"` or `payload->>'at'`")
    return given


def _bad_name(what: str, given: object, hint: str) -> PydanticCustomError:
    return PydanticCustomError(
        f"bad_{what}", f"`{{given}}` is not a {what} name", {"given": shown(given), "hint": hint}
    )


Table = Annotated[str, ParsedBy(_table, {"type": "string"})]
Column = Annotated[str, ParsedBy(_column, {"type": "string"})]
"""A column as SQL spells it, or a path into a json column of it."""


@lru_cache(maxsize=4096)
def column_name(column: str) -> str:
    """Return what a column is called by: its last part, without qualifier and quotes.

    `o.workspace_id` is `workspace_id`, `"orgId"` is `orgId`, `payload->>'at'` is `at`.
    """
    *_, last = [t for t in tokens(column) if t.lexeme not in {Lexeme.SPACE, Lexeme.SYMBOL}]
    quote = last.text[0]
    if quote not in "'\"":
        return last.text
    return last.text[1:-1].replace(quote * 2, quote).strip("{}")


def fragment_problem(text: str) -> tuple[int, str] | None:
    """Return offset and words of the first thing that would let `text` leave its parentheses."""
    if not text.strip():
        return 0, "is empty"
    depth = 0
    for token in tokens(text):
        if problem := _token_problem(token):
            return token.at, problem
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            return token.at, "closes a parenthesis that it did not open"
    return (len(text), "leaves a parenthesis open") if depth else None


def _token_problem(token: Token) -> str:
    if not token.closed:
        return f"has a {token.lexeme} without its end"
    if token.lexeme is Lexeme.PLACEHOLDER and token.text.strip("{} \n\t") != "now":
        return f"holds `{token.text}`; only `{{{{ now }}}}` is known here"
    if token.lexeme in {Lexeme.LITERAL, Lexeme.QUOTED} and "{{" in token.text:
        return f"has a placeholder inside a {token.lexeme}"
    if token.lexeme is Lexeme.COMMENT:
        return "holds a comment"
    if token.lexeme is Lexeme.PARAMETER:
        return f"holds `{token.text}`, which stands for nothing"
    return {";": "holds a `;`", "\x00": "holds a zero byte"}.get(token.text, "")


def _fragment(given: object) -> str:
    if not isinstance(given, str) or len(given) > TEXT_MAX:
        raise PydanticCustomError("bad_sql", "is not a condition in SQL", {})
    if problem := fragment_problem(given):
        at, words = problem
        raise PydanticCustomError("bad_sql", "{words}", {"words": words, "offset": at})
    return given


SqlFragment = Annotated[str, ParsedBy(_fragment, {"type": "string"})]
"""A part of a statement, such as a `where`: one balanced piece without comments or `;`."""


def one_or_many(given: object) -> object:
    """Return a lone value as a list of one."""
    return given if isinstance(given, list | tuple) else [given]


def _word(given: object) -> str:
    """Return a status as text; numbers and booleans are spelled as SQL casts them to text."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str | int):
        return str(given)
    raise PydanticCustomError(
        "bad_word", "`{given}` is not a word or a whole number", {"given": shown(given)}
    )


def _filled(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise PydanticCustomError("no_words", "must name at least one", {})
    return words


Word = Annotated[str, ParsedBy(_word, {"type": ["string", "integer", "boolean"]})]
Words = Annotated[tuple[Word, ...], AfterValidator(_filled), BeforeValidator(one_or_many)]
"""One value of a column or a list of them, as text."""
