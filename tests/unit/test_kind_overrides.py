"""Exceptions for some entities: which one holds, and what the one statement asks for."""

from datetime import UTC, datetime

import pytest

from rules.base import Context, SqlQuestion
from rules.overridden import Overridden
from tests.config_files import rule_of
from watchdog.config.model import Rule

STALE = "stale: { source: crm, table: t, column: at, max_age: 30m, entity: [shop, city] }\n"
RATIO = (
    "ratio: { source: crm, table: t, good: ok, column: at, over: 1d, min: 90%, entity: [shop] }\n"
)


def with_overrides(*overrides: str, kind: str = STALE) -> Rule:
    return rule_of(kind + "overrides:\n" + "".join(f"  - {{ {one} }}\n" for one in overrides))


def shop(name: str, city: str = "x") -> tuple[tuple[str, str], ...]:
    return (("shop", name), ("city", city))


def test_the_first_that_matches_holds() -> None:
    rule = with_overrides("match: { shop: a }, team: data", "match: { shop: [a, 7] }, off: true")
    assert not rule.is_off(shop("a"))
    assert rule.is_off(shop("7"))
    assert not rule.is_off(shop("b"))
    assert rule.team_of(shop("b")) == "data"


def test_all_columns_that_are_named_must_match() -> None:
    rule = with_overrides("match: { shop: a, city: [lyon, metz] }, off: true")
    assert [rule.is_off(shop("a", city)) for city in ("lyon", "metz", "x")] == [True, True, False]


@pytest.mark.parametrize(
    ("override", "asked"),
    [("max_age: 2h", 30), ("max_age: 5m", 5), ("max_age: 5m, off: true", 30)],
)
def test_the_mildest_limit_of_all_is_asked_for(override: str, asked: int) -> None:
    kind = with_overrides(f"match: {{ shop: a }}, {override}").kind
    assert isinstance(kind, Overridden)
    assert kind.widest.max_age.plain.total_seconds() == asked * 60


def test_of_limits_that_fall_the_highest_is_the_mildest() -> None:
    kind = with_overrides("match: { shop: a }, min: 99%", kind=RATIO).kind
    assert isinstance(kind, Overridden)
    assert kind.widest.least.plain == pytest.approx(0.99)


def test_a_rule_watches_the_same_whatever_its_exceptions() -> None:
    rule = with_overrides("match: { shop: a }, max_age: 5m")
    assert rule.identity == rule_of(STALE).identity
    assert (rule.kind.source, rule.kind.entity) == ("crm", ("shop", "city"))


def test_one_question_is_asked_for_all() -> None:
    kind = with_overrides("match: { shop: a }, max_age: 5m", "match: { shop: b }, max_age: 9h").kind
    questions = kind.ask(Context(datetime(2026, 11, 22, tzinfo=UTC)), ())
    assert [type(one) for one in questions] == [SqlQuestion]
