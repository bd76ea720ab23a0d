"""The figures of a week: each by its definition, and totals that agree whatever the week was like."""

from datetime import UTC, datetime, time, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.hours import WeeklyHours
from watchdog.domain.closing import CAUSE_KINDS, JOINED, NOT_GIVEN, WITHDRAWN
from watchdog.domain.figures import (
    CAME_BACK_WITHIN,
    CameBack,
    Change,
    Day,
    History,
    Load,
    Opening,
    Record,
    Weekly,
    weekly,
)
from watchdog.domain.incident import State
from watchdog.domain.pages import Push
from watchdog.domain.people import Directory, Person, Team
from watchdog.domain.weeks import Week

SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
MONDAY = datetime(2025, 6, 9, tzinfo=UTC)
WEEK = Week(MONDAY.date())
NOW = MONDAY + 8 * DAY
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
PEOPLE = {
    "ana": Person("ana", "ana@example.com", "U01ANA", BERLIN),
    "raj": Person("raj", "raj@example.com", "U02RAJ", KOLKATA),
}
HOURS = WeeklyHours(frozenset(range(5)), time(10), time(16))
TEAMS = {"data": Team("data", lead="ana"), "shop": Team("shop", lead="raj", working_hours=HOURS)}
DIRECTORY = Directory(PEOPLE, TEAMS)
OPEN, TAKEN, RECOVERED, RESOLVED = State


def history(
    *later: tuple[State, timedelta],
    at: datetime = MONDAY,
    kind: str = "",
    good: timedelta | None = None,
    team: str = "data",
    rule: str = "orders",
    owner: str = "ana",
) -> History:
    """Return the life of what opened at an instant; what came later is counted from there."""
    changes = ((OPEN, timedelta()), *later)
    return History(
        Opening(team, rule, (), at),
        tuple(Change(at + after, state, owner) for state, after in changes),
        None if good is None else at + good,
        kind,
    )


def figures(*histories: History, pushes: tuple[Push, ...] = ()) -> Weekly:
    return weekly(WEEK, Record(histories, (), pushes), DIRECTORY, NOW)


def pages(*sent: tuple[str, datetime]) -> Weekly:
    return figures(pushes=tuple(Push(*one) for one in sent))


def test_a_week_of_nothing_has_no_medians_and_seven_days() -> None:
    found = figures()
    assert (found.incidents, found.mtta, found.mtta_mean, found.mttr) == (0, None, None, None)
    assert found.slowest_takes is None
    assert found.days == tuple(Day(one, 0) for one in WEEK.days)


def test_mtta_is_the_median_to_the_first_take_and_the_mean_stands_beside_it() -> None:
    found = figures(
        history((TAKEN, MINUTE), (OPEN, HOUR), (TAKEN, 5 * HOUR)),
        history((TAKEN, 3 * MINUTE)),
        history((TAKEN, 20 * MINUTE)),
    )
    assert (found.mtta, found.mtta_mean) == (3 * MINUTE, 8 * MINUTE)


def test_of_two_takes_the_median_lies_in_the_middle() -> None:
    assert figures(history((TAKEN, MINUTE)), history((TAKEN, 4 * MINUTE))).mtta == 2.5 * MINUTE


def test_what_nobody_took_is_counted_apart_and_never_as_zero() -> None:
    found = figures(history((TAKEN, 4 * MINUTE)), history((RECOVERED, HOUR), good=HOUR), history())
    assert (found.incidents, found.not_taken, found.mtta) == (3, 2, 4 * MINUTE)


def test_mttr_is_the_median_to_the_first_good_check_of_what_has_recovered() -> None:
    found = figures(
        history((RECOVERED, HOUR), good=50 * MINUTE),
        history((RECOVERED, HOUR), good=10 * MINUTE),
        history((RECOVERED, HOUR), (OPEN, 2 * HOUR)),
    )
    assert found.mttr == 30 * MINUTE


@pytest.mark.parametrize(("count", "slowest"), [(1, 1), (10, 10), (11, 10), (20, 19), (30, 28)])
def test_the_slowest_tenth_of_takes_took_so_long_or_longer(count: int, slowest: int) -> None:
    found = figures(*(history((TAKEN, one * MINUTE)) for one in range(count, 0, -1)))
    assert found.slowest_takes == slowest * MINUTE


