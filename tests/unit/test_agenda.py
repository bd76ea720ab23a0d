"""Which rule is to be looked at next."""

from datetime import UTC, datetime, timedelta

from tests.watching import EVERY, stuck_rule
from watchdog.engine.agenda import Agenda, depths
from watchdog.engine.slots import next_slot

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
RULES = {"jobs-stuck": stuck_rule()}


def test_a_rule_is_due_once_in_its_slot() -> None:
    agenda = Agenda(RULES, NOW)
    at = agenda.next_at()
    assert at is not None
    taken = [(rule.name, missed, is_free) for rule, missed, is_free in agenda.take_due(at, ())]
    assert taken == [("jobs-stuck", 0, True)]
    assert list(agenda.take_due(at, ())) == []


def test_a_rule_that_is_being_looked_at_misses_its_slot() -> None:
    agenda = Agenda(RULES, NOW)
    [(_, missed, is_free)] = agenda.take_due(NOW + 3 * EVERY, {"jobs-stuck"})
    assert (missed, is_free) == (3, False)


def test_slots_that_nobody_took_are_missed_and_the_latest_is_looked_at() -> None:
    agenda = Agenda(RULES, NOW)
    [(_, missed, is_free)] = agenda.take_due(NOW + 10 * EVERY, ())
    assert (missed, is_free) == (9, True)
    assert timedelta() <= agenda.lag <= 10 * EVERY


def test_a_clock_that_was_set_back_brings_the_slots_with_it() -> None:
    agenda = Agenda(RULES, NOW)
    earlier = NOW - timedelta(hours=3)
    assert list(agenda.take_due(earlier, ())) == []
    at = agenda.next_at()
    assert at is not None
    assert earlier < at <= earlier + EVERY


def test_a_rare_rule_makes_up_within_a_minute_for_a_slot_that_it_has_missed() -> None:
    rare = stuck_rule("rare", every=timedelta(days=1))
    agenda = Agenda({"rare": rare, **RULES}, NOW)
    agenda.make_up(["rare", "jobs-stuck", "gone"], NOW)
    at = agenda.next_at()
    assert at is not None
    assert NOW < at <= NOW + timedelta(minutes=1)
    taken = [one for one in agenda.take_due(NOW + timedelta(minutes=1), ()) if one[0] is rare]
    assert taken == [(rare, 0, True)]
    assert [one for one in agenda.take_due(NOW + timedelta(hours=1), ()) if one[0] is rare] == []


def test_what_is_looked_at_meanwhile_need_not_be_made_up_for() -> None:
    rare = stuck_rule("rare", every=timedelta(days=1))
    slot = next_slot("rare", rare.every, NOW)
    agenda = Agenda({"rare": rare}, NOW)
    agenda.make_up(["rare"], slot - timedelta(minutes=5))
    assert agenda.next_at() == slot
    agenda.make_up(["rare"], NOW)
    assert list(agenda.take_due(slot, ())) == [(rare, 0, True)]


def test_a_clock_that_was_set_back_puts_nothing_off_that_is_made_up_for() -> None:
    rare = stuck_rule("rare", every=timedelta(days=1))
    agenda = Agenda({"rare": rare}, NOW)
    agenda.make_up(["rare"], NOW)
    earlier = NOW - timedelta(hours=3)
    assert list(agenda.take_due(earlier, ())) == [(rare, 0, True)]


def test_a_thousand_rules_may_stand_above_each_other() -> None:
    rules = {"0": stuck_rule("0")} | {
        str(one): stuck_rule(str(one), depends_on=(str(one - 1),)) for one in range(1, 1_001)
    }
    assert depths(rules)["1000"] == 1_000
    agenda = Agenda(rules, NOW)
    assert agenda.depth("7") == 7
    taken = [rule.name for rule, *_ in agenda.take_due(NOW + EVERY, ())]
    assert len(taken) == 1_001


def test_without_rules_nothing_is_ever_due() -> None:
    agenda = Agenda({}, NOW)
    assert agenda.next_at() is None
    assert list(agenda.take_due(NOW + 1000 * EVERY, ())) == []


def test_a_clock_that_is_put_right_by_seconds_moves_no_slot() -> None:
    for seconds, is_moved in ((5, False), (6, True)):
        agenda = Agenda({"jobs-stuck": stuck_rule(every=timedelta(hours=1))}, NOW)
        at = agenda.next_at()
        assert at is not None
        list(agenda.take_due(at, ()))
        after = agenda.next_at()
        list(agenda.take_due(at - timedelta(seconds=seconds), ()))
        assert (agenda.next_at() == after) is not is_moved


def test_a_rule_is_looked_at_with_the_topmost_of_what_stands_above_it() -> None:
    rules = {
        "api-up": stuck_rule("api-up"),
        "sync-up": stuck_rule("sync-up", depends_on=("api-up",)),
        "orders": stuck_rule("orders", depends_on=("sync-up", "main", "api-up")),
        "alone": stuck_rule("alone", depends_on=("not-a-rule",)),
    }
    agenda = Agenda(rules, NOW)
    at: dict[str, datetime] = {}
    while len(at) < len(rules):
        now = agenda.next_at()
        assert now is not None
        at |= {rule.name: now for rule, *_ in agenda.take_due(now, ())}
    assert at["api-up"] == at["sync-up"] == at["orders"]
    assert at["alone"] == next_slot("alone", EVERY, NOW)
    assert [agenda.depth(name) for name in rules] == [0, 1, 2, 0]


def test_missed_slots_are_those_after_one_instant_and_up_to_another() -> None:
    rule = stuck_rule()
    agenda = Agenda({"jobs-stuck": rule}, NOW)
    first = next_slot("jobs-stuck", EVERY, NOW)
    instant = timedelta(microseconds=1)
    assert agenda.missed(rule, first, first + 3 * EVERY) == 3
    assert agenda.missed(rule, first - instant, first) == 1
    assert agenda.missed(rule, first, first + EVERY - instant) == 0
    assert agenda.missed(rule, first + EVERY, first) == 0
