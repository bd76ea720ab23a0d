import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.times import day_and_clock, said_span, time_of_day, weekday_name, zone_word

NOW = datetime(2026, 6, 10, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "zone", "said"),
    [
        (timedelta(minutes=5), "UTC", "01:10"),
        (timedelta(minutes=5), "Europe/Berlin", "03:10"),
        (timedelta(minutes=5), "Asia/Kolkata", "06:40"),
        (timedelta(hours=2), "UTC", "Tue 23:15"),
        (timedelta(hours=2), "Europe/Berlin", "01:15"),
        (timedelta(days=5), "UTC", "Fri 01:15"),
        (timedelta(days=7), "UTC", "3 Jun 01:15"),
        (timedelta(minutes=5), "No/Where", "01:10"),
        (timedelta(minutes=5), "Europe", "01:10"),
        (timedelta(minutes=5), "../../etc/passwd", "01:10"),
    ],
)
def test_a_time_is_said_as_people_there_say_it(before: timedelta, zone: str, said: str) -> None:
    assert time_of_day(NOW - before, zone, NOW) == said


def test_the_repeated_hour_of_autumn_is_said_as_the_wall_shows_it() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    later = first + timedelta(hours=1)
    assert time_of_day(first, "Europe/Berlin", later) == "02:30"
    assert time_of_day(later, "Europe/Berlin", later) == "02:30"


@pytest.mark.parametrize(
    ("zone", "word"),
    [
        ("Europe/Berlin", "Berlin"),
        ("America/New_York", "New York"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("UTC", "UTC"),
        ("No/Where", "UTC"),
        ("", "UTC"),
    ],
)
def test_a_zone_is_called_by_its_city(zone: str, word: str) -> None:
    assert zone_word(zone) == word


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Pacific/Kiritimati", "Etc/GMT+12"]),
)
def test_any_two_instants_can_be_said(at: datetime, beside: datetime, zone: str) -> None:
    assert re.search(r"(^|[a-z] )\d\d:\d\d$", time_of_day(at, zone, beside))


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-HOUR, "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (HOUR, "1 h"),
        (HOUR + timedelta(minutes=2), "1 h 02 min"),
        (23 * HOUR + timedelta(minutes=59), "23 h 59 min"),
        (24 * HOUR, "1 d"),
        (76 * HOUR, "3 d 4 h"),
    ],
)
def test_a_span_is_said_to_somebody_with_time_to_read(span: timedelta, said: str) -> None:
    assert said_span(span) == said


def test_an_instant_of_another_week_is_said_with_its_day() -> None:
    assert day_and_clock(NOW, "Europe/Berlin") == "Wed 10 Jun 03:15"
    assert day_and_clock(NOW, "America/New_York") == "Tue 9 Jun 21:15"


def test_days_of_the_week_are_said_in_full() -> None:
    week = [weekday_name(NOW.date() + timedelta(days=one)) for one in range(7)]
    assert week == [
        *("Wednesday", "Thursday", "Friday", "Saturday"),
        *("Sunday", "Monday", "Tuesday"),
    ]
