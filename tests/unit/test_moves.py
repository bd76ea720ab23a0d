"""The one table of moves: it is whole, and every step is held against it."""

from collections import Counter

import pytest

from notifiers.base import Event
from tests.unit.test_incident import LATER, an_incident
from watchdog.domain.incident import Happened, State
from watchdog.domain.moves import EDGES, LEADS_TO, MOVES
from watchdog.domain.step import step


def test_every_event_but_a_test_has_its_place_in_the_table() -> None:
    assert {one.event for one in MOVES} == set(Event) - {Event.TEST}


def test_what_happens_in_a_state_leads_to_one_state_and_somebody_does_it() -> None:
    assert set(Counter((one.before, one.event) for one in MOVES).values()) == {1}
    assert all(one.by for one in MOVES)
    assert len(LEADS_TO) == len(MOVES)


def test_an_incident_begins_open_and_can_end_from_every_state() -> None:
    assert {(one.event, one.after) for one in MOVES if one.before is None} == {
        (Event.OPENED, State.OPEN),
        (Event.STORM, State.OPEN),
    }
    reached = {State.RESOLVED}
    for _ in State:
        reached |= {one for one, two in EDGES if two in reached}
    assert reached == set(State)


def test_what_is_over_moves_again_only_when_a_person_reopens_it() -> None:
    assert {
        one.event for one in MOVES if one.before is State.RESOLVED and one.after is not one.before
    } == {Event.REOPENED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_a_step_that_the_table_has_not_is_a_mistake_of_ours(state: State, event: Event) -> None:
    happened = Happened(event, LATER, "ana")
    for after in State:
        if LEADS_TO.get((state, event)) is after:
            assert step(an_incident(state=state), happened, after).after.state is after
        else:
            with pytest.raises(AssertionError):
                step(an_incident(state=state), happened, after)
