"""Shifts from a calendar file (RFC 5545): single events, each of which names one person."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.hours import first_instant
from rules.values import dataclass
from watchdog.domain.people import Cover, Person

EVENTS_MAX = 1000
_YEARS = (1970, 2100)

_LINE = re.compile(r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^":;])*)*):(.*)', re.IGNORECASE)
_ZONE = re.compile(r';TZID="?([^";:]+)', re.IGNORECASE)
_DURATION = re.compile(
    r"P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:\d+S)?)?"
)


class CalendarRefused(ValueError):  # noqa: N818 (a refusal)
    """The calendar cannot be taken over; the text says which event, and why."""


@dataclass(slots=True)
class _Event:
    """What an event says, each property with its parameters; of attendees all, else the last."""

    properties: dict[str, tuple[str, str]] = field(default_factory=dict)
    attendees: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return re.sub(r"\\(.)", r"\1", self.properties.get("SUMMARY", ("", "without a title"))[1])


def covers_of(
    text: str, team: str, zone: ZoneInfo, people: Mapping[str, Person], made_by: str
) -> list[Cover]:
    """Return the covers that the events of a calendar are, in its order; cancelled ones are none.

    Args:
        zone: Of times that name none.

    Raises:
        CalendarRefused: See its text.
    """
    found = list(_events(text))
    if not found:
        raise CalendarRefused("there is no event in it: is it a calendar file?")
    if len(found) > EVENTS_MAX:
        raise CalendarRefused(f"it has {len(found)} events, and {EVENTS_MAX} are the most")
    return [
        Cover(team, _person(one, people), *_span(one, zone), made_by)
        for one in found
        if one.properties.get("STATUS", ("", ""))[1].upper() != "CANCELLED"
    ]


def _events(text: str) -> Iterator[_Event]:
    """Yield the events; what is inside of one, such as an alarm, is passed over."""
    inside: list[str] = []
    event = _Event()
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, parameters, value = match[1].upper(), match[2], match[3].strip()
        if name == "BEGIN":
            inside.append(value.upper())
            event = _Event() if inside[-1] == "VEVENT" else event
        elif name == "END":
            if inside and inside.pop() == "VEVENT":
                yield event
        elif inside[-1:] == ["VEVENT"]:
            event.properties[name] = (parameters, value)
            if name == "ATTENDEE":
                event.attendees.append(value.lower().removeprefix("mailto:"))


def _person(event: _Event, people: Mapping[str, Person]) -> str:
    """Return whom an event names: by the address of an attendee, else by a name in its title."""
    mails = {one.email.lower(): one.name for one in people.values() if one.email}
    by_mail = {mails[one] for one in event.attendees if one in mails}
    words = set(re.findall(r"[\w.-]+", event.title.lower()))
    named = {name for name in people if name.lower() in words}
    found = sorted(by_mail or named)
    if len(found) == 1:
        return found[0]
    several = f"several: {', '.join(found)}" if found else "nobody of `people:`"
    raise CalendarRefused(
        f"the event `{event.title}` names {several}; it must name one, as the only attendee or in its title"
    )


def _span(event: _Event, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if repeats := {"RRULE", "RDATE"} & event.properties.keys():
        words = f"the event `{event.title}` repeats ({repeats.pop()})"
        raise CalendarRefused(f"{words}; write the rotation into `oncall:`, or single events")
    starts_at = _instant(event, "DTSTART", zone)
    has_end = "DTEND" in event.properties
    ends_at = _instant(event, "DTEND", zone) if has_end else starts_at + _duration(event)
    if ends_at <= starts_at:
        raise CalendarRefused(f"the event `{event.title}` ends before it begins")
    return starts_at, ends_at


def _instant(event: _Event, name: str, zone: ZoneInfo) -> datetime:
    parameters, value = event.properties.get(name, ("", ""))
    named = _ZONE.search(parameters)
    try:
        place, wall = ZoneInfo(named[1]) if named else zone, _wall(value)
    except (ValueError, LookupError, OSError):
        words = f"{name} `{value}`" + (f" in `{named[1]}`" if named else "")
        raise CalendarRefused(f"the event `{event.title}`: {words} cannot be read") from None
    return wall.replace(tzinfo=UTC) if value.endswith("Z") else first_instant(wall, place)


def _wall(value: str) -> datetime:
    form = "%Y%m%d" if len(value) == len("20250616") else "%Y%m%dT%H%M%S"
    wall = datetime.strptime(value.removesuffix("Z"), form)  # noqa: DTZ007 (its zone stands elsewhere)
    if not _YEARS[0] <= wall.year <= _YEARS[1]:
        raise ValueError(f"nobody is on call in {wall.year}")
    return wall


def _duration(event: _Event) -> timedelta:
    """Return how long an event lasts that has no end: a day, unless it says so."""
    match = _DURATION.fullmatch(event.properties.get("DURATION", ("", "P1D"))[1])
    if match is None:
        raise CalendarRefused(f"the event `{event.title}`: its DURATION cannot be read")
    weeks, days, hours, minutes = (int(one or 0) for one in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
