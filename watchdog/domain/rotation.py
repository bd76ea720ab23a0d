"""Whose turn it is at an instant. Turns are counted by the wall clock of the team's zone.

A hand-over at an hour that DST skips happens at the first instant after the gap; at one that it
repeats, at the first of the two. So turns meet without gap or overlap, and one of 12 hours lasts 11
or 13 on two days of the year.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.hours import first_instant
from watchdog.domain.people import Rotation, Unit

NEVER = datetime.max.replace(tzinfo=UTC)

_SPANS = {
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.WEEKS: timedelta(weeks=1),
}


def turn_at(rotation: Rotation, at: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    """Return whose turn it is at an instant, and when the turn ends; one person's alone never does."""
    if len(set(rotation.order)) == 1:
        return rotation.order[0], NEVER
    wall = at.astimezone(zone).replace(tzinfo=None)
    number = _number(rotation, wall)
    # Where DST has just set the clock back, hand-overs that it shows again are already behind us.
    while (ends_at := first_instant(_begin(rotation, number + 1), zone)) <= at:
        number += 1
    return rotation.order[number % len(rotation.order)], ends_at


def _number(rotation: Rotation, wall: datetime) -> int:
    """Return the number of the latest turn that has begun when the clock first shows `wall`."""
    turn, first = rotation.turn, _first(rotation)
    if turn.unit is not Unit.MONTHS:
        return (wall - first) // (turn.count * _SPANS[turn.unit])
    months = 12 * (wall.year - first.year) + wall.month - first.month
    is_early = (wall.day, wall.time()) < (first.day, first.time())
    return (months - is_early) // turn.count


def _begin(rotation: Rotation, number: int) -> datetime:
    """Return what the clock shows when a turn begins."""
    turn, first = rotation.turn, _first(rotation)
    if turn.unit is not Unit.MONTHS:
        return first + number * turn.count * _SPANS[turn.unit]
    years, month = divmod(first.month - 1 + number * turn.count, 12)
    return first.replace(year=first.year + years, month=month + 1)


@lru_cache(maxsize=1024)
def _first(rotation: Rotation) -> datetime:
    """Return what the clock shows at the hand-over from which turns are counted."""
    day = rotation.since
    if rotation.turn.unit is Unit.WEEKS:
        day += timedelta(days=(rotation.weekday - day.weekday()) % 7)
    elif rotation.turn.unit is Unit.MONTHS:
        months = 12 * day.year + day.month - 1 + (day.day > rotation.day)
        day = day.replace(year=months // 12, month=months % 12 + 1, day=rotation.day)
    return datetime.combine(day, rotation.at)
