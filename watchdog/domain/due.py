"""On which days something that comes once a day is due, and at which instant."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.cron import Cron, parse_cron
from rules.hours import first_instant
from rules.values import dataclass

_DAYS_MAX = 9 * 366
"""How far a day is looked for: 29 February comes at least once in eight years."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A day on which it is due.

    Attributes:
        at: When the clock on the wall first shows the time of that day, or more if it is skipped.
            That may be on the next day, where clocks are changed at midnight.
    """

    day: date
    at: datetime


def every_day(cron: Cron) -> Cron:
    """Return the line for the same time on all days."""
    [minute] = cron.times
    return parse_cron(f"{minute % 60} {minute // 60} * * *")


def latest_due(cron: Cron, zone: ZoneInfo, now: datetime) -> Due | None:
    """Return the last day whose time has come, that of `now` included; None if there is none.

    Args:
        cron: A line with one time of the day.
    """
    today = now.astimezone(zone).date()
    near = (today + _DAY - ago * _DAY for ago in range(_DAYS_MAX))
    return next((one for one in _dues(cron, zone, near) if one.at <= now), None)


def next_due(cron: Cron, zone: ZoneInfo, now: datetime) -> Due | None:
    """Return the next day whose time has not come yet; None if there is none."""
    today = now.astimezone(zone).date()
    near = (today - _DAY + ahead * _DAY for ahead in range(_DAYS_MAX))
    return next((one for one in _dues(cron, zone, near) if one.at > now), None)


def _dues(cron: Cron, zone: ZoneInfo, days: Iterable[date]) -> Iterable[Due]:
    [minute] = cron.times
    at = time(minute // 60, minute % 60)
    for day in days:
        if cron.is_on(day.toordinal()):
            yield Due(day, first_instant(datetime.combine(day, at), zone))
