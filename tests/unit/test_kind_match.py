"""How the match kind judges two answers, and what its settings may be."""

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Entity, Judgement, Outcome, Rows, Severity, SqlQuestion, Unanswered
from rules.match import Match
from tests.config_files import GOOD, read
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str, Any]
SETTINGS = {
    "source": "shop",
    "query": "select day, n from orders",
    "with": "billing",
    "with_query": "select day, n from invoices",
    "value": "n",
    "entity": ["day"],
}
KIND = Match.model_validate(SETTINGS)
rows_ = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9) | st.none()), max_size=9)


def judge(
    ours: Sequence[Row], theirs: Sequence[Row], watched: Sequence[str] = (), **more: Any
) -> Judgement:
    """Return the judgement of two answers."""
    kind = Match.model_validate(SETTINGS | more)
    entities: tuple[Entity, ...] = tuple((("day", one),) for one in watched)
    sides = [Rows([{"day": day, "n": n} for day, n in side]) for side in (ours, theirs)]
    return kind.judge(Context(NOW, entities), (tuple(sides),))


def test_both_are_asked_at_once_and_never_again() -> None:
    questions = KIND.ask(Context(NOW), ())
    assert [one.source for one in questions if isinstance(one, SqlQuestion)] == ["shop", "billing"]
    assert KIND.ask(Context(NOW), ((Rows([]), Rows([])),)) == ()


def test_a_difference_is_a_finding_that_says_both() -> None:
    (finding,) = judge([("mon", 7), ("tue", 3)], [("mon", 5), ("tue", 3)]).findings
    assert (finding.entity, finding.value, finding.limit) == ((("day", "mon"),), 2.0, 0)
    assert finding.fact == "7 against 5 (max 0 apart)"
    assert finding.detail == "shop has 7, billing has 5."


@pytest.mark.parametrize(("theirs", "severity"), [(3, None), (3.5, "warning"), (9, "critical")])
def test_exactly_the_limit_is_right(theirs: float, severity: str | None) -> None:
    found = judge([("mon", 1)], [("mon", theirs)], max={"warning": 2, "critical": 5}).findings
    assert [one.severity for one in found] == ([Severity(severity)] if severity else [])


def test_who_is_on_one_side_only_has_nothing_on_the_other() -> None:
    found = judge([("mon", 2), ("tue", None)], [("wed", 4)]).findings
    assert [(one.entity[0][1], one.value) for one in found] == [("mon", 2.0), ("wed", 4.0)]


def test_several_rows_of_an_entity_add_up_like_money() -> None:
    assert judge([("mon", 0.1), ("mon", 0.2)], [("mon", 0.3)]).outcome is Outcome.OK


def test_a_watched_entity_is_told_when_it_is_good_and_missing_when_it_is_gone() -> None:
    judgement = judge([("mon", 2), ("tue", 1)], [("mon", 2), ("tue", 1)], ["mon", "gone"])
    assert [(one.entity[0][1], one.value) for one in judgement.readings] == [("mon", 0.0)]


def test_nothing_on_both_sides_is_no_data() -> None:
    assert judge([], []).outcome is Outcome.NO_DATA


@pytest.mark.parametrize("other", [Unanswered("is away"), Rows([{"day": "a", "n": 1}], True)])
def test_one_side_alone_decides_nothing(other: Rows | Unanswered) -> None:
    watched = (("day", "a"),)
    judgement = KIND.judge(Context(NOW, (watched,)), ((Rows([{"day": "b", "n": 1}]), other),))
    assert (judgement.findings, judgement.unknown) == ((), (watched,))


@given(rows_, rows_)
def test_the_order_of_rows_and_sides_does_not_matter(ours: list[Row], theirs: list[Row]) -> None:
    one, other = judge(ours, theirs), judge(theirs[::-1], ours[::-1])
    assert [(f.entity, f.value) for f in one.findings] == [
        (f.entity, f.value) for f in other.findings
    ]


def test_a_placeholder_is_refused_since_the_databases_may_differ() -> None:
    with pytest.raises(ValidationError, match="placeholder"):
        Match.model_validate(SETTINGS | {"query": "select {{ now }} as n"})


def test_the_other_database_must_be_declared() -> None:
    rule = """\
  totals:
    title: Totals differ
    match: { source: crm, query: select 1 as n, with: crn, with_query: select 1 as n, value: n }
"""
    (problem,) = read(GOOD + rule).problems
    assert (problem.code, problem.message) == ("unknown-source", "no source is called `crn`")


@pytest.mark.parametrize(
    ("ours", "theirs", "fact"),
    [
        ([1e308] * 2, [0], "1.7e+308 against 0 (max 0 apart)"),
        ([1e308] * 2, [-1e308] * 3, "1.7e+308 against -1.7e+308 (max 0 apart)"),
        ([Decimal("1e400")], [1], "1.7e+308 against 1 (max 0 apart)"),
        ([10**400, 10**400], [-(10**400)], "1.7e+308 against -1.7e+308 (max 0 apart)"),
        ([0.1] * 3, [0.4], "0.30 against 0.40 (max 0 apart)"),
    ],
)
def test_numbers_of_any_size_are_held_against_each_other(
    ours: list[float], theirs: list[float], fact: str
) -> None:
    (found,) = judge([("a", one) for one in ours], [("a", one) for one in theirs]).findings
    assert found.fact == fact
    assert found.value is not None
    assert isfinite(found.value)


@pytest.mark.parametrize("value", [None, "7", float("nan"), float("inf"), Decimal("NaN"), b"7", []])
def test_what_is_no_number_is_as_nothing(value: object) -> None:
    assert judge([("a", value)], [("a", 0)]).outcome is Outcome.OK
    (found,) = judge([("a", value)], [("a", 2)]).findings
    assert found.fact == "0 against 2 (max 0 apart)"


def test_endless_sums_of_both_are_equal() -> None:
    rows = [("a", 1e308)] * 3
    judgement = judge(rows, rows, watched=["a"])
    assert [(one.value, one.entity) for one in judgement.readings] == [(0.0, (("day", "a"),))]
