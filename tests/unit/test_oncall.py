"""Who is on call, whatever the clocks of the world do."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.hours import WeeklyHours
from watchdog.domain.oncall import (
    By,
    duties,
    gaps,
    next_handover,
    on_call,
    shift_ends_at,
    shifts,
    swapped,
)
from watchdog.domain.people import (
    DAILY,
    MONTHLY,
    WEEKLY,
    Cover,
    Directory,
    Person,
    Rotation,
    Team,
    Turn,
    Unit,
)

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {name: Person(name) for name in ("ana", "raj", "mei", "tom")}
WEEKS = Rotation(WEEKLY, ("ana", "raj"))
DAYS = Rotation(DAILY, ("ana", "raj", "mei"), time(9))
OFFICE = WeeklyHours(frozenset(range(5)), time(8), time(18))
NIGHTS = WeeklyHours(frozenset(range(5)), time(18), time(8))
MONDAY = datetime(2025, 6, 16, tzinfo=BERLIN)


def directory_of(*layers: Rotation) -> Directory:
    """Return a directory with one team, `data`, that tom leads."""
    return Directory(PEOPLE, {"data": Team("data", lead="tom", zone=BERLIN, oncall=layers)})


def who(directory: Directory, at: datetime) -> str:
    return on_call(directory, "data", at)


def test_a_week_belongs_to_one_person_from_hand_over_to_hand_over() -> None:
    team = directory_of(WEEKS)
    monday = datetime(2025, 6, 16, 10, tzinfo=BERLIN)
    before, after = who(team, monday - timedelta(seconds=1)), who(team, monday)
    assert {before, after} == {"ana", "raj"}
    assert who(team, monday + timedelta(days=7, seconds=-1)) == after
    assert who(team, monday + timedelta(days=7)) == before


def test_whoever_is_on_call_knows_when_they_are_relieved() -> None:
    team = directory_of(WEEKS)
    ends_at = datetime(2025, 6, 23, 10, tzinfo=BERLIN)
    at = ends_at - timedelta(days=3)
    person = who(team, at)
    assert shift_ends_at(team, "data", person, at) == ends_at
    assert who(team, ends_at) != person
    assert shift_ends_at(team, "data", "tom", at) is None, "tom is not on call"
    alone = directory_of(Rotation(WEEKLY, ("ana",)))
    assert shift_ends_at(alone, "data", "ana", at) is None, "nobody follows"
    assert shift_ends_at(directory_of(), "data", "tom", at) is None, "the lead always answers"


def test_days_pass_from_one_to_the_next_in_order() -> None:
    noon = datetime(2025, 6, 16, 12, tzinfo=BERLIN)
    days = [who(directory_of(DAYS), noon + timedelta(days=day)) for day in range(4)]
    order = ["ana", "raj", "mei"]
    start = order.index(days[0])
    assert days == [order[(start + day) % 3] for day in range(4)]


def test_without_a_rotation_the_lead_answers() -> None:
    assert who(directory_of(), datetime(2025, 6, 16, tzinfo=UTC)) == "tom"


def test_somebody_who_left_the_configuration_is_replaced_by_the_lead() -> None:
    directory = replace(directory_of(WEEKS), people={"tom": Person("tom")})
    assert who(directory, MONDAY) == "tom"


def test_turns_of_twelve_hours_begin_at_the_hand_over_and_half_a_day_later() -> None:
    team = directory_of(Rotation(Turn(12, Unit.HOURS), ("ana", "raj"), time(8)))
    people = [who(team, MONDAY + timedelta(hours=hour)) for hour in range(24)]
    assert [len(list(same)) for _, same in itertools.groupby(people)] == [8, 12, 4]


def test_a_month_belongs_to_one_person_from_its_day_to_that_of_the_next() -> None:
    team = directory_of(Rotation(MONTHLY, ("ana", "raj"), time(10), day=15))
    following = next_handover(team, "data", MONDAY)
    assert following
    assert following.starts_at == datetime(2025, 7, 15, 10, tzinfo=BERLIN)
    days = [datetime(2025, month, 20, tzinfo=BERLIN) for month in range(1, 13)]
    people = [who(team, day) for day in days]
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
    team = directory_of(rotation)
    before = begins - timedelta(seconds=1)
    assert [who(team, before), who(team, begins)] == ["raj", "ana"]


@pytest.mark.parametrize("day", [30, 26])
def test_the_hour_that_dst_skips_or_repeats_hands_over_once(day: int) -> None:
    month = 3 if day == 30 else 10
    team = directory_of(Rotation(DAILY, ("ana", "raj"), time(2, 30)))
    start = datetime(2025, month, day, 0, 0, tzinfo=BERLIN).astimezone(UTC)
    people = [who(team, start + timedelta(minutes=minute)) for minute in range(6 * 60)]
    changes = sum(one != other for one, other in itertools.pairwise(people))
    assert changes == 1


def test_a_turn_that_dst_takes_an_hour_from_is_that_much_shorter() -> None:
    team = directory_of(Rotation(Turn(2, Unit.HOURS), ("ana", "raj", "mei"), time(0)))
    one = datetime(2025, 3, 30, 1, 59, tzinfo=BERLIN).astimezone(UTC)
    people = [who(team, one + timedelta(minutes=minute)) for minute in (0, 1, 60, 61)]
    before, after = people[0], people[1]
    assert before != after
    assert people[2] == after, "at 03:59 it is still the turn that began when 02:00 was skipped"
    assert people[3] not in {before, after}


def test_the_upper_layer_decides_in_its_hours_and_the_lower_one_outside_of_them() -> None:
    office = Rotation(DAILY, ("ana",), hours=OFFICE)
    directory = directory_of(office, Rotation(DAILY, ("raj",)))
    people = [who(directory, MONDAY + timedelta(hours=hour)) for hour in (7, 8, 17, 18)]
    assert people == ["raj", "ana", "ana", "raj"]
    assert who(directory, MONDAY - timedelta(days=1)) == "raj", "on Sunday"
    assert list(gaps(directory, "data", MONDAY, MONDAY + timedelta(days=7))) == []


def test_where_no_layer_covers_an_instant_the_lead_answers_and_it_is_a_gap() -> None:
    directory = directory_of(Rotation(DAILY, ("ana",), hours=OFFICE))
    friday = MONDAY + timedelta(days=4, hours=12)
    assert who(directory, friday + timedelta(hours=6)) == "tom"
    [gap] = gaps(directory, "data", friday, friday + timedelta(days=3))
    assert gap.starts_at == datetime(2025, 6, 20, 18, tzinfo=BERLIN)
    assert gap.ends_at == datetime(2025, 6, 23, 8, tzinfo=BERLIN)


def test_a_team_without_rotations_has_no_gap() -> None:
    assert list(gaps(directory_of(), "data", MONDAY, MONDAY + timedelta(days=7))) == []


def test_a_turn_of_somebody_who_left_falls_to_the_layer_below() -> None:
    directory = directory_of(Rotation(DAILY, ("uwe",)), Rotation(DAILY, ("raj",)))
    assert who(directory, MONDAY) == "raj"


def test_shifts_say_who_comes_when_and_why() -> None:
    nights = Rotation(DAILY, ("ana", "raj"), time(18), since=date(2025, 6, 16), hours=NIGHTS)
    found = shifts(directory_of(nights), "data", MONDAY, MONDAY + timedelta(days=2))
    said = [(one.person, one.by, one.ends_at.astimezone(BERLIN).strftime("%a %H")) for one in found]
    assert said == [
        ("tom", By.LEAD, "Mon 18"),
        ("ana", By.ROTATION, "Tue 08"),
        ("tom", By.LEAD, "Tue 18"),
        ("raj", By.ROTATION, "Wed 00"),
    ]


def test_nobody_follows_who_is_alone() -> None:
    assert next_handover(directory_of(Rotation(WEEKLY, ("ana",))), "data", MONDAY) is None


def covered(directory: Directory, *spans: tuple[str, int, int]) -> Directory:
    """Return the directory with covers from one hour of Monday to another."""
    hours = [
        (who, MONDAY + timedelta(hours=one), MONDAY + timedelta(hours=two))
        for who, one, two in spans
    ]
    found = [Cover("data", *span, "tom", number) for number, span in enumerate(hours, start=1)]
    return replace(directory, covers=tuple(found))


ALONE = directory_of(Rotation(WEEKLY, ("ana",)))


def test_whoever_covers_is_on_call_from_the_first_instant_to_the_last() -> None:
    directory = covered(ALONE, ("raj", 10, 12))
    at = [
        timedelta(hours=10, seconds=-1),
        timedelta(hours=10),
        timedelta(hours=12, seconds=-1),
        timedelta(hours=12),
    ]
    assert [who(directory, MONDAY + one) for one in at] == ["ana", "raj", "raj", "ana"]
    following = next_handover(directory, "data", MONDAY)
    assert following
    assert (following.person, following.by, following.cover) == ("raj", By.COVER, 1)


def test_a_cover_of_another_team_or_by_somebody_who_left_does_not_count() -> None:
    others = replace(covered(ALONE, ("raj", 0, 9)).covers[0], team="web")
    left = covered(ALONE, ("uwe", 0, 9)).covers[0]
    assert who(replace(ALONE, covers=(others, left)), MONDAY) == "ana"


def test_a_cover_closes_a_gap() -> None:
    directory = directory_of(Rotation(DAILY, ("ana",), hours=OFFICE))
    day = (MONDAY, MONDAY + timedelta(days=1))
    assert len(list(gaps(directory, "data", *day))) == 2
    assert len(list(gaps(covered(directory, ("raj", 0, 8)), "data", *day))) == 1


def test_duties_say_who_until_when_and_who_then() -> None:
    [duty] = duties(covered(ALONE, ("raj", 0, 9)), MONDAY)
    assert (duty.team, duty.person, duty.by, duty.then) == ("data", "raj", By.COVER, "ana")
    assert duty.until == MONDAY + timedelta(hours=9)
    [gap] = duties(directory_of(Rotation(DAILY, ("ana",), hours=OFFICE)), MONDAY)
    assert (gap.person, gap.is_gap, gap.then) == ("tom", True, "ana")
    [alone] = duties(directory_of(), MONDAY)
    assert (alone.person, alone.is_gap, alone.until) == ("tom", False, None)


def test_two_people_swap_their_next_shifts() -> None:
    directory = directory_of(replace(DAYS, since=date(2025, 6, 15)))
    assert who(directory, MONDAY) == "ana"
    pair = swapped(directory, "data", "ana", "raj", MONDAY, "tom")
    assert pair
    said = [(one.person, one.starts_at.astimezone(BERLIN).strftime("%a %d %H")) for one in pair]
    assert said == [("raj", "Wed 18 09"), ("ana", "Mon 16 09")], "ana's shift of now has begun"
    after = replace(directory, covers=pair)
    assert who(after, MONDAY + timedelta(hours=9)) == "ana"
    assert who(after, MONDAY + timedelta(days=2, hours=9)) == "raj"


def test_a_shift_that_begins_at_the_very_instant_is_swapped() -> None:
    directory = directory_of(replace(DAYS, since=date(2025, 6, 16)))
    pair = swapped(directory, "data", "ana", "raj", MONDAY + timedelta(hours=9), "tom")
    assert pair
    assert pair[0].starts_at == MONDAY + timedelta(hours=9)


def test_who_has_no_shift_cannot_swap() -> None:
    assert swapped(directory_of(DAYS), "data", "ana", "tom", MONDAY, "ana") is None
