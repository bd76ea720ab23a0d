"""Which messages each kind of receiver gets of each event, and what holds for every history."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Part
from rules.base import Severity
from rules.hours import WeeklyHours
from tests.unit.test_incident import (
    ACTION,
    NOW,
    VERBS,
    _step,
    an_incident,
    closing,
    recovered_incident,
)
from tests.unit.test_notices import DIRECTORY, HOURS, MORNING, PEOPLE, TEAM
from watchdog.domain import life, storm_life
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Refused, Transition
from watchdog.domain.notices import Step, report_notices, with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.opinions import not_actionable, reopen
from watchdog.domain.people import WEEKLY, Directory, Rotation, Route, Rung, Team
from watchdog.domain.reminders import snooze
from watchdog.domain.routing import next_working_instant
from watchdog.domain.step import step as stepped

CHANNEL, PERSON, MAIL = "slack:#data-alerts", "slack:@U01ANA", "email:ana@example.com"
LATER = NOW + timedelta(minutes=5)
TOLD = an_incident(audience=(CHANNEL, PERSON, MAIL))
HEALED = recovered_incident(audience=(CHANNEL, PERSON, MAIL))
SOFT = replace(TOLD, severity=Severity.WARNING)

EVENTS: dict[str, Transition] = {
    "worse": life.level_changed(SOFT, Severity.CRITICAL, "", LATER),
    "softer": life.level_changed(TOLD, Severity.WARNING, "", LATER),
    "other class": life.level_changed(TOLD, Severity.CRITICAL, "auth", LATER),
    "taken": life.take(TOLD, "ana", LATER),
    "offered": life.offer(TOLD, "ana", "raj", "", LATER),
    "handed over": life.take(replace(HEALED, offered_to="raj"), "raj", LATER),
    "noted": life.note(TOLD, "ana", "seen", LATER),
    "recovered": life.recovered(TOLD, LATER, None, "good"),
    "back again": life.back_again(HEALED, LATER, Severity.CRITICAL),
    "resolved": life.resolve(HEALED, "ana", closing(), LATER),
    "escalated": life.escalated(TOLD, "raj", 1, "ana silent 10m, now raj (2/3)", LATER),
    "escalated to": life.escalated(
        replace(TOLD, owner="raj"), "ana", 1, "raj silent 10m, now ana (2/3)", LATER
    ),
    "expired": life.expired(life.take(TOLD, "ana", NOW).after, LATER),
    "missed": life.missed(
        replace(TOLD, owner="raj"), "ana", 1, "raj in Do Not Disturb, now ana", LATER
    ),
    "declined": life.decline(replace(TOLD, offered_to="raj"), "raj", "", LATER),
    "snoozed": snooze(life.take(TOLD, "ana", NOW).after, "ana", timedelta(hours=1), LATER),
    "reopened": reopen(HEALED, "ana", "still broken", LATER),
    "by another": reopen(HEALED, "raj", "still broken", LATER),
    "ends by hand": life.resolve(reopen(HEALED, "raj", "x", NOW).after, "raj", closing(), LATER),
    "offered her": life.offer(replace(TOLD, owner="raj"), "raj", "ana", "", LATER),
    "taken over": life.take(life.take(TOLD, "ana", NOW).after, "raj", LATER, over=True),
    "noise": not_actionable(TOLD, "ana", "false positive", "", LATER),
    "exhausted": life.exhausted(TOLD, 3, LATER),
    "lapsed": life.lapsed(replace(TOLD, offered_to="raj"), LATER),
    "given back": life.give_back(life.take(TOLD, "ana", NOW).after, "ana", "raj", "", LATER),
    "action done": life.action_done(
        life.resolve(HEALED, "ana", closing(answer=ACTION), LATER).after, "ana", "", LATER
    ),
    "withdrawn": life.withdrawn(TOLD, LATER, "gone"),
    "members": stepped(TOLD, Happened(Event.MEMBERS, LATER, WATCHDOG)),
    "joined": storm_life.joined(TOLD, 1050, LATER),
    "action asked": stepped(TOLD, Happened(Event.ACTION_ASKED, LATER, "ana", "Sync by hand")),
    "action begun": stepped(TOLD, Happened(Event.ACTION_BEGUN, LATER, "ana", "Sync by hand")),
    "action ran": stepped(TOLD, Happened(Event.ACTION_RAN, LATER, "ana", "Sync: done, 202")),
    "split": stepped(TOLD, Happened(Event.SPLIT, LATER, "ana", "x is #1061 now")),
}
TABLE = """
               channel        person         mail
