"""Whether looks have stopped, as the dead man's switch sees it."""

from datetime import UTC, datetime, timedelta

from tests.watching import stuck_rule
from watchdog.dead_man import has_stopped
from watchdog.store.looks import RuleLook

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
RULES = {one.name: one for one in (stuck_rule("quick"), stuck_rule("rare", every=DAY))}
LONG_AGO = NOW - 30 * DAY


def look(rule: str, ago: timedelta) -> RuleLook:
    return RuleLook(rule, looked_at=NOW - ago)


def test_the_fastest_rule_says_when_looks_have_stopped() -> None:
    limit = 2 * RULES["quick"].every + MINUTE
    looks = [look("quick", limit), look("rare", DAY), RuleLook("new")]
    assert not has_stopped(RULES, looks, LONG_AGO, NOW)
    assert has_stopped(RULES, looks, LONG_AGO, NOW + timedelta(seconds=1))


def test_any_rule_that_is_looked_at_shows_that_somebody_looks() -> None:
    assert not has_stopped(RULES, [look("quick", DAY), look("rare", MINUTE)], LONG_AGO, NOW)


def test_who_has_just_begun_to_lead_need_not_have_looked() -> None:
    assert not has_stopped(RULES, [look("quick", 7 * DAY)], NOW - MINUTE, NOW)
    assert not has_stopped(RULES, [], NOW - MINUTE, NOW)


def test_without_rules_there_is_nothing_to_look_at() -> None:
    assert not has_stopped({}, [], LONG_AGO, NOW)
