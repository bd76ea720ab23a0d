"""Hours and days of zones whose clocks are turned."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.buckets import Compared, before, bucket, is_regular, last_complete

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "America/Santiago",
    "Australia/Lord_Howe",
]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PERS = [timedelta(minutes=15), HOUR, 6 * HOUR, DAY]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def last(now: str, per: timedelta, zone: ZoneInfo = BERLIN) -> tuple[str, str]:
    one = bucket(*last_complete(at(now), per, zone), per, zone)
    return (
        one.since.astimezone(zone).isoformat(timespec="minutes"),
        one.until.astimezone(zone).isoformat(timespec="minutes"),
    )


@pytest.mark.parametrize(
    ("now", "per", "since", "until"),
    [
        ("2025-06-13T02:15:00+02:00", HOUR, "2025-06-13T01:00+02:00", "2025-06-13T02:00+02:00"),
        ("2025-06-13T02:00:00+02:00", HOUR, "2025-06-13T01:00+02:00", "2025-06-13T02:00+02:00"),
        ("2025-06-13T00:10:00+02:00", HOUR, "2025-06-12T23:00+02:00", "2025-06-13T00:00+02:00"),
        ("2025-06-13T00:00:00+02:00", DAY, "2025-06-12T00:00+02:00", "2025-06-13T00:00+02:00"),
        ("2025-10-27T09:00:00+01:00", DAY, "2025-10-26T00:00+02:00", "2025-10-27T00:00+01:00"),
        ("2025-03-31T09:00:00+02:00", DAY, "2025-03-30T00:00+01:00", "2025-03-31T00:00+02:00"),
        ("2025-10-26T02:30:00+01:00", HOUR, "2025-10-26T01:00+02:00", "2025-10-26T02:00+02:00"),
    ],
)
def test_the_last_complete_bucket_follows_the_clock_on_the_wall(
    now: str, per: timedelta, since: str, until: str
) -> None:
    assert last(now, per) == (since, until)


@pytest.mark.parametrize(
    ("now", "hours"), [("2025-10-27T09:00+01:00", 25), ("2025-03-31T09:00+02:00", 23)]
)
def test_a_day_may_have_another_length(now: str, hours: int) -> None:
    one = bucket(*last_complete(at(now), DAY, BERLIN), DAY, BERLIN)
    assert (one.length, is_regular(one, DAY)) == (hours * HOUR, True)


@pytest.mark.parametrize("now", ["2025-10-26T03:10+01:00", "2025-03-30T03:10+02:00"])
def test_an_hour_in_which_the_clock_is_turned_is_not_regular(now: str) -> None:
    one = bucket(*last_complete(at(now), HOUR, BERLIN), HOUR, BERLIN)
    assert not is_regular(one, HOUR)


def test_the_past_has_the_same_time_on_the_wall() -> None:
    day, place = last_complete(at("2025-10-28T10:30+01:00"), HOUR, BERLIN)
    past = list(before(day, place, HOUR, BERLIN, Compared("hour", 1)))
    walls = [one.since.astimezone(BERLIN).isoformat(timespec="hours") for one in past]
    assert walls[0] == "2025-10-27T09+01:00"
    assert walls[-1] == "2025-10-21T09+02:00"
    assert [one.weekday for one in past] == ["mon", "sun", "sat", "fri", "thu", "wed", "tue"]


def test_the_hour_of_a_turned_clock_is_not_compared_with() -> None:
    day, place = last_complete(at("2025-10-28T03:30+01:00"), HOUR, BERLIN)
    past = list(before(day, place, HOUR, BERLIN, Compared("hour", 1)))
    assert len(past) == 6


instants = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(instants, st.sampled_from(ZONES), st.sampled_from(PERS))
def test_the_last_complete_bucket_has_ended_and_the_next_has_not(
    now: datetime, name: str, per: timedelta
) -> None:
    zone = ZoneInfo(name)
    one = bucket(*last_complete(now, per, zone), per, zone)
    assert one.until <= now
    assert now - one.until < per + 2 * HOUR


@given(instants, st.sampled_from(ZONES), st.sampled_from(PERS))
@example(datetime(2028, 3, 12, 12, tzinfo=UTC), "America/New_York", timedelta(minutes=15))
def test_buckets_of_a_day_follow_each_other_without_a_gap(
    now: datetime, name: str, per: timedelta
) -> None:
    zone, day = ZoneInfo(name), now.date()
    each = [bucket(day, place, per, zone) for place in range(DAY // per)]
    assert each[0].since == bucket(day, 0, DAY, zone).since
    assert each[-1].until == bucket(day, 0, DAY, zone).until
    assert all(one.until >= other.since for one, other in pairwise(each))
    assert [one.since for one in each] == sorted(one.since for one in each)


@pytest.mark.parametrize(
    "text",
    [
        "same hour of the last 4 weeks",
        "same weekday of the last 3 weeks",
        "same hour of the last 1 week",
    ],
)
def test_what_is_compared_is_written_as_it_is_read(text: str) -> None:
    assert str(TypeAdapter(Compared).validate_python(text)) == text


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "last week",
        "same day of the last 4 weeks",
        "same hour of the last 0 weeks",
        "same weekday of the last 2 weeks",
        "same hour of the last 13 weeks",
        4,
        None,
    ],
)
def test_anything_else_is_nothing_to_compare_with(given_: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Compared).validate_python(given_)
    assert caught.value.errors()[0]["type"] == "bad_compare"
