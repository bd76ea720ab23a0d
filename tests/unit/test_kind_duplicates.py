"""What must hold for the duplicates kind on any rows: statement and judgement, on SQLite in memory."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.base import Context, Dialect, Entity, Judgement, Outcome, Rows, Severity, SqlQuestion
from rules.duplicates import Duplicates
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str | None, int | None, int | None]
"""Workspace, key, and age in minutes."""

LEVELS = {"warning": 0, "critical": 2}


def duplicates(**more: Any) -> Duplicates:
    settings = {"source": "db", "table": "t", "columns": "id", "entity": "ws", "max": LEVELS}
    return Duplicates.model_validate(settings | more)


EACH = duplicates()
RECENT = duplicates(newer_than="30m", column="at")
rows_ = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 4) | st.none(),
        st.integers(-5, 29) | st.integers(31, 90) | st.none(),
    ),
    max_size=14,
)
kinds = st.sampled_from([EACH, RECENT])


def judge(kind: Duplicates, rows: Sequence[Row], watched: Sequence[str] = ()) -> Judgement:
    """Return the judgement of a table."""
    entities: tuple[Entity, ...] = tuple((("ws", one),) for one in watched)
    context = Context(NOW, entities, Dialect("sqlite", "epoch_s"))
    (question,) = kind.ask(context, ())
    assert isinstance(question, SqlQuestion)
    now = int(NOW.timestamp())
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (ws text, id integer, at integer)")
        stored = [(ws, id_, None if age is None else now - 60 * age) for ws, id_, age in rows]
        file.executemany("insert into t values (?, ?, ?)", stored)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        found = [dict(row) for row in file.execute(question.text, params)]
    answers = ((Rows(found),),)
    assert kind.ask(context, answers) == ()
    return kind.judge(context, answers)


def counted(kind: Duplicates, rows: Sequence[Row], workspace: str) -> int:
    """Return the number of duplicated keys, counted by hand."""
    mine = [(id_, age) for ws, id_, age in rows if ws == workspace and id_ is not None]
    recent = {id_ for id_, age in mine if age is not None and age <= 30}
    many = {id_ for id_, count in Counter(id_ for id_, _ in mine).items() if count > 1}
    return len(many & recent if kind.newer_than else many)


def found(judgement: Judgement) -> dict[str, float | None]:
    return {one.entity[0][1]: one.value for one in judgement.findings}


@given(kinds, rows_)
def test_exactly_the_duplicated_keys_are_counted(kind: Duplicates, rows: list[Row]) -> None:
    expected = {ws: counted(kind, rows, ws) for ws in "abc"}
    judgement = judge(kind, rows)
    assert found(judgement) == {ws: count for ws, count in expected.items() if count}
    for one in judgement.findings:
        assert (one.severity is Severity.CRITICAL) == (expected[one.entity[0][1]] > 2)
        assert len(one.fact) <= 40
        assert one.detail.endswith(".")


@given(kinds, rows_, st.sets(st.sampled_from(["a", "b", "z"])))
def test_being_watched_changes_no_finding(
    kind: Duplicates, rows: list[Row], watched: set[str]
) -> None:
    plain, seen = judge(kind, rows), judge(kind, rows, sorted(watched))
    assert plain.findings == seen.findings
    assert plain.readings == ()
    assert {one.entity[0][1] for one in seen.readings} == watched - set(found(seen))


@given(kinds, rows_)
def test_entities_do_not_mix(kind: Duplicates, rows: list[Row]) -> None:
    alone = [judge(kind, [row for row in rows if row[0] == ws]) for ws in "abc"]
    expected = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(kind, rows).findings} == expected


@given(kinds, rows_, st.randoms())
def test_the_order_of_rows_does_not_matter(kind: Duplicates, rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert judge(kind, rows, ["a"]) == judge(kind, shuffled, ["a"])


@given(kinds, rows_, st.sampled_from(["a", "b", "c"]), st.sampled_from([99, None]))
def test_a_unique_row_changes_nothing(
    kind: Duplicates, rows: list[Row], workspace: str, key: int | None
) -> None:
    assert judge(kind, [*rows, (workspace, key, 1)]).findings == judge(kind, rows).findings


@pytest.mark.parametrize(
    ("rows", "fact", "detail"),
    [
        (
            [("a", 1, 0)] * 2,
            "1 duplicate key (max 0)",
            "1 key stands in more than one row (2 rows), limit 0: 1.",
        ),
        (
            [("a", 1, 0)] * 2 + [("a", 2, 0)] * 3,
            "2 duplicate keys (max 0)",
            "2 keys stand in more than one row (5 rows), limit 0: 2; 1.",
        ),
        (
            [("a", key, 0) for key in range(5)] * 2,
            "5 duplicate keys (max 2)",
            "5 keys stand in more than one row (10 rows), limit 2, such as 0; 1; 2.",
        ),
    ],
)
def test_the_worst_keys_are_named(rows: list[Row], fact: str, detail: str) -> None:
    (one,) = judge(EACH, rows).findings
    assert (one.fact, one.detail, one.failure_class) == (fact, detail, "data_logic")
    assert one.first_bad_at is None


def test_some_duplicates_may_be_allowed() -> None:
    kind = duplicates(max=1)
    rows: list[Row] = [("a", 1, 0)] * 2
    assert judge(kind, rows).outcome is Outcome.OK
    (reading,) = judge(kind, rows, ["a"]).readings
    assert (reading.value, reading.fact) == (1.0, "1 duplicate key (max 1)")
    assert found(judge(kind, rows + [("a", 2, 0)] * 2)) == {"a": 2.0}


def test_an_entity_that_is_not_told_of_has_no_duplicates() -> None:
    (reading,) = judge(EACH, [], ["gone"]).readings
    assert (reading.value, reading.fact) == (0.0, "0 duplicate keys (max 0)")
    assert reading.detail == "No key stands in more than one row, limit 0."


def test_an_entity_may_stand_in_the_rows_that_were_cut() -> None:
    context = Context(NOW, ((("ws", "a"),),))
    judgement = EACH.judge(context, ((Rows([], truncated=True),),))
    assert (judgement.readings, judgement.truncated) == ((), True)


def test_the_entity_is_part_of_the_key() -> None:
    assert judge(EACH, [("a", 1, 0), ("b", 1, 0)]).findings == ()
    assert judge(EACH, [(None, 1, 0), (None, 1, 0)]).findings == ()


def test_only_one_row_of_a_key_needs_to_be_new() -> None:
    assert found(judge(RECENT, [("a", 1, 5), ("a", 1, 9000)])) == {"a": 1.0}
    assert found(judge(RECENT, [("a", 1, 31), ("a", 1, 9000)])) == {}


def test_a_row_from_the_future_is_new_and_one_of_1970_is_old() -> None:
    long_ago = NOW.timestamp() // timedelta(minutes=1).total_seconds()
    assert found(judge(RECENT, [("a", 1, -60), ("a", 1, int(long_ago))])) == {"a": 1.0}
    assert found(judge(RECENT, [("a", 1, int(long_ago))] * 2)) == {}


@pytest.mark.parametrize(
    ("more", "place", "error"),
    [
        ({"columns": []}, ("columns",), "no_columns"),
        ({"columns": ["count(*)"]}, ("columns", 0), "bad_column"),
        ({"newer_than": "1d"}, (), "needs"),
        ({"max": -1}, ("max",), "bad_count"),
        ({"max": {"warning": 5, "critical": 1}}, ("max",), "bad_order"),
    ],
)
def test_a_mistake_is_told_at_its_place(
    more: dict[str, Any], place: tuple[str | int, ...], error: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        duplicates(**more)
    (one,) = caught.value.errors()
    assert (one["loc"], one["type"]) == (place, error)
