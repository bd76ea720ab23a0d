"""Hours of a week in any zone: what lies in them, and how many have passed, also where DST changes."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.hours import WeeklyHours, active_after, active_since, active_time, begins_after, span_at

MINUTE = timedelta(minutes=1)
NEW_YORK = "America/New_York"
WORK = WeeklyHours(frozenset(range(7)), time(6), time(20))
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "America/Anchorage",
    "America/Argentina/Ushuaia",
    "America/Asuncion",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Dubai",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]

zones = st.sampled_from(ZONES)
walls = st.times().map(lambda at: at.replace(second=0, microsecond=0))
weekly = st.builds(WeeklyHours, st.frozensets(st.integers(0, 6), min_size=1), walls, walls)
instants = st.datetimes(datetime(2018, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
minutes = instants.map(lambda at: at.replace(second=0, microsecond=0))


def local(zone: str, *at: int) -> datetime:
    return datetime(*at, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


def counted(since: datetime, now: datetime, hours: WeeklyHours, zone: str) -> timedelta:
    """Count minutes by the wall clock, knowing nothing of offsets."""
    place, total, inside = ZoneInfo(zone), timedelta(), False
    seen: set[tuple[str, object]] = set()
    at = since - timedelta(days=3)
    while at < now:
        wall = at.astimezone(place).replace(tzinfo=None)
        for back in (1, 0):
            day = (wall - timedelta(days=back)).date()
            if day.weekday() not in hours.days:
                continue
            start = datetime.combine(day, hours.start)
            end = datetime.combine(day, hours.end)
            end += timedelta(days=hours.end <= hours.start)
            if wall >= end and ("end", day) not in seen:
                seen.add(("end", day))
                inside = False
            if wall >= start and ("start", day) not in seen:
                seen.add(("start", day))
                inside = wall < end
        total += MINUTE if inside and at >= since else timedelta()
        at += MINUTE
    return total


@given(zones, weekly, minutes, st.integers(0, 60 * 24 * 4))
def test_it_counts_what_a_wall_clock_shows(
    zone: str, hours: WeeklyHours, now: datetime, back: int
) -> None:
    since = now - back * MINUTE
    assert active_time(since, now, hours, zone) == counted(since, now, hours, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_it_counts_what_a_wall_clock_shows_at_every_change_of_the_year(zone: str) -> None:
    hours = WeeklyHours(frozenset(range(7)), time(0, 30), time(2, 30))
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=one) for one in range(366)]
    changes = [
        later for earlier, later in pairwise(days)
        if earlier.astimezone(ZoneInfo(zone)).utcoffset()
        != later.astimezone(ZoneInfo(zone)).utcoffset()
    ]  # fmt: skip
    for change in changes:
        since, now = change - timedelta(days=2), change + timedelta(days=1)
        assert active_time(since, now, hours, zone) == counted(since, now, hours, zone)


@given(zones, weekly, instants, instants, instants)
def test_parts_add_up_and_never_exceed_the_time_by_the_clock(
    zone: str, hours: WeeklyHours, one: datetime, two: datetime, three: datetime
) -> None:
    first, second, third = sorted((one, two, three))
    parts = [active_time(*pair, hours, zone) for pair in ((first, second), (second, third))]
    whole = active_time(first, third, hours, zone)
    assert abs(whole - sum(parts, timedelta())) < timedelta(milliseconds=1)
    assert timedelta() <= whole <= third - first


@given(zones, weekly, instants, st.integers(0, 10_000), st.integers(-10_000, 10_000))
def test_older_than_the_limit_is_what_lies_before_one_instant(
    zone: str, hours: WeeklyHours, now: datetime, limit: int, off: int
) -> None:
    edge = active_since(limit * MINUTE, now, hours, zone)
    at = min(now, edge + off * MINUTE)
    is_old = active_time(at, now, hours, zone) > limit * MINUTE + timedelta(microseconds=off < 0)
    assert is_old <= (at < edge)
    if at < edge - timedelta(milliseconds=1):
        assert active_time(at, now, hours, zone) >= limit * MINUTE


@given(zones, weekly, instants, st.integers(0, 5_000), st.integers(0, 5_000))
def test_it_says_when_so_much_active_time_had_passed(
    zone: str, hours: WeeklyHours, since: datetime, span: int, more: int
) -> None:
    now = since + (span + more) * 10 * MINUTE
    at = active_after(since, span * MINUTE, now, hours, zone)
    assert since <= at <= now
    passed = active_time(since, at, hours, zone)
    assert passed == min(span * MINUTE, active_time(since, now, hours, zone)) or (
        abs(passed - span * MINUTE) < timedelta(milliseconds=1)
    )


@given(zones, weekly, instants)
def test_an_instant_lies_in_the_span_that_is_told(
    zone: str, hours: WeeklyHours, at: datetime
) -> None:
    span = span_at(at, hours, zone)
    counts = active_time(at, at + timedelta(seconds=1), hours, zone)
    assert (span is not None) == (counts > timedelta())
    assert span is None or span[0] <= at < span[1]


@pytest.mark.parametrize(
    ("at", "active"),
    [((5, 59), 1), ((6, 1), 2), ((6, 34), 35), ((6, 35), 36), ((20, 1), 14 * 60 + 1)],
)
def test_nights_do_not_age(at: tuple[int, int], active: int) -> None:
    since = local(NEW_YORK, 2026, 11, 22, 19, 59)
    now = local(NEW_YORK, 2026, 11, 23, *at)
    assert active_time(since, now, WORK, NEW_YORK) == active * MINUTE


def test_a_day_on_which_an_hour_is_skipped_has_23_hours() -> None:
    whole_days = WeeklyHours(frozenset({6}), time(0), time(0))
    span = local(NEW_YORK, 2026, 3, 1), local(NEW_YORK, 2026, 3, 10)
    assert active_time(*span, whole_days, NEW_YORK) == timedelta(hours=24 + 23)


def test_what_is_from_the_beginning_of_time_is_as_old_as_can_be_counted() -> None:
    begin, now = datetime(1, 1, 2, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
    assert timedelta(days=365 * 11) < active_time(begin, now, WORK, NEW_YORK) < now - begin
    assert active_since(timedelta(days=10_000), now, WORK, NEW_YORK).year == 2006


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("2025-06-13 05:59", "2025-06-13 06:00"),
        ("2025-06-13 06:00", "2025-06-14 06:00"),
        ("2025-12-31 05:00", "2025-12-31 06:00"),
        ("2025-12-31 12:00", "2026-01-01 06:00"),
        ("2024-12-30 12:00", "2024-12-31 06:00"),
    ],
)
def test_hours_begin_next_after_an_instant_and_not_at_it(at: str, begins: str) -> None:
    place = ZoneInfo(NEW_YORK)
    found = begins_after(datetime.fromisoformat(at).replace(tzinfo=place), WORK, NEW_YORK)
    assert found == datetime.fromisoformat(begins).replace(tzinfo=place)


def test_hours_of_no_day_never_begin() -> None:
    nothing = WeeklyHours(frozenset(), time(6), time(20))
    with pytest.raises(ValueError, match="never begin"):
        begins_after(datetime(2025, 6, 13, tzinfo=UTC), nothing, NEW_YORK)
