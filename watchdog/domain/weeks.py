"""Weeks as ISO 8601 counts them: from Monday to Sunday, by the wall clock of a zone."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.hours import first_instant
from rules.values import dataclass
from watchdog.domain.people import UTC_ZONE, Directory

_FIRST_YEAR = 2000
_NAME = re.compile(r"(\d{4})-W?(\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a zone.

    Attributes:
        monday: Its first day.
    """

    monday: date
    zone: ZoneInfo = UTC_ZONE

    def __str__(self) -> str:
        """Name it as people do: `2025-23`."""
        year, number, _ = self.monday.isocalendar()
        return f"{year}-{number:02}"

    @property
    def before(self) -> "Week":
        """Return the week before it."""
        return Week(self.monday - timedelta(days=7), self.zone)

    @property
    def days(self) -> tuple[date, ...]:
        """Return its seven days."""
        return tuple(self.monday + timedelta(days=one) for one in range(7))

    @property
    def since(self) -> datetime:
        """Return its first instant."""
        return self._begin_of(self.monday)

    @property
    def until(self) -> datetime:
        """Return the first instant after it."""
        return self._begin_of(self.monday + timedelta(days=7))

    def _begin_of(self, day: date) -> datetime:
        return first_instant(datetime.combine(day, time()), self.zone)


def week_at(now: datetime, zone: ZoneInfo) -> Week:
    """Return the week that an instant lies in."""
    return week_of(now.astimezone(zone).date(), zone)


def week_of(day: date, zone: ZoneInfo) -> Week:
    """Return the week that a day lies in."""
    return Week(day - timedelta(days=day.weekday()), zone)


def week_named(name: str, now: datetime, zone: ZoneInfo) -> Week:
    """Return the week of a name such as `2025-23` or `2025-W23`.

    Raises:
        ValueError: There is no such week, or it has not begun; the message says what to write.
    """
    latest = week_at(now, zone)
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"write a year and a week, such as {latest}")
    year, number = map(int, found.groups())
    if not _FIRST_YEAR <= year <= latest.monday.year + 1:
        raise ValueError(f"write a week from {_FIRST_YEAR}-01 to {latest}")
    try:
        monday = date.fromisocalendar(year, number, 1)
    except ValueError as error:
        raise ValueError(f"{year} has no week {number}") from error
    if monday > latest.monday:
        raise ValueError(f"it has not begun; the latest is {latest}")
    return Week(monday, zone)


def zone_of_weeks(directory: Directory) -> ZoneInfo:
    """Return the zone that all teams share, or UTC: so that a week has the same seven days for all."""
    zones = {one.zone.key: one.zone for one in directory.teams.values()}
    return next(iter(zones.values())) if len(zones) == 1 else UTC_ZONE
