"""The table kinds against columns of PostgreSQL's many types."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rules.base import Outcome
from tests.postgres import Server
from tests.watched_tables import STORAGES, Storage, Tables, entity, kind_of, tables

TABLE = """
create type state as enum ('queued', 'running', 'failed', 'success');
create domain tenant as text check (value <> '');
create table t (
    org uuid, owner tenant, job int, status state, "startedAt" timestamptz, local timestamp,
    day date, ms bigint, s numeric, doc jsonb, plain json, flag boolean
);
"""
ORG = "0cc175b9-c0f1-b6a8-31c3-99e269772661"
ROW = """
insert into t select md5('a')::uuid, 'a', 7, 'running', at, at at time zone 'America/New_York',
    date '2025-06-11', extract(epoch from at) * 1000, extract(epoch from at),
    jsonb_build_object('at', at, 'run', jsonb_build_object('ms', extract(epoch from at) * 1000),
        'org', 'acme'),
    json_build_object('at', at), false
from (select timestamptz '2025-06-13 01:15Z' as at) one
"""


@pytest.fixture(params=["UTC", "America/New_York"])
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    storage = Storage("postgres", "timestamptz", "native", request.param)
    async with tables(storage, postgres_server, tmp_path) as opened:
        await opened.run(TABLE)
        await opened.run(ROW)
        yield opened


COLUMNS: list[dict[str, Any]] = [
    {"column": '"startedAt"'},
    {"column": 't."startedAt"'},
    {"column": "local", "zone": "America/New_York"},
    {"column": "ms", "time": "epoch_ms"},
    {"column": "s", "time": "epoch_s"},
    {"column": "doc->>'at'"},
    {"column": "doc ->> 'at'", "time": "iso"},
    {"column": "doc->'run'->>'ms'", "time": "epoch_ms"},
    {"column": "plain->>'at'"},
]


@pytest.mark.parametrize("settings", COLUMNS)
async def test_an_instant_may_stand_in_a_column_of_any_type(
    db: Tables, settings: dict[str, Any]
) -> None:
    for more in ({}, {"entity": ["org"]}, {"oldest": True}):
        kind = kind_of("stale", table="t", max_age="30m", **settings, **more)
        (found,) = (await db.judge(kind)).findings
        assert found.fact == "1h old (max 30m)"
        assert found.value == pytest.approx(3600, abs=0.01)


@pytest.mark.parametrize("settings", COLUMNS)
async def test_a_row_may_wait_since_an_instant_of_any_type(
    db: Tables, settings: dict[str, Any]
) -> None:
    since = dict(settings)
    stuck = {"column": "status", "is": "running", "since": since.pop("column"), "max_age": "30m"}
    (found,) = (await db.judge(kind_of("stuck", table="t", **stuck, **since))).findings
    assert found.fact == "running for 1h (max 30m)"
    (found,) = (await db.judge(kind_of("queue", table="t", max_wait="30m", **settings))).findings
    assert found.fact == "oldest waits 1h (max 30m)"


async def test_a_day_begins_at_midnight_of_its_zone(db: Tables) -> None:
    kind = kind_of("stale", table="t", column="day", max_age="1h")
    (found,) = (await db.judge(kind)).findings
    hours = {"UTC": 50.25, "America/New_York": 46.25}[db.storage.zone]
    assert found.value == pytest.approx(hours * 3600, abs=0.01)


@pytest.mark.parametrize(
    ("column", "name", "value"),
    [
        ("org", "org", ORG),
        ("owner", "owner", "a"),
        ("job", "job", "7"),
        ("status", "status", "running"),
        ("flag", "flag", "false"),
        ("day", "day", "2025-06-11"),
        ("doc->>'org'", "org", "acme"),
    ],
)
async def test_an_entity_may_be_of_any_type(db: Tables, column: str, name: str, value: str) -> None:
    watched = entity(**{name: value})
    stale = {"table": "t", "column": '"startedAt"', "entity": column}
    (found,) = (await db.judge(kind_of("stale", **stale, max_age="30m"))).findings
    assert found.entity == watched
    (reading,) = (await db.judge(kind_of("stale", **stale, max_age="2h"), [watched])).readings
    assert reading.entity == watched


@pytest.mark.parametrize(
    ("column", "failed", "succeeded"),
    [
        ("status", ["failed", "running"], "success"),
        ("job", 7, 0),
        ("flag", False, True),
        ("owner", "a", "b"),
        ("doc->>'org'", "acme", "other"),
    ],
)
async def test_a_result_may_be_of_any_type(
    db: Tables, column: str, failed: object, succeeded: object
) -> None:
    runs = {"table": "t", "column": column, "failed": failed, "succeeded": succeeded}
    for order_by in ('"startedAt"', "local", "ms", "day"):
        for more in ({}, {"entity": "org"}):
            kind = kind_of("failures", **runs, order_by=order_by, in_a_row=1, **more)
            (found,) = (await db.judge(kind)).findings
            assert found.fact == "last run failed (limit 1)"


async def test_a_status_that_the_type_does_not_know_matches_nothing(db: Tables) -> None:
    stuck = {"column": "status", "is": "sleeping", "since": '"startedAt"', "max_age": "1m"}
    assert (await db.judge(kind_of("stuck", table="t", **stuck))).outcome is Outcome.OK


async def test_infinity_is_the_end_of_time(postgres_server: Server, tmp_path: Path) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run("create table t (at timestamptz)")
        kind = kind_of("stale", table="t", column="at", max_age="30m")
        await db.run("insert into t values ('-infinity')")
        assert (await db.judge(kind)).outcome is Outcome.BAD
        await db.run("insert into t values ('infinity')")
        assert (await db.judge(kind)).outcome is Outcome.OK


@pytest.mark.parametrize("value", ["'NaN'::float8", "'NaN'::numeric", "null::int"])
async def test_a_value_that_is_no_number_is_no_data(db: Tables, value: str) -> None:
    kind = kind_of("sql", query=f"select {value} as n", max=1)
    assert (await db.judge(kind)).outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    "value", ["2::smallint", "2::numeric", "2.5::real", "interval '2 s'", "10::numeric ^ 400"]
)
async def test_a_value_of_any_number_type_is_held_against_its_limit(db: Tables, value: str) -> None:
    kind = kind_of("sql", query=f"select {value} as n", max=1)
    assert (await db.judge(kind)).outcome is Outcome.BAD
