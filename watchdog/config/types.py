"""Types of settings beside rules' own: what may be written, and what shows the right spelling."""

import re
from datetime import time, timedelta
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from rules import sizes
from rules.fields import PositiveDuration
from rules.hours import WeeklyHours
from rules.parsing import ParsedBy
from watchdog.config.problems import did_you_mean, shown

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_MIN = timedelta(seconds=1)

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOOSE_TIME = re.compile(r"([0-9]{1,2})(?::([0-5][0-9]))?\s*(am|pm|h|uhr)?", re.IGNORECASE)
_INCIDENTS = re.compile(r"([0-9]{1,4}) incidents?")
_CHECKS = re.compile(r"([0-9]{1,4}) checks?")
_URL = re.compile(r"https?://[^\s/?#@:]+(?::([0-9]{1,5}))?(?:[/?#]\S*)?")
_LISTEN = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):([0-9]{1,5})")
_PORT_MAX = 65_535


def refusal(code: str, message: str, hint: str = "", **words: Any) -> PydanticCustomError:
    """Return an error whose `hint` is shown under the mark."""
    return PydanticCustomError(code, message, {**words, "hint": hint})


def text_of(given: object, code: str, what: str, hint: str) -> str:
    """Return what was written, if it is a text that can be shown; `what` it should have been."""
    if not isinstance(given, str) or len(given) > 1000:
        raise refusal(code, f"`{{given}}` is not {what}", hint, given=shown(str(given)))
    return given.strip()


def parse_time(given: object) -> time:
    """Return a time of day, written as `08:00`."""
    text = given.strip() if isinstance(given, str) else str(given)
    match = _TIME.fullmatch(text)
    if match is None:
        raise refusal(
            "bad_time", "`{given}` is not a time of day", _time_hint(text), given=shown(text)
        )
    return time(int(match.group(1)), int(match.group(2)))


def _time_hint(text: str) -> str:
    match = _LOOSE_TIME.fullmatch(text.strip())
    if match:
        hour = int(match.group(1)) % 24
        half = (match.group(3) or "").lower()
        if half in {"am", "pm"} and hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return f"write `{hour:02d}:{match.group(2) or '00'}`"
    return "write it like `08:00` or `23:30`"


def parse_day(text: str, hint: str) -> int:
    """Return the day of the week that `mon` stands for; 0 is Monday."""
    day = text.strip().lower()
    if day not in DAYS:
        near = next((known for known in DAYS if day.startswith(known)), None)
        label = f"write `{near}`" if near else hint
        raise refusal("bad_day", "`{given}` is not a day of the week", label, given=shown(text))
    return DAYS.index(day)


def _parse_weekday(given: object) -> int:
    hint = "write one of: " + ", ".join(DAYS)
    return parse_day(text_of(given, "bad_day", "a day of the week", hint), hint)


_EMAIL = r"[^\s@<>,;:\"\\()\[\]]{1,64}@[^\s@<>,;:\"\\()\[\]]{1,253}"
_HOURS_HINT = "write it like `mon-fri 09:00-18:00`, or `always`"


def parse_working_hours(given: object) -> WeeklyHours:
    """Return the hours that `mon-fri 09:00-18:00`, `mon,wed 08:00-12:00` or `always` stand for."""
    text = text_of(given, "bad_hours", "a set of working hours", _HOURS_HINT)
    if text == "always":
        return WeeklyHours(frozenset(range(7)), time(0), time(0))
    first = re.search(r"[0-9]", text)
    at = first.start() if first else len(text)
    days, hours = text[:at].strip(), text[at:]
    start, dash, end = hours.partition("-")
    if not days or not dash:
        raise refusal(
            "bad_hours", "`{given}` is not a set of working hours", _HOURS_HINT, given=shown(text)
        )
    span = span_of(start, end, "the working hours end when they begin", _HOURS_HINT)
    return WeeklyHours(frozenset(days_of(days, _HOURS_HINT)), *span)


