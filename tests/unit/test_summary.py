"""The weekly summary of what is known: each part from its records, and totals that agree."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers.summary import GapLine, LoadLine, Summary, UnseenLine
from rules.hours import WeeklyHours
from tests.unit.test_figures import (
    DAY,
    DIRECTORY,
    HOUR,
    MINUTE,
    MONDAY,
    NOW,
    RECOVERED,
    RESOLVED,
    TAKEN,
    WEEK,
    history,
    lives,
)
from tests.unit.test_incident import an_incident
from watchdog.domain.closing import JOINED, Answer, Prevention
from watchdog.domain.figures import History, Opening, Record
from watchdog.domain.incident import State
from watchdog.domain.pages import Push
from watchdog.domain.people import WEEKLY, Rotation, Team
from watchdog.domain.summary import LISTED_MAX, Known, Watched, risen, summary_of
from watchdog.store.facts import decode_told, encode_report

WAITS = {"orders": timedelta(), "events": None}


def summary(*histories: History, **known: Any) -> Summary:
    return summary_of(
        WEEK, Known(**{"record": Record(histories), "before": Record(())} | known), DIRECTORY, NOW
    )


def test_it_says_which_week_it_is_of_whom_and_when_it_was_counted() -> None:
    found = summary_of(
        WEEK, Known(Record(()), Record(())), DIRECTORY, NOW, Watched(WAITS, 5 * MINUTE), "mondays"
    )
    assert (found.name, found.monday, found.title) == ("2025-24", date(2025, 6, 9), "Week 24")
    assert (found.teams, found.zone, found.at) == (("data", "shop"), "UTC", NOW)
    assert (found.rules, found.slowest_every, found.report) == (2, 5 * MINUTE, "mondays")
    assert found.is_over
    assert not summary_of(WEEK, Known(Record(()), Record(())), DIRECTORY, MONDAY + DAY).is_over


def test_both_weeks_are_counted_by_the_same_definitions() -> None:
    now = [history((TAKEN, MINUTE)), history((TAKEN, 5 * MINUTE), (RECOVERED, HOUR), good=HOUR)]
    then = [history((TAKEN, 9 * MINUTE), (RECOVERED, HOUR), at=MONDAY - DAY)]
    night = (Push("slack:@U01ANA", MONDAY),)  # 02:00 in Berlin
    found = summary(record=Record(now, (), night), before=Record(then))
    assert (found.counted.incidents, found.before.incidents) == (2, 1)
    assert (found.counted.mtta, found.before.mtta) == (3 * MINUTE, 9 * MINUTE)
    assert (found.counted.mttr, found.before.mttr) == (HOUR, None)
    assert (found.counted.night_pages, found.before.night_pages) == (1, 0)
    assert found.counted.time_not_taken == 6 * MINUTE


def test_the_worst_day_is_the_one_whose_incidents_waited_more_than_all_others_together() -> None:
    monday, tuesday = history((TAKEN, HOUR)), history((TAKEN, HOUR), at=MONDAY + DAY)
    longer = history((TAKEN, 3 * HOUR), at=MONDAY + DAY)
    assert summary(monday, tuesday).worst_day is None
    assert summary(monday, longer).worst_day == date(2025, 6, 10)
    assert summary().worst_day is None


def test_what_is_open_is_listed_whichever_week_it_opened_in() -> None:
    live = [an_incident(id=7, opened_at=NOW - 9 * DAY), an_incident(id=8, state=State.TAKEN)]
    found = summary(live=live, live_total=60)
    assert [(one.id, one.state) for one in found.still_open] == [(7, "open"), (8, "taken")]
    assert (found.still_open[0].open_for, found.open_total) == (9 * DAY, 60)


def test_what_came_back_says_how_often_before_how_long_and_why() -> None:
    taken = history((TAKEN, MINUTE), (RESOLVED, HOUR), kind="config", good=HOUR)
    first = replace(taken, cause="key expired")
    second = replace(first, opening=replace(first.opening, opened_at=MONDAY + DAY))
    second = replace(second, first_good_at=MONDAY + DAY + HOUR)
    earlier = [Opening("data", "orders", (), MONDAY - 3 * DAY)]
    [back] = summary(record=Record([first, second], earlier)).came_back
    assert (back.rule, back.times, back.before, back.bad_for) == ("orders", 3, 1, 2 * HOUR)
    assert back.causes == (("key expired", 2),)


def test_a_cause_that_nobody_wrote_is_none() -> None:
    one = replace(history((RESOLVED, HOUR), kind="not given"), cause="not given")
    [back] = summary(one, one).came_back
    assert back.causes == ()


def test_each_day_stands_beside_the_same_day_a_week_before() -> None:
    then = [history(at=MONDAY - 7 * DAY), history(at=MONDAY - DAY)]
    found = summary(history(at=MONDAY + 12 * HOUR), history(), before=Record(then))
    assert [(one.incidents, one.at_night, one.before) for one in found.days] == [
        (2, 1, 1),
        *[(0, 0, 0)] * 5,
        (0, 0, 1),
    ]


ONCALL = Team("data", lead="ana", oncall=(Rotation(WEEKLY, ("ana", "raj")),))
GUARDED = replace(DIRECTORY, teams={"data": ONCALL})
OFFICE = WeeklyHours(frozenset(range(7)), *(MONDAY.replace(hour=hour).time() for hour in (2, 22)))
GAPPED = replace(
    DIRECTORY,
    teams={"data": replace(ONCALL, oncall=(Rotation(WEEKLY, ("raj",), hours=OFFICE),))},
)


def test_the_fullest_shift_of_a_person_is_counted_by_who_was_on_call() -> None:
    opened = [history(at=MONDAY + 11 * HOUR + number * MINUTE) for number in range(3)]
    taken = [replace(one, changes=history((TAKEN, MINUTE)).changes) for one in opened]
    early = history((TAKEN, MINUTE), at=MONDAY, owner="raj")
    before = [history(at=MONDAY - DAY), history(at=MONDAY - 7 * DAY)]  # the second in ana's own
    found = summary_of(WEEK, Known(Record([*taken, early]), Record(before)), GUARDED, NOW)
    shifts = {one.person: (one.fullest_shift, one.shifted_at) for one in found.people}
    handover = MONDAY + 10 * HOUR
    ended, begun = sorted(shifts.values(), key=lambda one: one[0])
    assert (ended, begun) == ((2, handover - 7 * DAY), (3, handover))


def test_load_is_listed_by_who_had_most() -> None:
    few, many = (
        history((TAKEN, MINUTE), owner="raj"),
        [history((TAKEN, MINUTE), owner="ana") for _ in range(2)],
    )
    found = summary(few, *many, history())
    assert found.people == (LoadLine("ana", 2, 0, 0), LoadLine("raj", 1, 0, 0))
    assert found.not_taken == 1


def test_preventive_actions_are_late_by_the_calendar_of_the_week() -> None:
    def asked(number: int, due: date) -> Any:
        return an_incident(
            id=number, answer=Answer(Prevention.ALERTING, f"do {number}", "raj", due)
        )

    found = summary(actions=[asked(2, date(2025, 6, 20)), asked(1, date(2025, 6, 10))])
    assert [(one.id, one.days_late) for one in found.actions] == [(1, 7), (2, 0)]
    assert found.actions[0].words == "do 1"


def test_gaps_are_those_of_the_week_that_follows() -> None:
    known = Known(Record(()), Record(()))
    found = summary_of(WEEK, known, GAPPED, WEEK.until)
    assert len(found.gaps) == 8  # seven nights, two of them cut by the week's ends
    assert found.gaps[0] == GapLine("data", "ana", WEEK.until, WEEK.until + 2 * HOUR)
    assert summary_of(WEEK, known, GUARDED, WEEK.until).gaps == ()


def test_what_could_not_be_seen_is_named() -> None:
    def blind(rule: str, at: timedelta) -> History:
        return history((RECOVERED, HOUR), good=HOUR, rule=rule, at=MONDAY + at)

    found = summary(
        blind("source:crm", HOUR),
        blind("source:crm", DAY),
        blind("rule:orders", DAY),
        blind("no_data:mail", DAY),
        blind("orders", DAY),
        unlooked={"late": 1200, "fine": 0},
        undelivered={"slack:@U01ANA": 2, "email:ana@example.com": 1, "email:x@example.com": 1},
        silent_rules=["backup-old"],
    )
    assert found.unseen == (
        UnseenLine("Data of mail", "could not be looked at for 1 h"),
        UnseenLine("Rule orders", "could not be looked at for 1 h"),
        UnseenLine("Source crm", "could not be looked at for 2 h, 2 times"),
        UnseenLine("Rule late", "1,200 checks were not made or gave no answer"),
        UnseenLine("4 undelivered pages", "to ana 3×, email:x@example.com 1×"),
        UnseenLine("1 rule never fired in 120 days", "backup-old"),
    )
    assert found.unlooked == 1200


def test_gaps_of_the_week_itself_are_what_nobody_could_answer_in() -> None:
    found = summary_of(WEEK, Known(Record(()), Record(())), GAPPED, WEEK.until)
    assert found.unseen == (UnseenLine("Nobody on call for data", "1 d 4 h; only the lead, ana"),)


def test_checks_that_nobody_counts_are_not_said_to_be_none() -> None:
    assert summary().unlooked is None
    assert summary(unlooked={}).unlooked == 0


@pytest.mark.parametrize(
    ("then", "now", "by"),
    [({"a": 5}, {"a": 7}, {"a": 2}), ({}, {"a": 3}, {"a": 3}), ({"a": 9}, {"a": 2}, {"a": 2})],
)
def test_counts_rise_from_what_was_kept_or_from_zero(
    then: Mapping[str, float], now: Mapping[str, float], by: Mapping[str, int]
) -> None:
    assert risen(then, now) == by


def test_what_is_listed_is_bounded() -> None:
    many = [history(rule=f"rule{number}") for number in range(LISTED_MAX + 9)]
    found = summary(*many, *many)
    assert len(found.came_back) == len(found.noisy) == LISTED_MAX


weeks = st.lists(lives(), max_size=12)


@given(weeks, weeks)
def test_totals_agree_whatever_the_weeks_were_like(
    week: list[History], before: list[History]
) -> None:
    shifted = [
        replace(
            one, opening=replace(one.opening, opened_at=one.opening.opened_at - timedelta(days=7))
        )
        for one in before
    ]
    found = summary(*week, before=Record(shifted))
    incidents = found.counted.incidents
    assert sum(one.incidents for one in found.days) == incidents
    assert sum(one.taken for one in found.people) + found.not_taken == incidents
    assert sum(one.fired for one in found.noisy) == incidents
    assert sum(one.before for one in found.days) == found.before.incidents
    assert sum(one.cause_kind == JOINED for one in week) + incidents == len(week)
    assert all(one.useful <= one.fired and one.needed <= one.fired for one in found.noisy)
    assert sum(one.night_pages for one in found.people) == found.counted.night_pages


@settings(max_examples=20)
@given(weeks)
def test_a_summary_is_read_back_as_it_was_written(week: list[History]) -> None:
    found = summary(*week)
    assert decode_told(json.loads(json.dumps(encode_report(found)))) == found
