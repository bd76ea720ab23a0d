"""When the organisations of background_sync are due: a few cron lines, each in its own zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER_HOUR = timedelta(minutes=15)
"""Every zone of today is whole quarters of an hour away from UTC, so slots are too."""

QUARTERLY = "*/15 * * * *"
HOURLY = "0 * * * *"
FOUR_HOURLY = "0 */4 * * *"
OFFICE_HOURS = "0 9-17 * * 1-5"

_STEPS_MAX = 4 * 24 * 4


def is_slot(cron: str, local: datetime) -> bool:
    """Return whether a whole quarter of an hour, in the row's own zone, is a slot of `cron`."""
    if cron == QUARTERLY:
        return True
    if local.minute:
        return False
    if cron == FOUR_HOURLY:
        return local.hour % 4 == 0
    return cron == HOURLY or (local.weekday() < 5 and 9 <= local.hour <= 17)


def floor(at: datetime) -> datetime:
    """Return the whole quarter of an hour at or before `at`, in UTC."""
    utc = at.astimezone(UTC)
    return utc.replace(minute=utc.minute - utc.minute % 15, second=0, microsecond=0)


def latest_slot(cron: str, zone: ZoneInfo, at: datetime) -> datetime:
    """Return the slot at or before `at`; none of these lines leaves four days without one."""
    return _latest(cron, zone, floor(at))


@lru_cache(1024)
def _latest(cron: str, zone: ZoneInfo, quarter: datetime) -> datetime:
    """Return the slot at or before a whole quarter of an hour: many ticks ask about the same."""
    slot = quarter
    for _ in range(_STEPS_MAX):
        local = slot.astimezone(zone)
        if is_slot(cron, local):
            return slot
        slot -= _step(cron, local)
    raise ValueError(f'no slot of "{cron}" in the four days before {quarter}')


def _step(cron: str, local: datetime) -> timedelta:
    """Return how far the next slot is at least: only whole hours can match the other lines."""
    return QUARTER_HOUR if cron == QUARTERLY or local.minute else timedelta(hours=1)


def slots_between(cron: str, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every slot from `start` up to, but without, `end`."""
    slot = floor(start)
    while slot < end:
        local = slot.astimezone(zone)
        if slot >= start and is_slot(cron, local):
            yield slot
        slot += _step(cron, local)
