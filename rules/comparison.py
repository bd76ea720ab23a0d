"""Conditions on one value, as teams write them."""

import math
import operator
import re
from typing import Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rules.durations import shown
from rules.numbers import as_float
from rules.values import dataclass

Plain: TypeAlias = str | int | float | bool | None
_COMPARISON = re.compile(r"\s*(>=|<=|!=|==?|>|<)\s*(.*?)\s*", re.DOTALL)
_ORDERS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A condition on one value: `> 100`, `>= 5`, `< 10`, `= ok`, `!= down`; a plain value means `=`."""

    operator: str
    operand: Plain

    def holds(self, value: object) -> bool:
        """Return whether `value` meets the condition; an order holds only between numbers."""
        if self.operator in {"=", "!="}:
            return self._equals(value) == (self.operator == "=")
        if not is_number(value) or not is_number(self.operand):
            return False
        left: Any = value
        right: Any = self.operand
        return bool(_ORDERS[self.operator](left, right))

    def _equals(self, value: object) -> bool:
        if isinstance(value, bool) or isinstance(self.operand, bool):
            # True == 1 in Python, but not in JSON.
            return value is self.operand
        if isinstance(value, str) and is_number(self.operand):
            return value == str(self.operand)
        return value == self.operand

    @property
    def bound(self) -> float | None:
        """Return the number it compares with, if it is one."""
        return as_float(self.operand)

    @property
    def rises(self) -> bool | None:
        """Return True for `>`, False for `<`, None for equality."""
        return {">": True, "<": False}.get(self.operator[0])

    def __str__(self) -> str:
        return f"{self.operator} {_plain_text(self.operand)}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            parse_comparison,
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": ["string", "number", "boolean", "null"]}


def is_number(value: object) -> bool:
    """Return whether `value` is an int or a finite float; a bool is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _plain_text(value: Plain) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_comparison(given: object) -> Comparison:
    """Return the condition that was written.

    Raises:
        PydanticCustomError: `bad_comparison`.
    """
    if isinstance(given, Comparison):
        return given
    if given is None or isinstance(given, bool) or is_number(given):
        return Comparison("=", given)  # type: ignore[arg-type]
    match = _COMPARISON.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        if not isinstance(given, str) or not given.strip():
            raise _bad_comparison(given)
        return Comparison("=", given.strip())
    sign, operand = match.group(1).replace("==", "="), _operand(match.group(2))
    if match.group(2) == "" or (sign[0] in "<>" and not is_number(operand)):
        raise _bad_comparison(given)
    return Comparison(sign, operand)


def _bad_comparison(given: object) -> PydanticCustomError:
    return PydanticCustomError(
        "bad_comparison",
        "`{given}` is not a comparison",
        {"given": shown(given), "hint": 'write it like `"> 100"`, `"<= 5"` or `"= ok"`'},
    )


def _operand(text: str) -> Plain:
    if _NUMBER.fullmatch(text):
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    words: dict[str, Plain] = {"true": True, "false": False, "null": None}
    return words.get(text, text)
