"""Spans and times of day in words."""

# `rules.spans` has the same span in words, and a test holds the two together: neither of the two packages
# may import the other, and both write for the same readers.

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_STEMS = ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short_span(span: timedelta) -> str:
    """Return a span for a phone: `45s`, `4m`, `1h02m`, `3d04h`. Negative spans read as `0s`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes}m"
    if days < 2:
        return f"{hours}h{minutes % 60:02d}m" if minutes % 60 else f"{hours}h"
    return f"{days}d{hours % 24:02d}h" if hours % 24 else f"{days}d"


def said_span(span: timedelta) -> str:
    """Return a span for somebody with time to read: `45 s`, `4 min`, `1 h 02 min`, `3 d 4 h`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60:02d} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def time_of_day(at: datetime, zone: str, beside: datetime) -> str:
    """Return a time as people of that zone say it: `03:19`, `Mon 03:19`, `5 Jun 03:19`.

    The day is said when it is not the day of `beside`, the instant the reader is in. A zone that does
    not exist counts as UTC.
    """
    here, now = _local(at, zone), _local(beside, zone)
    clock = f"{here.hour:02d}:{here.minute:02d}"
    if here.date() == now.date():
        return clock
    if abs(now - here) < timedelta(days=6):
        return f"{_DAYS[here.weekday()]} {clock}"
    return f"{here.day} {_MONTHS[here.month - 1]} {clock}"


def day_of(at: datetime, zone: str) -> date:
    """Return the day of the calendar in that zone."""
    return _local(at, zone).date()


def day_word(at: datetime, zone: str) -> str:
    """Return a day as people of that zone say it: `Mon 5 Jun`."""
    return weekday_and_day(_local(at, zone))


def day_and_clock(at: datetime, zone: str) -> str:
    """Return an instant with its day as people of that zone say it: `Sat 14 Jun 22:00`."""
    here = _local(at, zone)
    return f"{weekday_and_day(here)} {here.hour:02d}:{here.minute:02d}"


def weekday_and_day(day: date) -> str:
    """Return a day of the calendar: `Mon 5 Jun`."""
    return f"{weekday(day)} {short_day(day)}"


def weekday(day: date) -> str:
    """Return the day of the week: `Mon`."""
    return _DAYS[day.weekday()]


def weekday_name(day: date) -> str:
    """Return the day of the week in full: `Monday`."""
    return f"{_DAY_STEMS[day.weekday()]}day"


def short_day(day: date) -> str:
    """Return a day without its day of the week: `5 Jun`."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def zone_word(zone: str) -> str:
    """Return what people call the zone: `Berlin` for `Europe/Berlin`."""
    known = _zone(zone)
    return zone.rpartition("/")[2].replace("_", " ") if isinstance(known, ZoneInfo) else "UTC"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or the name of a folder
        return UTC


def _local(at: datetime, zone: str) -> datetime:
    try:
        return at.astimezone(_zone(zone))
    except OverflowError:  # in the first or last day that a calendar can name
        return at
