"""Where an incident goes, how a person is reached, and when a team works."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Severity
from rules.hours import WeeklyHours, span_at
from watchdog.domain.people import Directory, Person, Route, Team
from watchdog.domain.routing import (
    EVERYWHERE,
    is_silent,
    next_working_instant,
    person_receivers,
    route_for,
    send_at,
    team_receivers,
)

ANA = Person("ana", "ana@example.com", "U01ANA")
CRITICAL, DATA, ORDERS = frozenset({Severity.CRITICAL}), frozenset({"data"}), ("orders-*", "*-job")
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/Nuuk", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata"]
)
HOURS = st.builds(
    WeeklyHours,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
INSTANTS = st.integers(1_577_836_800, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@pytest.mark.parametrize(
    ("route", "matches"),
    [
        (Route(("slack",)), True),
        (Route(("slack",), severities=CRITICAL), True),
        (Route(("slack",), severities=frozenset({Severity.INFO})), False),
        (Route(("slack",), teams=DATA), True),
        (Route(("slack",), teams=frozenset({"ops"})), False),
        (Route(("slack",), rules=ORDERS), True),
        (Route(("slack",), rules=("Orders-*",)), False),
        (Route(("slack",), rules=("orders",)), False),
        (Route(("slack",), CRITICAL, DATA, ("nightly-*",)), False),
        (Route(("slack",), CRITICAL, DATA, ORDERS), True),
    ],
)
def test_a_route_matches_by_all_that_it_names(route: Route, matches: bool) -> None:
    found = route_for(Directory(routes=(route,)), Severity.CRITICAL, "data", "orders-stale")
    assert found is (route if matches else EVERYWHERE)


@pytest.mark.parametrize(
    ("send", "reached"),
    [
        (("slack", "email"), ["slack:@U01ANA", "email:ana@example.com"]),
        (("email", "slack"), ["email:ana@example.com", "slack:@U01ANA"]),
        (("email",), ["email:ana@example.com"]),
        (("weekly",), ["slack:@U01ANA", "email:ana@example.com"]),
        ((), ["slack:@U01ANA", "email:ana@example.com"]),
    ],
)
def test_a_person_is_reached_in_the_routes_order_or_by_every_way_there_is(
    send: tuple[str, ...], reached: list[str]
) -> None:
    assert list(person_receivers(Directory({"ana": ANA}), "ana", send)) == reached


def test_nobody_is_reached_who_is_not_known_or_has_no_way() -> None:
    directory = Directory({"mute": Person("mute")})
    assert person_receivers(directory, "mute", ("slack", "email")) == ()
    assert person_receivers(directory, "gone", ("slack", "email")) == ()


@pytest.mark.parametrize(
    ("channel", "send", "reached"),
    [
        ("alerts", ("email", "slack"), ("slack:#alerts",)),
        ("alerts", ("email",), ()),
        ("", ("slack",), ()),
    ],
)
def test_a_team_is_reached_in_its_channel_if_the_route_goes_there(
    channel: str, send: tuple[str, ...], reached: tuple[str, ...]
) -> None:
    assert team_receivers(Team("data", "ana", slack=channel), send) == reached


@pytest.mark.parametrize(
    ("send", "silent"), [(("weekly",), True), ((), True), (("weekly", "email"), False)]
)
def test_a_route_is_silent_that_goes_to_the_summary_only(
    send: tuple[str, ...], silent: bool
) -> None:
    assert is_silent(Route(send)) is silent


def test_only_a_route_that_holds_waits_for_working_hours() -> None:
    night = datetime(2025, 6, 13, 2, tzinfo=UTC)
    team = Team("data", "ana", working_hours=WeeklyHours(frozenset({4}), time(9), time(17)))
    holds = Route(("slack",), hold_until_working_hours=True)
    assert send_at(holds, team, night) == night.replace(hour=9)
    assert send_at(Route(("slack",)), team, night) == night
    assert send_at(holds, replace(team, working_hours=None), night) == night


def test_working_hours_end_as_the_end_is_reached() -> None:
    team = Team("data", "ana", working_hours=WeeklyHours(frozenset({4}), time(9), time(17)))
    end = datetime(2025, 6, 13, 17, tzinfo=UTC)
    assert next_working_instant(team, end - SECOND) == end - SECOND
    assert next_working_instant(team, end) == end.replace(hour=9) + 7 * DAY


def test_hours_that_begin_in_an_hour_that_is_skipped_begin_after_the_gap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = WeeklyHours(frozenset(range(7)), time(2, 30), time(10))
    team = Team("data", "ana", zone=berlin, working_hours=hours)
    night = datetime(2026, 3, 29, tzinfo=UTC)
    assert next_working_instant(team, night) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@given(HOURS, ZONES, INSTANTS)
def test_the_next_working_instant_is_the_first_at_which_the_team_works(
    hours: WeeklyHours, zone: str, now: datetime
) -> None:
    team = Team("data", "ana", zone=ZoneInfo(zone), working_hours=hours)
    found = next_working_instant(team, now)
    span = span_at(found, hours, zone)
    assert span is not None
    assert found == max(now, span[0])
    assert found - now <= 8 * DAY
    if found > now:
        assert span_at(now, hours, zone) is None
        assert next_working_instant(team, found - SECOND) == found


def test_hours_that_are_skipped_altogether_begin_on_the_next_day() -> None:
    hours = WeeklyHours(frozenset(range(7)), time(2, 10), time(2, 50))
    team = Team("data", "ana", zone=ZoneInfo("Europe/Berlin"), working_hours=hours)
    night = datetime(2026, 3, 29, tzinfo=UTC)
    assert next_working_instant(team, night) == datetime(2026, 3, 30, 0, 10, tzinfo=UTC)


def test_hours_without_days_hold_nothing_back() -> None:
    now = datetime(2026, 12, 31, 23, tzinfo=UTC)
    team = Team("data", "ana", working_hours=WeeklyHours(frozenset(), time(9), time(17)))
    assert next_working_instant(team, now) == now


def test_the_last_night_of_a_year_waits_for_the_first_morning_of_the_next() -> None:
    team = Team("data", "ana", working_hours=WeeklyHours(frozenset(range(7)), time(9), time(17)))
    eve = datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert next_working_instant(team, eve) == datetime(2027, 1, 1, 9, tzinfo=UTC)


def test_instants_are_said_in_a_teams_zone_and_in_utc_once_the_team_is_gone() -> None:
    directory = Directory(teams={"data": Team("data", "ana", zone=ZoneInfo("Asia/Tokyo"))})
    assert [directory.zone_of(team) for team in ("data", "gone")] == ["Asia/Tokyo", "UTC"]
