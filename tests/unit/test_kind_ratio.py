"""What must hold for the ratio kind on any rows: statement and judgement, on SQLite in memory."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta, timezone
from fractions import Fraction
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.base import Context, Dialect, Entity, Judgement, Rows, SqlQuestion
from rules.fields import Percent, Share
from rules.ratio import Ratio
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str, bool | None, int | None]
"""Organisation, whether it is good, and age in minutes."""

KIND = Ratio.model_validate(
    {
        "source": "db",
        "table": "t",
        "good": "ok",
        "column": "at",
        "over": "1h",
        "min": {"warning": "80%", "critical": "40%"},
        "ignore_below": 3,
        "entity": "o",
    }
)
rows_ = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans() | st.none(), st.integers(-5, 90) | st.none()),
    max_size=25,
)


def judge(rows: Sequence[Row], watched: Sequence[str] = ()) -> Judgement:
    """Return the judgement of a table."""
    entities: tuple[Entity, ...] = tuple((("o", one),) for one in watched)
    context = Context(NOW, entities, Dialect("sqlite", "epoch_s"))
    (question,) = KIND.ask(context, ())
    assert isinstance(question, SqlQuestion)
    now = int(NOW.timestamp())
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (o text, ok boolean, at integer)")
        stored = [(o, ok, None if age is None else now - 60 * age) for o, ok, age in rows]
        file.executemany("insert into t values (?, ?, ?)", stored)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        found = [dict(row) for row in file.execute(question.text, params)]
    return KIND.judge(context, ((Rows(found),),))


def severities(judgement: Judgement) -> dict[str, int]:
    return {one.entity[0][1]: one.severity.rank for one in judgement.findings}


def expected(rows: Sequence[Row]) -> int | None:
    """Return the rank of the severity of one organisation's rows, None when they are good."""
    recent = [bool(ok) for _, ok, age in rows if age is not None and age <= 60]
    share = Fraction(sum(recent), len(recent)) if len(recent) >= 3 else Fraction(1)
    return 2 if share < Fraction(2, 5) else 1 if share < Fraction(4, 5) else None


@given(rows_)
def test_exactly_the_bad_entities_are_found(rows: list[Row]) -> None:
    each = {one: expected([row for row in rows if row[0] == one]) for one in "abc"}
    assert severities(judge(rows)) == {one: rank for one, rank in each.items() if rank is not None}


@given(rows_, st.sets(st.sampled_from("abz")))
def test_being_watched_changes_no_finding(rows: list[Row], names: set[str]) -> None:
    plain, seen = judge(rows), judge(rows, sorted(names))
    assert plain.findings == seen.findings
    assert plain.readings == ()
    assert {one.entity[0][1] for one in seen.readings} <= names - set(severities(seen))


@given(rows_)
def test_entities_do_not_mix(rows: list[Row]) -> None:
    alone = [judge([row for row in rows if row[0] == one]) for one in "abc"]
    expected = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(rows).findings} == expected


@given(rows_, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[Row], random: Any) -> None:
    assert judge(rows, ["a"]) == judge(random.sample(rows, len(rows)), ["a"])


@given(rows_, st.sampled_from("abc"))
def test_a_good_row_makes_nothing_worse_that_was_judged(rows: list[Row], one: str) -> None:
    enough: list[Row] = [(org, True, 5) for org in "abc" for _ in range(3)]
    before = severities(judge([*enough, *rows]))
    after = severities(judge([*enough, *rows, (one, True, -5)]))
    assert all(before.get(org, -1) >= rank for org, rank in after.items())


@given(st.integers(1, 10**12), st.data())
def test_what_is_found_can_be_said(count: int, data: st.DataObject) -> None:
    row = {"e0": "a", "n": count, "good": data.draw(st.integers(0, count))}
    judgement = KIND.judge(Context(NOW, ((("o", "a"),),)), ((Rows([row]),),))
    facts = [one.fact for one in judgement.findings] + [one.fact for one in judgement.readings]
    (fact,) = facts
    assert 0 < len(fact) <= 40
    assert fact.startswith("100%") == (row["good"] == count)


@pytest.mark.parametrize(
    ("given", "share", "said"),
    [
        ("90%", 0.9, "90%"),
        ("99.9 %", 0.999, "99.9%"),
        ("0%", 0.0, "0%"),
        ("100%", 1.0, "100%"),
        (0.9, 0.9, "90%"),
        (1, 1.0, "100%"),
        ("0.05%", 0.0005, "0.05%"),
    ],
)
def test_a_share_is_written_in_percent_or_as_a_number(
    given: object, share: float, said: str
) -> None:
    read = TypeAdapter(Percent).validate_python(given)
    assert (read, str(read)) == (share, said)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (90, "write `90%`"),
        ("101%", "write `90%`"),
        ("9", "write `90%`"),
        (-0.1, "write `90%`"),
        (True, "write `90%`"),
        (float("nan"), "write `90%`"),
        (99.5, "write `99.5%`"),
        (None, "write `90%`"),
    ],
)
def test_what_is_no_share_is_refused(given: object, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Percent).validate_python(given)
    (error,) = caught.value.errors()
    assert (error["type"], error["ctx"]["hint"]) == ("bad_share", hint)


@pytest.mark.parametrize(
    ("share", "said"),
    [(1.0, "100%"), (0.99999, "99.9%"), (0.00001, "0.1%"), (0.0, "0%"), (2 / 3, "66.7%")],
)
def test_only_all_is_said_to_be_all(share: float, said: str) -> None:
    assert Share(share).rounded == said


AN_HOUR_AGO = NOW - timedelta(hours=1)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
SPELLINGS = st.sampled_from(["T", " "])


@given(st.lists(st.tuples(st.integers(-90, 90), ZONES, SPELLINGS), min_size=1, max_size=9))
def test_texts_count_by_their_instant_whatever_zone_they_are_spelled_in(
    spelled: list[tuple[int, timezone, str]],
) -> None:
    kind = KIND.model_copy(update={"entity_columns": (), "ignore_below": 0})
    (question,) = kind.ask(Context(NOW, dialect=Dialect("sqlite", "iso")), ())
    assert isinstance(question, SqlQuestion)
    ages = [(timedelta(minutes=age), zone, between) for age, zone, between in spelled]
    texts = [(AN_HOUR_AGO + age).astimezone(zone).isoformat(sep) for age, zone, sep in ages]
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("create table t (o text, ok boolean, at text)")
        file.executemany("insert into t values ('a', true, ?)", [(one,) for one in texts])
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        ((count, _),) = file.execute(question.text, params).fetchall()
    assert count == sum(age >= 0 for age, _, _ in spelled)
