"""What people say of an incident against its checks."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import Event
from rules.base import Severity
from tests.unit.test_incident import LATER, NOW, an_incident, closing, recovered_incident
from watchdog.domain import life
from watchdog.domain.closing import UNNEEDED, Prevention
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.opinions import REOPENS_WITHIN, bad_after_all, not_actionable, reopen

SECOND = timedelta(seconds=1)
RECOVERED = recovered_incident()
RESOLVED = life.resolve(RECOVERED, "ana", closing(), LATER).after
REOPENED = reopen(RECOVERED, "raj", "customers still see it", LATER).after


def test_whoever_reopens_it_has_it_and_says_why() -> None:
    again = reopen(RECOVERED, "raj", " customers still see it ", LATER)
    assert (again.after.state, again.after.owner) == (State.TAKEN, "raj")
    assert again.happened.words == "customers still see it"


def test_what_was_resolved_is_reopened_within_an_hour_and_later_never() -> None:
    last = LATER + REOPENS_WITHIN
    assert reopen(RESOLVED, "ana", "not well", last).after.answer is None
    with pytest.raises(Refused, match=r"was resolved 1h ago; only within 1h it can be reopened"):
        reopen(RESOLVED, "ana", "not well", last + SECOND)


@pytest.mark.parametrize("hidden", [{"silence": 3}, {"waits_for": 1040}])
def test_what_was_hidden_when_it_ended_is_hidden_no_more(hidden: dict[str, int]) -> None:
    ended = replace(RECOVERED, silenced_until=LATER - SECOND, **hidden)  # type: ignore[arg-type]
    again = reopen(ended, "raj", "not well", LATER).after
    assert (again.silence, again.silenced_until, again.waits_for) == (None, None, None)


@pytest.mark.parametrize(
    ("incident", "words", "said"),
    [
        (an_incident(), "x", "#1042 is open, not over; there is nothing to reopen"),
        (RECOVERED, " ", "#1042 is not reopened without what is not well"),
        (
            life.withdrawn(an_incident(), LATER, "rule orders-stale was removed").after,
            "x",
            "was withdrawn: rule orders-stale was removed. Nothing watches it any more",
        ),
    ],
)
def test_what_cannot_be_reopened_says_so(incident: Incident, words: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        reopen(incident, "raj", words, LATER)


def test_no_check_ends_what_was_reopened_but_its_owner_does() -> None:
    assert REOPENED.ends_by_hand
    ended = life.resolve(REOPENED, "raj", closing("the cache"), LATER).after
    assert (ended.state, ended.cause, ended.recovered_at) == (State.RESOLVED, "the cache", None)
    with pytest.raises(Refused, match="was reopened by hand and belongs to raj"):
        life.resolve(REOPENED, "ana", closing(), LATER)
    expired = life.expired(REOPENED, LATER).after
    assert life.resolve(expired, "raj", closing(), LATER).after.state is State.RESOLVED


def test_what_was_reopened_and_is_bad_again_is_as_any_other() -> None:
    bad = bad_after_all(REOPENED, LATER + 2 * timedelta(minutes=5), Severity.CRITICAL)
    assert bad.happened.event is Event.BACK_AGAIN
    assert bad.happened.words == "10m after it was reopened: 1h02m old (max 1h)"
    assert (bad.after.state, bad.after.owner) == (State.TAKEN, "raj")
    with pytest.raises(Refused, match="has not recovered"):
        life.resolve(bad.after, "raj", closing(), LATER)
    assert life.recovered(bad.after, LATER, None, "good").after.state is State.RECOVERED


def test_a_reopened_incident_whose_check_is_bad_now_is_not_ended_by_hand() -> None:
    with pytest.raises(Refused, match="has not recovered"):
        life.resolve(replace(REOPENED, bad_now=True), "raj", closing(), LATER)


@pytest.mark.parametrize("reason", UNNEEDED)
@pytest.mark.parametrize("state", [State.OPEN, State.TAKEN])
def test_what_is_still_bad_is_never_closed_by_saying_that_it_needed_nobody(
    reason: str, state: State
) -> None:
    one = an_incident(state=state, taken_at=NOW)
    marked = not_actionable(one, "raj", reason, "closed on Sundays", LATER)
    assert marked.after.state is state
    assert marked.happened.words == f"{reason}: closed on Sundays"
    assert (marked.after.unneeded, marked.after.unneeded_words) == (reason, "closed on Sundays")


def test_what_has_recovered_ends_by_it_as_a_false_alarm_with_nothing_to_be_done() -> None:
    ended = not_actionable(RECOVERED, "raj", "false positive", " closed on Sundays ", LATER)
    after = ended.after
    assert ended.happened.event is Event.RESOLVED
    assert (after.cause, after.cause_kind) == ("false positive: closed on Sundays", "false alarm")
    assert after.answer is not None
    assert after.answer.prevention is Prevention.NOTHING_NEEDED
    assert (after.unneeded, after.unneeded_words) == ("false positive", "closed on Sundays")


def test_what_needed_nobody_ends_after_three_days_as_it_was_said() -> None:
    marked = not_actionable(an_incident(), "raj", "poor details", "", NOW).after
    healed = life.recovered(marked, LATER, None, "good").after
    ended = life.unanswered(healed, LATER + timedelta(days=3))
    assert (ended.after.cause, ended.after.cause_kind) == ("poor details", "false alarm")
    assert ended.happened.actor == "watchdog"


@pytest.mark.parametrize(
    ("incident", "seen", "said"),
    [
        (RECOVERED, State.TAKEN, "has recovered meanwhile; this would resolve it"),
        (an_incident(), State.RECOVERED, "is not over after all; this would not resolve it"),
    ],
)
def test_an_opinion_that_would_do_something_else_by_now_is_refused(
    incident: Incident, seen: State, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        not_actionable(incident, "raj", "poor details", "", LATER, seen)
    meant = not_actionable(incident, "raj", "poor details", "", LATER, incident.state)
    assert meant.after.unneeded == "poor details"


@pytest.mark.parametrize(
    ("incident", "reason", "said"),
    [
        (RESOLVED, "false positive", "#1042 is already resolved: key"),
        (an_incident(), "boring", "cannot be `boring`; say one of false positive, not actionable"),
    ],
)
def test_what_cannot_be_said_of_it_is_refused(incident: Incident, reason: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        not_actionable(incident, "raj", reason, "", LATER)
