"""Cron lines: what they say, and when their slots are in a zone whose clocks change.

Clocks that change make two kinds of slots. A line that names its times (`30 2 * * *`) has one slot
for each of them: a time that is skipped comes at the first instant after the gap, a time that is
repeated comes the first time only. A line whose minute or hour begins with `*` keeps a pace
(`*/15 * * * *`): it has a slot at each real instant whose local time it names, so none in a gap
and twice as many in an hour that is repeated.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.instants import change_between
from rules.values import dataclass

CRON_MAX = 100
"""Most characters of a cron line."""

_DAYS_MAX = 41 * 366
"""How far a slot is looked for: 29 February and a Sunday meet at least once in 40 years."""

_LINES_KEPT = 4096
_DAYS_KEPT = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_FIRST_DAY, _LAST_DAY = 3, date.max.toordinal() - 2
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(ValueError):
    """A text is no cron line; the message says which field, what stands there, and what may."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron line that was read.

    Attributes:
        text: As it was written, with single spaces; equal texts are equal lines.
        times: Minutes of the day, in order.
        weekdays: 0 is Sunday.
        either: Whether a day is enough that is right by date or by weekday.
        keeps_pace: Whether slots follow real time rather than the clock on the wall.
    """

    text: str
    times: Sequence[int] = field(compare=False, repr=False)
    days: frozenset[int] = field(compare=False, repr=False)
    months: frozenset[int] = field(compare=False, repr=False)
    weekdays: frozenset[int] = field(compare=False, repr=False)
    either: bool = field(compare=False, repr=False)
    keeps_pace: bool = field(compare=False, repr=False)

    def is_on(self, day: int) -> bool:
        """Return whether there are slots on the local date with this ordinal."""
        on = date.fromordinal(day)
        if on.month not in self.months:
            return False
        by_date, by_weekday = on.day in self.days, day % 7 in self.weekdays
        return by_date or by_weekday if self.either else by_date and by_weekday


@dataclass(frozen=True, slots=True)
class _Field:
    """What may stand in one of the five places.

    Attributes:
        names: Of its values, from the lowest on.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def step_max(self) -> int:
        return len(self.names) or self.high - self.low + 1

    @property
    def allowed(self) -> str:
        words = f"{self.low}-{self.high}"
        if self.names:
            words += f", {self.names[0]}-{self.names[-1]}"
        return f"{words}, `*`, lists, ranges and steps up to {self.step_max}"


_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_PART = re.compile(
    r"(?:\*|(?P<first>\d{1,2}|[a-z]{3})(?P<range>-(?P<last>\d{1,2}|[a-z]{3}))?)"
    r"(?:/(?P<step>\d{1,2}))?",
    re.ASCII | re.IGNORECASE,
)


@lru_cache(maxsize=_LINES_KEPT)
def parse_cron(text: str) -> Cron:
    """Return the line that `text` is: five fields, or a nickname such as `@hourly`.

    Days of the month and of the week are alternatives where neither begins with `*`; else both
    must be right. `5/15` means from 5 on; a range may end in Sunday.

    Raises:
        CronError: It is none, or it never comes, such as 30 February.
    """
    line = " ".join(text.split())
    if len(line) > CRON_MAX:
        raise CronError(f"it is longer than {CRON_MAX} characters")
    fields = _NICKNAMES.get(line.lower(), line).split(" ")
    if line.startswith("@") and len(fields) == 1:
        raise CronError(f"`{line}` is unknown; allowed are {', '.join(_NICKNAMES)}")
    if len(fields) != len(_FIELDS) or not line:
        count = len(fields) if line else 0
        said = "1 field" if count == 1 else f"{count} fields"
        raise CronError(f"it has {said}, not 5: {', '.join(one.name for one in _FIELDS)}")
    minutes, hours, days, months, weekdays = (
        _values(place, one) for place, one in zip(_FIELDS, fields, strict=True)
    )
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    if not either and not any(day <= _LONGEST[month] for day in days for month in months):
        raise CronError(f"day {min(days)} of month {fields[3]} never comes")
    return Cron(
        line,
        tuple(60 * hour + minute for hour in sorted(hours) for minute in sorted(minutes)),
        frozenset(days),
        frozenset(months),
        frozenset(one % 7 for one in weekdays),
        either,
        keeps_pace=fields[0].startswith("*") or fields[1].startswith("*"),
    )


