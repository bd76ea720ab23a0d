"""Shifts as a calendar file (RFC 5545)."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from watchdog.domain.oncall import By, Shift

_LINE_MAX = 75
"""Octets of a line; longer ones go on in the next, which begins with a space."""


def calendar(person: str, shifts: Iterable[Shift], now: datetime) -> str:
    """Return the calendar of a person's shifts: events that do not make them busy."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Incident Watchdog//On call//EN",
        f"X-WR-CALNAME:{_text(f'On call: {person}')}",
        *(line for one in shifts for line in _event(one, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _event(shift: Shift, now: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    # The same shift has the same name in every export, so that calendars renew it.
    mark = "\0".join((shift.team, shift.person, shift.starts_at.astimezone(UTC).isoformat()))
    yield f"UID:{hashlib.sha256(mark.encode()).hexdigest()[:32]}@incident-watchdog"
    yield f"DTSTAMP:{_instant(now)}"
    yield f"DTSTART:{_instant(shift.starts_at)}"
    yield f"DTEND:{_instant(shift.ends_at)}"
    how = " (cover)" if shift.by is By.COVER else ""
    yield f"SUMMARY:{_text(f'On call: {shift.team}{how}')}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    for sign in ("\\", ";", ","):
        words = words.replace(sign, f"\\{sign}")
    return words.replace("\r\n", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Return a line in pieces that fit; no character is cut in two."""
    pieces, octets = [""], 0
    for sign in line:
        size = len(sign.encode())
        if octets + size > _LINE_MAX:
            pieces.append(" ")
            octets = 1
        pieces[-1] += sign
        octets += size
    return "\r\n".join(pieces)
