"""How days, hours and their zone are written where they bound what counts."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from rules.fields import Column
from rules.hours import WeeklyHours
from rules.parsing import ParsedBy
from rules.values import dataclass
from watchdog.config.problems import shown
from watchdog.config.types import days_of, parse_zone, refusal, span_of, text_of

_ZONE_HINT = "write a zone's name, or `{ column: timezone }`"


@dataclass(frozen=True, slots=True)
class RowZone:
    """The zone that a column of each row names."""

    column: str


def _parse_days(given: object) -> frozenset[int]:
    hint = "write it like `mon-fri` or `sat,sun`"
    return frozenset(days_of(text_of(given, "bad_day", "a set of days", hint), hint))


def _parse_hours(given: object) -> tuple[time, time]:
    hint = "write it like `06:00-20:00`"
    text = text_of(given, "bad_hours", "a set of hours", hint)
    start, dash, end = text.partition("-")
    if not dash:
        raise refusal("bad_hours", "`{given}` is not a set of hours", hint, given=shown(text))
    return span_of(start, end, "the hours end when they begin", hint)


def _parse_zone_or_column(given: object) -> ZoneInfo | RowZone:
    if not isinstance(given, Mapping):
        return parse_zone(given)
    if set(given) != {"column"}:
        raise refusal("bad_zone", "cannot be this mapping", _ZONE_HINT)
    try:
        return RowZone(TypeAdapter(Column).validate_python(given["column"]))
    except ValidationError as error:
        raise refusal("bad_column", error.errors()[0]["msg"], _ZONE_HINT) from None


def _parse_wall(given: object) -> datetime:
    hint = "write it like `2026-11-23 22:00`"
    text = text_of(given, "bad_time", "a day and a time", hint)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 (its zone is another key)
    except ValueError:
        words = "`{given}` is not a day and a time"
        raise refusal("bad_time", words, hint, given=shown(text)) from None


_TEXT = {"type": "string"}
Days = Annotated[frozenset[int], ParsedBy(_parse_days, _TEXT)]
DayHours = Annotated[tuple[time, time], ParsedBy(_parse_hours, _TEXT)]
Wall = Annotated[datetime, ParsedBy(_parse_wall, _TEXT)]
"""A day and a time by the wall clock, its zone said elsewhere."""
ZoneOrColumn = Annotated[
    ZoneInfo | RowZone,
    ParsedBy(_parse_zone_or_column, {"type": ["string", "object"]}),
]


def weekly(days: frozenset[int] | None, hours: tuple[time, time] | None) -> WeeklyHours:
    """Return hours of a week: of every day, or the whole day, where only the other is said."""
    return WeeklyHours(frozenset(range(7)) if days is None else days, *(hours or (time(), time())))
