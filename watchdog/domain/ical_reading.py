"""Shifts from a calendar (RFC 5545): events, repeated ones too, each of which names one person."""

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from rules.hours import first_instant
from watchdog.domain.people import Cover, Person

EVENTS_MAX = 1000
_YEARS = (1970, 2100)
_OFTEN = {"SECONDLY", "MINUTELY", "HOURLY"}


class CalendarRefused(ValueError):  # noqa: N818 (a refusal)
    """The calendar cannot be taken over; the text says which event, and why."""


def covers_of(
    text: str,
    team: str,
    zone: ZoneInfo,
    people: Mapping[str, Person],
    made_by: str,
    span: tuple[datetime, datetime],
) -> list[Cover]:
    """Return the covers that the events of a calendar are, in order of time; cancelled ones are none.

    Args:
        zone: Of times that name none.
        span: From when until when; events that do not touch it are left out, since some repeat for ever.

    Raises:
        CalendarRefused: See its text.
    """
    calendar = _calendar(text)
    for event in calendar.events:
        _require_readable(event, zone)
    found = list(itertools.islice(_within(calendar, *span), EVENTS_MAX + 1))
    if len(found) > EVENTS_MAX:
        raise CalendarRefused(f"it has more than {EVENTS_MAX} events, and so many are the most")
    covers = [
        Cover(team, _person(one, people), *_ends(one, zone), made_by)
        for one in found
        if str(one.get("STATUS", "")).upper() != "CANCELLED"
    ]
    return sorted(covers, key=lambda one: one.starts_at)


def _calendar(text: str) -> Calendar:
    try:
        calendar = Calendar.from_ical(text)
    except ValueError as error:
        raise CalendarRefused("it cannot be read: is it a calendar file?") from error
    if not isinstance(calendar, Calendar) or not calendar.events:
        raise CalendarRefused("there is no event in it: is it a calendar file?")
    return calendar


def _title(event: Event) -> str:
    return str(event.get("SUMMARY", "without a title"))


def _require_readable(event: Event, zone: ZoneInfo) -> None:
    """Refuse what the reader of calendars passes over, or guesses."""
    title = _title(event)
    for name, _ in event.errors:
        raise CalendarRefused(f"the event `{title}`: its {name} cannot be read")
    if "DTSTART" not in event:
        raise CalendarRefused(f"the event `{title}` does not say when it begins")
    for name in {"DTSTART", "DTEND"} & event.keys():
        _require_instant(title, event, name)
    if "DTEND" in event:
        starts_at, ends_at = (_instant(event.decoded(name), zone) for name in ("DTSTART", "DTEND"))
        if ends_at <= starts_at:
            raise CalendarRefused(f"the event `{title}` ends before it begins")
    often = _OFTEN.intersection(event.get("RRULE", {}).get("FREQ", ()))
    if often:
        raise CalendarRefused(f"the event `{title}` repeats {often.pop()}; DAILY is the most")


def _require_instant(title: str, event: Event, name: str) -> None:
    moment: date = event.decoded(name)
    zone = event[name].params.get("TZID")
    if isinstance(moment, datetime) and zone and moment.tzinfo is None:
        raise CalendarRefused(f"the event `{title}`: its {name} is in `{zone}`, which is no zone")
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise CalendarRefused(f"the event `{title}`: nobody is on call in {moment.year}")


def _within(calendar: Calendar, since: datetime, until: datetime) -> Iterator[Event]:
    """Yield the events that touch a span, each repetition as one of its own."""
    try:
        yield from recurring_ical_events.of(calendar).between(since, until)
    except (ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise CalendarRefused(f"what repeats in it cannot be read: {error}") from error


def _ends(event: Event, zone: ZoneInfo) -> tuple[datetime, datetime]:
    starts_at, ends_at = _instant(event.start, zone), _instant(event.end, zone)
    if ends_at <= starts_at:
        raise CalendarRefused(f"the event `{_title(event)}` has no length")
    return starts_at, ends_at


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    """Return the instant of a day's beginning or a wall clock's time; by the zone unless it has one."""
    if not isinstance(moment, datetime):
        return first_instant(datetime.combine(moment, time()), zone)
    if moment.tzinfo is None:
        return first_instant(moment, zone)
    place = moment.tzinfo
    if isinstance(place, ZoneInfo):
        return first_instant(moment.replace(tzinfo=None), place)
    return moment.astimezone(UTC)


def _person(event: Event, people: Mapping[str, Person]) -> str:
    """Return whom an event names: by the address of an attendee, else by a name in its title."""
    mails = {one.email.lower(): one.name for one in people.values() if one.email}
    asked = event.get("ATTENDEE", [])
    addresses = asked if isinstance(asked, list) else [asked]
    by_mail = {str(one).lower().removeprefix("mailto:") for one in addresses} & mails.keys()
    words = set(re.findall(r"[\w.-]+", _title(event).lower()))
    named = {name for name in people if name.lower() in words}
    found = sorted({mails[one] for one in by_mail} or named)
    if len(found) == 1:
        return found[0]
    several = f"several: {', '.join(found)}" if found else "nobody of `people:`"
    raise CalendarRefused(
        f"the event `{_title(event)}` names {several}; "
        "it must name one, as the only attendee or in its title"
    )
