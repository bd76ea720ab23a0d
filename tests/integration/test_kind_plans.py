"""The statements of kinds may use the indexes that are there."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rules.base import Kind, SqlQuestion
from tests.postgres import Server
from tests.watched_tables import STORAGES, Tables, kind_of, tables

STUCK = {"table": "t", "column": "status", "is": "running", "since": "at", "max_age": "30m"}
KINDS = {
    "stale": kind_of("stale", table="t", column="at", max_age="30m"),
    "oldest": kind_of("stale", table="t", column="at", max_age="30m", oldest=True),
    "queue": kind_of("queue", table="t", column="at", max_wait="15m"),
    "stuck": kind_of("stuck", **STUCK),
    "failures": kind_of(
        "failures",
        table="t",
        column="status",
        failed="failed",
        succeeded="success",
        order_by="at",
    ),
    "duration": kind_of(
        "duration", table="t", took="ms", unit="ms", order_by="at", last=20, max="5s"
    ),
    "ratio": kind_of("ratio", table="t", good="ms < 9", column="at", over="1m", min="90%"),
    "volume": kind_of(
        "volume",
        table="t",
        column="at",
        per="15m",
        compare_to="same weekday of the last 4 weeks",
        allow="30%..300%",
    ),
    "volume of each": kind_of(
        "volume",
        table="t",
        column="at",
        entity="status",
        per="15m",
        compare_to="same weekday of the last 4 weeks",
        allow="30%..300%",
    ),
}


@pytest.fixture(params=["postgres", "postgres without zone", "postgres epoch_ms"])
async def postgres(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    storage = STORAGES[request.param]
    async with tables(storage, postgres_server, tmp_path) as opened:
        await opened.run("create table t (status text, at $at, ms int)")
        await opened.run(
            "insert into t (status, at) values ($1, $2)",
            *(("success", opened.ago(seconds=n / 5)) for n in range(10_000)),
        )
        await opened.run("create index on t (at)")
        await opened.run("analyze t")
        yield opened


async def plan_of(db: Tables, kind: Kind) -> str:
    """Return the plan as JSON text."""
    (question,) = kind.ask(db.context(), ())
    assert isinstance(question, SqlQuestion)
    assert db.postgres is not None
    # The planner sees parameters as it does for any one-time statement: by their values.
    texts = [_literal(value) for value in question.params]
    statement = question.text
    for number in range(len(texts), 0, -1):
        statement = statement.replace(f"${number}", texts[number - 1])
    await db.postgres.execute(f"set timezone = '{question.zone}'")
    plan = await db.postgres.fetchval(f"explain (format json) {statement}")
    return json.dumps(json.loads(plan))


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else f"'{value}'"


@pytest.mark.parametrize("name", KINDS)
async def test_postgres_uses_the_index(postgres: Tables, name: str) -> None:
    plan = await plan_of(postgres, KINDS[name])
    assert "t_at_idx" in plan


async def test_postgres_uses_an_index_on_the_status(postgres: Tables) -> None:
    await postgres.run("create index on t (status)")
    assert "t_status_idx" in await plan_of(postgres, KINDS["stuck"])


@pytest.mark.parametrize("storage", ["sqlite", "sqlite epoch_s", "sqlite epoch_ms"])
def test_sqlite_uses_the_index_for_what_is_too_old(storage: str) -> None:
    held = STORAGES[storage]
    (question,) = KINDS["stuck"].ask(
        Tables(held, source=None, address="").context(),  # type: ignore[arg-type]
        (),
    )
    assert isinstance(question, SqlQuestion)
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute(f"create table t (status text, at {held.type})")
        file.execute("create index t_at on t (at)")
        params = {str(i): value for i, value in enumerate(question.params, start=1)}
        plan = file.execute(f"explain query plan {question.text}", params).fetchall()
    assert "SEARCH t USING INDEX t_at (at<?)" in str(plan)
