"""What must hold for the duration kind on any runs: statement and judgement, on SQLite in memory."""

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Dialect, Entity, Judgement, Rows, SqlQuestion
from rules.duration import Duration
from tests.postgres import NIGHT as NOW

Run: TypeAlias = tuple[str, int | None, int | None]
"""Organisation, seconds, and age in minutes."""

DAY = 24 * 60
TABLE = {"source": "db", "table": "t", "took": "took", "unit": "s", "order_by": "at"}
LAST = Duration.model_validate(
    TABLE | {"last": 4, "percentile": 75, "max": {"warning": "5s", "critical": "8s"}, "entity": "o"}
)
PAST = Duration.model_validate(
    TABLE | {"within": "1h", "compare_to": "1d", "percentile": 60, "ignore_below": 2, "entity": "o"}
)
runs_ = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(-1, 10) | st.none(),
        st.integers(-5, 59) | st.integers(61, DAY + 60) | st.none(),
    ),
    max_size=25,
)
kinds = st.sampled_from([LAST, PAST])


def judge(kind: Duration, runs: Sequence[Run], watched: Sequence[str] = ()) -> Judgement:
    """Return the judgement of a table."""
    entities: tuple[Entity, ...] = tuple((("o", one),) for one in watched)
    context = Context(NOW, entities, Dialect("sqlite", "epoch_s"))
    (question,) = kind.ask(context, ())
    assert isinstance(question, SqlQuestion)
    now = int(NOW.timestamp())
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (o text, took integer, at integer)")
        stored = [(o, took, None if age is None else now - 60 * age) for o, took, age in runs]
        file.executemany("insert into t values (?, ?, ?)", stored)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        found = [dict(row) for row in file.execute(question.text, params)]
    return kind.judge(context, ((Rows(found),),))


def severities(judgement: Judgement) -> dict[str, int]:
    return {one.entity[0][1]: one.severity.rank for one in judgement.findings}


def ranked(numbers: Sequence[int], percent: float) -> int:
    """Return the nearest rank."""
    return sorted(numbers)[math.ceil(len(numbers) * percent / 100) - 1]


def expected(kind: Duration, runs: Sequence[Run]) -> int | None:
    """Return the rank of the severity of one organisation's runs, None when they are good."""
    known = [(age, took) for _, took, age in runs if took is not None and age is not None]
    if kind is LAST:
        judged = [took for _, took in sorted(known)[:4]]
        level = ranked(judged, 75) if len(judged) == 4 else 0
        return 2 if level > 8 else 1 if level > 5 else None
    judged = [took for age, took in known if age <= 60]
    if len(judged) < 2:
        return None
    oldest = max(age for age, _ in known if age <= 60)
    before = [took for age, took in known if oldest < age <= DAY]
    if len(before) < 2:
        return None
    return 1 if ranked(judged, 60) > 3 * max(ranked(before, 50), 1) else None


@given(kinds, runs_)
def test_exactly_the_slow_entities_are_found(kind: Duration, runs: list[Run]) -> None:
    each = {one: expected(kind, [run for run in runs if run[0] == one]) for one in "abc"}
    found = severities(judge(kind, runs))
    assert found == {one: rank for one, rank in each.items() if rank is not None}


@given(kinds, runs_, st.sets(st.sampled_from("abz")))
def test_being_watched_changes_no_finding(kind: Duration, runs: list[Run], names: set[str]) -> None:
    plain, seen = judge(kind, runs), judge(kind, runs, sorted(names))
    assert plain.findings == seen.findings
    assert plain.readings == ()
    told = {one.entity[0][1] for one in seen.readings}
    assert told <= names - set(severities(seen))


@given(kinds, runs_)
def test_entities_do_not_mix(kind: Duration, runs: list[Run]) -> None:
    alone = [judge(kind, [run for run in runs if run[0] == one]) for one in "abc"]
    expected = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(kind, runs).findings} == expected


