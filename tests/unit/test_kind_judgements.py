"""What must hold for any table: statement and judgement together, on SQLite in memory."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.base import Context, Dialect, Entity, Judgement, Kind, Rows, SqlQuestion
from rules.registry import KINDS

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
Row: TypeAlias = tuple[str, str, int | None]
"""Organisation, status, and age in minutes."""

TABLE = {"source": "db", "table": "t", "entity": ["org"]}
RUNS = {"column": "status", "failed": ["f"], "succeeded": ["s"], "order_by": "at"}


def made(name: str, **settings: Any) -> Kind:
    kind: Any = KINDS[name].model_validate(TABLE | settings)
    return kind  # type: ignore[no-any-return]


LIMITS = {"warning": "30m", "critical": "1h"}
STALE = made("stale", column="at", max_age=LIMITS)
STUCK = made("stuck", column="status", **{"is": "r"}, since="at", max_age=LIMITS)
QUEUE = made("queue", column="at", where="status = 'r'", max_wait=LIMITS, max_rows=2)
FAILURES = made("failures", **RUNS, in_a_row=2)
ALL = {"stale": STALE, "stuck": STUCK, "queue": QUEUE, "failures": FAILURES}

rows_ = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["f", "s", "r"]),
        st.integers(-5, 90) | st.none(),
    ),
    max_size=12,
)
kinds = st.sampled_from(list(ALL.values()))


def judge(kind: Kind, rows: Sequence[Row], watched: Sequence[str] = ()) -> Judgement:
    """Return the judgement of a table."""
    entities: tuple[Entity, ...] = tuple((("org", org),) for org in watched)
    context = Context(NOW, entities, Dialect("sqlite", "epoch_s"))
    (question,) = kind.ask(context, ())
    assert isinstance(question, SqlQuestion)
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (org text, status text, at integer)")
        now = int(NOW.timestamp())
        stored = [(o, s, None if age is None else now - 60 * age) for o, s, age in rows]
        file.executemany("insert into t values (?, ?, ?)", stored)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        found = [dict(row) for row in file.execute(question.text, params)]
    return kind.judge(context, ((Rows(found),),))


def severities(judgement: Judgement) -> dict[str, int]:
    return {one.entity[0][1]: one.severity.rank for one in judgement.findings}


def stale(rows: list[Row]) -> bool:
    ages = [age for _, _, age in rows if age is not None]
    return bool(rows) and (not ages or min(ages) > 30)


def stuck(rows: list[Row]) -> bool:
    return any(status == "r" and age is not None and age > 30 for _, status, age in rows)


def queue(rows: list[Row]) -> bool:
    waiting = [age for _, status, age in rows if status == "r"]
    return len(waiting) > 2 or any(age is not None and age > 30 for age in waiting)


def failing(rows: list[Row]) -> bool:
    finished = [(age, status) for _, status, age in rows if age is not None and status != "r"]
    # The success comes first among runs of the same age.
    newest = sorted(finished, key=lambda run: (run[0], run[1] == "f"))
    return len(newest) >= 2 and all(status == "f" for _, status in newest[:2])


ORACLES: dict[str, Callable[[list[Row]], bool]] = {
    "stale": stale,
    "stuck": stuck,
    "queue": queue,
    "failures": failing,
}


@pytest.mark.parametrize("name", ALL)
@given(rows=rows_)
def test_exactly_the_bad_entities_are_found(name: str, rows: list[Row]) -> None:
    bad = {org for org in "abc" if ORACLES[name]([row for row in rows if row[0] == org])}
    assert set(severities(judge(ALL[name], rows))) == bad


@given(kinds, rows_, st.sets(st.sampled_from(["a", "b", "z"])))
def test_being_watched_changes_no_finding(kind: Kind, rows: list[Row], watched: set[str]) -> None:
    plain, seen = judge(kind, rows), judge(kind, rows, sorted(watched))
    assert plain.findings == seen.findings
    assert plain.readings == ()
    told = {one.entity[0][1] for one in seen.readings}
    assert told <= watched
    assert not told & set(severities(seen))


@given(kinds, rows_)
def test_entities_do_not_mix(kind: Kind, rows: list[Row]) -> None:
    alone = [judge(kind, [row for row in rows if row[0] == org]) for org in "abc"]
    expected = {one.entity: one for judgement in alone for one in judgement.findings}
    assert {one.entity: one for one in judge(kind, rows).findings} == expected


@given(kinds, rows_, st.randoms())
def test_the_order_of_rows_does_not_matter(kind: Kind, rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    assert judge(kind, rows, ["a"]) == judge(kind, shuffled, ["a"])


@given(kinds, rows_, st.sampled_from(["a", "b", "c"]))
def test_a_healthy_row_makes_nothing_worse(kind: Kind, rows: list[Row], org: str) -> None:
    before = severities(judge(kind, rows))
    after = severities(judge(kind, [*rows, (org, "s", -5)]))
    assert all(before.get(one, -1) >= rank for one, rank in after.items())


@given(kinds, rows_)
@example(FAILURES, [("a", "f", -5), ("a", "f", -5)])
def test_what_is_found_can_be_said(kind: Kind, rows: list[Row]) -> None:
    for one in judge(kind, rows).findings:
        assert 0 < len(one.fact) <= 40
        assert one.detail.endswith(".")
        assert one.value is None or one.value >= 0
        assert one.first_bad_at is None or one.first_bad_at <= NOW


@given(kinds, rows_)
def test_older_findings_are_never_milder(kind: Kind, rows: list[Row]) -> None:
    later = [(org, status, None if age is None else age + 200) for org, status, age in rows]
    before, after = severities(judge(kind, rows)), severities(judge(kind, later))
    assert all(after[one] >= rank for one, rank in before.items())


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf"), -1e300, 1e300, None])
def test_no_instant_is_too_strange_to_be_judged(at: float | None) -> None:
    context = Context(NOW, ((("org", "a"),),), Dialect())
    row: dict[str, Any] = {"e0": "a", "at": at, "n": 1}
    for kind in (STALE, STUCK, QUEUE):
        judgement = kind.judge(context, ((Rows([row]),),))
        for one in judgement.findings:
            assert one.value is None or one.value < timedelta(days=4_000_000).total_seconds()
