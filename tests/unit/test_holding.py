"""What an opening explains: incidents of the rules below it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rules.base import Entity, Finding, Severity
from tests.watching import config_of, stuck_rule
from watchdog.config.model import Rule
from watchdog.domain.track import Track
from watchdog.engine.holding import below, children_of
from watchdog.engine.memory import Memory
from watchdog.engine.plan import Opening, Plan
from watchdog.store.tracks import StoredTrack

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MAIL: Entity = (("queue", "mail"),)
SYNC: Entity = (("queue", "sync"),)
PARENT = stuck_rule("parent")
CHILD = stuck_rule("child", depends_on=("parent", "jobs"))
OTHER = stuck_rule("other", depends_on=("jobs",))
CONFIG = config_of("postgresql://nowhere.invalid/db", [PARENT, CHILD, OTHER])


def a_track(rule: Rule, entity: Entity, number: int | None) -> Track:
    return Track(rule.name, entity, 2, NOW, NOW, Severity.WARNING, incident_id=number)


def opening(rule: Rule, entity: Entity) -> Plan:
    finding = Finding(entity, Severity.WARNING, 3, 1, "3 (max 1)", "Three.")
    return Plan(rule, NOW, {}, openings=(Opening(a_track(rule, entity, None), finding),))


@pytest.mark.parametrize(
    ("opens", "explained"),
    [
        (opening(PARENT, MAIL), {1: ("parent", MAIL)}),
        (opening(replace(PARENT, name="source:jobs"), ()), {1: (), 2: (), 3: ()}),
        (opening(CHILD, MAIL), {}),
        (Plan(PARENT, NOW, {}), {}),
    ],
)
def test_it_explains_what_depends_on_it_and_is_about_the_same(
    opens: Plan, explained: dict[int, object]
) -> None:
    tracks = [a_track(CHILD, MAIL, 1), a_track(CHILD, SYNC, 2), a_track(OTHER, MAIL, 3)]
    waiting = a_track(OTHER, SYNC, None)
    rules = {one.name: one for one in (CHILD, OTHER)}
    memory = Memory([StoredTrack(one, rules[one.rule].identity) for one in (*tracks, waiting)], [])
    found = below(CONFIG, children_of(CONFIG.rules), memory, [opens])
    whole = opens.rule.name, ()
    assert found == {number: one or whole for number, one in explained.items()}


def test_only_rules_that_depend_on_it_are_looked_at() -> None:
    assert children_of(CONFIG.rules) == {"parent": [CHILD], "jobs": [CHILD, OTHER]}
