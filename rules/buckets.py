"""Stretches of the clock: the hours and days of a zone, whatever its clock does."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rules.durations import shown
from rules.hours import first_instant
from rules.values import dataclass

DAY = timedelta(days=1)
WEEKS_MAX = 12
_KEPT_MAX = 20_000
"""Buckets: every look until the next one ends asks for the same ones, through twelve weeks of zones."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COMPARED = re.compile(r"same (hour|weekday) of the last (\d{1,2}) weeks?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time; `until` is no part of it.

    Attributes:
        name: Its place in the day on the wall clock: `09:15`.
        weekday: Of its beginning: `mon`.
    """

    since: datetime
    until: datetime
    name: str
    weekday: str

    @property
    def length(self) -> timedelta:
        """Return how long it is: a day is 23, 24 or 25 hours."""
        return self.until - self.since

    def meets(self, since: datetime, until: datetime) -> bool:
        """Return whether some of it lies in a span."""
        return self.since < until and since < self.until


@dataclass(frozen=True, slots=True)
class Compared:
    """With what a bucket is compared: the same time of every day, or of the same weekday."""

    same: Literal["hour", "weekday"]
    weeks: int

    @property
    def days(self) -> range:
        """Return how many days back each of the compared buckets lies."""
        step = 1 if self.same == "hour" else 7
        return range(step, 7 * self.weeks + 1, step)

    @property
    def reach(self) -> timedelta:
        """Return how far back the farthest lies."""
        return timedelta(weeks=self.weeks)

    def __str__(self) -> str:
        weeks = "week" if self.weeks == 1 else "weeks"
        return f"same {self.same} of the last {self.weeks} {weeks}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            parse_compared, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": _COMPARED.pattern}


def parse_compared(given: object) -> Compared:
    """Return what was written.

    Raises:
        PydanticCustomError: `bad_compare`.
    """
    if isinstance(given, Compared):
        return given
    match = _COMPARED.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        raise _bad_compare(
            given, "write `same hour of the last 4 weeks` or `same weekday of the last 4 weeks`"
        )
    weeks = int(match[2])
    if not 1 <= weeks <= WEEKS_MAX:
        raise _bad_compare(given, f"write 1 to {WEEKS_MAX} weeks")
    if match[1] == "weekday":
        if weeks < 3:
            raise _bad_compare(given, "fewer than 3 days tell nothing: write at least 3 weeks")
        return Compared("weekday", weeks)
    return Compared("hour", weeks)


def _bad_compare(given: object, hint: str) -> PydanticCustomError:
    about = {"given": shown(given), "hint": hint}
    return PydanticCustomError("bad_compare", "`{given}` says nothing to compare with", about)


@lru_cache(maxsize=_KEPT_MAX)
def bucket(day: date, place: int, per: timedelta, zone: ZoneInfo) -> Bucket:
    """Return one bucket of a day. Kept: what a zone's clock does is looked up at great length.

    Args:
        place: 0 for the one that begins at midnight.
    """
    midnight = datetime.combine(day, time())
    begins, ends = midnight + place * per, midnight + (place + 1) * per
    # Those of an hour that is skipped are empty, and lie where it would have been.
    since, until = (first_instant(wall, zone) for wall in (begins, ends))
    return Bucket(since, until, f"{begins:%H:%M}", _WEEKDAYS[begins.weekday()])


def is_regular(one: Bucket, per: timedelta) -> bool:
    """Return whether a bucket may be compared: no clock was turned in it, or it is a day."""
    return per in (DAY, one.length)


def last_complete(now: datetime, per: timedelta, zone: ZoneInfo) -> tuple[date, int]:
    """Return day and place of the last bucket that has ended."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    start = wall - (wall - datetime.combine(wall.date(), time())) % per
    while bucket(*_place(start, per), per, zone).until > now:
        start -= per
    return _place(start, per)


def _place(start: datetime, per: timedelta) -> tuple[date, int]:
    return start.date(), (start - datetime.combine(start.date(), time())) // per


def before(
    day: date, place: int, per: timedelta, zone: ZoneInfo, compared: Compared
) -> Iterator[Bucket]:
    """Yield the buckets that one is compared with, the latest first, without those of a turned clock."""
    for days in compared.days:
        one = bucket(day - timedelta(days=days), place, per, zone)
        if is_regular(one, per):
            yield one