worse          edit thread    edit thread    page
softer         edit           edit           -
other class    edit           edit           -
taken          edit thread    edit           -
offered        edit thread    edit thread    -
offered her    edit thread    edit thread    page
taken over     edit thread    edit thread    page
handed over    edit thread    edit thread    page
noted          thread         -              -
recovered      edit thread    edit           page
back again     edit thread    edit thread    page
resolved       edit thread    edit           -
escalated      edit thread    edit           -
escalated to   edit thread    edit thread    page
expired        edit thread    edit thread    page
missed         edit thread    edit thread    page
declined       edit thread    edit thread    page
snoozed        edit thread    edit           -
reopened       edit thread    edit           -
by another     edit thread    edit           page
ends by hand   edit thread    edit           page
noise          edit thread    edit           -
exhausted      edit thread    edit thread    page
lapsed         edit thread    edit thread    page
given back     edit thread    edit           -
action done    edit thread    edit           -
withdrawn      edit thread    edit           page
members        edit           edit           -
joined         edit           edit           -
action asked   thread         -              -
action begun   -              -              -
action ran     thread         -              -
split          edit thread    edit           -
"""


def rows() -> list[tuple[str, list[set[Part]]]]:
    found = []
    for line in TABLE.strip("\n").splitlines()[1:]:
        cells = [line[start : start + 15].strip(" -") for start in (15, 30, 45)]
        found.append((line[:15].strip(), [{Part(one) for one in cell.split()} for cell in cells]))
    return found


@pytest.mark.parametrize(("event", "parts"), rows())
def test_whoever_was_told_gets_of_each_event_what_the_table_says(
    event: str, parts: list[set[Part]]
) -> None:
    notices = with_notices(EVENTS[event], DIRECTORY).notices
    got = [{one.part for one in notices if one.receiver == way} for way in (CHANNEL, PERSON, MAIL)]
    assert got == parts


@pytest.mark.parametrize("event", ["worse", "offered", "handed over", "back again"])
def test_what_pushes_a_phone_is_due_at_once_for_what_is_critical(event: str) -> None:
    assert {one.due_at for one in with_notices(EVENTS[event], DIRECTORY).notices} == {LATER}


def test_a_warning_that_comes_back_at_night_pushes_nobody_before_the_morning() -> None:
    healed = replace(HEALED, severity=Severity.WARNING)
    notices = with_notices(life.back_again(healed, LATER, Severity.WARNING), DIRECTORY).notices
    assert {one.due_at for one in notices} == {MORNING}


DAY_BEFORE = NOW - timedelta(hours=16)
"""In the working hours of the day before: what opened then has long been released."""


@pytest.mark.parametrize(
    ("moved", "pushes"),
    [
        (life.back_again(HEALED, LATER, Severity.WARNING), True),
        (
            life.level_changed(replace(SOFT, severity=Severity.INFO), Severity.WARNING, "", LATER),
            True,
        ),
        (life.recovered(SOFT, LATER, None, "good"), False),
        (life.level_changed(SOFT, Severity.WARNING, "auth", LATER), False),
    ],
    ids=["back again", "worse", "recovered", "other class"],
)
def test_at_night_only_what_pushes_waits_for_the_morning(moved: Transition, pushes: bool) -> None:
    after = replace(moved.after, opened_at=DAY_BEFORE)
    notices = with_notices(replace(moved, after=after), DIRECTORY).notices
    due = {(one.receiver, one.part): one.due_at for one in notices}
    told = MORNING if pushes else LATER
    assert {due.pop((PERSON, Part.EDIT)), due.pop((CHANNEL, Part.EDIT))} == {told}
    assert due.pop((CHANNEL, Part.THREAD), LATER) == LATER
    assert set(due.values()) <= {told}
    assert bool(due.get((PERSON, Part.THREAD))) is pushes


def test_a_receiver_is_told_first_only_once() -> None:
    again = with_notices(life.opened(an_incident(audience=(CHANNEL,)), {}), DIRECTORY)
    parts = Counter((one.receiver, one.part) for one in again.notices)
    assert parts[CHANNEL, Part.ROOT] == 0
    assert again.transition.after.audience == (CHANNEL, PERSON, MAIL)


def test_somebody_asked_or_who_takes_it_is_told_first_and_hears_of_it_from_then_on() -> None:
    slack, mail = "slack:@U02RAJ", "email:raj@example.com"
    by_raj = {slack}  # a mail of what he did himself is no news to him
    for moved, told in (
        (EVENTS["offered"], {slack, mail}),
        (EVENTS["handed over"], by_raj),
        (life.take(TOLD, "raj", LATER), by_raj),
    ):
        step = with_notices(moved, DIRECTORY)
        assert {one.receiver for one in step.notices if one.part is Part.PAGE} - {MAIL} == told
        assert step.transition.after.audience == (CHANNEL, PERSON, MAIL, slack, mail)


def firsts(moved: Transition) -> set[str]:
    """Return who hears of an incident for the first time."""
    notices = with_notices(moved, DIRECTORY).notices
    return {one.receiver for one in notices if one.receiver not in moved.after.audience}


def test_what_comes_back_worse_reaches_whom_an_opening_would_reach() -> None:
    quiet = recovered_incident(severity=Severity.INFO, audience=())
    assert firsts(life.back_again(quiet, LATER, Severity.CRITICAL)) == {CHANNEL, PERSON, MAIL}
    warned = replace(quiet, severity=Severity.WARNING, audience=(CHANNEL, PERSON))
    back = with_notices(life.back_again(warned, LATER, Severity.CRITICAL), DIRECTORY)
    assert (MAIL, Part.PAGE, LATER) in {(n.receiver, n.part, n.due_at) for n in back.notices}
    assert firsts(life.back_again(quiet, LATER, Severity.INFO)) == set()


def test_what_comes_back_to_another_owner_pages_that_owner() -> None:
    back = life.back_again(HEALED, LATER, Severity.CRITICAL, owner="raj")
    assert firsts(back) == {"slack:@U02RAJ", "email:raj@example.com"}


def test_what_comes_back_as_it_was_is_nobodys_first_message() -> None:
    assert firsts(life.back_again(HEALED, LATER, Severity.CRITICAL)) == set()


def test_what_becomes_milder_is_told_to_nobody_anew() -> None:
    known = replace(TOLD, audience=(CHANNEL,))
    assert firsts(life.level_changed(known, Severity.WARNING, "", LATER)) == set()
    assert firsts(life.level_changed(known, Severity.CRITICAL, "auth", LATER)) == set()
    assert firsts(life.recovered(known, LATER, None, "good")) == set()


def test_whoever_is_asked_to_take_over_hears_of_it_on_a_silent_route_too() -> None:
    quiet = an_incident(severity=Severity.INFO, audience=())
    offer = with_notices(life.offer(quiet, "ana", "raj", "on a train", LATER), DIRECTORY)
    assert {(one.receiver, one.part, one.due_at) for one in offer.notices} == {
        ("slack:@U02RAJ", Part.PAGE, LATER),
        ("email:raj@example.com", Part.PAGE, LATER),
    }
    taken = with_notices(life.take(offer.transition.after, "raj", LATER), DIRECTORY)
    assert {one.receiver for one in taken.notices} == {"slack:@U02RAJ"}


def test_a_silent_route_tells_nobody_anew_and_follows_up_with_who_knows() -> None:
    silent = replace(DIRECTORY, routes=(Route(("weekly",)),))
    assert with_notices(life.take(TOLD, "raj", LATER), silent).transition.after.audience == (
        TOLD.audience
    )
    assert with_notices(EVENTS["recovered"], silent).notices


ROUTES = st.lists(
    st.builds(
        Route,
        st.sampled_from([("slack",), ("email",), ("slack", "email"), ("weekly",), ()]),
        st.frozensets(st.sampled_from(Severity)),
        hold_until_working_hours=st.booleans(),
    ),
    max_size=3,
).map(tuple)


def steps(verbs: list[tuple[object, ...]], directory: Directory) -> list[Step]:
    """Return the steps of a history that begins at night."""
    made = [with_notices(life.opened(an_incident(), {}), directory)]
    for hours, verb in enumerate(verbs, 1):
        try:
            moved = _step(made[-1].transition.after, verb, NOW + timedelta(hours=hours))
        except Refused:
            continue
        if moved is not None:
            made.append(with_notices(moved, directory))
    return made


@given(st.lists(VERBS, max_size=20), ROUTES)
def test_every_history_tells_in_order_once_and_never_before_it_happened(
    verbs: list[tuple[object, ...]], routes: tuple[Route, ...]
) -> None:
    known: tuple[str, ...] = ()
    for step in steps(verbs, replace(DIRECTORY, routes=routes)):
        parts = Counter((one.receiver, one.part) for one in step.notices)
        assert set(parts.values()) <= {1}
        for notice in step.notices:
            assert notice.due_at >= step.transition.happened.at
            if notice.receiver not in known:
                assert notice.part in {Part.ROOT, Part.PAGE}
        after = step.transition.after.audience
        assert after[: len(known)] == known
        assert len(set(after)) == len(after)
        assert {one.receiver for one in step.notices} <= set(after)
        known = after


@given(st.lists(VERBS, max_size=12))
def test_nothing_that_was_held_is_said_before_its_team_works(
    verbs: list[tuple[object, ...]],
) -> None:
    holds = replace(DIRECTORY, routes=(Route(("slack", "email"), hold_until_working_hours=True),))
    for step in steps(verbs, holds):
        asks_somebody = step.transition.happened.event is Event.OFFERED
        for notice in step.notices:
            if not asks_somebody:
                assert notice.due_at >= MORNING
            if notice.part is Part.ROOT:
                assert next_working_instant(TEAM, notice.due_at) == notice.due_at


SATURDAY = datetime(2025, 6, 14, 8, tzinfo=UTC)
LEAD = ("email:tom@example.com",)


@pytest.mark.parametrize(
    ("team", "send", "receivers"),
    [
        (TEAM, ("slack",), ("slack:#data-alerts",)),
        (TEAM, ("email",), LEAD),
        (replace(TEAM, email="data@example.com"), ("email",), ("email:data@example.com",)),
        (
            replace(TEAM, email="data@example.com"),
            ("email", "slack"),
            ("slack:#data-alerts", "email:data@example.com"),
        ),
        (replace(TEAM, email="data@example.com"), ("slack",), ("slack:#data-alerts",)),
        (replace(TEAM, slack=""), ("slack",), LEAD),
        (replace(TEAM, slack="", lead="ana"), ("slack",), (MAIL,)),
        (replace(TEAM, slack="", lead="gone"), ("slack",), ()),
    ],
)
def test_a_report_goes_to_the_team_and_to_its_lead_where_the_team_has_no_way(
    team: Team, send: tuple[str, ...], receivers: tuple[str, ...]
) -> None:
    notices = report_notices(DIRECTORY, team, send, SATURDAY)
    assert tuple(one.receiver for one in notices) == receivers
    assert {one.due_at for one in notices} <= {SATURDAY}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: replace(one, team="gone"), ("UTC", "")),
        (lambda one: one, ("Asia/Tokyo", "https://watchdog.example/i/1042")),
    ],
)
def test_facts_say_the_teams_zone_and_the_page_where_both_are_known(
    change: Callable[[Incident], Incident], says: tuple[str, str]
) -> None:
    team = Team("data", "tom", zone=ZoneInfo("Asia/Tokyo"), working_hours=HOURS)
    url = "https://watchdog.example" if says[1] else ""
    directory = Directory(PEOPLE, {"data": team}, (), url)
    facts = with_notices(life.opened(change(an_incident()), {}), directory).facts
    assert (facts.zone, facts.url) == says


LADDER = replace(
    TEAM, escalate=(Rung(timedelta(minutes=10), "raj"), Rung(timedelta(minutes=25), "lead"))
)


@pytest.mark.parametrize(
    ("event", "person", "minutes"),
    [
        ("worse", "raj", 15),
        ("escalated", "tom", 20),
        ("back again", "raj", 15),
        ("declined", "raj", 10),
        ("exhausted", "", None),
        ("taken", "", None),
        ("recovered", "", None),
    ],
)
def test_facts_say_who_is_paged_next_and_when(event: str, person: str, minutes: int | None) -> None:
    directory = replace(DIRECTORY, teams={"data": LADDER})
    moved = EVENTS[event]
    paged = replace(moved, after=replace(moved.after, paged_at=NOW))
    facts = with_notices(paged, directory).facts
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    assert (facts.next_person, facts.next_at) == (person, at)


def test_an_opening_says_until_when_its_owner_is_on_call() -> None:
    turns = replace(TEAM, oncall=(Rotation(WEEKLY, ("ana", "raj")),))
    directory = replace(DIRECTORY, teams={"data": turns})
    opening = life.opened(an_incident(), {})
    until = with_notices(opening, directory).facts.on_call_until
    assert until is not None
    assert on_call(directory, "data", until) == "raj"
    assert on_call(directory, "data", until - timedelta(seconds=1)) == "ana"
    assert with_notices(EVENTS["escalated"], directory).facts.on_call_until is None
    of_another = replace(opening, after=replace(opening.after, owner="raj"))
    assert with_notices(of_another, directory).facts.on_call_until is None


def test_an_owner_who_took_it_once_is_said_to_have_taken_it_after_it_recovered() -> None:
    taken = life.take(an_incident(), "ana", NOW).after
    healed = life.recovered(taken, LATER, None, "good")
    assert with_notices(healed, DIRECTORY).facts.owner_took_it
    back = life.back_again(healed.after, LATER, Severity.CRITICAL)
    assert not with_notices(back, DIRECTORY).facts.owner_took_it


def test_hours_of_a_team_that_never_works_hold_nothing_for_ever() -> None:
    never = replace(TEAM, working_hours=WeeklyHours(frozenset(), time(9), time(17)))
    route = Route(("slack",), hold_until_working_hours=True)
    directory = Directory(PEOPLE, {"data": never}, (route,))
    notices = with_notices(life.opened(an_incident(), {}), directory).notices
    assert {one.due_at for one in notices} == {NOW}
