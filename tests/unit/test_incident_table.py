"""The life of an incident as a table: what each verb does in each state, and what it leaves alone."""

import contextlib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event
from rules.base import Severity
from tests.unit.test_incident import (
    ACTION,
    LATER,
    NOTHING,
    NOW,
    an_incident,
    closing,
    recovered_incident,
)
from watchdog.domain import life
from watchdog.domain.closing import CAUSE_KINDS
from watchdog.domain.incident import Ended, Incident, Refused, State, Transition, told
from watchdog.domain.opinions import bad_after_all, not_actionable, reopen
from watchdog.domain.reminders import snooze

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
OPEN = an_incident()
TAKEN = life.take(an_incident(), "ana", NOW).after
RECOVERED = recovered_incident()
RESOLVED = life.resolve(RECOVERED, "ana", closing(answer=ACTION), LATER).after
REOPENED = reopen(RECOVERED, "raj", "still broken", LATER).after
STATES = {"open": OPEN, "taken": TAKEN, "recovered": RECOVERED, "resolved": RESOLVED}

VERBS: dict[str, Callable[[Incident], Transition]] = {
    "ana takes": lambda one: life.take(one, "ana", LATER),
    "raj takes": lambda one: life.take(one, "raj", LATER),
    "raj takes over": lambda one: life.take(one, "raj", LATER, over=True),
    "asked raj takes": lambda one: life.take(replace(one, offered_to="raj"), "raj", LATER),
    "asked ana takes": lambda one: life.take(replace(one, offered_to="ana"), "ana", LATER),
    "ana offers": lambda one: life.offer(one, "ana", "raj", "", LATER),
    "raj offers": lambda one: life.offer(one, "raj", "mei", "", LATER),
    "raj notes": lambda one: life.note(one, "raj", "seen", LATER),
    "raj resolves": lambda one: life.resolve(one, "raj", closing(), LATER),
    "ana gives back": lambda one: life.give_back(one, "ana", "mei", "", LATER),
    "raj gives back": lambda one: life.give_back(one, "raj", "mei", "", LATER),
    "asked declines": lambda one: life.decline(replace(one, offered_to="raj"), "raj", "", LATER),
    "raj declines": lambda one: life.decline(one, "raj", "", LATER),
    "ana snoozes": lambda one: snooze(one, "ana", HOUR, LATER),
    "raj snoozes": lambda one: snooze(one, "raj", HOUR, LATER),
    "raj reopens": lambda one: reopen(one, "raj", "still broken", LATER),
    "raj calls noise": lambda one: not_actionable(one, "raj", "false positive", "", LATER),
    "raj did it": lambda one: life.action_done(one, "raj", "", LATER),
}
TABLE = """
                  open                taken               recovered           resolved
ana takes         taken ana           already yours       is yours            nothing to take
raj takes         taken raj           ana took            take it over        nothing to take
raj takes over    taken raj           handed_over raj     handed_over raj     nothing to take
asked raj takes   taken raj           handed_over raj     handed_over raj     nothing to take
asked ana takes   taken ana           handed_over ana     handed_over ana     nothing to take
ana offers        offered ana         offered ana         offered ana         nothing to hand
raj offers        belongs to ana      belongs to ana      belongs to ana      nothing to hand
raj notes         noted ana           noted ana           noted ana           noted ana
raj resolves      has not recovered   has not recovered   resolved ana        already resolved
ana gives back    only what is taken  given_back mei      only what is taken  only what is taken
raj gives back    only what is taken  belongs to ana      only what is taken  only what is taken
asked declines    declined ana        declined ana        declined ana        nothing to decline
raj declines      nobody asks raj     nobody asks raj     nobody asks raj     nothing to decline
ana snoozes       take it first       snoozed ana         nothing to snooze   nothing to snooze
raj snoozes       take it first       belongs to ana      nothing to snooze   nothing to snooze
raj reopens       is open, not over   is taken, not over  reopened raj        reopened raj
raj calls noise   not_actionable ana  not_actionable ana  resolved ana        already resolved
raj did it        no preventive       no preventive       no preventive       action_done ana
"""


def cells() -> list[tuple[str, str, str]]:
    """Return verb, state and what comes of it."""
    head, *lines = TABLE.strip("\n").splitlines()
    starts = [head.index(state) for state in STATES]
    ends = [*starts[1:], None]
    return [
        (line[: starts[0]].strip(), state, line[start:end].strip())
        for line in lines
        for state, start, end in zip(STATES, starts, ends, strict=True)
    ]


def what_comes(verb: str, one: Incident) -> str:
    """Return the event and the owner after it, or the refusal."""
    try:
        moved = VERBS[verb](one)
    except Refused as refused:
        return str(refused)
    return f"{moved.happened.event.value} {moved.after.owner}"


@pytest.mark.parametrize(("verb", "state", "comes"), cells())
def test_each_verb_does_in_each_state_what_the_table_says(
    verb: str, state: str, comes: str
) -> None:
    assert comes in what_comes(verb, STATES[state])


