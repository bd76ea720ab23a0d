"""Who is reminded of what, and when: for any team and any hour."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Part
from rules.base import Severity
from rules.hours import WeeklyHours, span_at
from tests.unit.test_incident import ACTION, an_incident, closing
from watchdog.domain import life
from watchdog.domain.closing import ANSWER_WITHIN, Answer
from watchdog.domain.escalation import next_deadline
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.notices import Step, with_notices
from watchdog.domain.opinions import not_actionable
from watchdog.domain.people import Directory, Person, Route, Team
from watchdog.domain.reminders import SNOOZE_MAX, reminders, snooze

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2025, 6, 10, tzinfo=UTC)
HOURS = WeeklyHours(frozenset(range(5)), time(9), time(17))
CHANNEL, PERSON, MAIL = "slack:#data-alerts", "slack:@U01ANA", "email:ana@example.com"
PEOPLE = {
    "ana": Person("ana", "ana@example.com", "U01ANA"),
    "raj": Person("raj", "raj@example.com"),
    "tom": Person("tom", "tom@example.com", "U04TOM"),
}
TEAM = Team("data", lead="tom", slack="data-alerts", working_hours=HOURS)
DIRECTORY = Directory(PEOPLE, {"data": TEAM}, (Route(("slack", "email")),))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return an instant, counted in days from a Tuesday."""
    return TUESDAY + timedelta(days=day, hours=hour, minutes=minute)


def opened(now: datetime, **changes: object) -> Incident:
    fresh = an_incident(opened_at=now, severity=Severity.WARNING, **changes)
    return with_notices(life.opened(fresh, {}), DIRECTORY).transition.after


def taken(now: datetime, **changes: object) -> Incident:
    one = opened(now, **changes)
    return with_notices(life.take(one, one.owner, now), DIRECTORY).transition.after


def recovered(now: datetime) -> Incident:
    return with_notices(life.recovered(taken(now), now, now, "good"), DIRECTORY).transition.after


def resolved(due_on: date, answer: Answer = ACTION) -> Incident:
    ending = closing(answer=replace(answer, owner="raj", due_on=due_on))
    return life.resolve(recovered(at(0, 10)), "ana", ending, at(0, 11)).after


def reminded(
    incident: Incident, until: datetime, directory: Directory = DIRECTORY
) -> list[tuple[datetime, Step]]:
    """Return what comes by itself until an instant, and when."""
    told: list[tuple[datetime, Step]] = []
    while (due := next_deadline(incident, directory)) and due.at <= until:
        told.append((due.at, with_notices(due.act(due.at), directory)))
        incident = told[-1][1].transition.after
        assert len(told) < 100
    return told


def parts(step: Step) -> set[tuple[str, Part]]:
    return {(one.receiver, one.part) for one in step.notices}


def test_what_is_taken_and_not_touched_is_told_of_every_three_hours_at_work() -> None:
    told = reminded(taken(at(0, 8)), at(2, 0))
    assert [one for one, _ in told] == [
        *(at(0, 11), at(0, 14), at(1, 9), at(1, 12), at(1, 15)),
    ]
    assert {step.transition.happened.event for _, step in told} == {Event.STILL_OPEN}
    assert told[0][1].transition.happened.words == "3h, no note yet"


def test_its_owner_is_pushed_in_slack_and_by_mail_once_a_day() -> None:
    told = reminded(taken(at(0, 8)), at(2, 0))
    slack = {(PERSON, Part.EDIT), (PERSON, Part.THREAD)}
    channel = {(CHANNEL, Part.EDIT), (CHANNEL, Part.THREAD)}
    mailed = [(MAIL, Part.PAGE) in parts(step) for _, step in told]
    assert mailed == [True, False, False, False, False]
    assert parts(told[0][1]) == slack | channel | {(MAIL, Part.PAGE)}
    assert parts(told[1][1]) == slack | channel


def test_who_has_mail_only_hears_of_it_once_a_day() -> None:
    told = reminded(taken(at(0, 8), owner="raj"), at(3, 0))
    assert [one for one, _ in told] == [at(1, 9), at(2, 9)]
    assert all(("email:raj@example.com", Part.PAGE) in parts(step) for _, step in told)


def test_a_note_counts_as_a_sign_of_life_and_its_age_is_said() -> None:
    noted = life.note(taken(at(0, 8)), "ana", "on it", at(0, 10)).after
    [(when, step)] = reminded(noted, at(0, 14))
    assert when == at(0, 13)
    assert step.transition.happened.words == "5h, note 3h ago"


def test_a_snooze_keeps_reminders_and_expiry_away_until_it_is_over() -> None:
    resting = snooze(taken(at(0, 8)), "ana", 5 * HOUR, at(0, 9)).after
    [(when, _)] = reminded(resting, at(0, 15))
    assert when == at(0, 14)
    worse = life.level_changed(resting, Severity.CRITICAL, "", at(0, 10))
    step = with_notices(worse, DIRECTORY)
    assert step.transition.after.snoozed_until is None
    assert step.due_at == at(0, 10) + TEAM.take_lasts
    critical = replace(resting, severity=Severity.CRITICAL)
    expiry = next_deadline(critical, DIRECTORY)
    assert expiry is not None
    assert (expiry.at, expiry.act(expiry.at).happened.event) == (at(0, 14), Event.EXPIRED)


