"""What must hold for the volume kind on any table: statement and judgement, on SQLite in memory."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from statistics import median
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import (
    Answers,
    Context,
    Dialect,
    Entity,
    Judgement,
    Outcome,
    Past,
    Rows,
    SqlQuestion,
)
from rules.volume import Volume
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str, int, int, int | None]
"""Organisation, how many days ago, minutes within the hour, and a number."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = NOW.replace(minute=0) - HOUR
BASE = {"source": "db", "table": "t", "column": "at", "per": "1h", "ignore_below": 2}
WEEK = "same hour of the last 1 week"
ALLOW = {"warning": "50%..200%", "critical": "25%..400%"}


def volume(**more: Any) -> Volume:
    settings = BASE | {"compare_to": WEEK, "allow": ALLOW, "entity": "org"} | more
    return Volume.model_validate(settings)


EACH = volume()
rows_ = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([0, 0, 0, *range(9)]),
        st.integers(0, 59),
        st.integers(-2, 9) | st.none(),
    ),
    max_size=40,
)


def answer(question: SqlQuestion, rows: Sequence[Row]) -> Rows:
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (org text, at integer, n integer)")
        stored = [
            (org, int((LAST - days * DAY).timestamp()) + 60 * minutes, number)
            for org, days, minutes, number in rows
        ]
        file.executemany("insert into t values (?, ?, ?)", stored)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        return Rows([dict(row) for row in file.execute(question.text, params)])


def judge(
    kind: Volume,
    rows: Sequence[Row],
    watched: Sequence[str] = (),
    past: tuple[Past, ...] = (),
    now: datetime = NOW,
) -> Judgement:
    """Return the judgement of a table."""
    entities: tuple[Entity, ...] = tuple((("org", one),) for one in watched)
    context = Context(now, entities, Dialect("sqlite", "epoch_s"), past=past)
    answers: Answers = ()
    while questions := kind.ask(context, answers):
        (question,) = questions
        assert isinstance(question, SqlQuestion)
        answers = (*answers, (answer(question, rows),))
    return kind.judge(context, answers)


def severities(judgement: Judgement) -> dict[str, int]:
    return {one.entity[0][1]: one.severity.rank for one in judgement.findings}


def expected(rows: Sequence[Row]) -> int | None:
    """Return the rank of the severity of one organisation's rows, None when they are good."""
    if not rows:
        return None
    ages = [(days, -minutes) for _, days, minutes, _ in rows if days <= 7]
    if not ages:
        return None
    oldest, minutes = max(ages)
    # The bucket of its first row is known only if that stands at its very beginning.
    days = [day for day in range(1, 8) if day < oldest or (day == oldest and minutes == 0)]
    counts = [sum(1 for row in rows if row[1] == day) for day in range(8)]
    if len(days) < 3:
        return None
    past = [counts[day] for day in days]
    usual, value = median(past), counts[0]
    gap = abs(value - usual)
    if gap < 2 or gap <= 3 * median(abs(one - usual) for one in past):
        return None
    if value > 4 * usual or value < 0.25 * usual:
        return 2
    return 1 if value > 2 * usual or value < 0.5 * usual else None


@given(rows_)
def test_exactly_the_unusual_entities_are_found(rows: list[Row]) -> None:
    each = {one: expected([row for row in rows if row[0] == one]) for one in "abc"}
    # Watched, so that the judgement and not the statement decides.
    found = severities(judge(EACH, rows, "abc"))
    assert found == {one: rank for one, rank in each.items() if rank is not None}


@given(
    st.lists(st.lists(st.integers(0, 12), min_size=8, max_size=8), min_size=1, max_size=3),
    st.sampled_from(["zero", "no_data"]),
)
def test_the_statement_leaves_out_nobody_who_is_unusual(
    counts: list[list[int]], if_empty: str
) -> None:
    kind = volume(if_empty=if_empty, sum="n")
    rows: list[Row] = [
        (org, days, 0, 1)
        for org, each in zip("abc", counts, strict=False)
        for days, count in enumerate(each)
        for _ in range(count)
    ]
    rows += [(org, 7, 0, 0) for org in "abc"] + [("z", 9, 0, None)]
    assert severities(judge(kind, rows)) == severities(judge(kind, rows, "abc"))


@given(rows_)
def test_entities_do_not_mix(rows: list[Row]) -> None:
    alone = [judge(EACH, [row for row in rows if row[0] == org], "abc") for org in "abc"]
    apart = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(EACH, rows, "abc").findings} == apart


@given(st.permutations([("a", day, 7 * day, day) for day in (0, 1, 2, 3, 4, 5, 5, 6, 7)]))
def test_the_order_of_rows_does_not_matter(rows: list[Row]) -> None:
    assert judge(volume(sum="n"), rows, "a") == judge(volume(sum="n"), sorted(rows), "a")


@given(rows_, st.integers(0, 59))
def test_one_row_more_never_makes_a_lack_of_rows_worse(rows: list[Row], minutes: int) -> None:
    few = volume(allow={"warning": "50%..", "critical": "25%.."})
    before, after = judge(few, rows, "a"), judge(few, [*rows, ("a", 0, minutes, None)], "a")
    assert severities(after).get("a", -1) <= severities(before).get("a", -1)


def usual(count: int = 4, org: str = "a", days: int = 7) -> list[Row]:
    return [(org, day, 0, 5) for day in range(1, days + 1) for _ in range(count)]


def today(count: int, org: str = "a") -> list[Row]:
    return [(org, 0, 0, 5)] * count


