"""Who is on call, whatever the clocks of the world do."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules import moments, rotations, turn_by_the_wall, walls, zones
from watchdog.domain.oncall import next_handover, on_call, owner_for
from watchdog.domain.people import (
    DAILY,
    MONTHLY,
    WEEKLY,
    Directory,
    Person,
    Rotation,
    Team,
    Turn,
    Unit,
)
from watchdog.domain.rotation import turn_at

BERLIN = ZoneInfo("Europe/Berlin")


def a_team(rotation: Rotation | None, zone: str = "Europe/Berlin") -> Team:
    return Team("data", lead="tom", zone=ZoneInfo(zone), oncall=rotation)


WEEKS = Rotation(WEEKLY, ("ana", "raj"))
DAYS = Rotation(DAILY, ("ana", "raj", "mei"), time(9))


def test_a_week_belongs_to_one_person_from_hand_over_to_hand_over() -> None:
    team = a_team(WEEKS)
    monday = datetime(2025, 6, 16, 10, tzinfo=BERLIN)
    before, after = on_call(team, monday - timedelta(seconds=1)), on_call(team, monday)
    assert {before, after} == {"ana", "raj"}
    assert on_call(team, monday + timedelta(days=7, seconds=-1)) == after
    assert on_call(team, monday + timedelta(days=7)) == before


def test_days_pass_from_one_to_the_next_in_order() -> None:
    noon = datetime(2025, 6, 16, 12, tzinfo=BERLIN)
    days = [on_call(a_team(DAYS), noon + timedelta(days=day)) for day in range(4)]
    order = ["ana", "raj", "mei"]
    start = order.index(days[0])
    assert days == [order[(start + day) % 3] for day in range(4)]


def test_without_a_rotation_the_lead_answers() -> None:
    assert on_call(a_team(None), datetime(2025, 6, 16, tzinfo=UTC)) == "tom"


def test_somebody_who_left_the_configuration_is_replaced_by_the_lead() -> None:
    directory = Directory({"tom": Person("tom")}, {"data": a_team(WEEKS)})
    assert owner_for(directory, "data", datetime(2025, 6, 16, tzinfo=UTC)) == "tom"


def test_turns_of_twelve_hours_begin_at_the_hand_over_and_half_a_day_later() -> None:
    team = a_team(Rotation(Turn(12, Unit.HOURS), ("ana", "raj"), time(8)))
    midnight = datetime(2025, 6, 16, tzinfo=BERLIN)
    people = [on_call(team, midnight + timedelta(hours=hour)) for hour in range(24)]
    assert [len(list(same)) for _, same in itertools.groupby(people)] == [8, 12, 4]


def test_a_month_belongs_to_one_person_from_its_day_to_that_of_the_next() -> None:
    team = a_team(Rotation(MONTHLY, ("ana", "raj"), time(10), day=15))
    assert next_handover(team, datetime(2025, 6, 16, tzinfo=BERLIN)) == datetime(
        2025, 7, 15, 10, tzinfo=BERLIN
    )
    days = [datetime(2025, month, 20, tzinfo=BERLIN) for month in range(1, 13)]
    people = [on_call(team, day) for day in days]
    assert people in (["ana", "raj"] * 6, ["raj", "ana"] * 6)


@pytest.mark.parametrize(
    ("turn", "begins"),
    [
        (Turn(2, Unit.WEEKS), datetime(2026, 6, 17, 10, tzinfo=BERLIN)),
        (Turn(3, Unit.DAYS), datetime(2026, 6, 15, 10, tzinfo=BERLIN)),
        (Turn(6, Unit.HOURS), datetime(2026, 6, 15, 10, tzinfo=BERLIN)),
        (Turn(2, Unit.MONTHS), datetime(2026, 7, 3, 10, tzinfo=BERLIN)),
    ],
)
def test_the_first_of_the_order_begins_with_the_first_hand_over_from_a_day_on(
    turn: Turn, begins: datetime
) -> None:
    rotation = Rotation(turn, ("ana", "raj"), weekday=2, day=3, since=date(2026, 6, 15))
    team = a_team(rotation)
    before = begins - timedelta(seconds=1)
    assert [on_call(team, before), on_call(team, begins)] == ["raj", "ana"]


@pytest.mark.parametrize("day", [30, 26])
def test_the_hour_that_dst_skips_or_repeats_hands_over_once(day: int) -> None:
    month = 3 if day == 30 else 10
    team = a_team(Rotation(DAILY, ("ana", "raj"), time(2, 30)))
    start = datetime(2025, month, day, 0, 0, tzinfo=BERLIN).astimezone(UTC)
    people = [on_call(team, start + timedelta(minutes=minute)) for minute in range(6 * 60)]
    changes = sum(one != other for one, other in itertools.pairwise(people))
    assert changes == 1


def test_a_turn_of_an_hour_that_dst_skips_is_nobodys() -> None:
    team = a_team(Rotation(Turn(2, Unit.HOURS), ("ana", "raj", "mei"), time(0)))
    one = datetime(2025, 3, 30, 1, 59, tzinfo=BERLIN).astimezone(UTC)
    people = [on_call(team, one + timedelta(minutes=minute)) for minute in (0, 1, 60, 61)]
    before, after = people[0], people[1]
    assert before != after
    assert people[2] == after, "from 03:00 to 04:00 it is still the turn that began at 02:00"
    assert people[3] not in {before, after}


@given(st.data(), rotations, zones)
def test_turns_are_as_the_clock_on_the_wall_says(
    data: st.DataObject, rotation: Rotation, zone: str
) -> None:
    compare_with_the_wall(rotation, zone, data.draw(moments(zone)), minutes=180)


@pytest.mark.long
@settings(max_examples=10_000)
@given(st.data(), rotations, zones)
def test_ten_thousand_rotations_are_as_the_clock_on_the_wall_says(
    data: st.DataObject, rotation: Rotation, zone: str
) -> None:
    compare_with_the_wall(rotation, zone, data.draw(moments(zone)), minutes=600)


def compare_with_the_wall(rotation: Rotation, zone: str, since: datetime, minutes: int) -> None:
    """Hold each minute against the second opinion; turns follow each other without gap."""
    since = since.replace(second=0)
    place, ends_at = ZoneInfo(zone), since
    for at, wall in walls(since, minutes, zone):
        person, later = turn_at(rotation, at, place)
        assert person == turn_by_the_wall(rotation, wall), (at, wall)
        assert later > at
        assert later == ends_at or ends_at <= at, "a turn ends when its first minute said it would"
        ends_at = later


@given(st.data(), rotations, zones)
def test_the_next_hand_over_is_where_the_person_changes(
    data: st.DataObject, rotation: Rotation, zone: str
) -> None:
    team, at = a_team(rotation, zone), data.draw(moments(zone))
    handover = next_handover(team, at)
    if handover is None:
        assert len(set(rotation.order)) == 1 or rotation.turn.unit is Unit.MONTHS
        return
    assert handover > at
    assert on_call(team, handover) != on_call(team, at)
    for part in range(10):
        assert on_call(team, at + (handover - at) * part / 10) == on_call(team, at)
    assert on_call(team, handover - timedelta(seconds=1)) == on_call(team, at)
