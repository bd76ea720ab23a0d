"""What becomes of an incident when nobody acts: decided purely, for any team and any hour."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Part
from rules.base import Severity
from tests.unit.test_incident import NOW, an_incident
from watchdog.domain import life
from watchdog.domain.closing import ANSWER_WITHIN
from watchdog.domain.escalation import (
    OFFER_LASTS,
    escalate_now,
    next_deadline,
    next_on_call,
    passed_on,
    receiver_of_given_back,
)
from watchdog.domain.incident import Incident, Refused, State, Transition
from watchdog.domain.notices import Step, with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.people import WEEKLY, Directory, Person, Rotation, Route, Rung, Team

MINUTE = timedelta(minutes=1)
ORDER = ("ana", "raj", "mei")
RUNGS = (Rung(10 * MINUTE, "oncall_next"), Rung(25 * MINUTE, "lead"))
TEAM = Team(
    "data", lead="tom", slack="data-alerts", oncall=(Rotation(WEEKLY, ORDER),), escalate=RUNGS
)
PEOPLE = {name: Person(name, f"{name}@example.com", f"U{name.upper()}") for name in (*ORDER, "tom")}
ROUTES = (Route(send=("slack",)),)
DIRECTORY = Directory(PEOPLE, {"data": TEAM}, ROUTES)
FIRST = on_call(DIRECTORY, "data", NOW)
FOLLOWING = next_on_call(DIRECTORY, TEAM, NOW, besides=FIRST)


def among(team: Team, **people: Person) -> Directory:
    return Directory(PEOPLE | people, {"data": team}, ROUTES)


def opened(directory: Directory = DIRECTORY, **changes: object) -> Step:
    return with_notices(life.opened(an_incident(owner=FIRST, **changes), {}), directory)


def after(step: Step) -> Incident:
    return step.transition.after


def let_pass(incident: Incident, directory: Directory = DIRECTORY) -> tuple[datetime, Step]:
    """Return when something happens if nobody acts, and what."""
    deadline = next_deadline(incident, directory)
    assert deadline is not None
    return deadline.at, with_notices(deadline.act(deadline.at), directory)


def until_nothing(incident: Incident, directory: Directory = DIRECTORY) -> list[Transition]:
    """Return all that happens to an incident that nobody touches."""
    happened: list[Transition] = []
    while (deadline := next_deadline(incident, directory)) and len(happened) < 20:
        step = with_notices(deadline.act(deadline.at), directory)
        happened.append(step.transition)
        incident = after(step)
    return happened


def test_nobody_takes_it_and_it_climbs_to_the_lead_and_ends_in_the_channel() -> None:
    told = until_nothing(after(opened()))
    assert [one.happened.event for one in told] == [
        *(Event.ESCALATED, Event.ESCALATED, Event.EXHAUSTED)
    ]
    assert [one.happened.at - NOW for one in told] == [10 * MINUTE, 25 * MINUTE, 40 * MINUTE]
    assert [one.after.owner for one in told] == [FOLLOWING, "tom", "tom"]
    assert told[0].happened.words == f"{FIRST} silent 10m, now {FOLLOWING} (2/3)"
    assert told[2].happened.words == "nobody took it in 40m"


def test_whoever_takes_it_stops_the_climb() -> None:
    taken = life.take(after(opened(severity=Severity.WARNING)), FIRST, NOW + MINUTE).after
    deadline = next_deadline(taken, DIRECTORY)
    assert deadline is not None
    assert deadline.act(deadline.at).happened.event is Event.STILL_OPEN


def test_a_team_without_escalation_keeps_its_owner() -> None:
    alone = among(replace(TEAM, escalate=()))
    assert next_deadline(after(opened(alone)), alone) is None


def test_the_clock_begins_when_the_first_page_is_released() -> None:
    step = opened()
    assert after(step).paged_at == NOW
    assert step.due_at == NOW + 10 * MINUTE
    silent = Directory(PEOPLE, {"data": TEAM}, (Route(send=("weekly",)),))
    assert next_deadline(after(opened(silent)), silent) is None


def test_only_the_next_person_and_the_channel_hear_of_an_escalation() -> None:
    _, step = let_pass(after(opened()))
    owner = after(step).owner
    assert {(one.receiver, one.part) for one in step.notices} == {
        (f"slack:@U{owner.upper()}", Part.PAGE),
        ("slack:#data-alerts", Part.EDIT),
        ("slack:#data-alerts", Part.THREAD),
        (f"slack:@U{FIRST.upper()}", Part.EDIT),
    }


def test_who_cannot_be_reached_is_left_out() -> None:
    directory = among(TEAM, **{FOLLOWING: Person(FOLLOWING)})
    at, step = let_pass(after(opened(directory)), directory)
    assert (at - NOW, after(step).owner) == (10 * MINUTE, "tom")


def test_a_lead_who_has_it_already_is_not_asked_twice() -> None:
    team = replace(TEAM, oncall=())
    told = until_nothing(after(opened(among(team))), among(team))
    owners = [one.after.owner for one in told if one.happened.event is Event.ESCALATED]
    assert owners == ["tom"]


def test_an_hour_of_silence_of_ours_does_not_skip_a_person() -> None:
    late = NOW + timedelta(hours=1)
    first = with_notices(passed_on(after(opened()), DIRECTORY, late), DIRECTORY)
    deadline = next_deadline(after(first), DIRECTORY)
    assert deadline is not None
    assert deadline.at == late + 15 * MINUTE


def test_a_critical_that_its_taker_forgets_is_open_again_and_paged_again() -> None:
    taken = with_notices(life.take(after(opened()), FIRST, NOW + MINUTE), DIRECTORY)
    at, step = let_pass(after(taken))
    again = after(step)
    assert at == NOW + MINUTE + TEAM.take_lasts
    assert (again.state, again.owner, again.taken_at) == (State.OPEN, FIRST, None)
    assert step.transition.happened.words == f"{FIRST} silent for 30m"
    assert step.due_at == at + 10 * MINUTE


def test_a_note_is_a_sign_of_life() -> None:
    taken = life.take(after(opened()), FIRST, NOW).after
    noted = life.note(taken, FIRST, "still at it", NOW + 20 * MINUTE).after
    deadline = next_deadline(noted, DIRECTORY)
    assert deadline is not None
    assert deadline.at == NOW + 20 * MINUTE + TEAM.take_lasts


def test_what_gets_critical_hours_after_it_was_taken_gives_its_taker_time() -> None:
    taken = life.take(after(opened(severity=Severity.WARNING)), FIRST, NOW).after
    later = NOW + timedelta(hours=4)
    worse = with_notices(life.level_changed(taken, Severity.CRITICAL, "", later), DIRECTORY)
    at, step = let_pass(after(worse))
    assert at == later + TEAM.take_lasts
    assert step.transition.happened.words == f"{FIRST} silent for 30m"


def test_a_machines_step_is_no_sign_of_life() -> None:
    taken = life.take(after(opened()), FIRST, NOW).after
    worse = life.level_changed(taken, Severity.CRITICAL, "transient", NOW + 20 * MINUTE).after
    assert worse.acted_at == NOW


def test_an_offer_that_nobody_answers_lapses_and_the_giver_keeps_it() -> None:
    taken = life.take(after(opened(severity=Severity.WARNING)), FIRST, NOW).after
    offered = life.offer(taken, FIRST, "tom", "", NOW + MINUTE).after
    at, step = let_pass(offered)
    kept = after(step)
    assert at == NOW + MINUTE + OFFER_LASTS
    assert (kept.owner, kept.offered_to, kept.state) == (FIRST, "", State.TAKEN)
    assert step.transition.happened.words == f"tom did not take it from {FIRST}"


def test_a_recovery_that_nobody_explains_ends_without_a_cause_after_three_days() -> None:
    healed = life.recovered(after(opened()), NOW + MINUTE, NOW, "2m old").after
    told = until_nothing(healed)
    asked = [one.happened.event for one in told[:-1]]
    assert set(asked) == {Event.CAUSE_ASKED}
    at, step = told[-1].happened.at, with_notices(told[-1], DIRECTORY)
    assert at == NOW + MINUTE + ANSWER_WITHIN
    assert (after(step).state, after(step).cause_kind) == (State.RESOLVED, "not given")
    assert next_deadline(after(step), DIRECTORY) is None


def test_what_is_given_back_goes_to_who_is_on_call_or_follows() -> None:
    taken = life.take(after(opened()), FIRST, NOW).after
    following = receiver_of_given_back(taken, DIRECTORY, NOW)
    assert following == FOLLOWING
    given = life.give_back(taken, FIRST, following, "my train", NOW + MINUTE).after
    assert (given.state, given.owner, given.rung) == (State.OPEN, following, 0)
    by_another = life.take(after(opened()), "tom", NOW).after
    assert receiver_of_given_back(by_another, DIRECTORY, NOW) == FIRST


UNREACHED = [
    (PEOPLE, "in Do Not Disturb", "in Do Not Disturb"),
    (PEOPLE, "cannot be reached", "cannot be reached"),
    ({**PEOPLE, FIRST: Person(FIRST)}, "", "has neither Slack nor mail"),
    ({name: one for name, one in PEOPLE.items() if name != FIRST}, "", "has left"),
]


@pytest.mark.parametrize(("people", "missed", "said"), UNREACHED)
def test_who_cannot_be_reached_is_not_waited_for(
    people: dict[str, Person], missed: str, said: str
) -> None:
    directory = replace(DIRECTORY, people=people)
    one = replace(after(opened(directory)), missed=missed)
    at, step = let_pass(one, directory)
    happened = step.transition.happened
    assert at == NOW
    assert happened.event is Event.MISSED
    assert happened.words == f"{FIRST} {said}, now {after(step).owner}"
    assert (after(step).missed, after(step).rung, after(step).paged_at) == ("", 1, NOW)
    paged = {one.receiver for one in step.notices if one.part is Part.PAGE}
    assert f"slack:@U{after(step).owner.upper()}" in paged


def test_a_team_of_whom_nobody_is_reached_hears_once_that_nobody_is_left() -> None:
    one = replace(after(opened()), missed="in Do Not Disturb")
    told: list[Transition] = []
    while (deadline := next_deadline(one, DIRECTORY)) and len(told) < 9:
        told.append(deadline.act(NOW))
        one = replace(with_notices(told[-1], DIRECTORY).transition.after, missed="has left")
    events = [step.happened.event for step in told]
    assert events == [Event.MISSED, Event.MISSED, Event.EXHAUSTED]
    assert told[-1].happened.words == "tom has left, and nobody is left"


def test_what_waits_for_the_morning_waits_for_it_whoever_cannot_be_reached() -> None:
    held = replace(after(opened()), paged_at=NOW + 60 * MINUTE, missed="in Do Not Disturb")
    deadline = next_deadline(held, DIRECTORY)
    assert deadline is not None
    assert deadline.at == NOW + 60 * MINUTE


def test_an_owner_nobody_can_tell_of_it_passes_it_on_though_the_team_has_no_channel() -> None:
    team = replace(TEAM, slack="")
    directory = among(team, **{FIRST: Person(FIRST)})
    at, step = let_pass(after(opened(directory)), directory)
    assert (at, step.transition.happened.event) == (NOW, Event.MISSED)


def test_what_somebody_has_taken_is_not_passed_on_for_a_page_that_died() -> None:
    one = replace(after(opened(severity=Severity.WARNING)), missed="cannot be reached")
    taken = life.take(one, FIRST, NOW).after
    assert taken.missed == ""


@pytest.mark.parametrize(
    ("incident", "person", "said"),
    [
        (an_incident(), "ana", "only what is taken"),
        (life.take(an_incident(), "ana", NOW).after, "raj", "belongs to ana"),
    ],
)
def test_only_its_owner_gives_back_what_is_taken(
    incident: Incident, person: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        life.give_back(incident, person, "mei", "", NOW)


def test_somebody_who_does_not_want_to_wait_escalates_now() -> None:
    passed = escalate_now(after(opened()), DIRECTORY, "mei", NOW + MINUTE)
    assert passed.happened.actor == "mei"
    assert passed.happened.words.startswith("mei asks for help, now ")


@pytest.mark.parametrize(
    ("incident", "team", "said"),
    [
        (life.take(an_incident(), "ana", NOW).after, TEAM, "ana has taken #1042"),
        (an_incident(state=State.RECOVERED), TEAM, "#1042 is recovered"),
        (an_incident(), replace(TEAM, escalate=()), "team data has no `escalate:`"),
        (an_incident(owner="tom", rung=2), TEAM, "nobody is left"),
    ],
)
def test_what_cannot_be_escalated_is_refused_with_what_to_do_instead(
    incident: Incident, team: Team, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        escalate_now(incident, among(team), "mei", NOW)


def rungs_of(found: list[tuple[int, str]]) -> tuple[Rung, ...]:
    """Return rungs that come one after the other: minutes since the one before, and to whom."""
    ends = itertools.accumulate(minutes for minutes, _ in found)
    return tuple(Rung(MINUTE * end, to) for end, (_, to) in zip(ends, found, strict=True))


ANYBODY = st.sampled_from(["oncall_next", "lead", *PEOPLE])
RUNG_LISTS = st.lists(st.tuples(st.integers(1, 60), ANYBODY), max_size=6).map(rungs_of)


@given(RUNG_LISTS, st.sampled_from([(), TEAM.oncall]), st.integers(0, 10**7))
def test_whatever_the_escalation_there_is_one_known_owner_and_an_end(
    rungs: tuple[Rung, ...], oncall: tuple[Rotation, ...], minutes: int
) -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC) + minutes * MINUTE
    directory = among(replace(TEAM, escalate=rungs, oncall=oncall))
    step = opened(directory, opened_at=at)
    told = until_nothing(after(step), directory)
    assert len(told) <= len(rungs) + 1
    assert {one.after.owner for one in told} <= PEOPLE.keys()
    assert [one.happened.at for one in told] == sorted(one.happened.at for one in told)
    if rungs:
        assert told[-1].happened.event is Event.EXHAUSTED
    for one in told:
        assert one.before is not None
        moved = one.before.owner != one.after.owner
        assert moved == (one.happened.event is Event.ESCALATED)
