"""The verdict itself: it must see what was missed, what came late and what nobody planted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.demo_world import repository_rules
from tests.postgres import NIGHT
from tests.simulation.verdict import verdict
from tests.simulation.year import planted
from tests.unit.test_incident import an_incident
from watchdog.demo.failures import FAILURES
from watchdog.domain.incident import State

RULES = repository_rules()
PLANTED = planted(FAILURES["E2"], RULES, NIGHT)
[EXPECTED] = PLANTED.failure.opens
SECOND = timedelta(seconds=1)

FOUND = replace(
    an_incident(rule=EXPECTED.rule, entity=EXPECTED.entity, opened_at=NIGHT + SECOND),
    failure_class=EXPECTED.failure_class,
    state=State.RECOVERED,
)


def test_what_was_planted_and_opened_in_time_is_found() -> None:
    found = verdict([FOUND], [PLANTED])
    assert (found.missed, found.false, found.lasting) == ([], [], [])
    assert found.delays == [SECOND]
    assert str(found) == "1 of 1 found, half of them within 0:00:01, all within 0:00:01; 0 false"


def test_what_did_not_open_is_missed() -> None:
    assert len(verdict([], [PLANTED]).missed) == 1


def test_what_opened_after_its_promise_is_missed_and_not_false() -> None:
    late = replace(FOUND, opened_at=PLANTED.promised_at + SECOND)
    found = verdict([late], [PLANTED])
    assert (len(found.missed), found.false) == (1, [])


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": "another"},
        {"entity": (("workspace_id", "another"),)},
        {"failure_class": "scheduler"},
        {"opened_at": NIGHT - SECOND},
        {"opened_at": PLANTED.over_at},
    ],
    ids=lambda one: next(iter(one)),
)
def test_anything_else_is_false(changes: dict[str, object]) -> None:
    other = replace(FOUND, id=2, **changes)  # type: ignore[arg-type]
    found = verdict([FOUND, other], [PLANTED])
    assert (len(found.false), found.missed) == (1, [])


def test_what_rightly_opens_later_is_not_false() -> None:
    failure = FAILURES["Z2"]
    one = planted(failure, RULES, NIGHT)
    later = replace(FOUND, rule=failure.later[0])
    assert verdict([later], [one]).false == []


def test_an_incident_that_has_not_ended_is_named() -> None:
    assert len(verdict([replace(FOUND, state=State.OPEN)], [PLANTED]).lasting) == 1