def changed(moved: Transition) -> dict[str, object]:
    """Return what differs after a step, without what shows only that something was done."""
    assert moved.before is not None
    return {
        one.name: getattr(moved.after, one.name)
        for one in fields(Incident)
        if getattr(moved.after, one.name) != getattr(moved.before, one.name)
        and one.name not in {"version", "acted_at"}
    }


@pytest.mark.parametrize(
    ("moved", "changes"),
    [
        (life.note(TAKEN, "raj", "seen", LATER), {"noted_at": LATER}),
        (life.decline(replace(TAKEN, offered_to="raj"), "raj", "", LATER), {"offered_to": ""}),
        (snooze(TAKEN, "ana", HOUR, LATER), {"snoozed_until": LATER + HOUR}),
        (
            life.level_changed(
                replace(TAKEN, severity=Severity.INFO, snoozed_until=LATER),
                Severity.WARNING,
                "",
                LATER,
            ),
            {"severity": Severity.WARNING, "snoozed_until": None},
        ),
        (
            life.take(replace(TAKEN, snoozed_until=LATER), "raj", LATER, over=True),
            {"owner": "raj", "snoozed_until": None, "taken_at": LATER},
        ),
        (
            reopen(RESOLVED, "raj", "still broken", LATER),
            {
                "state": State.TAKEN,
                "owner": "raj",
                "taken_at": LATER,
                "reopened_at": LATER,
                "recovered_at": None,
                "first_good_at": None,
                "resolved_at": None,
                "cause": "",
                "cause_kind": "",
                "answer": None,
            },
        ),
        (
            bad_after_all(REOPENED, LATER, Severity.WARNING),
            {"severity": Severity.WARNING, "bad_now": True, "reopened_at": None},
        ),
        (
            not_actionable(OPEN, "raj", "poor details", " which shop? ", LATER),
            {"unneeded": "poor details", "unneeded_words": "which shop?"},
        ),
        (
            life.missed(replace(OPEN, missed="has left"), "raj", 1, "ana has left, now raj", LATER),
            {"owner": "raj", "rung": 1, "missed": ""},
        ),
        (life.exhausted(replace(OPEN, missed="has left"), 3, LATER), {"rung": 3, "missed": ""}),
        (life.offer(OPEN, "ana", "raj", "", LATER), {"offered_to": "raj"}),
        (
            life.take(replace(TAKEN, offered_to="mei"), "raj", LATER, over=True),
            {"owner": "raj", "offered_to": "", "taken_at": LATER},
        ),
        (life.take(RECOVERED, "raj", LATER, over=True), {"owner": "raj"}),
        (
            life.level_changed(OPEN, Severity.WARNING, "auth", LATER),
            {"severity": Severity.WARNING, "failure_class": "auth"},
        ),
        (
            life.recovered(replace(TAKEN, offered_to="raj"), LATER, None, "good"),
            {
                "state": State.RECOVERED,
                "offered_to": "",
                "bad_now": False,
                "recovered_at": LATER,
                "first_good_at": LATER,
            },
        ),
        (
            life.back_again(RECOVERED, LATER, Severity.CRITICAL),
            {"state": State.OPEN, "bad_now": True, "recovered_at": None, "first_good_at": None},
        ),
        (
            life.withdrawn(replace(TAKEN, offered_to="raj"), LATER, "rule removed"),
            {
                "state": State.RESOLVED,
                "offered_to": "",
                "resolved_at": LATER,
                "cause": "rule removed",
                "cause_kind": "withdrawn",
            },
        ),
        (
            life.resolve(replace(RECOVERED, offered_to="raj"), "raj", closing(" key "), LATER),
            {
                "state": State.RESOLVED,
                "offered_to": "",
                "resolved_at": LATER,
                "cause": "key",
                "cause_kind": "config",
                "answer": NOTHING,
            },
        ),
        (
            life.escalated(replace(OPEN, offered_to="mei"), "raj", 1, "ana silent", LATER),
            {"owner": "raj", "rung": 1, "offered_to": ""},
        ),
        (life.exhausted(OPEN, 3, LATER), {"rung": 3}),
        (
            life.expired(replace(TAKEN, rung=2, offered_to="raj"), LATER),
            {"state": State.OPEN, "rung": 0, "offered_to": "", "taken_at": None},
        ),
        (
            life.give_back(replace(TAKEN, rung=2), "ana", "mei", "", LATER),
            {"state": State.OPEN, "rung": 0, "owner": "mei", "taken_at": None},
        ),
        (life.lapsed(replace(TAKEN, offered_to="raj"), LATER), {"offered_to": ""}),
        (
            life.unanswered(RECOVERED, LATER),
            {
                "state": State.RESOLVED,
                "resolved_at": LATER,
                "cause": "nobody wrote a cause within 0s",
                "cause_kind": "not given",
            },
        ),
        (life.action_done(RESOLVED, "raj", "", LATER), {"answer": replace(ACTION, is_done=True)}),
    ],
    ids=lambda value: value.happened.event.value if isinstance(value, Transition) else None,
)
def test_a_step_changes_what_it_says_and_nothing_else(
    moved: Transition, changes: dict[str, object]
) -> None:
    assert changed(moved) == changes


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_whatever_a_person_does_is_a_sign_of_life(verb: str, state: str) -> None:
    with contextlib.suppress(Refused):
        assert VERBS[verb](STATES[state]).after.acted_at == LATER


