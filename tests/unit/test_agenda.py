"""Which rule is to be looked at next."""

from datetime import UTC, datetime, timedelta

from tests.watching import EVERY, stuck_rule
from watchdog.engine.agenda import Agenda, depths

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


def test_a_thousand_rules_may_stand_above_each_other() -> None:
    rules = {"0": stuck_rule("0")} | {
        str(one): stuck_rule(str(one), depends_on=(str(one - 1),)) for one in range(1, 1_001)
    }
    assert depths(rules)["1000"] == 1_000
    agenda = Agenda(rules, NOW)
    assert agenda.depth("7") == 7
    taken = [rule.name for rule, *_ in agenda.take_due(NOW + EVERY, ())]
    assert len(taken) == 1_001