def test_a_finding_says_what_is_usual() -> None:
    (found,) = judge(EACH, usual()).findings
    assert (found.value, found.limit, found.first_bad_at) == (0.0, 1.0, LAST)
    assert found.fact == "0 (usually 4, min 25%)"
    assert found.detail == ("0 rows from 01:00 to 02:00 UTC, usually 4. Allowed is min 25 % of it.")


def test_what_is_usual_again_says_since_when() -> None:
    (reading,) = judge(EACH, [*usual(), *[("a", 0, 0, 5)] * 4], "a").readings
    assert (reading.fact, reading.first_good_at) == ("4 (usually 4)", LAST)


def test_incidents_are_no_past() -> None:
    rows = [*usual(0), *[("a", day, 0, 5) for day in (4, 5, 6, 7) for _ in range(9)]]
    rows += [("a", 0, 0, 5)] * 9
    assert severities(judge(EACH, rows, "a")) == {}
    since, until = LAST - 3 * DAY, LAST - HOUR
    spike = (Past((("org", "a"),), since, until),)
    drop = [row for row in rows if row[1]]
    assert severities(judge(EACH, drop, "a", spike)) == {"a": 2}
    (found,) = judge(EACH, drop, "a", spike).findings
    assert found.fact.startswith("0 (usually 9")


def test_an_incident_of_somebody_else_is_past() -> None:
    other = (Past((("org", "b"),), LAST - 7 * DAY, None),)
    assert severities(judge(EACH, usual(), (), other)) == {"a": 2}


def test_what_lasts_for_long_counts_as_past_again() -> None:
    kind = volume(accept_after="2d")
    long = (Past((("org", "a"),), LAST - 6 * DAY),)
    rows = [*usual(9, days=4), *[("a", 7, 0, 5)] * 4, *[("a", 0, 0, 5)] * 9]
    (reading,) = judge(kind, rows, "a", long).readings
    assert reading.fact == "9 (usually 9)"


@pytest.mark.parametrize("days", [0, 1, 2])
def test_with_too_little_past_nothing_is_judged(days: int) -> None:
    rows = usual(9, days=days)
    assert judge(EACH, rows, "a").outcome is Outcome.NO_DATA
    assert judge(volume(entity=[]), rows).outcome is Outcome.NO_DATA


def test_what_is_too_much_in_any_case_needs_no_past() -> None:
    kind = volume(max={"critical": 5})
    found = judge(kind, [*today(6), *today(5, "b")], watched=["b"])
    assert [one.fact for one in found.findings] == ["6 (max 5)"]
    assert found.findings[0].detail.endswith(" UTC. Allowed is max 5.")
    assert [one.fact for one in found.readings] == ["5 (max 5)"]
    assert judge(kind, []).outcome is Outcome.OK


def test_of_two_bounds_the_worse_is_told() -> None:
    (found,) = judge(volume(max={"warning": 3}), [*usual(2), *today(9)]).findings
    assert (found.severity.value, found.fact) == ("critical", "9 (usually 2, max 400%)")


def test_somebody_new_in_an_old_table_is_not_judged() -> None:
    rows = [*usual(), *[("a", 0, 0, 5)] * 4, *[("new", 0, 0, 5)] * 99]
    judgement = judge(EACH, rows, ["new"])
    assert (judgement.outcome, judgement.readings) == (Outcome.OK, ())


@pytest.mark.parametrize(
    ("if_empty", "outcome"), [("zero", Outcome.BAD), ("no_data", Outcome.NO_DATA)]
)
def test_no_row_is_zero_or_nothing_to_judge(if_empty: str, outcome: Outcome) -> None:
    whole = volume(entity=[], sum="n", if_empty=if_empty)
    assert judge(whole, usual()).outcome is outcome
    nothing_written = [*usual(), ("a", 0, 0, 0)]
    assert judge(whole, nothing_written).outcome is Outcome.BAD


@pytest.mark.parametrize(
    ("more", "said"), [({"sum": "n"}, "Sum of n"), ({"average": "n"}, "Average of n")]
)
def test_a_column_may_be_added_up_or_averaged(more: dict[str, Any], said: str) -> None:
    rows: list[Row] = [*usual(1), ("a", 0, 0, 40), ("a", 0, 1, None)]
    (found,) = judge(volume(entity=[], **more), rows).findings
    assert (found.value, found.fact) == (40.0, "40 (usually 5, max 400%)")
    assert found.detail.startswith(f"{said} is 40 from 01:00")


def test_a_sum_below_zero_is_zero() -> None:
    rows: list[Row] = [*usual(1), ("a", 0, 0, -7)]
    (found,) = judge(volume(sum="n"), rows).findings
    assert found.value == 0.0


def dense(*numbers: int) -> list[Row]:
    return [*usual(1), *[("a", 0, 0, one) for one in numbers]]


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        (range(101, 121), True),
        ([*range(101, 120), 9000], False),
        ([n for n in range(101, 121) if n != 110], True),
        (range(100, 400, 7), False),
        ([5] * 40, False),
        ([*range(20)] * 3, False),
        (range(9), False),
    ],
)
@pytest.mark.parametrize("entity", [[], ["org"]])
def test_ids_that_run_in_sequence_are_told(
    numbers: Sequence[int], runs: bool, entity: list[str]
) -> None:
    kind = volume(entity=entity, sequence="n")
    (found,) = judge(kind, dense(*numbers)).findings
    assert ("Ids run in sequence (101 to 120)." in found.detail) is runs


def test_a_turned_clock_gives_nothing_to_judge() -> None:
    kind = volume(timezone="America/New_York")
    turned = datetime.fromisoformat("2025-11-02T02:10:00-05:00")
    judgement = judge(kind, usual(), "a", now=turned)
    assert (judgement.outcome, judgement.unknown) == (Outcome.NO_DATA, ((("org", "a"),),))
