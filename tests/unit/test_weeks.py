"""Weeks by the wall clock: their names, their ends, and what is no week."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.people import Directory, Team
from watchdog.domain.weeks import Week, week_at, week_named, week_of, zone_of_weeks

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
UTC_ZONE, BERLIN, HONOLULU = map(ZoneInfo, ("UTC", "Europe/Berlin", "Pacific/Honolulu"))
YEARS = st.datetimes(datetime(2000, 1, 10), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (zoned by hypothesis)
ZONES = st.sampled_from([UTC_ZONE, BERLIN, HONOLULU])


@given(YEARS, ZONES)
def test_every_instant_lies_in_its_week_and_weeks_follow_without_a_gap(
    at: datetime, zone: ZoneInfo
) -> None:
    week = week_at(at, zone)
    assert week.since <= at < week.until
    assert week_at(week.until, zone) == Week(week.monday + timedelta(days=7), zone)
    assert week.days[0].weekday() == 0
    assert len(week.days) == 7


@given(YEARS, ZONES)
def test_a_week_is_found_by_its_name(at: datetime, zone: ZoneInfo) -> None:
    week = week_at(at, zone)
    assert week_named(str(week), at, zone) == week


@pytest.mark.parametrize("name", ["2025-23", "2025-W23"])
def test_a_week_is_named_by_its_year_and_its_number(name: str) -> None:
    assert week_named(name, NOW, BERLIN) == Week(date(2025, 6, 2), BERLIN)


def test_the_first_days_of_a_year_may_belong_to_the_week_before() -> None:
    assert str(week_at(datetime(2027, 1, 1, tzinfo=UTC), UTC_ZONE)) == "2026-53"


def test_a_week_in_which_the_clocks_go_forward_is_an_hour_shorter() -> None:
    week = week_named("2025-13", NOW, BERLIN)
    assert week.until - week.since == timedelta(days=7, hours=-1)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("23", "write a year and a week, such as 2025-24"),
        ("2025-23-1", "write a year and a week, such as 2025-24"),
        ("2025-53", "2025 has no week 53"),
        ("2025-00", "2025 has no week 0"),
        ("0001-01", "write a week from 2000-01 to 2025-24"),
        ("9999-52", "write a week from 2000-01 to 2025-24"),
        ("2025-25", "it has not begun; the latest is 2025-24"),
    ],
)
def test_what_is_no_week_is_refused_with_what_to_write(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        week_named(name, NOW, UTC_ZONE)


@pytest.mark.parametrize(
    ("zones", "zone"),
    [((), UTC_ZONE), ((BERLIN, BERLIN), BERLIN), ((BERLIN, HONOLULU), UTC_ZONE)],
)
def test_weeks_are_those_of_the_zone_that_all_teams_share(
    zones: tuple[ZoneInfo, ...], zone: ZoneInfo
) -> None:
    teams = {str(one): Team(str(one), "ana", zone=each) for one, each in enumerate(zones)}
    assert zone_of_weeks(Directory(teams=teams)) == zone


@pytest.mark.parametrize("day", range(9, 16))
def test_every_day_lies_in_its_week(day: int) -> None:
    week = week_of(date(2025, 6, day), BERLIN)
    assert (str(week), str(week.before)) == ("2025-24", "2025-23")
    assert week.before.until == week.since


def test_the_week_before_the_first_is_the_last_of_the_year_before() -> None:
    assert str(week_of(date(2026, 1, 1), BERLIN).before) == "2025-52"
