"""Hours of a week by the wall clock of a zone: whether it is such an hour, and how many have passed.

An hour that DST skips begins with the first instant after the gap; one that it repeats, with the
first of the two. So a day is as long as its people live it: 23, 24 or 25 hours.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.values import dataclass

YEARS_MAX = 20
"""Hours longer ago than this are not counted: nothing waits for as long."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The same hours on some days of each week.

    Attributes:
        days: 0 is Monday. `start` to `end` on each of them; an `end` before `start` is on the next
            day, and `end` equal to `start` is the whole day.
    """

    days: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """When something counts: hours in one zone, or in the zone that a column of each row names.

    Attributes:
        zone: Name of the zone; empty where `column` says it.
    """

    hours: WeeklyHours
    zone: str = "UTC"
    column: str = ""


@dataclass(frozen=True, slots=True)
class _Spans:
    """Spans of one year, oldest first, as epoch seconds; `before[i]` seconds lie in those before i."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    before: tuple[float, ...]


def span_at(at: datetime, hours: WeeklyHours, zone: str) -> tuple[datetime, datetime] | None:
    """Return the span of the hours that `at` lies in, its end excluded; None outside of them."""
    now = at.timestamp()
    year = _year_of(at)
    for spans in (_spans(hours, zone, year), _spans(hours, zone, year - 1)):
        place = bisect_right(spans.starts, now) - 1
        if place >= 0 and now < spans.ends[place]:
            return _instant(spans.starts[place]), _instant(spans.ends[place])
    return None


def begins_after(at: datetime, hours: WeeklyHours, zone: str) -> datetime:
    """Return when the next span of the hours begins, after `at`."""
    year = _year_of(at)
    for one in (year - 1, year, year + 1):
        starts = _spans(hours, zone, one).starts
        place = bisect_right(starts, at.timestamp())
        if place < len(starts):
            return _instant(starts[place])
    raise ValueError("hours of no day never begin")


def active_time(since: datetime, now: datetime, hours: WeeklyHours, zone: str) -> timedelta:
    """Return how much of the time from `since` to `now` lies in the hours; zero if `since` is later.

    Only the last `YEARS_MAX` years are counted.
    """
    if since >= now:
        return timedelta()
    last = _year_of(now)
    seconds = 0.0
    for year in range(max(_year_of(since) - 1, last - YEARS_MAX), last + 1):
        spans = _spans(hours, zone, year)
        seconds += _passed(spans, now.timestamp()) - _passed(spans, since.timestamp())
    return timedelta(seconds=seconds)


def active_since(span: timedelta, now: datetime, hours: WeeklyHours, zone: str) -> datetime:
    """Return the instant before which, and only before which, more than `span` of active time began.

    What happened at that instant or later has an active age of at most `span`.
    """
    rest = span.total_seconds()
    for start, end in _backwards(now, hours, zone):
        if end - start > rest:
            return _instant(end - rest)
        rest -= end - start
    return datetime(_year_of(now) - YEARS_MAX, 1, 1, tzinfo=UTC)


def active_after(
    since: datetime, span: timedelta, now: datetime, hours: WeeklyHours, zone: str
) -> datetime:
    """Return when `span` of active time has passed since an instant; `now` if it has not by then."""
    more = active_time(since, now, hours, zone) - span
    return (
        min(now, max(since, active_since(more, now, hours, zone))) if more >= timedelta() else now
    )


def _backwards(now: datetime, hours: WeeklyHours, zone: str) -> Iterator[tuple[float, float]]:
    """Yield the spans before `now`, the latest first and cut there."""
    until = now.timestamp()
    last = _year_of(now)
    for year in range(last, last - YEARS_MAX - 1, -1):
        spans = _spans(hours, zone, year)
        for start, end in zip(reversed(spans.starts), reversed(spans.ends), strict=True):
            if start < until:
                yield start, min(end, until)


def _passed(spans: _Spans, at: float) -> float:
    """Return how many seconds of the spans lie before an instant."""
    place = bisect_right(spans.starts, at) - 1
    if place < 0:
        return 0.0
    return spans.before[place] + min(at, spans.ends[place]) - spans.starts[place]


def _year_of(at: datetime) -> int:
    """Return a year that is over everywhere once it is the year before."""
    return (at + _DAY).year


@lru_cache(maxsize=1024)
def _spans(hours: WeeklyHours, zone: str, year: int) -> _Spans:
    """Return the spans that begin on a day of the year, by the wall clock."""
    place = ZoneInfo(zone)
    day = date(year, 1, 1)
    starts, ends, before, total = [], [], [], 0.0
    while day.year == year:
        if day.weekday() in hours.days:
            end_day = day if hours.end > hours.start else day + _DAY
            start = first_instant(datetime.combine(day, hours.start), place).timestamp()
            end = first_instant(datetime.combine(end_day, hours.end), place).timestamp()
            if start < end:  # else all of them are skipped on that day
                starts.append(start)
                ends.append(end)
                before.append(total)
                total += end - start
        day += _DAY
    return _Spans(tuple(starts), tuple(ends), tuple(before))


def first_instant(wall: datetime, place: ZoneInfo) -> datetime:
    """Return the first instant at which the wall clock shows `wall`, or more if it skips that."""
    at = wall.replace(tzinfo=place).astimezone(UTC)
    if _wall(at, place) == wall:
        return at
    # In a gap: it lies between the two readings of `wall`, by the offsets before and after.
    early = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    while at - early > _SECOND:
        middle = early + (at - early) // 2
        early, at = (early, middle) if _wall(middle, place) >= wall else (middle, at)
    return at.replace(microsecond=0)


def _wall(at: datetime, place: ZoneInfo) -> datetime:
    return at.astimezone(place).replace(tzinfo=None)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