def test_taking_in_an_instant_and_after_days_says_how_long_it_took() -> None:
    assert life.take(OPEN, "ana", NOW).happened.words == "after 0s"
    assert life.take(OPEN, "ana", NOW + timedelta(days=3, hours=4)).happened.words == "after 3d04h"
    assert life.take(OPEN, "ana", NOW - SECOND).happened.words == "after 0s"


def test_an_offer_says_from_whom_to_whom_and_why() -> None:
    assert life.offer(OPEN, "ana", "raj", "", LATER).happened.words == "ana → raj"
    assert life.offer(OPEN, "ana", "raj", "train", LATER).happened.words == "ana → raj: train"


def test_an_opening_says_its_remark_before_what_is_wrong() -> None:
    said = life.opened(OPEN, {}, "The same again.").happened.words
    assert said == "The same again. Newest row is 1 h 02 min old, limit 1 h."
    assert life.opened(replace(OPEN, detail=""), {}).happened.words == "1h02m old (max 1h)"


def test_a_change_of_level_says_what_it_was() -> None:
    happened = life.level_changed(OPEN, Severity.WARNING, "", LATER).happened
    assert happened.event is Event.LEVEL
    assert happened.words == "critical → warning: 1h02m old (max 1h)"
    assert happened.previous_severity == "critical"


def test_what_our_service_does_is_done_by_nobody_else() -> None:
    by_itself = [
        life.opened(OPEN, {}),
        life.level_changed(OPEN, Severity.INFO, "", LATER),
        life.recovered(OPEN, LATER, None, "good"),
        life.back_again(RECOVERED, LATER, Severity.INFO),
        life.withdrawn(OPEN, LATER, "gone"),
        life.escalated(OPEN, "raj", 1, "ana silent", LATER),
        life.exhausted(OPEN, 3, LATER),
        life.expired(TAKEN, LATER),
        life.lapsed(replace(TAKEN, offered_to="raj"), LATER),
        life.unanswered(RECOVERED, LATER),
    ]
    assert {one.happened.actor for one in by_itself} == {"watchdog"}
    assert {one.after.acted_at for one in by_itself} <= {None, NOW}


@pytest.mark.parametrize("kind", CAUSE_KINDS)
def test_every_kind_of_cause_ends_an_incident(kind: str) -> None:
    assert life.resolve(RECOVERED, "ana", closing("x", kind), LATER).after.cause_kind == kind


def test_what_has_recovered_or_ended_is_not_brought_back_or_ended_by_the_machine() -> None:
    moves: list[Callable[[], Transition]] = [
        lambda: life.recovered(RECOVERED, LATER, None, "good"),
        lambda: life.recovered(RESOLVED, LATER, None, "good"),
        lambda: life.back_again(replace(RESOLVED, recovered_at=NOW), LATER, Severity.INFO),
        lambda: life.back_again(OPEN, LATER, Severity.INFO),
        lambda: bad_after_all(TAKEN, LATER, Severity.INFO),
        lambda: life.missed(TAKEN, "raj", 1, "ana has left", LATER),
        lambda: life.opened(TAKEN, {}),
        lambda: life.opened(replace(OPEN, version=2), {}),
    ]
    for move in moves:
        with pytest.raises(AssertionError):
            move()


@pytest.mark.parametrize(
    ("after", "failure_class", "said"),
    [
        (HOUR, "auth", "The same (auth) again, 1h after #1042 recovered."),
        (HOUR + SECOND, "auth", ""),
        (timedelta(), "auth", "The same (auth) again, 0s after #1042 recovered."),
        (HOUR, "", ""),
        (HOUR, "vendor", ""),
    ],
)
def test_a_fault_repeats_what_ended_lately_with_the_same_class(
    after: timedelta, failure_class: str, said: str
) -> None:
    earlier = Ended(1042, NOW, "auth")
    assert life.repeats(earlier, NOW + after, HOUR, failure_class) == said


def test_a_fault_without_a_class_repeats_one_without() -> None:
    earlier = Ended(1042, NOW, "")
    assert life.repeats(earlier, NOW, HOUR, "") == "The same again, 0s after #1042 recovered."


def test_only_what_has_recovered_and_is_not_over_comes_back_within_its_window() -> None:
    for one, comes_back in ((RECOVERED, True), (RESOLVED, False), (TAKEN, False)):
        assert life.within_reopen_window(one, LATER, HOUR, "") is comes_back
    at = datetime(1970, 1, 1, tzinfo=UTC)
    assert life.within_reopen_window(RECOVERED, at, timedelta(), "")


@given(st.lists(st.text(max_size=8), max_size=4).map(tuple), st.sampled_from(list(STATES)))
def test_other_receivers_leave_the_rest_of_an_incident_alone(
    audience: tuple[str, ...], state: str
) -> None:
    one = STATES[state]
    assert told(one, audience, NOW) == replace(one, audience=audience, paged_at=NOW)
