"""The table kinds on SQLite in memory, for every way in which a column may hold an instant."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.base import Context, Dialect, Entity, Judgement, Kind, Outcome, Rows, SqlQuestion
from rules.registry import KINDS
from tests.postgres import NIGHT as NOW

BERLIN = Dialect("sqlite", "iso", "Europe/Berlin")
STORAGES = {
    "iso": Dialect("sqlite", "iso"),
    "iso of a zone": BERLIN,
    "epoch_s": Dialect("sqlite", "epoch_s"),
    "epoch_ms": Dialect("sqlite", "epoch_ms"),
}
TABLE = {"source": "db", "table": "t"}
RUNS = {"column": "status", "failed": "f", "succeeded": "s", "order_by": "at", "in_a_row": 2}


def made(name: str, **settings: Any) -> Kind:
    kind: Any = KINDS[name].model_validate(TABLE | settings)
    return kind  # type: ignore[no-any-return]


STALE = {"column": "at", "max_age": "30m"}
STUCK = {"column": "status", "is": "r", "since": "at", "max_age": "30m"}
QUEUE = {"column": "at", "where": "status = 'r'", "max_wait": "30m"}
SETTINGS: dict[str, dict[str, Any]] = {
    "stale": STALE,
    "stuck": STUCK,
    "queue": QUEUE,
    "failures": RUNS,
}


def stored(dialect: Dialect, at: datetime | None) -> Any:
    """Return an instant as the table holds it."""
    if at is None:
        return None
    if dialect.time == "iso":
        return at.astimezone(ZoneInfo(dialect.zone)).replace(tzinfo=None).isoformat(" ")
    return round(at.timestamp() * (1000 if dialect.time == "epoch_ms" else 1))


def answer(question: SqlQuestion, rows: Sequence[tuple[Any, ...]]) -> Rows:
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.execute("create table t (org, status, at)")
        file.executemany("insert into t values (?, ?, ?)", rows)
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        return Rows([dict(row) for row in file.execute(question.text, params)])


def judge(
    kind: Kind,
    dialect: Dialect,
    *rows: tuple[str | None, str, float | None],
    watched: Sequence[Entity] = (),
    now: datetime = NOW,
) -> Judgement:
    """Judge a table whose rows are organisation, status and age in minutes."""
    context = Context(now, tuple(watched), dialect)
    (question,) = kind.ask(context, ())
    assert isinstance(question, SqlQuestion)
    ats = [None if age is None else now - timedelta(minutes=age) for *_, age in rows]
    held = [
        (org, status, stored(dialect, at)) for (org, status, _), at in zip(rows, ats, strict=True)
    ]
    return kind.judge(context, ((answer(question, held),),))


@pytest.fixture(params=STORAGES)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return STORAGES[request.param]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("stale", "31m old (max 30m)"),
        ("stuck", "r for 31m (max 30m)"),
        ("queue", "oldest waits 31m (max 30m)"),
    ],
)
@pytest.mark.parametrize("entity", [[], ["org"]])
def test_a_minute_beyond_the_limit_is_bad_in_every_storage(
    dialect: Dialect, name: str, fact: str, entity: list[str]
) -> None:
    kind = made(name, **SETTINGS[name], entity=entity)
    (found,) = judge(kind, dialect, ("a", "r", 31)).findings
    assert (found.fact, found.limit) == (fact, 1800.0)
    assert found.value == pytest.approx(1860, abs=0.01)
    assert found.first_bad_at is not None
    assert abs(found.first_bad_at - (NOW - timedelta(minutes=1))) < timedelta(milliseconds=10)


@pytest.mark.parametrize("name", ["stale", "stuck", "queue"])
@pytest.mark.parametrize("entity", [[], ["org"]])
@pytest.mark.parametrize("age", [30, 29, 0, -5])
def test_up_to_the_limit_all_is_well_in_every_storage(
    dialect: Dialect, name: str, entity: list[str], age: float
) -> None:
    kind = made(name, **SETTINGS[name], entity=entity)
    watched: Entity = (("org", "a"),) if entity else ()
    judgement = judge(kind, dialect, ("a", "r", age), watched=[watched])
    assert judgement.outcome is Outcome.OK
    (reading,) = judgement.readings
    assert reading.entity == watched
    assert reading.value == pytest.approx(60 * max(age, 0), abs=0.01)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_null_entity_is_one_with_an_empty_name(dialect: Dialect, name: str) -> None:
    kind = made(name, **SETTINGS[name], entity="org")
    status = "f" if name == "failures" else "r"
    rows = [(None, status, 40.0), (None, status, 50.0)]
    assert [one.entity for one in judge(kind, dialect, *rows).findings] == [(("org", ""),)]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("org", ["it's", 'a"b', "{{ now }}", "$1", "[1]", "ü 日本", "", "null"])
def test_a_watched_entity_of_any_name_is_found_again(name: str, org: str) -> None:
    kind = made(name, **SETTINGS[name], entity="org")
    status = "s" if name == "failures" else "r"
    watched = (("org", org),)
    judgement = judge(kind, BERLIN, (org, status, 1), ("other", status, 1), watched=[watched])
    assert [one.entity for one in judgement.readings] == [watched]


@pytest.mark.parametrize(
    ("runs", "count"),
    [
        ([("f", 1), ("f", 2)], 2),
        ([("f", 1), ("f", 2), ("f", 3), ("s", 4)], 3),
        ([("f", 1), ("s", 2), ("f", 3)], None),
        ([("s", 1), ("f", 2), ("f", 3)], None),
        ([("r", 0), ("f", 1), ("r", 2), ("f", 3)], 2),
        ([("f", 1)], None),
    ],
)
@pytest.mark.parametrize("entity", [[], ["org"]])
def test_failures_are_counted_in_every_storage(
    dialect: Dialect, runs: list[tuple[str, float]], count: int | None, entity: list[str]
) -> None:
    kind = made("failures", **RUNS, entity=entity)
    found = judge(kind, dialect, *(("a", status, age) for status, age in runs)).findings
    assert [one.value for one in found] == ([] if count is None else [float(count)])


def test_the_oldest_row_is_meant_where_it_is_said(dialect: Dialect) -> None:
    rows = [("a", "r", 5.0), ("a", "r", 45.0), ("b", "r", 10.0)]
    whole = made("stale", **STALE, oldest=True)
    each = made("stale", **STALE, oldest=True, entity="org")
    assert [one.fact for one in judge(whole, dialect, *rows).findings] == ["45m old (max 30m)"]
    assert [one.entity for one in judge(each, dialect, *rows).findings] == [(("org", "a"),)]


@pytest.mark.parametrize(
    ("limits", "count", "fact"),
    [
        ({"max_rows": 2}, 3, "3 waiting (max 2)"),
        ({"max_rows": {"warning": 1, "critical": 3}}, 3, "3 waiting (max 1)"),
        ({"max_rows": 0}, 1, "1 waiting (max 0)"),
        ({"max_rows": 1000}, 1200, "1,200 waiting (max 1,000)"),
    ],
)
def test_a_queue_may_be_limited_in_length_only(
    limits: dict[str, Any], count: int, fact: str
) -> None:
    rows = [("a", "r", 1.0)] * count
    for column in (None, "at"):
        for entity in ([], ["org"]):
            kind = made("queue", column=column, **limits, entity=entity)
            (found,) = judge(kind, STORAGES["iso"], *rows).findings
            assert (found.fact, found.first_bad_at) == (fact, None)


def test_one_row_that_waits_is_told_in_the_singular() -> None:
    (found,) = judge(made("queue", max_rows=0), STORAGES["iso"], ("a", "r", 1)).findings
    assert found.detail == "1 row waiting, limit 0."


# In the night of 26 October the clocks of Berlin show 02:30 twice.
AFTER_THE_CHANGE = datetime(2025, 10, 26, 1, 45, tzinfo=UTC)


@pytest.mark.parametrize("name", ["stale", "stuck", "queue"])
@pytest.mark.parametrize("age", [120, 300, 60 * 24 * 30])
def test_ages_are_right_across_a_change_of_clocks(name: str, age: float) -> None:
    kind = made(name, **SETTINGS[name])
    (found,) = judge(kind, BERLIN, ("a", "r", age), now=AFTER_THE_CHANGE).findings
    assert found.value == pytest.approx(age * 60, abs=0.01)


def test_a_table_may_hold_its_instants_otherwise_than_its_source() -> None:
    kind = made("stale", **STALE, time="epoch_ms")
    context = Context(NOW, (), STORAGES["iso"])
    (question,) = kind.ask(context, ())
    assert isinstance(question, SqlQuestion)
    at = int((NOW - timedelta(minutes=45)).timestamp() * 1000)
    (found,) = kind.judge(context, ((answer(question, [("a", "r", at)]),),)).findings
    assert found.fact == "45m old (max 30m)"


@pytest.mark.parametrize("where", ["at < {{ now }}", "at <{{now}} or at is null"])
def test_a_condition_compares_now_with_what_the_column_holds(dialect: Dialect, where: str) -> None:
    if dialect.time == "iso":
        # Texts compare as texts: this table has a space where the parameter has a T.
        where = where.replace("at <", "replace(at, ' ', 'T') <")
    kind = made("stale", **STALE, where=where)
    (found,) = judge(kind, dialect, ("a", "r", 40), ("a", "r", -10)).findings
    assert found.fact == "40m old (max 30m)"


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_asked_once_there_is_an_answer(name: str) -> None:
    kind = made(name, **SETTINGS[name])
    assert kind.ask(Context(NOW), ((Rows([]),),)) == ()
