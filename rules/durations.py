"""Spans of time as teams write them: one spelling each."""

import re
from datetime import timedelta

from pydantic_core import PydanticCustomError

DURATION_MAX = timedelta(days=3650)

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile(
    r"(?=.)(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,8})m)?(?:(?P<s>\d{1,9})s)?"
    r"|(?P<ms>\d{1,9})ms",
    re.ASCII,
)
_LOOSE_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)[\s,]*(?:and\s+)?", re.ASCII)
_LOOSE_UNITS = {
    **dict.fromkeys(("w", "wk", "week", "weeks"), 7 * 86_400_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), 1),
}


def parse_duration(given: object) -> timedelta:
    """Return the span that `45s`, `30m`, `1h30m`, `2d` or `250ms` stand for.

    Units fall from left to right; behind the first, each stays below the next larger unit, so
    that `1h90m` has only the spelling `2h30m`.

    Raises:
        PydanticCustomError: `bad_duration`, with a `hint` that shows the right spelling.
    """
    if isinstance(given, timedelta):
        return _bounded(given, given)
    match = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise _bad_duration(given, _suggest(given))
    parts = [(unit, int(count)) for unit, count in match.groupdict().items() if count]
    span = timedelta(milliseconds=sum(_UNITS[unit] * count for unit, count in parts))
    if any(count >= {"h": 24, "m": 60, "s": 60}[unit] for unit, count in parts[1:]):
        raise _bad_duration(given, f"write `{format_duration(min(span, DURATION_MAX))}`")
    return _bounded(span, given)


def format_duration(span: timedelta) -> str:
    """Return the spelling that `parse_duration` reads back as `span`, to the millisecond."""
    rest = round(span / timedelta(milliseconds=1))
    if rest % 1000:
        return f"{rest}ms"
    text = ""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, _UNITS[unit])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def _bounded(span: timedelta, given: object) -> timedelta:
    if not timedelta() <= span <= DURATION_MAX:
        raise _bad_duration(given, f"write at most `{format_duration(DURATION_MAX)}`")
    return span


def _bad_duration(given: object, hint: str) -> PydanticCustomError:
    return PydanticCustomError(
        "bad_duration", "`{given}` is not a duration", {"given": shown(given), "hint": hint}
    )


def _suggest(given: object) -> str:
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 10**9:
        return f"write `{given}s` or `{given}m`: a duration has a unit"
    if isinstance(given, str):
        text = given.strip().lower()
        parts = _LOOSE_DURATION.findall(text)
        known = parts and all(unit in _LOOSE_UNITS for _, unit in parts)
        if known and not _LOOSE_DURATION.sub("", text):
            total = sum(float(count) * _LOOSE_UNITS[unit] for count, unit in parts)
            span = timedelta(milliseconds=round(total))
            return f"write `{format_duration(min(span, DURATION_MAX))}`"
    return "write it like `45s`, `30m`, `1h30m` or `2d`"


def shown(given: object) -> str:
    """Return what was written, short enough for a message."""
    text = str(given)
    return text if len(text) <= 40 else f"{text[:39]}…"