@pytest.mark.parametrize("hours", [0, -1, 24.1])
def test_a_snooze_is_at_most_a_day(hours: float) -> None:
    assert snooze(taken(at(0, 8)), "ana", SNOOZE_MAX, at(0, 9)).after.snoozed_until == at(1, 9)
    with pytest.raises(Refused, match="can be snoozed for at most 24h, not for"):
        snooze(taken(at(0, 8)), "ana", hours * HOUR, at(0, 9))


def test_a_missing_cause_is_asked_for_each_morning_until_the_three_days_are_over() -> None:
    told = reminded(recovered(at(0, 3)), at(9, 0))
    assert [(one, step.transition.happened.event) for one, step in told] == [
        (at(0, 9), Event.CAUSE_ASKED),
        (at(1, 9), Event.CAUSE_ASKED),
        (at(2, 9), Event.CAUSE_ASKED),
        (at(0, 3) + ANSWER_WITHIN, Event.RESOLVED),
    ]
    assert parts(told[0][1]) == {(PERSON, Part.EDIT), (PERSON, Part.THREAD), (MAIL, Part.PAGE)}


def test_nobody_is_asked_for_the_cause_of_what_needed_nobody() -> None:
    marked = not_actionable(taken(at(0, 2)), "ana", "false positive", "", at(0, 2)).after
    healed = life.recovered(marked, at(0, 3), None, "good").after
    [(when, step)] = reminded(healed, at(9, 0))
    assert when == at(0, 3) + ANSWER_WITHIN
    assert step.transition.after.cause_kind == "false alarm"


def test_a_late_action_is_told_to_whoever_does_it_weekly_until_it_is_done() -> None:
    late = resolved(date(2025, 6, 13))  # a Friday
    told = reminded(late, at(25, 0))
    assert [one for one, _ in told] == [at(6, 9), at(13, 9), at(20, 9)]
    assert told[0][1].transition.happened.words == "raj, due 2025-06-13: warn before a key expires"
    assert all(parts(step) == {("email:raj@example.com", Part.PAGE)} for _, step in told)
    done = life.action_done(told[0][1].transition.after, "raj", "", at(7, 0)).after
    assert next_deadline(done, DIRECTORY) is None


def test_the_lead_hears_of_a_late_action_whose_owner_has_left() -> None:
    left = replace(DIRECTORY, people={"tom": PEOPLE["tom"]})
    [(_, step), *_] = reminded(resolved(date(2025, 6, 13)), at(7, 0), left)
    assert parts(step) == {("slack:@U04TOM", Part.PAGE), ("email:tom@example.com", Part.PAGE)}


def test_nobody_is_reminded_of_what_is_told_to_nobody() -> None:
    silent = replace(DIRECTORY, routes=(Route(("weekly",)),))
    assert next_deadline(taken(at(0, 8)), silent) is None
    only_end = next_deadline(recovered(at(0, 8)), silent)
    assert only_end is not None
    assert only_end.at == at(0, 8) + ANSWER_WITHIN


def test_a_team_without_hours_is_reminded_from_nine_to_six_on_weekdays() -> None:
    usual = replace(DIRECTORY, teams={"data": replace(TEAM, working_hours=None)})
    told = reminded(taken(at(0, 16)), at(1, 12), usual)
    assert [one for one, _ in told] == [at(1, 9), at(1, 12)]


def test_what_should_have_been_said_while_the_service_was_down_waits_for_working_hours() -> None:
    one = taken(at(0, 8))
    [late] = reminders(one, DIRECTORY, at(0, 22))
    assert late.at == at(1, 9)
    [at_work] = reminders(one, DIRECTORY, at(1, 10))
    assert at_work.at == at(1, 10)


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
DAYS = st.frozensets(st.integers(0, 6), min_size=1)


@given(st.integers(0, 10**6), ZONES, DAYS, st.sampled_from(["taken", "recovered", "late"]))
def test_at_any_hour_a_reminder_comes_at_work_and_never_twice_at_once(
    minutes: int, zone: str, days: frozenset[int], state: str
) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    hours = WeeklyHours(days, time(9), time(17))
    team = replace(TEAM, working_hours=hours, zone=ZoneInfo(zone))
    directory = replace(DIRECTORY, teams={"data": team})
    one = {"taken": taken, "recovered": recovered}.get(state, lambda _: resolved(now.date()))(now)
    told = [
        (when, step)
        for when, step in reminded(one, now + 6 * DAY, directory)
        if step.transition.happened.actor == "watchdog"
        and step.transition.happened.event is not Event.RESOLVED
    ]
    for when, step in told:
        assert span_at(when, hours, zone) is not None
        assert {notice.due_at for notice in step.notices} <= {when}
        assert step.transition.after.state in State
    gaps = [two - one for (one, _), (two, _) in pairwise(told)]
    assert all(gap >= 3 * HOUR for gap in gaps)