def span_of(start: str, end: str, empty: str, hint: str) -> tuple[time, time]:
    """Return two times of a day; the second may be `24:00`. `empty` is said where they are equal."""
    end_at = time(0) if end.strip() == "24:00" else parse_time(end)
    start_at = parse_time(start)
    if start_at == end_at != time(0):
        raise refusal("bad_hours", empty, hint)
    return start_at, end_at


def days_of(text: str, hint: str) -> set[int]:
    """Return the days that `mon-fri`, `mon,wed` or `sat` stand for; 0 is Monday."""
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = parse_day(first, hint)
        end = parse_day(last, hint) if dash else start
        days |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return days


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())


@lru_cache(maxsize=512)
def _zone_of(text: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        return None


def parse_zone(given: object) -> ZoneInfo:
    """Return a zone by its name, such as `Europe/Berlin`."""
    text = given if isinstance(given, str) else str(given)
    zone = _zone_of(text) if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{0,60}", text) else None
    if zone is None:
        raise refusal(
            "bad_zone", "`{given}` is not a time zone", _zone_hint(text), given=shown(text)
        )
    return zone


def _zone_hint(text: str) -> str:
    city = {name.rpartition("/")[2]: name for name in sorted(_zone_names(), reverse=True)}
    if text.replace(" ", "_").title() in city:
        return f"write `{city[text.replace(' ', '_').title()]}`"
    near = did_you_mean(text.replace(" ", "_"), sorted(_zone_names()))
    return near or "write it like `Europe/Berlin` or `UTC`"


def parse_checks(given: object) -> int:
    """Return the number in `1 check` or `2 checks`; 1 to 1000."""
    match = _CHECKS.fullmatch(given) if isinstance(given, str) else None
    if match and 1 <= int(match.group(1)) <= 1000:
        return int(match.group(1))
    number = re.match(r"\s*([0-9]{1,3})\b", str(given))
    count = max(1, int(number.group(1))) if number else 2
    hint = f"write `{count} check{'s' if count > 1 else ''}`"
    raise refusal(
        "bad_checks", "`{given}` is not a number of checks", hint, given=shown(str(given))
    )


def parse_incidents(given: object) -> int:
    """Return the number in `1 incident` or `5 incidents`; 1 to 1000."""
    match = _INCIDENTS.fullmatch(given) if isinstance(given, str) else None
    if match and 1 <= int(match.group(1)) <= 1000:
        return int(match.group(1))
    number = re.match(r"\s*([0-9]{1,3})\b", str(given))
    count = max(1, int(number.group(1))) if number else 5
    hint = f"write `{count} incident{'s' if count > 1 else ''}`"
    raise refusal(
        "bad_incidents", "`{given}` is not a number of incidents", hint, given=shown(str(given))
    )


def parse_size(given: object) -> int:
    """Return a number of bytes, written as `500kB`, `1MB` or a whole number; at most 100 MB."""
    size = sizes.size_of(given)
    if not 1 <= size <= 100_000_000:
        hint = "write it like `500kB` or `1MB`, at most `100MB`"
        raise refusal("bad_size", "`{given}` is not a size", hint, given=shown(str(given)))
    return size


def _parse_url(given: object) -> str:
    hint = "write an address that begins with `https://`"
    text = text_of(given, "bad_url", "an address", hint)
    match = _URL.fullmatch(text)
    if match is None or int(match.group(1) or 0) > _PORT_MAX:
        raise refusal("bad_url", "`{given}` is not a web address", hint, given=shown(text))
    return text


def is_email(text: str) -> bool:
    """Return whether a text is a plain mail address."""
    return re.fullmatch(_EMAIL, text) is not None


def _parse_email(given: object) -> str:
    hint = "write it like `ana@example.com`"
    text = text_of(given, "bad_email", "a mail address", hint)
    if not is_email(text):
        raise refusal("bad_email", "`{given}` is not a mail address", hint, given=shown(text))
    return text


def _parse_member(given: object) -> str:
    hint = "copy the member id from the Slack profile, such as `U01ANA`"
    text = text_of(given, "bad_slack", "a Slack member id", hint)
    if not re.fullmatch(r"[UW][A-Z0-9]{2,20}", text):
        raise refusal("bad_slack", "`{given}` is not a Slack member id", hint, given=shown(text))
    return text


def _parse_workspace(given: object) -> str:
    hint = "copy the id that begins with T from the address of Slack in a browser"
    text = text_of(given, "bad_slack", "a Slack workspace id", hint)
    if not re.fullmatch(r"[TE][A-Z0-9]{2,20}", text):
        raise refusal("bad_slack", "`{given}` is not a Slack workspace id", hint, given=shown(text))
    return text


def _parse_channel(given: object) -> str:
    hint = "write the channel's name without the hash"
    text = text_of(given, "bad_slack", "a Slack channel", hint)
    bare = text.removeprefix("#")
    if bare != text:
        hint = f"write `{shown(bare)}`, without the hash"
    if not re.fullmatch(r"[^\s#@.,A-Z]{1,80}|[CG][A-Z0-9]{2,20}", text):
        raise refusal("bad_slack", "`{given}` is not a Slack channel", hint, given=shown(text))
    return text


def _parse_listen(given: object) -> str:
    hint = "write it like `127.0.0.1:8711`"
    text = text_of(given, "bad_listen", "an address and a port", hint)
    match = _LISTEN.fullmatch(text)
    if match is None or int(match.group(1)) > _PORT_MAX:
        raise refusal(
            "bad_listen", "`{given}` is not an address and a port", hint, given=shown(text)
        )
    return text


def _bounded_every(span: timedelta) -> timedelta:
    if span < EVERY_MIN:
        raise refusal("bad_duration", "a rule looks at most once a second", "write `1s` or more")
    return span


def one_or_many(given: object) -> object:
    """Return a list for what may be written as one value or a list."""
    return [given] if isinstance(given, str) else given


def _filled(text: str) -> str:
    if not text.strip():
        raise refusal("empty_value", "nothing is written here", "write a text")
    return text.strip()


_TEXT = {"type": "string"}
Checks = Annotated[
    int,
    ParsedBy(parse_checks, {"type": "string", "pattern": r"^\d+ checks?$"}),
]
IncidentCount = Annotated[
    int,
    ParsedBy(parse_incidents, {"type": "string", "pattern": r"^\d+ incidents?$"}),
]
Every = Annotated[PositiveDuration, AfterValidator(_bounded_every)]
TimeOfDay = Annotated[time, ParsedBy(parse_time, _TEXT)]
Weekday = Annotated[int, ParsedBy(_parse_weekday, _TEXT)]
"""0 is Monday."""
Zone = Annotated[ZoneInfo, ParsedBy(parse_zone, _TEXT)]
Hours = Annotated[WeeklyHours, ParsedBy(parse_working_hours, _TEXT)]
Size = Annotated[int, ParsedBy(parse_size, {"type": ["string", "integer"]})]
Url = Annotated[str, ParsedBy(_parse_url, _TEXT)]
Email = Annotated[str, ParsedBy(_parse_email, _TEXT)]
Member = Annotated[str, ParsedBy(_parse_member, _TEXT)]
Workspace = Annotated[str, ParsedBy(_parse_workspace, _TEXT)]
ChannelName = Annotated[str, ParsedBy(_parse_channel, _TEXT)]
Listen = Annotated[str, ParsedBy(_parse_listen, _TEXT)]
Text = Annotated[str, AfterValidator(_filled)]
Names = Annotated[tuple[Text, ...], BeforeValidator(one_or_many)]
"""One name or a list of names."""
