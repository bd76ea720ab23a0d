"""On which days, and when, something that comes once a day is due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from rules.cron import Cron, parse_cron
from watchdog.domain.due import Due, latest_due, next_due

BERLIN = ZoneInfo("Europe/Berlin")
DAILY = parse_cron("0 8 * * *")
SECOND = timedelta(seconds=1)

_zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
_instants = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 (hypothesis wants it so)
    max_value=datetime(2037, 12, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
_times = st.tuples(st.integers(0, 59), st.integers(0, 23)).map(
    lambda time: parse_cron(f"{time[0]} {time[1]} * * *")
)


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_it_is_due_at_its_time_and_not_a_second_before() -> None:
    today = Due(date(2026, 11, 23), utc(23, 7))
    assert latest_due(DAILY, BERLIN, utc(23, 7)) == today
    assert latest_due(DAILY, BERLIN, utc(23, 7) - SECOND) == Due(date(2026, 11, 22), utc(22, 7))
    assert next_due(DAILY, BERLIN, utc(23, 7) - SECOND) == today
    assert next_due(DAILY, BERLIN, utc(23, 7)) == Due(date(2026, 11, 24), utc(24, 7))


def test_days_that_are_not_named_are_left_out() -> None:
    weekdays = parse_cron("0 8 * * mon-fri")
    assert latest_due(weekdays, BERLIN, utc(22, 12)) == Due(date(2026, 11, 20), utc(20, 7))
    assert next_due(weekdays, BERLIN, utc(20, 12)) == Due(date(2026, 11, 23), utc(23, 7))


def test_a_day_that_comes_once_in_four_years_is_found() -> None:
    leap = parse_cron("0 8 29 2 *")
    now = utc(23, 7)
    assert [one.day for one in (latest_due(leap, BERLIN, now), next_due(leap, BERLIN, now)) if one] == [
        date(2024, 2, 29),
        date(2028, 2, 29),
    ]  # fmt: skip


def test_an_hour_that_is_skipped_is_due_after_the_gap() -> None:
    night = parse_cron("30 2 * * *")
    due = latest_due(night, BERLIN, utc(29, 12, month=3))
    assert due == Due(date(2026, 3, 29), utc(29, 1, month=3))


def test_an_hour_that_is_repeated_is_due_the_first_time() -> None:
    night = parse_cron("30 2 * * *")
    assert latest_due(night, BERLIN, utc(25, 12, month=10)) == Due(
        date(2026, 10, 25), utc(25, 0, 30, month=10)
    )


def test_a_time_that_is_skipped_at_midnight_belongs_to_the_day_that_named_it() -> None:
    late = parse_cron("30 23 * * *")
    nuuk = ZoneInfo("America/Nuuk")  # its clocks go from 23:00 to 24:00 on 28 March 2026
    days = [latest_due(late, nuuk, utc(29, hour, month=3)) for hour in (0, 1, 23)]
    assert [one.day for one in days if one] == [
        date(2026, 3, 27),
        date(2026, 3, 28),
        date(2026, 3, 28),
    ]
    assert next_due(late, nuuk, utc(29, 1, month=3)) == Due(
        date(2026, 3, 29), utc(30, 0, 30, month=3)
    )


@given(_times, _zones, _instants)
def test_every_day_of_every_zone_comes_once_and_in_order(
    cron: Cron, zone: ZoneInfo, now: datetime
) -> None:
    days = []
    for _ in range(4):
        following = next_due(cron, zone, now)
        assert following is not None
        assert following.at > now
        assert latest_due(cron, zone, following.at) == following
        days.append(following.day)
        now = following.at
    assert days == [days[0] + timedelta(days=ahead) for ahead in range(4)]


@given(_times, _zones, _instants)
def test_nothing_lies_between_the_latest_and_the_next(
    cron: Cron, zone: ZoneInfo, now: datetime
) -> None:
    before, after = latest_due(cron, zone, now), next_due(cron, zone, now)
    assert before is not None
    assert after is not None
    assert before.at <= now < after.at
    assert after.day - before.day == timedelta(days=1)
