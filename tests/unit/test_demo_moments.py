"""When a failure of the demo can be seen: its moments are cron lines in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.postgres import NIGHT
from watchdog.demo.failure import Failure
from watchdog.demo.failures import FAILURES

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
MOMENT = datetime(2025, 6, 15, 2, 30, tzinfo=UTC)
"""On the first Sunday after NIGHT."""


def seen_at(when: str) -> Failure:
    return Failure("X1", "A story", "crm", when=when)


def yearly(failure: Failure) -> Iterator[datetime]:
    """Yield when it can be seen in each of ten years."""
    for year in range(2025, 2035):
        yield failure.next_at(datetime(year, 1, 1, tzinfo=UTC))


def turned(zone: str, at: datetime) -> timedelta:
    """Return by how much clocks of a zone are turned at an instant."""
    offsets = [one.astimezone(ZoneInfo(zone)).utcoffset() for one in (at - SECOND, at)]
    before, after = (one or timedelta() for one in offsets)
    return after - before


def test_what_can_be_seen_at_any_time_can_be_seen_at_once() -> None:
    assert seen_at("").next_at(NIGHT) == NIGHT


@pytest.mark.parametrize(
    ("earliest", "next_at"),
    [
        (NIGHT, MOMENT),
        (MOMENT, MOMENT),
        (MOMENT + timedelta.resolution, MOMENT + 7 * DAY),
        (MOMENT + 30 * SECOND, MOMENT + 7 * DAY),
    ],
)
def test_a_moment_is_seen_when_it_begins_and_not_after(
    earliest: datetime, next_at: datetime
) -> None:
    assert seen_at("30 2 * * sun").next_at(earliest) == next_at


def test_an_hour_is_skipped_in_berlin_and_then_one_repeated_in_sydney_while_b1c_lasts() -> None:
    twin = FAILURES["B1c"]
    sydney = next(act.after for act in twin.acts if act.after > DAY)
    for at in yearly(twin):
        assert turned("Europe/Berlin", at + HOUR / 2) == HOUR
        assert turned("Australia/Sydney", at + sydney + HOUR / 2) == -HOUR
