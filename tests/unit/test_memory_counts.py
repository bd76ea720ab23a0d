"""What the engine remembers between flushes: each count and figure is written exactly once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.base import Entity, Finding, Judgement, Known, Outcome, Reading, Severity, Unanswered
from tests.watching import stuck_rule
from watchdog.domain.track import Track
from watchdog.engine.look import Looked
from watchdog.engine.memory import Memory
from watchdog.engine.plan import Change, Plan
from watchdog.store.looks import RuleLook
from watchdog.store.tracks import StoredTrack

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COUNTS = ("ok", "bad", "no_data", "error", "missed")
MAIL, SYNC = (("queue", "mail"),), (("queue", "sync"),)


def a_track(rule: str, entity: Entity = (), identity: str = "") -> StoredTrack:
    track = Track(rule, entity, 2, NOW, NOW, Severity.WARNING, incident_id=1)
    return StoredTrack(track, identity or stuck_rule(rule).identity)


def test_watched_are_the_entities_with_a_track() -> None:
    memory = Memory([a_track("child", MAIL), a_track("child", SYNC)], [])
    rules = [stuck_rule("child"), stuck_rule("other")]
    known = memory.known(rules)
    assert {name: one.watched for name, one in known.items()} == {
        "child": (MAIL, SYNC),
        "other": (),
    }


def test_what_a_rule_watched_before_is_not_watched_by_it_now() -> None:
    memory = Memory([a_track("child", MAIL, "stuck in another table")], [])
    assert memory.known([stuck_rule("child")]) == {"child": Known()}


def looked(outcome: Outcome, minute: int = 0) -> Looked:
    rule, now = stuck_rule("child"), NOW + minute * MINUTE
    if outcome is Outcome.ERROR:
        return Looked(rule, now, error=Unanswered("table gone"))
    finding = Finding(MAIL, Severity.WARNING, 1, 1, "1 (max 0)", "One.")
    found = (finding,) if outcome is Outcome.BAD else ()
    return Looked(rule, now, Judgement(findings=found, has_data=outcome is not Outcome.NO_DATA))


def test_errors_in_a_row_are_counted_until_an_answer_comes() -> None:
    memory = Memory([], [])
    for minute in range(3):
        memory.count(looked(Outcome.ERROR, minute))
    look = memory.look_of("child")
    assert (look.errors_in_a_row, look.reason, look.error) == (3, "table gone", 3)
    assert memory.suspects() == {"child"}
    memory.count(looked(Outcome.OK, 3))
    assert (look.errors_in_a_row, look.reason, look.outcome) == (0, "", Outcome.OK)
    assert memory.suspects() == set()


def test_a_look_without_a_judgement_is_an_error() -> None:
    memory = Memory([], [])
    memory.count(Looked(stuck_rule("child"), NOW))
    assert memory.look_of("child").outcome is Outcome.ERROR


class Table:
    """What adding up flushed counts leads to, as the store does it."""

    def __init__(self) -> None:
        self.rows: dict[str, RuleLook] = {}

    def add(self, fresh: list[RuleLook]) -> None:
        for one in fresh:
            before = self.rows.get(one.rule, RuleLook(one.rule))
            sums = {name: getattr(before, name) + getattr(one, name) for name in COUNTS}
            self.rows[one.rule] = replace(one, **sums)


STEPS = st.lists(
    st.one_of(
        st.sampled_from([Outcome.OK, Outcome.BAD, Outcome.NO_DATA, Outcome.ERROR]),
        st.integers(min_value=0, max_value=3),
        st.sampled_from(["flush", "fail", "slow"]),
    ),
    max_size=30,
)


@given(STEPS)
def test_flushes_that_fail_or_are_slow_neither_lose_counts_nor_count_twice(
    steps: list[Outcome | int | str],
) -> None:
    memory, table = Memory([], []), Table()
    under_way: list[RuleLook] = []
    for minute, step in enumerate([*steps, "flush", "flush"]):
        if isinstance(step, Outcome):
            memory.count(looked(step, minute))
        elif isinstance(step, int):
            memory.count_missed("child", step)
        elif step == "slow" and not under_way:
            under_way, _ = memory.unflushed()
        elif step == "flush":
            fresh = under_way or memory.unflushed()[0]
            table.add(fresh)
            memory.flushed(fresh, [])
            under_way = []
        else:
            memory.unflushed()
    assert table.rows == memory.looks
    assert memory.unflushed() == ([], [])


def test_what_the_store_knows_already_is_not_flushed_again() -> None:
    memory = Memory([], [RuleLook("child", NOW, Outcome.OK, ok=40, missed=2)])
    assert memory.unflushed() == ([], [])
    memory.count(looked(Outcome.OK, 1))
    [fresh], _ = memory.unflushed()
    assert (fresh.ok, fresh.missed, fresh.looked_at) == (1, 0, NOW + MINUTE)


def test_looks_at_rules_that_are_gone_are_forgotten() -> None:
    memory = Memory([], [RuleLook("child", ok=3), RuleLook("gone", ok=3)])
    memory.keep_only(["child"])
    assert list(memory.looks) == ["child"]
    memory.count_missed("gone", 1)
    [fresh], _ = memory.unflushed()
    assert (fresh.rule, fresh.ok, fresh.missed) == ("gone", 0, 1)


def a_plan(**changes: Any) -> Plan:
    return replace(Plan(stuck_rule("child"), NOW, {}), **changes)


def bad(fact: str) -> Change:
    return Change(7, Finding(MAIL, Severity.WARNING, 3, 1, fact, "Three.", error_text="no disk"))


def facts_to_flush(memory: Memory) -> list[tuple[int, str, bool]]:
    return [(one.incident_id, one.fact, one.bad_now) for one in memory.unflushed()[1]]


def test_new_figures_wait_for_the_next_flush_and_are_written_once() -> None:
    memory = Memory([], [])
    memory.note_figures(a_plan(still_bad=(bad("3 (max 1)"),)))
    fresh, figures = memory.unflushed()
    assert figures[0].detail == "Three. It says: no disk"
    memory.flushed(fresh, figures)
    memory.note_figures(a_plan(still_bad=(bad("3 (max 1)"),)))
    assert facts_to_flush(memory) == []


def test_a_good_check_of_an_open_incident_is_shown_at_once() -> None:
    memory = Memory([], [])
    memory.note_figures(a_plan(still_bad=(bad("fine"),)))
    memory.flushed(*memory.unflushed())
    memory.note_figures(a_plan(still_good=((7, Reading(MAIL, 0, "fine", "None.")),)))
    assert facts_to_flush(memory) == [(7, "fine", False)]


def test_figures_that_came_during_a_flush_wait_for_the_next() -> None:
    memory = Memory([], [])
    memory.note_figures(a_plan(still_bad=(bad("3"),)))
    under_way = memory.unflushed()
    memory.note_figures(a_plan(still_bad=(bad("4"),)))
    memory.flushed(*under_way)
    assert facts_to_flush(memory) == [(7, "4", True)]


def test_figures_that_are_again_what_is_written_need_no_flush() -> None:
    memory = Memory([], [])
    memory.note_figures(a_plan(still_bad=(bad("3"),)))
    memory.flushed(*memory.unflushed())
    memory.note_figures(a_plan(still_bad=(bad("4"),)))
    memory.note_figures(a_plan(still_bad=(bad("3"),)))
    assert facts_to_flush(memory) == []


def test_a_transition_makes_waiting_figures_old() -> None:
    memory = Memory([], [])
    memory.note_figures(a_plan(still_bad=(bad("3"),)))
    memory.flushed(*memory.unflushed())
    memory.note_figures(a_plan(still_bad=(bad("4"),)))
    memory.remember([a_plan(changes=(bad("9"),))], {})
    assert facts_to_flush(memory) == []
    memory.note_figures(a_plan(still_bad=(bad("3"),)))
    assert facts_to_flush(memory) == [(7, "3", True)]


def test_what_a_commit_left_is_remembered_and_empty_rules_are_forgotten() -> None:
    memory = Memory([a_track("child", MAIL)], [])
    left: Mapping[str, Mapping[Entity, Track]] = {"child": {SYNC: a_track("child", SYNC).track}}
    memory.remember([a_plan()], left)
    assert list(memory.tracks["child"]) == [SYNC]
    assert memory.identities["child"] == stuck_rule("child").identity
    memory.remember([a_plan()], {})
    assert memory.tracks == {}


def test_a_rule_that_watches_something_else_is_told_from_what_it_was() -> None:
    rule = stuck_rule()
    before = rule.identity
    changed = replace(rule, kind=stuck_rule(settings={"table": "other"}).kind)
    assert changed.identity != before == rule.identity