@given(kinds, runs_, st.randoms())
def test_the_order_of_rows_does_not_matter(kind: Duration, runs: list[Run], random: Any) -> None:
    shuffled = random.sample(runs, len(runs))
    assert judge(kind, runs, ["a"]) == judge(kind, shuffled, ["a"])


@given(kinds, runs_, st.sampled_from("abc"))
def test_a_quick_run_makes_nothing_worse_that_was_judged(
    kind: Duration, runs: list[Run], one: str
) -> None:
    enough: list[Run] = [(org, 0, age) for org in "abc" for age in (1, 2, 2, 3)]
    before = severities(judge(kind, [*enough, *runs]))
    after = severities(judge(kind, [*enough, *runs, (one, 0, -5)]))
    assert all(before.get(org, -1) >= rank for org, rank in after.items())


@given(kinds, runs_)
def test_what_is_found_can_be_said(kind: Duration, runs: list[Run]) -> None:
    for one in judge(kind, runs, "abc").findings:
        assert 0 < len(one.fact) <= 40
        assert one.detail.endswith(".")
        assert one.value is not None
        assert one.limit is not None
        assert one.value > one.limit


@pytest.mark.parametrize("took", [float("nan"), float("inf"), None, "many", -5.0, 1e11])
def test_no_answer_is_too_strange_to_be_judged(took: object) -> None:
    row = {"e0": "a", "took": took, "n": 20, "past": 20, "usual": took}
    context = Context(NOW, ((("o", "a"),),))
    for kind in (LAST, PAST):
        judgement = kind.judge(context, ((Rows([row]),),))
        assert len(judgement.findings) + len(judgement.readings) <= 1


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ({"last": 20}, 20),
        ({"last": 50}, 20),
        ({"last": 5}, 5),
        ({"within": "1d"}, 20),
        ({"within": "1d", "percentile": 50}, 2),
        ({"within": "1d", "percentile": 99}, 100),
        ({"within": "1d", "percentile": 99.9}, 1000),
        ({"within": "1d", "percentile": 100}, 1),
        ({"last": 20, "ignore_below": 7}, 7),
        ({"last": 20, "ignore_below": 0}, 1),
    ],
)
def test_it_takes_enough_runs_for_the_slowest_not_to_decide(
    settings: dict[str, Any], least: int
) -> None:
    assert Duration.model_validate(TABLE | {"max": "5s"} | settings).least == least


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"took": 5}, "model_type"),
        ({"took": {"from": "a", "to": "b", "column": "c"}}, "one_of"),
        ({"unit": None}, "needs"),
        ({"order_by": None}, "needs"),
        ({"last": None}, "one_of"),
        ({"max": None}, "one_of"),
        ({"factor": 3}, "needs"),
        ({"compare_to": "28d", "factor": 1}, "bad_number"),
        ({"percentile": 101}, "bad_number"),
        ({"percentile": float("nan")}, "bad_number"),
        ({"compare_to": "1h", "within": "1h"}, "never"),
        ({"ignore_below": 21}, "never"),
    ],
)
def test_a_mistake_is_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Duration.model_validate(TABLE | {"last": 20, "max": "5s"} | settings)
    assert [one["type"] for one in caught.value.errors()] == [error]


@pytest.mark.parametrize("took", [1.1e11, 8.7e13, 1e300, float("nan"), float("inf"), None])
@pytest.mark.parametrize("kind", [LAST, PAST])
def test_a_run_of_thousands_of_years_or_of_no_number_is_none_to_judge(
    kind: Duration, took: float | None
) -> None:
    row = {"e0": "a", "took": took, "n": 4, "past": 4, "usual": 1.0, "since": None}
    judged = kind.judge(Context(NOW, (), Dialect("sqlite", "epoch_s")), ((Rows([row]),),))
    assert judged.findings == ()
    usual = row | {"took": 5e10, "usual": 1e300}
    judged = kind.judge(Context(NOW, (), Dialect("sqlite", "epoch_s")), ((Rows([usual]),),))
    assert len(judged.findings) == (kind is LAST)
