"""Pushes that reached people, and at which hour of theirs. Pure."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from enum import StrEnum

from rules.values import dataclass
from watchdog.domain.people import Directory
from watchdog.domain.routing import person_receivers

ONE_PAGE = timedelta(seconds=60)
"""Pushes to a person within this span wake them once."""

NIGHT_BEGINS, NIGHT_ENDS = time(22), time(8)
"""By the wall clock of whoever is paged."""

_OFFICE_ENDS = time(18)
_SATURDAY = 5


class Hours(StrEnum):
    """Which hours of a person's day a page falls into."""

    WORK = "work"
    """Monday to Friday from 8 to 18."""
    OFF = "off"
    """From 18 to 22, and on weekends from 8."""
    NIGHT = "night"
    """From 22 to 8."""


@dataclass(frozen=True, slots=True)
class Push:
    """A message that was sent to a person, or to an address that may be nobody's."""

    receiver: str
    sent_at: datetime
    incident: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """A push that a person noticed as one; others of the same minute belong to it."""

    person: str
    incident: int
    hours: Hours


def pages(pushes: Iterable[Push], directory: Directory) -> list[Page]:
    """Return the pages of all people, those who have left the configuration excluded, in order."""
    persons = {
        receiver: name
        for name in directory.people
        for receiver in person_receivers(directory, name, ())
    }
    noticed_at: dict[str, datetime] = {}
    found: list[Page] = []
    for one in sorted(pushes, key=lambda push: push.sent_at):
        name = persons.get(one.receiver)
        if name is None or (name in noticed_at and one.sent_at - noticed_at[name] <= ONE_PAGE):
            continue
        noticed_at[name] = one.sent_at
        wall = one.sent_at.astimezone(directory.people[name].zone)
        found.append(Page(name, one.incident, hours_of_day(wall)))
    return found


def hours_of_day(wall: datetime) -> Hours:
    """Return which hours an instant by somebody's wall clock falls into."""
    if is_at_night(wall):
        return Hours.NIGHT
    is_office = wall.weekday() < _SATURDAY and wall.time() < _OFFICE_ENDS
    return Hours.WORK if is_office else Hours.OFF


def is_at_night(wall: datetime) -> bool:
    """Return whether people sleep at an instant by their wall clock."""
    return wall.time() >= NIGHT_BEGINS or wall.time() < NIGHT_ENDS