def _values(place: _Field, text: str) -> set[int]:
    return {value for part in text.split(",") for value in _part(place, part)}


def _part(place: _Field, text: str) -> range:
    match = _PART.fullmatch(text)
    if match is None:
        raise _unknown(place, text)
    step = int(match["step"] or 1)
    first, last = place.low, place.high
    if match["first"]:
        first = _value(place, match["first"], text)
        last = first if not match["step"] else place.high
    if match["range"]:
        last = _value(place, match["last"], text)
        last = 7 if place.high == 7 and last == 0 < first else last
    if first > last or not 1 <= step <= place.step_max:
        raise _unknown(place, text)
    return range(first, last + 1, step)


def _value(place: _Field, word: str, text: str) -> int:
    value = int(word) if word.isdigit() else -1
    if word.lower() in place.names:
        value = place.low + place.names.index(word.lower())
    if not place.low <= value <= place.high:
        raise _unknown(place, text)
    return value


def _unknown(place: _Field, text: str) -> CronError:
    return CronError(f"`{text}` cannot be the {place.name}; allowed are {place.allowed}")


def previous_slots(cron: Cron, zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    """Yield the slots before `at`, the latest first; a slot at `at` is not before it.

    Offsets of zones are taken to be whole minutes, as all have been since 1972.
    """
    minute = -(-(at - _EPOCH) // _MINUTE)
    while (slot := _previous(cron, zone, minute)) is not None:
        yield _EPOCH + slot * _MINUTE
        minute = slot


def next_slots(cron: Cron, zone: ZoneInfo, at: datetime) -> Iterator[datetime]:
    """Yield the slots after `at`, the earliest first."""
    minute = (at - _EPOCH) // _MINUTE
    while (slot := _next(cron, zone, minute)) is not None:
        yield _EPOCH + slot * _MINUTE
        minute = slot


def _previous(cron: Cron, zone: ZoneInfo, before: int) -> int | None:
    """Return the last slot before a minute; a gap at midnight carries slots into the next day."""
    start = _local_day(zone, before) + 1
    for day in range(start, max(start - _DAYS_MAX, _FIRST_DAY), -1):
        if cron.is_on(day):
            near = [_slots(cron, zone, one) for one in (day, day - 1) if cron.is_on(one)]
            found = [one[place - 1] for one in near if (place := bisect_left(one, before))]
            if found:
                return max(found)
    return None


def _next(cron: Cron, zone: ZoneInfo, after: int) -> int | None:
    start = _local_day(zone, after) - 1
    for day in range(start, min(start + _DAYS_MAX, _LAST_DAY)):
        if cron.is_on(day):
            near = [_slots(cron, zone, one) for one in (day, day + 1) if cron.is_on(one)]
            found = [one[place] for one in near if (place := bisect_right(one, after)) < len(one)]
            if found:
                return min(found)
    return None


def _local_day(zone: ZoneInfo, minute: int) -> int:
    day = (_EPOCH + minute * _MINUTE).astimezone(zone).toordinal()
    return min(max(day, _FIRST_DAY + 1), _LAST_DAY - 1)


@lru_cache(maxsize=_DAYS_KEPT)
def _slots(cron: Cron, zone: ZoneInfo, day: int) -> Sequence[int]:
    """Return the slots that belong to a local date, in minutes since 1970, in order.

    Kept, because all entities and looks of a day share them.
    """
    start = datetime.combine(date.fromordinal(day), time(), zone)
    end = start + timedelta(days=1)
    if start.utcoffset() == end.replace(fold=1).utcoffset():
        first = _minute(start)
        return array("q", [first + one for one in cron.times])
    walls = (start + one * _MINUTE for one in cron.times)
    return array("q", sorted({slot for wall in walls for slot in _instants(cron, wall)}))


def _instants(cron: Cron, wall: datetime) -> Iterable[int]:
    """Return when a clock on the wall shows a time on a day on which clocks change."""
    first, again = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == again:
        return [_minute(first)]
    is_skipped = again < first
    if cron.keeps_pace:
        return [] if is_skipped else [_minute(first), _minute(again)]
    assert isinstance(wall.tzinfo, ZoneInfo)
    return [_minute(change_between(again, first, wall.tzinfo) if is_skipped else first)]


def _minute(at: datetime) -> int:
    return (at - _EPOCH) // _MINUTE