def test_time_not_taken_counts_whenever_it_was_open_and_not_taken() -> None:
    again = history((TAKEN, HOUR), (OPEN, 3 * HOUR), (TAKEN, 5 * HOUR), (RECOVERED, 9 * HOUR))
    assert figures(again).time_not_taken == 3 * HOUR


def test_what_is_open_and_not_taken_counts_until_now() -> None:
    assert figures(history(at=NOW - 2 * DAY)).time_not_taken == 2 * DAY


def test_of_time_not_taken_the_working_hours_are_those_of_the_team() -> None:
    long = (RESOLVED, 2 * DAY)
    own = figures(history(long, team="shop"))
    usual = figures(history(long))
    left = figures(history(long, team="a team that has left"))
    assert (own.time_not_taken_at_work, own.time_not_taken) == (12 * HOUR, 2 * DAY)
    assert usual.time_not_taken_at_work == left.time_not_taken_at_work == 18 * HOUR


@pytest.mark.parametrize(
    ("clock", "nights"),
    [("21:59:59", 0), ("22:00:00", 1), ("00:00:00", 1), ("07:59:59", 1), ("08:00:00", 0)],
)
def test_a_night_page_is_sent_from_22_to_08_in_the_persons_own_zone(
    clock: str, nights: int
) -> None:
    wall = datetime.combine(WEEK.days[2], time.fromisoformat(clock))
    for receiver, zone in (("slack:@U01ANA", BERLIN), ("email:raj@example.com", KOLKATA)):
        assert pages((receiver, wall.replace(tzinfo=zone))).night_pages == nights


def test_pushes_to_a_person_within_a_minute_count_once_over_all_their_ways() -> None:
    slack, mail, raj = "slack:@U01ANA", "email:ana@example.com", "slack:@U02RAJ"
    at = MONDAY + 23 * HOUR
    sent = [(slack, at), (mail, at + 60 * SECOND), (raj, at), (slack, at + 61 * SECOND)]
    found = pages(*reversed(sent))
    assert found.people == (Load("ana", 0, 0, 2), Load("raj", 0, 0, 1))
    assert found.night_pages == 3


def test_nobodys_address_is_nobodys_night() -> None:
    found = pages(("email:data@example.com", MONDAY), ("slack:@U09LEFT", MONDAY))
    assert (found.night_pages, found.people) == (0, ())


@pytest.mark.parametrize("kind", [*CAUSE_KINDS, NOT_GIVEN, WITHDRAWN, ""])
def test_useful_is_what_was_taken_and_had_a_cause_other_than_a_false_alarm(kind: str) -> None:
    taken = history((TAKEN, MINUTE), (RESOLVED, HOUR), kind=kind)
    untaken = history((RECOVERED, MINUTE), (RESOLVED, HOUR), kind=kind)
    is_useful = kind in {"code", "data", "vendor", "infrastructure", "config"}
    assert figures(taken, untaken).useful == int(is_useful)


def test_what_joined_a_storm_is_no_incident_and_what_was_withdrawn_is_one() -> None:
    found = figures(
        history((RESOLVED, MINUTE), kind=JOINED),
        history((RESOLVED, MINUTE), kind=WITHDRAWN),
        history(rule="storm:crm"),
    )
    assert (found.incidents, found.withdrawn, found.still_open) == (2, 1, 1)
    assert found.time_not_taken == MINUTE + (NOW - MONDAY)


def test_still_open_is_what_is_open_or_taken_now() -> None:
    found = figures(
        history(), history((TAKEN, HOUR)), history((RECOVERED, HOUR)), history((RESOLVED, HOUR))
    )
    assert found.still_open == 2


@pytest.mark.parametrize(
    ("before", "times"), [(CAME_BACK_WITHIN, 2), (CAME_BACK_WITHIN + SECOND, 0)]
)
def test_what_opened_twice_in_28_days_came_back(before: timedelta, times: int) -> None:
    earlier = [Opening("data", "orders", (), MONDAY - before)]
    found = weekly(WEEK, Record([history()], earlier), DIRECTORY, NOW)
    assert found.came_back == ((CameBack("data", "orders", (), times),) if times else ())


