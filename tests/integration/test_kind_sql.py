"""The sql kind against real tables."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rules.base import Outcome, Rows, Severity, Unanswered
from rules.classify import build_classifier
from tests.postgres import Server
from tests.watched_tables import NATIVE, NOW, Tables, entity, kind_of, tables
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.open import open_source

ROW = "insert into mails (id, status, attempts, error, at) values ($1, $2, $3, $4, $5)"


@pytest.fixture(params=list(NATIVE))
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as opened:
        await opened.run(
            "create table mails (id int, status text, attempts int, error text, at $at)"
        )
        opened.classifier = build_classifier()
        yield opened


async def write(db: Tables, *mails: tuple[int, str, int, str | None, float]) -> None:
    """Write mails; the last number is their age in hours."""
    await db.run(ROW, *((*rest, db.ago(hours=age)) for *rest, age in mails))


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [({"max": 10}, Outcome.OK), ({"max": 9}, Outcome.BAD), ({"min": 11}, Outcome.BAD)],
)
async def test_a_value_is_held_against_its_limits(
    db: Tables, limits: dict[str, Any], outcome: Outcome
) -> None:
    await write(db, (1, "FAILED", 10, None, 1))
    kind = kind_of("sql", query="select sum(attempts) as tries from mails;", **limits)
    assert (await db.judge(kind)).outcome is outcome


async def test_a_value_of_each_entity_is_judged(db: Tables) -> None:
    query = "select status, count(*) as n from mails group by status"
    limits = {"max": {"warning": 1, "critical": 2}, "value": "n", "entity": ["status"]}
    await write(db, *((n, "AAB"[n % 3] + "C" * (n % 2), 0, None, 1) for n in range(9)))
    judgement = await db.judge(kind_of("sql", query=query, **limits), [entity(status="B")])
    counts = {one.entity[0][1]: one.severity for one in judgement.findings}
    assert counts == {"A": Severity.CRITICAL, "AC": Severity.CRITICAL, "B": Severity.WARNING}
    assert judgement.findings[-1].detail == "n is 2, limit 1."


@pytest.mark.parametrize("query", ["select null", "select 1 where 1 = 0", "select 'many'"])
async def test_no_number_is_no_data(db: Tables, query: str) -> None:
    assert (await db.judge(kind_of("sql", query=query, max=1))).outcome is Outcome.NO_DATA


async def test_every_row_is_a_finding_of_its_entity(db: Tables) -> None:
    query = "select id, error from mails where status = 'FAILED' and attempts > 3"
    kind = kind_of("sql", query=query, entity=["id"], error="error")
    await write(db, (1, "FAILED", 4, "401", 1), (2, "FAILED", 3, "", 1), (3, "SENT", 9, "", 1))
    judgement = await db.judge(kind, [entity(id="1"), entity(id="2")])
    (finding,) = judgement.findings
    assert (finding.entity, finding.failure_class) == (entity(id="1"), "auth_config")
    assert [one.entity for one in judgement.readings] == [entity(id="2")]


async def test_only_new_rows_are_counted(db: Tables) -> None:
    query = "select error, at from mails where status = 'FAILED' and attempts >= 5 -- for good"
    kind = kind_of("sql", query=query, error="error", new_only={"column": "at", "within": "1h"})
    await write(
        db,
        (1, "FAILED", 5, "mailbox unknown", 0.2),
        (2, "FAILED", 5, "invalid api key", 0.9),
        (3, "FAILED", 5, "old", 1.0),
        (4, "FAILED", 4, "tries again", 0.1),
    )
    (finding,) = (await db.judge(kind)).findings
    assert (finding.value, finding.fact) == (2.0, "2 rows found (max 0)")
    assert (finding.failure_class, finding.error_text) == ("auth_config", "invalid api key")
    assert finding.open_after == 1


async def test_a_query_may_speak_of_now(db: Tables) -> None:
    await write(db, (1, "FAILED", 5, None, 1), (2, "FAILED", 5, None, -1))
    kind = kind_of("sql", query="select count(*) from mails where at < {{ now }}", max=0)
    (finding,) = (await db.judge(kind)).findings
    assert finding.value == 1.0


LOAD = {
    "postgres": "select pg_sleep(0.06)",
    "sqlite": "with recursive c (n) as (select 1 union all select n + 1 from c where n < 200000)"
    " select count(*) from c",
}


async def test_a_query_that_takes_too_long_is_bad(db: Tables) -> None:
    limits = {"warning": "1ms", "critical": "1h"}
    slow = kind_of("sql", query=LOAD[db.storage.name], within=limits)
    (finding,) = (await db.judge(slow)).findings
    assert (finding.entity, finding.severity, finding.limit) == ((), Severity.WARNING, 0.001)
    assert finding.value is not None
    assert finding.value > 0.001
    assert finding.fact.endswith("ms (max 1ms)")


async def test_a_query_that_is_quick_enough_is_good(db: Tables) -> None:
    fast = kind_of("sql", query=LOAD[db.storage.name], within="1h")
    (reading,) = (await db.judge(fast, [()])).readings
    assert reading.fact.startswith("query took ")
    assert reading.fact.endswith("ms (max 1h)")


async def test_a_query_is_not_slow_because_its_neighbours_are(db: Tables) -> None:
    (slow,) = kind_of("sql", query=LOAD[db.storage.name]).ask(db.context(), ())
    (fast,) = kind_of("sql", query="select 1").ask(db.context(), ())
    await db.source.answer(fast)
    answers = await db.source.answer_all([slow, fast, slow, fast])
    tooks = [one.took for one in answers if isinstance(one, Rows)]
    assert len(tooks) == 4
    assert min(tooks[1], tooks[3]) < min(tooks[0], tooks[2])


async def test_a_query_that_was_stopped_is_no_slow_one(
    postgres_server: Server, tmp_path: Path
) -> None:
    async with tables(NATIVE["postgres"], postgres_server, tmp_path) as db:
        spec = SourceSpec(
            "db", "postgres", SecretStr(db.address), "ops", timeout=timedelta(seconds=1)
        )
        source = open_source(spec, {})
        (question,) = kind_of("sql", query="select pg_sleep(9)", within="1ms").ask(db.context(), ())
        answer = await source.answer(question)
        await source.close()
    assert isinstance(answer, Unanswered)
    assert not answer.whole_source


async def test_only_rows_that_were_not_there_before_are_counted(db: Tables) -> None:
    query = "select id, at from mails where status = 'FAILED' and attempts >= 5"
    kind = kind_of("sql", query=query, new_only={"key": "id", "column": "at", "within": "1h"})
    await write(db, (1, "FAILED", 5, "old", 20), (2, "FAILED", 4, "tries again", 0.1))
    assert (await db.judge(kind)).outcome is Outcome.OK
    await write(db, (3, "FAILED", 5, "queued long ago", 20), (4, "FAILED", 4, None, 0.1))
    (finding,) = (await db.judge(kind)).findings
    assert finding.fact == "1 row found (max 0)"
    later = await db.judge(kind, [()], NOW + timedelta(hours=1))
    assert (later.outcome, len(later.readings)) == (Outcome.OK, 1)
