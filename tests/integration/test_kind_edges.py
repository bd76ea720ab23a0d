"""What every kind that reads tables makes of no row, nulls, and instants of 1970 and of the future."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.base import Answers, Kind, Rows, SqlQuestion, Unanswered
from tests.integration.test_kind_healthy import SETTINGS
from tests.postgres import Server
from tests.watched_tables import STORAGES, Tables, entity, kind_of, tables

STATUS = {"queue": "queued", "stuck": "running"}
"""In which a row must be to be judged; the others judge those that are done."""

NULLS = ("a", None, None, None, None, None, None, None)
EXPECTED = {
    "stale": "no_data bad bad ok",
    "failures": "no_data no_data ok ok",
    "failures within": "no_data no_data no_data ok",
    "failures of changes": "no_data no_data ok ok",
    "queue": "ok ok bad ok",
    "stuck": "ok ok bad ok",
    "sql": "ok ok ok ok",
    "duration": "no_data no_data no_data no_data",  # one run is too few
    "ratio": "no_data no_data no_data ok",
    "duplicates": "ok ok ok ok",
    "schedule by interval": "no_data ok bad ok",
    "schedule by column": "no_data ok bad ok",
    "schedule by cron": "no_data no_data bad ok",
    "volume": "no_data no_data ok no_data",  # a table with rows since 1970 has a past, of zeros
    "cursor": "no_data no_data ok ok",
}
"""The outcome of no row, of one that is null in everything, of one of 1970, and one of the future."""


@pytest.fixture(
    params=["postgres", "postgres without zone", "postgres epoch_ms", "sqlite without zone"]
)
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(STORAGES[request.param], postgres_server, tmp_path) as opened:
        yield opened


def of_a_table(name: str) -> Kind:
    kind, settings = SETTINGS[name]
    table = {} if kind == "sql" else {"table": "t"}
    return kind_of(kind, **table, entity=["org"], **settings)


async def outcome(db: Tables, kind: Kind) -> str:
    """Return what a look comes to; `error` where there is no answer."""
    context = db.context([entity(org="a")])
    answers: Answers = ()
    while questions := kind.ask(context, answers):
        (question,) = questions
        assert isinstance(question, SqlQuestion)
        answer = await db.source.answer(question)
        if isinstance(answer, Unanswered):
            return "whole source" if answer.whole_source else "error"
        assert isinstance(answer, Rows)
        answers = (*answers, (answer,))
    return kind.judge(context, answers).outcome.value


async def test_every_kind_has_its_answer_to_what_a_table_should_not_hold(db: Tables) -> None:
    await db.run(
        "create table t (org text, number int, status text, at $at, due $at, ms float, cron text,"
        " zone text)"
    )
    at = [db.storage.stored(datetime(1970, 1, 1, tzinfo=UTC)), db.ago(hours=-5)]
    odd = [("a", 1, "done", one, one, 5.0, "@hourly", "Europe/Berlin") for one in at]
    found: dict[str, list[str]] = {name: [] for name in SETTINGS}
    for rows in ([], [NULLS], [odd[0]], [odd[1]]):
        for name in SETTINGS:
            await db.run("delete from t")
            for org, number, status, *rest in rows:
                row = (org, number, status and STATUS.get(name, status), *rest)
                await db.run("insert into t values ($1, $2, $3, $4, $5, $6, $7, $8)", row)
            found[name].append(await outcome(db, of_a_table(name)))
    assert {name: " ".join(each) for name, each in found.items()} == EXPECTED


async def test_a_table_without_its_columns_is_an_error_of_the_rule_alone(db: Tables) -> None:
    await db.run("create table t (org text)")
    assert {await outcome(db, of_a_table(name)) for name in SETTINGS} == {"error"}


async def test_a_table_that_is_gone_is_an_error_of_the_rule_alone(db: Tables) -> None:
    await db.run("create table other (org text)")
    assert {await outcome(db, of_a_table(name)) for name in SETTINGS} == {"error"}
