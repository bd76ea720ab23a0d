"""What a silence hides, for how long, and which messages it withholds: decided purely."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Part
from rules.base import Severity
from tests.unit.test_escalation import DIRECTORY, FIRST, MINUTE, PEOPLE, after, let_pass, opened
from tests.unit.test_incident import LATER, NOW, an_incident, closing, recovered_incident
from watchdog.domain import life
from watchdog.domain.escalation import next_deadline, next_up, passed_on
from watchdog.domain.incident import WATCHDOG, Incident, State
from watchdog.domain.notices import for_one_person, with_notices
from watchdog.domain.silences import (
    LONGEST,
    Silence,
    covering,
    ends_soon,
    is_hideable,
    problem_of,
    released,
    said,
    silenced,
    under,
    under_level,
)

HOUR = timedelta(hours=1)
CHANNEL, DM, MAIL = "slack:#data-alerts", "slack:@U01ANA", "email:ana@example.com"


def a_silence(
    pattern: str = "orders-*", ends_at: datetime = NOW + 2 * HOUR, **more: object
) -> Silence:
    made = Silence(pattern, "deploy", "raj", NOW, ends_at, of_critical=True, number=3)
    return replace(made, **more)  # type: ignore[arg-type]


def a_warning(**changes: object) -> Incident:
    return an_incident(severity=Severity.WARNING, **changes)


@pytest.mark.parametrize(
    ("silence", "hides"),
    [
        (a_silence(), True),
        (a_silence("orders-stale"), True),
        (a_silence("*"), True),
        (a_silence("order"), False),
        (a_silence("Orders-*"), False),
        (a_silence(team="data"), True),
        (a_silence(team="ops"), False),
        (a_silence(entity=(("shop", "web"),)), True),
        (a_silence(entity=(("shop", "web"), ("zone", "eu"))), True),
        (a_silence(entity=(("shop", "app"),)), False),
        (a_silence(entity=(("store", "web"),)), False),
        (a_silence(of_critical=False), False),
        (a_silence(ends_at=NOW), False),
        (a_silence(ends_at=NOW + timedelta(microseconds=1)), True),
    ],
)
def test_it_hides_what_all_of_it_fits_until_its_end(silence: Silence, hides: bool) -> None:
    incident = an_incident(entity=(("zone", "eu"), ("shop", "web")))
    assert silence.hides(incident, NOW) is hides


@pytest.mark.parametrize("severity", Severity)
def test_what_is_critical_is_hidden_only_by_a_silence_of_an_admin(severity: Severity) -> None:
    incident = an_incident(severity=severity)
    assert a_silence(of_critical=True).hides(incident, NOW)
    assert a_silence(of_critical=False).hides(incident, NOW) is (severity is not Severity.CRITICAL)


@pytest.mark.parametrize(
    ("silence", "problem"),
    [
        (a_silence(), ""),
        (a_silence(ends_at=NOW + LONGEST), ""),
        (a_silence(ends_at=NOW + LONGEST + MINUTE), "lasts at most 7d, not 7d"),
        (a_silence(ends_at=NOW + timedelta(days=365)), "lasts at most 7d, not 365d"),
        (a_silence(ends_at=NOW), "ends later than now, not at 2025-06-13 02:15 UTC"),
        (a_silence(reason=" \t"), "needs a reason"),
    ],
)
def test_it_has_a_reason_and_an_end_within_7_days(silence: Silence, problem: str) -> None:
    assert problem in problem_of(silence)
    assert bool(problem_of(silence)) is bool(problem)


ANY_SILENCES = st.lists(
    st.builds(
        lambda minutes, critical, pattern, number: a_silence(
            pattern, NOW + minutes * MINUTE, of_critical=critical, number=number
        ),
        st.integers(1, 600),
        st.booleans(),
        st.sampled_from(["*", "orders-*", "jobs"]),
        st.integers(1, 99),
    ),
    max_size=6,
)


@given(ANY_SILENCES, st.integers(0, 700), st.sampled_from(Severity))
def test_of_several_the_one_that_hides_it_longest_counts(
    silences: list[Silence], minutes: int, severity: Severity
) -> None:
    at, incident = NOW + minutes * MINUTE, an_incident(severity=severity)
    found = covering(silences, incident, at)
    hiding = [one for one in silences if one.hides(incident, at)]
    assert (found is None) == (not hiding)
    if found:
        assert found.ends_at == max(one.ends_at for one in hiding)
        hidden = under(incident, found)
        assert (hidden.silence, hidden.silenced_until) == (found.number, found.ends_at)
    assert under(incident, None) == incident


def test_a_silence_says_what_it_is_for_and_until_when_by_the_clock_of_the_team() -> None:
    silence = a_silence(team="data", entity=(("shop", "web"),))
    assert silence.scope == "orders-*, team data, shop web"
    assert said(silence, "Europe/Berlin", NOW) == "by raj until 06:15 Berlin: deploy"


def test_a_silenced_incident_still_gets_an_owner() -> None:
    step = opened(**_hidden())
    assert after(step).owner == FIRST
    assert {one.part for one in step.notices} == {Part.ROOT, Part.PAGE}, "written, judged later"


def _hidden(ends_at: datetime = NOW + 2 * HOUR) -> dict[str, Any]:
    return {"silence": 3, "silenced_until": ends_at}


def test_nothing_comes_next_for_a_silenced_incident_but_the_end_of_the_silence() -> None:
    incident = after(opened(**_hidden()))
    deadline = next_deadline(incident, DIRECTORY)
    assert deadline is not None
    assert deadline.at == NOW + 2 * HOUR
    assert deadline.act(deadline.at).happened.event is Event.RELEASED
    assert next_up(incident, DIRECTORY) is None, "nobody is paged next while it is hidden"


def test_a_taken_incident_does_not_expire_while_it_is_silenced() -> None:
    taken = life.take(after(opened(**_hidden())), FIRST, NOW).after
    at, step = let_pass(taken)
    assert (at, step.transition.happened.event) == (NOW + 2 * HOUR, Event.RELEASED)
    assert let_pass(after(step))[0] == NOW + 2 * HOUR + timedelta(minutes=30)


def test_an_offer_lapses_and_a_missing_cause_ends_it_in_a_silence_too() -> None:
    offered = life.offer(after(opened(**_hidden())), FIRST, "tom", "", NOW).after
    assert let_pass(offered)[1].transition.happened.event is Event.LAPSED
    healed = recovered_incident(**_hidden())
    assert let_pass(healed)[1].transition.happened.event is Event.RESOLVED


def test_the_escalation_begins_at_the_release() -> None:
    _, step = let_pass(after(opened(**_hidden())))
    free = after(step)
    assert (free.silence, free.silenced_until, free.paged_at) == (None, None, NOW + 2 * HOUR)
    assert let_pass(free)[0] == NOW + 2 * HOUR + 10 * MINUTE


def test_at_the_end_whoever_was_not_told_gets_a_first_message() -> None:
    untold = replace(after(opened(**_hidden())), audience=())
    step = with_notices(released(untold, LATER), DIRECTORY)
    assert {(one.receiver, one.part, one.due_at) for one in step.notices} == {
        (CHANNEL, Part.ROOT, LATER),
        (f"slack:@U{FIRST.upper()}", Part.PAGE, LATER),
    }
    assert after(step).audience == (CHANNEL, f"slack:@U{FIRST.upper()}")


def test_at_the_end_whoever_was_told_before_hears_it_below_their_message() -> None:
    told = after(opened())
    step = with_notices(released(under(told, a_silence()), LATER), DIRECTORY)
    owner = f"slack:@U{FIRST.upper()}"
    assert {(one.receiver, one.part) for one in step.notices} == {
        (CHANNEL, Part.EDIT),
        (CHANNEL, Part.THREAD),
        (owner, Part.EDIT),
        (owner, Part.THREAD),
    }


def test_when_a_person_ends_it_the_timeline_says_who() -> None:
    ended = released(a_warning(**_hidden()), LATER, "raj")
    assert (ended.happened.actor, ended.happened.words) == ("raj", "raj ended its silence")
    itself = released(a_warning(**_hidden()), LATER)
    assert (itself.happened.actor, itself.happened.words) == (WATCHDOG, "its silence has ended")
    with pytest.raises(AssertionError):
        released(recovered_incident(), LATER)


def test_what_has_waited_for_another_says_so_and_waits_no_more() -> None:
    waiting = a_warning(waits_for=7, silenced_until=NOW + LONGEST)
    free = released(waiting, LATER)
    assert free.happened.words == "#7, which explained it, is over"
    assert (free.after.waits_for, free.after.silenced_until) == (None, None)
    worse = life.level_changed(waiting, Severity.CRITICAL, "", LATER).after
    assert under_level(worse, waiting, None) == worse, "what explains it explains that, too"
    assert next_up(waiting, DIRECTORY) is None


def test_silencing_is_an_event_that_edits_and_pushes_nobody() -> None:
    told = after(opened())
    step = with_notices(silenced(told, a_silence(), "Europe/Berlin", LATER), DIRECTORY)
    assert step.transition.happened.words == "by raj until 06:15 Berlin: deploy"
    assert step.transition.happened.actor == "raj"
    assert {(one.receiver[:7], one.part) for one in step.notices} == {
        ("slack:#", Part.EDIT),
        ("slack:#", Part.THREAD),
        ("slack:@", Part.EDIT),
    }
    assert step.due_at == NOW + 2 * HOUR
    assert after(step).acted_at == told.acted_at, "whoever silences it gives no sign of life for it"


def test_what_gets_worse_and_is_hidden_by_nothing_is_told_at_once() -> None:
    hidden = replace(a_warning(**_hidden()), audience=())
    change = life.level_changed(hidden, Severity.CRITICAL, "", LATER)
    free = under_level(
        change.after, hidden, covering([a_silence(of_critical=False)], change.after, LATER)
    )
    assert free.silenced_until is None
    step = with_notices(replace(change, after=free), DIRECTORY)
    assert {one.part for one in step.notices} == {Part.ROOT, Part.PAGE}
    assert after(step).paged_at == LATER


def test_what_gets_worse_under_an_admins_silence_stays_hidden() -> None:
    hidden = a_warning(**_hidden())
    worse = life.level_changed(hidden, Severity.CRITICAL, "", LATER).after
    assert under_level(worse, hidden, a_silence()).silence == 3


def test_what_changes_without_getting_worse_waits_for_the_end_of_its_silence() -> None:
    hidden = an_incident(**_hidden(LATER))
    softer = life.level_changed(hidden, Severity.WARNING, "", LATER).after
    kept = under_level(softer, hidden, None)
    assert (kept.silence, kept.silenced_until) == (3, LATER), "or its end would tell nobody"
    assert under_level(softer, hidden, a_silence(number=9)).silence == 9


HIDEABLE = """
event          first  page   dm-thread  thread  edit
opened         yes    -      -          -       -
level          yes    yes    yes        no      no
taken          yes    -      -          no      no
noted          -      -      -          no      -
back_again     yes    yes    yes        no      no
lapsed         yes    yes    yes        no      no
recovered      yes    no     no         no      no
withdrawn      yes    no     no         no      no
resolved       yes    no     no         no      no
silenced       yes    -      -          no      no
silence_ends   no     no     no         no      no
"""


@pytest.mark.parametrize("line", HIDEABLE.strip().splitlines()[1:])
def test_of_each_event_a_silence_withholds_what_the_table_says(line: str) -> None:
    event, *cells = line.split()
    kinds = [
        (Part.PAGE, DM, False),
        (Part.PAGE, MAIL, True),
        (Part.THREAD, DM, True),
        (Part.THREAD, CHANNEL, True),
        (Part.EDIT, CHANNEL, True),
    ]
    for cell, (part, receiver, was_told) in zip(cells, kinds, strict=True):
        if cell != "-":
            found = is_hideable(event, WATCHDOG, part, receiver, was_told=was_told)
            assert found is (cell == "yes"), (event, part, receiver)


@pytest.mark.parametrize("event", ["offered", "escalated", "given_back", "handed_over"])
@pytest.mark.parametrize("was_told", [True, False])
def test_whom_a_person_asks_hears_of_it_in_a_silence_too(event: str, was_told: bool) -> None:
    for part, receiver in itertools.product(Part, (CHANNEL, DM, MAIL)):
        assert not is_hideable(event, "ana", part, receiver, was_told=was_told)
    assert is_hideable(event, WATCHDOG, Part.PAGE, DM, was_told=was_told)


def test_whom_a_person_asks_while_it_is_silenced_does_not_start_the_clock() -> None:
    incident = after(opened(**_hidden()))
    asked = after(with_notices(passed_on(incident, DIRECTORY, LATER, "tom"), DIRECTORY))
    assert asked.owner != FIRST
    assert let_pass(asked)[0] == NOW + 2 * HOUR


def test_only_whoever_made_the_silence_is_reminded_of_its_end() -> None:
    incident = under(after(opened()), a_silence())
    reminder = ends_soon(incident, a_silence(), 2, NOW + 105 * MINUTE)
    assert reminder.happened.words == "ends in 15m, 2 still bad"
    step = for_one_person(reminder, DIRECTORY, "tom")
    assert [(one.receiver, one.part) for one in step.notices] == [("slack:@UTOM", Part.PAGE)]
    assert after(step).audience == incident.audience, "the rest of it is not theirs to hear"
    assert step.due_at == NOW + 2 * HOUR


def test_who_was_told_of_it_is_reminded_below_that_message() -> None:
    incident = under(after(opened()), a_silence())
    step = for_one_person(ends_soon(incident, a_silence(), 1, LATER), DIRECTORY, FIRST)
    assert [one.part for one in step.notices] == [Part.THREAD]
    mailing = replace(DIRECTORY, people=PEOPLE, routes=())
    mailed = with_notices(life.opened(an_incident(owner="tom"), {}), mailing).transition.after
    both = for_one_person(ends_soon(mailed, a_silence(), 1, LATER), mailing, "tom").notices
    assert {(one.receiver, one.part) for one in both} == {
        ("slack:@UTOM", Part.THREAD),
        ("email:tom@example.com", Part.PAGE),
    }
    assert for_one_person(ends_soon(mailed, a_silence(), 1, LATER), mailing, "zoe").notices == ()


@given(
    st.lists(
        st.sampled_from(["silence", "end", "take", "worse", "softer", "heal", "back"]), max_size=12
    )
)
def test_whatever_happens_a_silenced_incident_has_an_owner_and_an_end(moves: list[str]) -> None:
    """Its next deadline is never later than the end of its silence, and never pages before that."""
    incident, now, silences = after(opened(severity=Severity.WARNING)), NOW, list[Silence]()
    for move in moves:
        now += MINUTE
        incident = _moved(incident, move, silences, now)
        assert incident.owner
        deadline = next_deadline(incident, DIRECTORY)
        if incident.silenced_until and incident.is_live:
            assert deadline is not None
            assert deadline.at == incident.silenced_until
            assert deadline.act(deadline.at).after.silenced_until is None


def _moved(incident: Incident, move: str, silences: list[Silence], now: datetime) -> Incident:
    """Return the incident after a move, as the engine and people make it; as it was if it cannot be."""
    live = incident.is_live
    if move == "silence":
        silences.append(a_silence("*", now + HOUR, of_critical=len(silences) % 2 == 0))
        found = covering(silences, incident, now)
        made = silenced(incident, found, "UTC", now) if found and live else None
    elif move == "end":
        silences.clear()
        made = released(incident, now, "raj") if live and incident.silence else None
    elif move == "take" and incident.state is State.OPEN:
        made = life.take(incident, "tom", now)
    elif move in {"worse", "softer"} and live:
        severity = Severity.CRITICAL if move == "worse" else Severity.WARNING
        made = life.level_changed(incident, severity, "", now)
        hidden = under_level(made.after, incident, covering(silences, made.after, now))
        made = replace(made, after=hidden)
    elif move == "heal" and live:
        made = life.recovered(incident, now, None, "good")
    elif move == "back" and incident.state is State.RECOVERED:
        made = life.back_again(incident, now, incident.severity)
        made = replace(made, after=under(made.after, covering(silences, made.after, now)))
    else:
        made = None
    return after(with_notices(made, DIRECTORY)) if made else incident


def test_an_end_is_told_to_who_was_told_of_the_beginning() -> None:
    resolved = life.resolve(recovered_incident(**_hidden()), "ana", closing(), LATER)
    assert next_deadline(resolved.after, DIRECTORY) is None
