"""How far something may be from what is usual, as teams write it: `30%..300%`."""

import re
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rules.durations import shown
from rules.values import dataclass

_RANGE = re.compile(r"(?:(\d{1,3}(?:\.\d{1,3})?)%)?\.\.(?:(\d{1,7}(?:\.\d{1,3})?)%)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Range:
    """Parts of the usual between which all is well; None for no bound.

    Attributes:
        least: Below 1, as in `30%..`.
        most: Above 1, as in `..300%`.
    """

    least: float | None
    most: float | None

    def holds(self, other: "Range") -> bool:
        """Return whether the whole of another range lies inside."""
        least = self.least is None or (other.least is not None and other.least >= self.least)
        return least and (self.most is None or (other.most is not None and other.most <= self.most))

    def __str__(self) -> str:
        return f"{_percent(self.least)}..{_percent(self.most)}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            parse_range, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": _RANGE.pattern}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{round(share * 100, 3):g}%"


def parse_range(given: object) -> Range:
    """Return the range that was written.

    Raises:
        PydanticCustomError: `bad_range`.
    """
    if isinstance(given, Range):
        return given
    match = _RANGE.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None or not any(match.groups()):
        raise _bad_range(given, "write it like `30%..300%`, `30%..` or `..400%`")
    least, most = (None if part is None else float(part) / 100 for part in match.groups())
    if (least is not None and least >= 1) or (most is not None and most <= 1):
        raise _bad_range(given, "100% is what is usual: it lies inside")
    return Range(least, most)


def _bad_range(given: object, hint: str) -> PydanticCustomError:
    about = {"given": shown(given), "hint": hint}
    return PydanticCustomError("bad_range", "`{given}` is not a range", about)
