"""Instants between databases and Python: epoch seconds, texts, and zones of clocks without one."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from rules.numbers import from_sql

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_epoch(seconds: object) -> datetime | None:
    """Return the instant, kept within the years 1 to 9999; None for null and NaN."""
    if isinstance(seconds, Decimal):
        seconds = float(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or math.isnan(seconds):
        return None
    if seconds <= (_EARLIEST - _EPOCH).total_seconds():
        return _EARLIEST
    if seconds >= (_LATEST - _EPOCH).total_seconds():
        return _LATEST
    return _EPOCH + timedelta(seconds=seconds)


def from_column(value: object, *, zone: str, unit: str) -> datetime | None:
    """Return the instant that a column of any type holds; None when it holds no time.

    Args:
        zone: Of values without an offset.
        unit: `epoch_s` or `epoch_ms` when whole numbers are times; else they are not.
    """
    if isinstance(value, datetime):
        return _aware(value, zone)
    if isinstance(value, date):
        return _aware(datetime.combine(value, time()), zone)
    if isinstance(value, str):
        try:
            return _aware(datetime.fromisoformat(value), zone)
        except ValueError:
            return None
    number = None if isinstance(value, bool | timedelta) else from_sql(value)
    if number is None or abs(number) >= 10**18 or not unit.startswith("epoch"):
        return None
    return from_epoch(number / 1000 if unit == "epoch_ms" else number)


def _aware(at: datetime, zone: str) -> datetime | None:
    try:
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
    except OverflowError:
        return None


def iso_text(at: datetime, zone: str) -> str:
    """Return the instant as ISO text: with `Z` in UTC, else the wall clock of `zone`."""
    if zone == "UTC":
        return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local.isoformat(timespec="milliseconds")


def before(now: datetime, span: timedelta) -> datetime:
    """Return `now - span`, kept within what a datetime can say."""
    try:
        return max(now - span, _EARLIEST)
    except OverflowError:
        return _EARLIEST


def after(at: datetime, span: timedelta) -> datetime:
    """Return `at + span`, kept within what a datetime can say."""
    try:
        return min(at + span, _LATEST)
    except OverflowError:
        return _LATEST


@lru_cache(maxsize=64)
def wall_offsets(zone: str, day: date) -> tuple[tuple[float, int], ...]:
    """Return (epoch of the wall clock, offset in seconds) of each change of `zone`, newest first.

    The offset holds for wall clocks from that epoch on; the last pair holds for all before. It
    reaches 400 days back from `day`, beyond which an hour more or less decides nothing.
    """
    place = ZoneInfo(zone)
    newest = datetime.combine(day, time(), UTC) + timedelta(days=2)
    days = [newest - timedelta(days=back) for back in range(402)]
    changes = []
    for later, earlier in pairwise(days):
        if _offset(later, place) != _offset(earlier, place):
            at = change_between(earlier, later, place)
            offset = _offset(at, place)
            changes.append((at.timestamp() + offset, offset))
    return (*changes, (-math.inf, _offset(days[-1], place)))


def change_between(earlier: datetime, later: datetime, place: ZoneInfo) -> datetime:
    """Return the first minute of the offset that holds at `later`."""
    before_it, after_it = 0, round((later - earlier) / timedelta(minutes=1))
    while after_it - before_it > 1:
        middle = (before_it + after_it) // 2
        is_new = _offset(earlier + timedelta(minutes=middle), place) == _offset(later, place)
        before_it, after_it = (before_it, middle) if is_new else (middle, after_it)
    return earlier + timedelta(minutes=after_it)


def _offset(at: datetime, place: ZoneInfo) -> int:
    offset = at.astimezone(place).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
