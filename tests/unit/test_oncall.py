"""Who is on call, whatever the clocks of the world do."""

import itertools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.oncall import next_handover, on_call, owner_for
from watchdog.domain.people import Directory, Person, Rotate, Rotation, Team

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/St_Johns",
        "Africa/Cairo",
        "UTC",
    ]
)
ROTATIONS = st.builds(
    Rotation,
    st.sampled_from(Rotate),
    st.lists(
        st.sampled_from(["ana", "raj", "mei", "tom"]), min_size=1, max_size=4, unique=True
    ).map(tuple),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(0, 6),
)
INSTANTS = st.integers(1_577_836_800, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def a_team(rotation: Rotation | None, zone: str = "Europe/Berlin") -> Team:
    return Team("data", lead="tom", zone=ZoneInfo(zone), oncall=rotation)


WEEKLY = Rotation(Rotate.WEEKLY, ("ana", "raj"), time(10), 0)
DAILY = Rotation(Rotate.DAILY, ("ana", "raj", "mei"), time(9))


def test_a_week_belongs_to_one_person_from_hand_over_to_hand_over() -> None:
    team = a_team(WEEKLY)
    monday = datetime(2025, 6, 16, 10, tzinfo=BERLIN)
    before, after = on_call(team, monday - timedelta(seconds=1)), on_call(team, monday)
    assert {before, after} == {"ana", "raj"}
    assert on_call(team, monday + timedelta(days=7, seconds=-1)) == after
    assert on_call(team, monday + timedelta(days=7)) == before


def test_days_pass_from_one_to_the_next_in_order() -> None:
    noon = datetime(2025, 6, 16, 12, tzinfo=BERLIN)
    days = [on_call(a_team(DAILY), noon + timedelta(days=day)) for day in range(4)]
    order = ["ana", "raj", "mei"]
    start = order.index(days[0])
    assert days == [order[(start + day) % 3] for day in range(4)]


def test_without_a_rotation_the_lead_answers() -> None:
    assert on_call(a_team(None), datetime(2025, 6, 16, tzinfo=UTC)) == "tom"


def test_somebody_who_left_the_configuration_is_replaced_by_the_lead() -> None:
    directory = Directory({"tom": Person("tom")}, {"data": a_team(WEEKLY)})
    assert owner_for(directory, "data", datetime(2025, 6, 16, tzinfo=UTC)) == "tom"


@pytest.mark.parametrize("day", [30, 26])
def test_the_hour_that_dst_skips_or_repeats_hands_over_once(day: int) -> None:
    month = 3 if day == 30 else 10
    team = a_team(Rotation(Rotate.DAILY, ("ana", "raj"), time(2, 30)))
    start = datetime(2025, month, day, 0, 0, tzinfo=BERLIN).astimezone(UTC)
    people = [on_call(team, start + timedelta(minutes=minute)) for minute in range(6 * 60)]
    changes = sum(one != other for one, other in itertools.pairwise(people))
    assert changes == 1


@given(ROTATIONS, ZONES, INSTANTS)
def test_exactly_one_known_person_is_on_call(rotation: Rotation, zone: str, at: datetime) -> None:
    assert on_call(a_team(rotation, zone), at) in rotation.order


@given(ROTATIONS, ZONES, INSTANTS)
def test_the_next_hand_over_is_where_the_person_changes(
    rotation: Rotation, zone: str, at: datetime
) -> None:
    team = a_team(rotation, zone)
    handover = next_handover(team, at)
    if len(rotation.order) == 1:
        assert handover is None
        return
    assert handover is not None
    assert handover > at
    assert on_call(team, handover) != on_call(team, at)
    assert on_call(team, handover - timedelta(seconds=1)) == on_call(team, at)
