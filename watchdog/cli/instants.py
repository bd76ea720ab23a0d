"""Instants as people type them: `2h`, `18:00`, `fri 10:00`, `2025-06-16 10:00`."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from notifiers.times import day_and_clock, zone_word
from rules.durations import parse_duration
from rules.hours import WeeklyHours, begins_after, first_instant
from watchdog.cli.ending import WRONG_USE, Ended
from watchdog.domain.people import Person

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:(mon|tue|wed|thu|fri|sat|sun) )?([01][0-9]|2[0-3]):([0-5][0-9])")


def instant_of(text: str, option: str, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant that was typed, by the clock of a zone unless it carries an offset.

    Args:
        option: Where it was typed, for the refusal.
        after: A span counts from here; a time of a day is the first one after it.

    Raises:
        Ended: Nobody can tell what is meant.
    """
    if text == "now":
        return after
    if match := _CLOCK.fullmatch(text):
        days = frozenset({_DAYS.index(match[1])} if match[1] else range(7))
        at = time(int(match[2]), int(match[3]))
        return begins_after(after, WeeklyHours(days, at, at), zone.key)
    try:
        return after + parse_duration(text)
    except ValueError:
        pass
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        like = "`2h`, `18:00`, `fri 10:00` or `2025-06-16 10:00`"
        raise Ended(WRONG_USE, f"{option} {text}: write it like {like}") from None
    return given.astimezone(UTC) if given.tzinfo else first_instant(given, zone)


def span_of(text: str, option: str) -> timedelta:
    """Return the span that was typed.

    Raises:
        Ended: It is none.
    """
    try:
        return parse_duration(text)
    except ValueError:
        raise Ended(WRONG_USE, f"{option} {text}: write it like `30m` or `2h`") from None


def said_at(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant by the clock of a zone, named by its city: `Mon 16 Jun 10:00 Berlin`."""
    return f"{day_and_clock(at, zone.key)} {zone_word(zone.key)}"


def said_for(at: datetime, zone: ZoneInfo, person: Person) -> str:
    """Return the same, with what the person's own clock shows where that is another time."""
    local, own = at.astimezone(zone), at.astimezone(person.zone)
    if local.utcoffset() == own.utcoffset():
        return said_at(at, zone)
    form = "%H:%M" if local.date() == own.date() else "%a %H:%M"
    return f"{said_at(at, zone)} ({own:{form}} for {person.name})"
