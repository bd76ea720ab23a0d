"""Ten thousand healthy entities: a statement or two, no row of them back, nothing to write."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rules.base import Answers, Judgement, Kind, Outcome, Rows, SqlQuestion
from rules.registry import KINDS
from rules.settings import TableSettings
from tests.postgres import Server
from tests.watched_tables import NATIVE, Tables, kind_of, tables

ENTITIES = 10_000
RUNS = {"column": "status", "failed": "failed", "succeeded": "done", "order_by": "at"}
LATEST = {"where": "number > 0"}
CRON = {"cron": {"column": "cron"}, "timezone": {"column": "zone"}, "last_run": "at"} | LATEST
LAST_WEEK = {"per": "1h", "compare_to": "same hour of the last 1 week", "allow": "50%..200%"}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "stale": ("stale", {"column": "at", "max_age": "1h"}),
    "failures": ("failures", RUNS),
    "failures within": ("failures", RUNS | {"within": "2d"}),
    "failures of changes": ("failures", {"of": "changes", "changed": "at", "bad": "ms < 0"}),
    "queue": ("queue", {"where": "status = 'queued'", "column": "at", "max_wait": "5m"}),
    "stuck": ("stuck", {"column": "status", "is": "running", "since": "at", "max_age": "30m"}),
    "sql": ("sql", {"query": "select org from t where status = 'failed'"}),
    "duration": (
        "duration",
        {"took": "ms", "unit": "ms", "order_by": "at", "last": 2, "max": "5s", "ignore_below": 2},
    ),
    "ratio": (
        "ratio",
        {"good": "status = 'done'", "column": "at", "over": "1h", "min": "90%", "ignore_below": 1},
    ),
    "duplicates": ("duplicates", {"columns": ["number"]}),
    "schedule by interval": ("schedule", {"last_run": "at", "interval": "1h"}),
    "schedule by column": ("schedule", {"due": "due"}),
    "schedule by cron": ("schedule", CRON),
    "volume": ("volume", {"column": "at"} | LAST_WEEK),
    "cursor": ("cursor", {"column": "number"}),
}
"""By what is watched: the kind, and its settings beside table and entity."""

REMEMBERING = {"cursor"}
"""Only the past says what is bad here: every value is told, and written when it has moved."""


@pytest.fixture(params=list(NATIVE))
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as opened:
        await opened.run(
            "create table t (org text, number int, status text, at $at, due $at, ms int,"
            " cron text, zone text)"
        )
        for day in range(5):
            at = opened.ago(days=day, minutes=40)
            made = (
                "insert into t with recursive n(i) as (select 1 union all select i + 1 from n"
                " where i < $3) select 'org ' || i, i - $4 * 1000000, 'done',"
                " $1, $2, 500, '35 * * * *', 'Europe/Berlin' from n"
            )
            await opened.run(made, (at, opened.ago(hours=-1), ENTITIES, day))
        yield opened


async def looked(db: Tables, kind: Kind) -> tuple[Judgement, Sequence[Rows]]:
    """Return what one look comes to, and all that came back for it."""
    context, told = db.context(), list[Rows]()
    given: Answers = ()
    while questions := kind.ask(context, given):
        (question,) = questions
        assert isinstance(question, SqlQuestion)
        answer = await db.source.answer(question)
        assert isinstance(answer, Rows), answer
        told.append(answer)
        given = (*given, (answer,))
    return kind.judge(context, given), told


@pytest.mark.parametrize("name", SETTINGS)
async def test_healthy_entities_cost_a_statement_and_no_row(db: Tables, name: str) -> None:
    kind_name, settings = SETTINGS[name]
    table = {} if kind_name == "sql" else {"table": "t"}
    kind = kind_of(kind_name, **table, entity=["org"], **settings)
    judgement, told = await looked(db, kind)
    db.remembered |= {key: text for key, text in judgement.remember.items() if text is not None}
    again, _ = await looked(db, kind)
    of_entities = [row for one in told for row in one.rows if row.get("e0") is not None]
    assert len(told) == (2 if name == "schedule by cron" else 1)
    assert len(of_entities) == (ENTITIES if name in REMEMBERING else 0)
    assert (again.outcome, dict(again.remember)) == (Outcome.OK, {})


def test_every_kind_that_reads_a_table_is_here() -> None:
    kinds = {name for name in KINDS if issubclass(KINDS[name], TableSettings)}
    assert kinds <= {kind for kind, _ in SETTINGS.values()}