def test_another_rule_or_team_is_another_thing() -> None:
    earlier = [
        Opening("data", "sync", (), MONDAY - DAY),
        Opening("data", "sync", (), MONDAY - HOUR),
    ]
    own = [history(), history(rule="storm:crm"), history(rule="storm:crm", team="shop")]
    assert weekly(WEEK, Record(own, earlier), DIRECTORY, NOW).came_back == ()


def test_days_are_those_of_the_zone_of_the_week() -> None:
    week = Week(WEEK.monday, KOLKATA)
    late = history(at=MONDAY + 19 * HOUR)  # 00:30 on Tuesday
    found = weekly(week, Record([late]), DIRECTORY, NOW)
    assert [one.incidents for one in found.days] == [0, 1, 0, 0, 0, 0, 0]
    assert [one.at_night for one in found.days] == [0, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("day", "clock", "off_hours"),
    [(4, "17:59", 0), (4, "18:00", 1), (4, "21:59", 1), (4, "22:00", 0), (5, "08:00", 1)],
)
def test_off_hours_are_evenings_and_weekends_in_the_persons_own_zone(
    day: int, clock: str, off_hours: int
) -> None:
    wall = datetime.combine(WEEK.days[day], time.fromisoformat(clock), KOLKATA)
    people = pages(("email:raj@example.com", wall)).people
    assert sum(one.off_hours_pages for one in people) == off_hours


def lives() -> st.SearchStrategy[History]:
    """Any lives: states as the store lets them follow, at any times of the week."""
    follows = {
        OPEN: (TAKEN, RECOVERED, RESOLVED),
        TAKEN: (OPEN, RECOVERED),
        RECOVERED: (OPEN, RESOLVED),
    }

    @st.composite
    def life(draw: st.DrawFn) -> History:
        at = MONDAY + draw(st.timedeltas(timedelta(), 7 * DAY - SECOND))
        changes = [Change(at, OPEN, draw(st.sampled_from(["ana", "raj", "mei"])))]
        for _ in range(draw(st.integers(0, 6))):
            if (last := changes[-1]).state is RESOLVED:
                break
            state = draw(st.sampled_from(follows[last.state]))
            owner = draw(st.sampled_from(["ana", "raj", "mei"]))
            changes.append(Change(last.at + draw(st.timedeltas(timedelta(), HOUR)), state, owner))
        kinds = st.sampled_from([*CAUSE_KINDS, NOT_GIVEN, WITHDRAWN, JOINED])
        kind = draw(kinds) if changes[-1].state is RESOLVED else ""
        team = draw(st.sampled_from(["data", "shop"]))
        good = draw(st.none() | st.just(changes[-1].at))
        return History(Opening(team, "orders", (), at), tuple(changes), good, kind)

    return life()


@given(st.lists(lives(), max_size=12))
def test_totals_agree_whatever_the_week_was_like(week: list[History]) -> None:
    found = figures(*week)
    assert sum(one.incidents for one in found.days) == found.incidents
    assert all(one.at_night <= one.incidents for one in found.days)
    assert sum(one.taken for one in found.people) + found.not_taken == found.incidents
    assert sum(one.cause_kind == JOINED for one in week) + found.incidents == len(week)
    assert found.useful + found.not_taken <= found.incidents


@given(st.lists(lives(), min_size=1, max_size=12))
def test_times_are_within_what_they_are_taken_from(week: list[History]) -> None:
    found = figures(*week)
    assert timedelta() <= found.time_not_taken_at_work <= found.time_not_taken
    if found.mtta is not None and found.slowest_takes is not None:
        own = [one for one in week if one.cause_kind != JOINED and one.first_take]
        waits = [one.first_take.at - one.opening.opened_at for one in own if one.first_take]
        assert found.mtta.total_seconds() == pytest.approx(
            median(one.total_seconds() for one in waits), abs=1e-5
        )
        assert found.mtta <= found.slowest_takes <= max(waits)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["slack:@U01ANA", "email:raj@example.com"]),
            st.datetimes(
                MONDAY.replace(tzinfo=None),
                (MONDAY + 7 * DAY).replace(tzinfo=None),
                timezones=st.just(UTC),
            ),
        )
    )
)
def test_night_pages_of_people_are_all_night_pages(sent: list[tuple[str, datetime]]) -> None:
    found = pages(*sent)
    assert sum(one.night_pages for one in found.people) == found.night_pages <= len(sent)
    assert pages(*sent, *sent).night_pages == found.night_pages
