"""Which hand-overs of on-call are told, and in which words.

The default run takes a small sample of schedules; `--long` takes a thousand.
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.schedules import (
    PEOPLE,
    covers,
    layers,
    moments,
    on_call_by_the_wall,
    walls,
    zones,
)
from watchdog.domain.handovers import (
    LATE_MAX,
    Handover,
    Live,
    announcement,
    briefing,
    is_news,
    latest_handover,
    next_change,
    ways_to,
)
from watchdog.domain.oncall import on_call
from watchdog.domain.people import DAILY, WEEKLY, Cover, Directory, Person, Rotation, Team

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2025, 6, 2, 10, tzinfo=BERLIN)
TEN = timedelta(hours=10)
few_zones = st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe"])


def directory_of(*oncall: Rotation, zone: str = "Europe/Berlin") -> Directory:
    """Return a directory with one team, `data`, that tom leads."""
    people = {name: Person(name) for name in (*PEOPLE, "lead")}
    return Directory(people, {"data": Team("data", "lead", zone=ZoneInfo(zone), oncall=oncall)})


WEEKS = directory_of(Rotation(WEEKLY, ("ana", "raj", "mei")))
[RAJ] = [
    replace(WEEKS, teams={"data": replace(WEEKS.teams["data"], oncall=(one,))})
    for order in (("ana", "raj", "mei"), ("raj", "mei", "ana"), ("mei", "ana", "raj"))
    if on_call(directory_of(one := Rotation(WEEKLY, order)), "data", MONDAY) == "raj"
]
"""Raj follows ana on this Monday at 10:00."""


def told_by(directory: Directory, looks: list[datetime]) -> list[Handover]:
    """Return what is told when it is looked at these instants, as the service does it."""
    last = Handover("data", on_call(directory, "data", looks[0]), looks[0])
    told = []
    for now in looks:
        found = latest_handover(directory, "data", now)
        if found and is_news(found, last):
            told.append(found)
            last = found
    return told


def changes_by_the_wall(directory: Directory, since: datetime, minutes: int) -> list[Handover]:
    """Return the minutes in which somebody else follows, by the second opinion."""
    found, before = [], ""
    for at, wall in walls(since, minutes, directory.teams["data"].zone.key):
        person = on_call_by_the_wall(directory, at, wall)
        if before and person != before:
            found.append(Handover("data", person, at))
        before = person
    return found


def every_change_is_told(data: st.DataObject, oncall: tuple[Rotation, ...], zone: str) -> None:
    """Hold what is told, minute by minute, against the second opinion."""
    since = data.draw(moments(zone)).replace(second=0)
    directory = replace(directory_of(*oncall, zone=zone), covers=data.draw(covers(since)))
    looks = [since + minute * MINUTE for minute in range(90)]
    assert told_by(directory, looks) == changes_by_the_wall(directory, since, 90)


@settings(max_examples=10)
@given(st.data(), layers, few_zones)
def test_each_change_of_any_schedule_is_told_once_at_its_minute(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    every_change_is_told(data, oncall, zone)


@pytest.mark.long
@settings(max_examples=1000)
@given(st.data(), layers, zones)
def test_each_change_of_a_thousand_schedules_is_told_once_at_its_minute(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    every_change_is_told(data, oncall, zone)


@settings(max_examples=5)
@given(st.data(), layers, few_zones)
def test_whoever_looks_seldom_tells_only_who_is_on_call_and_nothing_late(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    since = data.draw(moments(zone)).replace(second=0)
    directory = replace(directory_of(*oncall, zone=zone), covers=data.draw(covers(since)))
    changes = changes_by_the_wall(directory, since, 300)
    now, last = since, Handover("data", on_call(directory, "data", since), since)
    for gap in data.draw(st.lists(st.integers(1, 100), min_size=1, max_size=3)):
        now += gap * MINUTE
        found = latest_handover(directory, "data", now)
        if found and is_news(found, last):
            assert found.person == on_call(directory, "data", now)
            assert now - LATE_MAX < found.at <= now
            assert found in changes
            last = found


@settings(max_examples=5)
@given(st.data(), layers, few_zones)
def test_the_next_look_is_no_later_than_the_next_change(
    data: st.DataObject, oncall: tuple[Rotation, ...], zone: str
) -> None:
    now = data.draw(moments(zone)).replace(second=0)
    directory = replace(directory_of(*oncall, zone=zone), covers=data.draw(covers(now)))
    until = now + 30 * MINUTE
    at = next_change(directory, "data", now, until)
    assert now < at <= until
    changes = changes_by_the_wall(directory, now, 30)
    assert all(at <= one.at for one in changes)


def test_nothing_passes_on_where_there_is_one_person_or_only_a_lead() -> None:
    for directory in (directory_of(Rotation(DAILY, ("ana",))), directory_of()):
        looks = [MONDAY + hour * timedelta(hours=1) for hour in range(72)]
        assert told_by(directory, looks) == []


def test_who_covers_and_who_follows_are_told_and_a_cover_by_oneself_is_not() -> None:
    cover = Cover("data", "mei", MONDAY + TEN, MONDAY + 2 * TEN, "tom", 1)
    looks = [MONDAY + 2 * minute * MINUTE for minute in range(900)]
    covered = replace(RAJ, covers=(cover,))
    assert told_by(covered, looks) == [
        Handover("data", "mei", MONDAY + TEN),
        Handover("data", "raj", MONDAY + 2 * TEN),
    ]
    by_raj = replace(RAJ, covers=(replace(cover, person="raj"),))
    assert told_by(by_raj, looks) == []


def test_a_hand_over_is_told_for_an_hour_and_not_longer() -> None:
    found = latest_handover(RAJ, "data", MONDAY + LATE_MAX - timedelta.resolution)
    assert found == Handover("data", "raj", MONDAY)
    assert latest_handover(RAJ, "data", MONDAY + LATE_MAX) is None
    assert latest_handover(RAJ, "data", MONDAY - timedelta.resolution) is None


def test_a_hand_over_that_an_edit_has_moved_is_not_told_again() -> None:
    last = Handover("data", "raj", MONDAY)
    later = replace(last, at=MONDAY + 30 * MINUTE)
    assert not is_news(later, last)
    assert not is_news(replace(last, at=MONDAY - 30 * MINUTE), last)
    assert is_news(replace(later, person="mei"), last)
    assert is_news(replace(last, at=MONDAY + timedelta(days=21)), last)


LIVE = [
    Live(1051 + number, f"Trouble {number}", "critical", state, "ana", MONDAY - 47 * MINUTE)
    for number, state in enumerate(["open", "taken", "open", "open"])
]


@pytest.mark.parametrize(
    ("count", "fact"),
    [
        (0, "raj until Mon 9 Jun 10:00 (then mei) · none open"),
        (1, "raj until Mon 9 Jun 10:00 (then mei) · 1 open: #1051"),
        (3, "raj until Mon 9 Jun 10:00 (then mei) · 3 open: #1051, #1052, #1053"),
        (4, "raj until Mon 9 Jun 10:00 (then mei) · 4 open: #1051, #1052, #1053, …"),
    ],
)
def test_the_channel_hears_who_until_when_who_then_and_what_is_open(count: int, fact: str) -> None:
    told = announcement(RAJ, Handover("data", "raj", MONDAY), LIVE[:count], count)
    assert (told.word, told.title, told.fact) == ("ON CALL", "data", fact)
    assert told.parts == ()


@pytest.mark.parametrize(
    ("ends_after", "fact"),
    [
        (timedelta(hours=8), "mei until 18:00 (then raj) · none open"),
        (timedelta(days=2), "mei until Wed 10:00 (then raj) · none open"),
    ],
)
def test_a_day_is_said_where_it_is_another(ends_after: timedelta, fact: str) -> None:
    cover = Cover("data", "mei", MONDAY, MONDAY + ends_after, "tom", 1)
    told = announcement(replace(RAJ, covers=(cover,)), Handover("data", "mei", MONDAY), [], 0)
    assert told.fact == fact


def test_whoever_nobody_follows_has_no_end() -> None:
    told = announcement(directory_of(), Handover("data", "lead", MONDAY), [], 0)
    assert told.fact == "lead · none open"


def test_whoever_comes_reads_what_is_open_and_how_the_tests_went() -> None:
    told = announcement(RAJ, Handover("data", "raj", MONDAY), LIVE, 4)
    tests = [("email to raj@example.com", "delivered")]
    live, tested = briefing(told, LIVE, 4, tests).parts
    assert live.rows[0] == ("#1051 Trouble 0", "critical", "ana, not taken", "09:13")
    assert live.rows[1][2] == "ana"
    assert tested.rows == tuple(tests)
    [alone] = briefing(told, LIVE * 10, 40, []).parts
    assert (len(alone.rows), alone.is_cut) == (15, True)


def test_the_first_way_is_slack_and_the_others_are_tested() -> None:
    both = Person("raj", email="raj@example.com", slack="U02RAJ")
    directory = Directory({"raj": both, "mei": Person("mei", email="mei@example.com")})
    assert ways_to(directory, "raj") == ("slack:@U02RAJ", "email:raj@example.com")
    assert ways_to(directory, "mei") == ("email:mei@example.com",)
    assert ways_to(directory, "zoe") == ()


@pytest.mark.parametrize(
    "at",
    [
        datetime(2025, 3, 30, 1, tzinfo=UTC),  # 02:00 is skipped: right after it
        datetime(2025, 10, 26, 0, tzinfo=UTC),  # 02:00 comes twice: the first time
    ],
)
def test_on_days_of_a_clock_change_it_passes_on_once(at: datetime) -> None:
    nightly = directory_of(Rotation(DAILY, ("ana", "raj"), at=time(2)))
    begin = at - timedelta(hours=12)
    [told] = told_by(nightly, [begin + minute * MINUTE for minute in range(0, 24 * 60, 5)])
    assert told.at == at
