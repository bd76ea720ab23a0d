"""Any schedule in 40 zones, around changes of their clocks: never nobody, never two.

The default run takes a sample; `--long` takes 10,000 schedules.
"""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules import (
    PEOPLE,
    clock_changes,
    covers,
    layers,
    moments,
    on_call_by_the_wall,
    walls,
    zones,
)
from watchdog.domain.coverage import uncovered
from watchdog.domain.oncall import gaps, next_handover, on_call, shifts
from watchdog.domain.people import Directory, Person, Rotation, Team

SECOND = timedelta(seconds=1)
LEAD = "lead"
TEN_THOUSAND = settings(max_examples=10_000)


def directory_of(zone: str, *oncall: Rotation) -> Directory:
    """Return a directory with one team, `data`, whose lead is in no rotation."""
    people = {name: Person(name) for name in (*PEOPLE, LEAD)}
    return Directory(people, {"data": Team("data", LEAD, zone=ZoneInfo(zone), oncall=oncall)})


def compare_with_the_wall(directory: Directory, since: datetime, minutes: int) -> None:
    """Hold every minute against the second opinion, and the shifts against every minute."""
    team = directory.teams["data"]
    found = list(shifts(directory, "data", since, since + timedelta(minutes=minutes)))
    assert found[0].starts_at == since
    assert found[-1].ends_at == since + timedelta(minutes=minutes)
    assert all(one.ends_at == other.starts_at for one, other in itertools.pairwise(found))
    assert all(one.starts_at < one.ends_at for one in found)
    for at, wall in walls(since, minutes, team.zone.key):
        [shift] = [one for one in found if one.starts_at <= at < one.ends_at]
        assert shift.person == on_call_by_the_wall(directory, at, wall), (at, wall)
    for one in found:
        assert on_call(directory, "data", one.starts_at) == one.person
        assert on_call(directory, "data", one.ends_at - SECOND) == one.person


@given(st.data(), layers, zones)
def test_at_each_minute_one_person_is_on_call_as_the_wall_says(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    since = data.draw(moments(zone)).replace(second=0)
    directory = replace(directory_of(zone, *oncall), covers=data.draw(covers(since)))
    compare_with_the_wall(directory, since, minutes=180)


@pytest.mark.long
@TEN_THOUSAND
@given(st.data(), layers, zones)
def test_at_each_minute_of_ten_thousand_schedules_one_person_is_on_call(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    since = data.draw(moments(zone)).replace(second=0)
    directory = replace(directory_of(zone, *oncall), covers=data.draw(covers(since)))
    compare_with_the_wall(directory, since, minutes=240)


def gaps_are_as_said(oncall: tuple[Rotation, ...], zone: str, change: datetime) -> None:
    """Hold what `check` says of a week against two weeks in which the clock is moved."""
    directory = directory_of(zone, *oncall)
    week = timedelta(days=7)
    found = list(gaps(directory, "data", change - week, change + week))
    if not uncovered(oncall):
        assert found == [], "nobody is never on call without that check has said so"
    for gap in found:
        assert on_call(directory, "data", gap.starts_at) == LEAD


@given(st.data(), layers, zones)
def test_only_where_check_says_so_nobody_but_the_lead_is_on_call(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    gaps_are_as_said(oncall, zone, data.draw(st.sampled_from(clock_changes(zone))))


@pytest.mark.long
@TEN_THOUSAND
@given(st.data(), layers, zones)
def test_of_ten_thousand_schedules_none_has_a_gap_that_check_has_not_said(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    gaps_are_as_said(oncall, zone, data.draw(st.sampled_from(clock_changes(zone))))


@given(st.data(), layers, zones)
def test_the_next_hand_over_is_where_the_person_changes(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    at = data.draw(moments(zone))
    directory = replace(directory_of(zone, *oncall), covers=data.draw(covers(at)))
    now, following = on_call(directory, "data", at), next_handover(directory, "data", at)
    if following is None:
        people = {
            on_call(directory, "data", at + timedelta(hours=hour)) for hour in range(0, 8700, 7)
        }
        assert people == {now}
        return
    assert following.starts_at > at
    assert following.person == on_call(directory, "data", following.starts_at) != now
    for part in range(10):
        assert on_call(directory, "data", at + (following.starts_at - at) * part / 10) == now
    assert on_call(directory, "data", following.starts_at - SECOND) == now
