"""What holds for every kind that asks a database: statement and judgement together, look after look.

Entities never mix, no order of rows matters, and a healthy row makes nothing worse.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import settings as times
from hypothesis import strategies as st

from rules.base import Answers, Context, Dialect, Judgement, Kind, Rows, SqlQuestion
from rules.registry import KINDS
from rules.settings import TableSettings
from tests.postgres import NIGHT as NOW

Row: TypeAlias = tuple[str, str, int | None, int | None, str | None]
"""Organisation, status, age in minutes, number, cron line."""

RUNS = {"column": "status", "failed": ["f"], "succeeded": ["s"]}
AGES = {"warning": "30m", "critical": "1h"}
LEVELS = {"warning": 2, "critical": 5}
OF_NUMBER = "select org, number as n from t where status <> 's'"
LAST_WEEK = {"per": "1h", "compare_to": "same hour of the last 1 week", "ignore_below": 0}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "stale": ("stale", {"column": "at", "max_age": AGES, "where": "status <> 'x'"}),
    "failures": ("failures", RUNS | {"order_by": "at", "in_a_row": 2}),
    "failures within": ("failures", RUNS | {"order_by": "at", "in_a_row": 2, "within": "1h"}),
    "failures of changes": (
        "failures",
        {"of": "changes", "changed": "at", "bad": "status = 'f'", "in_a_row": 2},
    ),
    "queue": ("queue", {"where": "status = 'r'", "column": "at", "max_wait": AGES, "max_rows": 2}),
    "stuck": ("stuck", {"column": "status", "is": "r", "since": "at", "max_age": AGES}),
    "sql of values": ("sql", {"query": OF_NUMBER, "value": "n", "max": LEVELS, "min": 1}),
    "sql of rows": ("sql", {"query": "select org from t where status = 'f'"}),
    "sql of news": (
        "sql",
        {
            "query": "select org, number from t where status = 'f'",
            "new_only": {"key": ["org", "number"], "within": "1h"},
        },
    ),
    "duration": (
        "duration",
        {
            "took": "number",
            "unit": "s",
            "order_by": "at",
            "last": 3,
            "percentile": 50,
            "max": {"warning": "2s", "critical": "5s"},
            "ignore_below": 1,
        },
    ),
    "ratio": (
        "ratio",
        {
            "good": "status = 's'",
            "column": "at",
            "over": "1h",
            "min": {"warning": "90%", "critical": "50%"},
            "ignore_below": 1,
        },
    ),
    "duplicates": ("duplicates", {"columns": ["number"], "max": {"warning": 0, "critical": 1}}),
    "cursor": ("cursor", {"column": "number", "may": {"stand_still": "30s"}}),
    "schedule by interval": ("schedule", {"last_run": "at", "interval": "30m", "grace": "1m"}),
    "schedule by cron": ("schedule", {"last_run": "at", "cron": {"column": "cron"}, "grace": "1m"}),
    "volume": (
        "volume",
        LAST_WEEK | {"column": "at", "allow": {"warning": "80%..", "critical": "30%.."}},
    ),
    "match": (
        "match",
        {
            "query": "select org, number from t where status <> 'x'",
            "with": "db",
            "with_query": "select org, number from t where status not in ('x', 'f')",
            "value": "number",
            "max": LEVELS,
        },
    ),
}
"""By what is watched: the kind, and its settings beside source, table and entity."""

ELSEWHERE = {"http", "logs", "files", "heartbeat"}
"""They ask no table; the same is held against their answers in the files of their own."""

PAST: list[Row] = [
    (org, "x", day * 1440 + 30 + nth, None, None)
    for org in "abc"
    for day in range(1, 8)
    for nth in range(5)
]
"""What `volume` compares with; it is in the way of nobody else."""

REMEMBERING = {"failures of changes", "sql of news", "cursor"}
"""What the table held a minute ago matters to them."""

rows_ = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from("fsr"),
        st.sampled_from([-5, 10, 30, 31, 50, 61, 90, None]),
        st.integers(0, 7) | st.none(),
        st.sampled_from(["*/15 * * * *", "7 * * * *", "x", None]),
    ),
    max_size=10,
)
few = times(max_examples=times().max_examples // 4)


def healthy(name: str, org: str) -> Row:
    """Return a row with which nothing is wrong: of a minute ago, quick, unique and ahead of all."""
    age, number = 20 if name == "volume" else -5, 1 if name == "duration" else 1_000_000
    return org, "s", age, number, "* * * * *"


def kind_of(name: str) -> Kind:
    kind, settings = SETTINGS[name]
    table = {"table": "t"} if issubclass(KINDS[kind], TableSettings) else {}
    made: Any = KINDS[kind].model_validate({"source": "db", "entity": ["org"]} | table | settings)
    return made  # type: ignore[no-any-return]


@contextmanager
def holding(rows: Sequence[Row], now: datetime) -> Iterator[sqlite3.Connection]:
    """Give a database that holds rows."""
    second = int(now.timestamp())
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute(
            "create table t (org text, status text, at integer, number integer, cron text)"
        )
        stored = [
            (org, status, None if age is None else second - 60 * age, number, cron)
            for org, status, age, number, cron in rows
        ]
        file.executemany("insert into t values (?, ?, ?, ?, ?)", stored)
        yield file


def look(kind: Kind, rows: Sequence[Row], now: datetime, known: dict[str, str]) -> Judgement:
    """Return the judgement of a table, given what is remembered."""
    context = Context(now, ((("org", "a"),),), Dialect("sqlite", "epoch_s"), remembered=known)
    answers: Answers = ()
    with holding(rows, now) as file:
        while questions := kind.ask(context, answers):
            told = []
            for one in questions:
                assert isinstance(one, SqlQuestion)
                params = {str(place): value for place, value in enumerate(one.params, start=1)}
                told.append(Rows([dict(row) for row in file.execute(one.text, params)]))
            answers = (*answers, tuple(told))
    return kind.judge(context, answers)


def judge(name: str, earlier: Sequence[Row], rows: Sequence[Row]) -> Judgement:
    """Return the judgement of a table that held other rows a minute ago."""
    kind, known = kind_of(name), {}
    if name in REMEMBERING:
        before = look(kind, earlier, NOW - timedelta(minutes=1), {})
        known = {key: text for key, text in before.remember.items() if text is not None}
    return look(kind, [*PAST, *rows] if name == "volume" else rows, NOW, known)


@pytest.mark.parametrize("name", SETTINGS)
@few
@given(rows_, rows_)
def test_entities_never_mix(name: str, earlier: list[Row], rows: list[Row]) -> None:
    found = judge(name, earlier, rows).findings
    for ours in ({"a"}, {"b", "c"}):
        alone = [[row for row in each if row[0] in ours] for each in (earlier, rows)]
        theirs = [one for one in judge(name, *alone).findings if one.entity[0][1] in ours]
        assert theirs == [one for one in found if one.entity[0][1] in ours]


@pytest.mark.parametrize("name", SETTINGS)
@few
@given(rows_, rows_, st.randoms())
def test_no_order_of_rows_matters(
    name: str, earlier: list[Row], rows: list[Row], random: Any
) -> None:
    shuffled = random.sample(earlier, len(earlier)), random.sample(rows, len(rows))
    assert judge(name, *shuffled) == judge(name, earlier, rows)


@pytest.mark.parametrize("name", SETTINGS)
@few
@given(rows_, rows_, st.sampled_from("abc"))
def test_a_healthy_row_makes_nothing_worse(
    name: str, earlier: list[Row], rows: list[Row], org: str
) -> None:
    before = {one.entity: one.severity.rank for one in judge(name, earlier, rows).findings}
    after = judge(name, earlier, [*rows, healthy(name, org)]).findings
    assert all(before.get(one.entity, -1) >= one.severity.rank for one in after)


@pytest.mark.parametrize("name", SETTINGS)
def test_there_is_something_that_could_be_mixed_up_or_made_worse(name: str) -> None:
    earlier: list[Row] = [("b", "f", 80, 7, None)]
    runs: list[tuple[str, int]] = [("f", 50), ("f", 51), ("r", 52)]
    rows: list[Row] = [("b", status, age, 6, "* * * * *") for status, age in runs]
    assert "b" in [one.entity[0][1] for one in judge(name, earlier, rows).findings]


def test_every_kind_is_held_against_this() -> None:
    assert {kind for kind, _ in SETTINGS.values()} | ELSEWHERE == set(KINDS)
